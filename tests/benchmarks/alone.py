"""What decoding and inference cost where nothing else is done."""

import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from indexing.media.decode import decode_chunk
from indexing.media.probe import probe
from ml.runtime import load_trunk
from tests.benchmarks.machine import CORES


@dataclass(frozen=True)
class Alone:
    """Processor seconds of the two parts of an ingest that cannot be avoided."""

    decode_s: float
    inference_s: float

    @property
    def two_cores_s(self) -> float:
        """How long both take where two cores share them perfectly."""
        return (self.decode_s + self.inference_s) / CORES


def parts_alone(path: Path, chunks: list[tuple[int, int]]) -> Alone:
    """Measure the two parts over chunks (start, clips) of a recording, in this process alone."""
    trunk = load_trunk(
        None, device="cpu", threads=settings.WORKER_THREADS, cache_dir=settings.COMPILED_FOLDER
    )
    info = probe(path)
    first = decode_chunk(path, info, 0, 1).frames
    if first is None:
        raise AssertionError(f"{path} has no picture.")
    trunk.features(first)  # the first inference is a warm-up
    decode_s = inference_s = 0.0
    for start, clips in chunks:
        before = time.process_time()
        decoded = decode_chunk(path, info, start, clips)
        between = time.process_time()
        assert decoded.frames is not None
        trunk.features(decoded.frames)
        decode_s += decoded.cpu_s + between - before
        inference_s += time.process_time() - between
    return Alone(decode_s, inference_s)
