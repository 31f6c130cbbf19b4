"""Wall time of a whole ingest against what decoding and inference alone would take on two cores.

Measured: the wall seconds of `manage.py ingest FILE --wait`, from the start of the command until
the recording and its camera's encoder are ready, by a worker that is up and has embedded something
before (its libraries are loaded, its graph is compiled). Copying, probing, the foreground, log-mel,
thumbnails, writing, publishing, fitting the encoder and waiting for the queue are all in it.

Reference: processor seconds divided by two cores. Decoding alone is `decode_chunk` over every chunk
of the plan: the decoder child's user and system time (`DecodedChunk.cpu_s`) and this process's own
meanwhile. Inference alone is `Trunk.features` over the very same clips, in one process with the
runtime and the threads of the ingest path, by that process's user and system time.

Some two seconds go on starting the command, probing and closing, whatever the length, and weigh the
less the longer a recording is; hence twenty minutes.

The wall time stretches where others use the cores, the processor seconds hardly do: the details
tell what share of the cores others took, and the ratio without that share.
"""

import multiprocessing

from indexing.ingest import plan
from indexing.media.probe import probe
from tests.benchmarks.alone import parts_alone
from tests.benchmarks.footage import crossroads
from tests.benchmarks.installation import installed
from tests.benchmarks.machine import CORES, used
from tests.benchmarks.ratio import Ratio

GOAL = 1.25


def measure(*, quick: bool) -> Ratio:
    """Measure the ratio of the two times."""
    path = crossroads(2 if quick else 20)
    chunks = plan(probe(path).duration_s)
    with multiprocessing.get_context("spawn").Pool(1) as pool, installed() as installation:
        alone = pool.apply(parts_alone, (path, chunks))
        installation.ingest(crossroads(3), "warm-up")
        with used(installation.worker.pid) as use:
            document = installation.ingest(path, "bench")
    return Ratio(
        name="ingest",
        unit="s",
        measured=f"whole ingest of {document['clips']} clips, wall",
        figure=use.wall_s,
        reference=f"(decoding + inference alone) / {CORES} cores",
        reference_figure=alone.two_cores_s,
        goal=GOAL,
        better="at most",
        details={
            "decoding alone, processor s": alone.decode_s,
            "inference alone, processor s": alone.inference_s,
            "all of the worker, processor s": use.own_s,
            "share of the cores that others took": use.others_share,
            "ratio without that share": use.wall_s * (1 - use.others_share) / alone.two_cores_s,
        },
    )
