"""A search over 100,000 clips against one plain FAISS scan of the same vectors.

Measured: the joint search of the product - the filter by camera, both modalities by Eq. 5, exact in
float64, 20 hits and an exclusion window of 60 s - over a snapshot of 100,000 clips with two vectors
of 512 numbers each. Reference: `IndexFlatL2` over the same clips, their two vectors side by side
(1,024 numbers), searched for its 20 nearest. Both answer the same queries in turn.

The vectors drift slowly from second to second, as footage does, and every kind of event comes back
at random, so that the window really suppresses the neighbours of hits.
"""

import statistics
import time

import faiss
import numpy as np
from numpy.typing import NDArray

from indexing.vectors.fields import Field, Probe, rank_fields
from indexing.vectors.shards import Embeddings
from indexing.vectors.snapshot import Place, Snapshot
from tests.benchmarks.ratio import Ratio, spread

CLIPS = 100_000
DIMENSION = 512
HITS = 20
WINDOW_S = 60
CAMERA = "bench"
KINDS, EVENT_S = 12, 8
GOAL = 2.0

Floats = NDArray[np.float32]


def stream(clips: int, seed: int) -> Floats:
    """Return the vectors (n, 512) of an ordinary stream with events that come back."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((clips, DIMENSION), np.float32)
    for second in range(1, clips):
        vectors[second] *= 0.3
        vectors[second] += 0.95 * vectors[second - 1]
    kinds = 3 * rng.standard_normal((KINDS, DIMENSION), np.float32)
    for start in rng.integers(0, clips - EVENT_S, clips // 200):
        vectors[start : start + EVENT_S] += kinds[rng.integers(KINDS)]
    return vectors / np.float32(np.sqrt(DIMENSION))


def make_snapshot(clips: int) -> Snapshot:
    """Return a snapshot made of shards of a minute, as an ingest leaves them."""
    video, audio = stream(clips, 1), stream(clips, 2)
    present = np.ones(clips, bool)
    shards = []
    for start in range(0, clips, 60):
        rows = slice(start, start + 60)
        embeddings = Embeddings(video[rows], audio[rows], present[rows], present[rows])
        shards.append((Place(recording=1, camera=CAMERA, second=start, at=start), embeddings))
    return Snapshot.empty(DIMENSION, DIMENSION).extended(shards)


def search(snapshot: Snapshot, second: int) -> int:
    """Search for the other times of a second; return how many hits there are."""
    probe = Probe(video=snapshot.video.rows[second], audio=snapshot.audio.rows[second])
    field = Field(
        snapshot=snapshot,
        compared="joint",
        audio_weight=0.5,
        asked=[probe],
        eligible=snapshot.admitted(cameras=(CAMERA,)),
        origins=[(CAMERA, second)],
    )
    return len(rank_fields([field], hits=HITS, window=WINDOW_S).hits)


def measure(*, quick: bool) -> Ratio:
    """Measure the ratio of the two times."""
    clips = CLIPS // 10 if quick else CLIPS
    snapshot = make_snapshot(clips)
    both = np.concatenate([snapshot.video.rows, snapshot.audio.rows], axis=1)
    index = faiss.IndexFlatL2(both.shape[1])
    index.add(both)
    ours, plain = [], []
    for second in np.random.default_rng(3).integers(0, clips, 5 if quick else 25):
        started = time.perf_counter()
        found = search(snapshot, int(second))
        ours.append(1e3 * (time.perf_counter() - started))
        if found != HITS:
            raise AssertionError(f"The search gave {found} hits, not {HITS}.")
        started = time.perf_counter()
        index.search(both[second : second + 1], HITS)
        plain.append(1e3 * (time.perf_counter() - started))
    return Ratio(
        name="search",
        unit="ms",
        measured=f"exact joint search of {clips:,} clips",
        figure=statistics.median(ours),
        reference="IndexFlatL2",
        reference_figure=statistics.median(plain),
        goal=GOAL,
        better="at most",
        details={
            "search, ms (low / median / high)": spread(ours),
            "IndexFlatL2, ms (low / median / high)": spread(plain),
            "FAISS threads": str(faiss.omp_get_max_threads()),
        },
    )
