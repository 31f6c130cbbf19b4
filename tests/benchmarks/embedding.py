"""Embedding throughput of the ingest path against the same trunk in eager PyTorch.

Measured: as many processes as a worker forks on two cores, each with OpenVINO and as many threads
as a worker gives it, all busy at once. Reference: one process with eager PyTorch, two threads and
batches of 16 crops. Both start from the same decoded frames, so cropping and normalisation are in
both; they take turns, and medians are compared. Both run the same weights, and their features are
compared with each other before anything is timed.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from tests.benchmarks.machine import CORES
from tests.benchmarks.ratio import Ratio, spread

BATCH_CROPS = 16
CLIP_CROPS = 2
SHAPE = (224, 398, 3)
GOAL = 4.0

Floats = NDArray[np.float32]
Frames = NDArray[np.uint8]


def some_frames(clips: int) -> Frames:
    """Return the frames of some clips: smooth pictures with noise, the same every time."""
    rng = np.random.default_rng(7)
    height, width, _ = SHAPE
    y, x = np.mgrid[:height, :width]
    waves = 128 + 60 * np.sin(x / 31)[..., None] * np.cos(y / 23)[..., None]
    noise = rng.normal(0, 20, (5 * clips, *SHAPE))
    return np.asarray(np.clip(waves + noise, 0, 255), np.uint8)


def embed_as_ingest(orders: Connection, clips: int) -> None:
    """Embed some clips whenever told to, as a worker's process does."""
    from ml.runtime import load_trunk

    trunk = load_trunk(
        None, device="cpu", threads=settings.WORKER_THREADS, cache_dir=settings.COMPILED_FOLDER
    )
    _serve(orders, some_frames(clips), trunk.features)


def embed_eagerly(orders: Connection, clips: int) -> None:
    """Embed some clips whenever told to, in eager PyTorch."""
    import torch

    from ml.encoders import split, video_encoder
    from ml.preprocess import clip_tensor, two_crops
    from ml.runtime import RANDOM_SEED

    torch.set_num_threads(CORES)
    trunk = split(video_encoder(RANDOM_SEED))[0].eval()

    def features(frames: Frames) -> Floats:
        clip_frames = frames.reshape(-1, 5, *SHAPE)
        crops = np.concatenate([two_crops(one) for one in clip_frames])
        batches = [crops[i : i + BATCH_CROPS] for i in range(0, len(crops), BATCH_CROPS)]
        with torch.inference_mode():
            pooled = torch.cat([trunk(clip_tensor(batch)) for batch in batches])
        return np.asarray(pooled.numpy().reshape(len(clip_frames), CLIP_CROPS, -1), np.float32)

    _serve(orders, some_frames(clips), features)


def _serve(orders: Connection, frames: Frames, features: Callable[[Frames], Floats]) -> None:
    orders.send(features(frames))  # the first run is a warm-up, and what is compared
    while orders.recv():
        features(frames)
        orders.send(True)


class Embedders:
    """Processes that embed the same clips at once; `run` returns crops a second of all of them."""

    def __init__(
        self, target: Callable[[Connection, int], None], processes: int, clips: int
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self.crops = processes * clips * CLIP_CROPS
        self.ends: list[Connection] = []
        for _ in range(processes):
            ours, theirs = context.Pipe()
            context.Process(target=target, args=(theirs, clips), daemon=True).start()
            self.ends.append(ours)
        self.features: list[Floats] = [end.recv() for end in self.ends]

    def run(self) -> float:
        """Embed once in every process."""
        started = time.perf_counter()
        for end in self.ends:
            end.send(True)
        for end in self.ends:
            end.recv()
        return self.crops / (time.perf_counter() - started)

    def end(self) -> None:
        """Let the processes end."""
        for end in self.ends:
            end.send(False)


def measure(*, quick: bool) -> Ratio:
    """Measure the ratio of the two throughputs."""
    processes = max(1, CORES // settings.WORKER_THREADS)
    eager = Embedders(embed_eagerly, 1, 8)
    ingest = Embedders(embed_as_ingest, processes, 8)
    difference = float(np.abs(eager.features[0] - ingest.features[0]).max())
    scale = float(np.abs(eager.features[0]).max())
    if difference > 1e-3 * scale:
        raise AssertionError(f"The features differ by {difference:g}, of at most {scale:g}.")
    fast, slow = [], []
    for _ in range(1 if quick else 7):
        fast.append(ingest.run())
        slow.append(eager.run())
    eager.end()
    ingest.end()
    return Ratio(
        name="embedding",
        unit="crops/s",
        measured=f"ingest path, {processes} x {settings.WORKER_THREADS} thread",
        figure=statistics.median(fast),
        reference=f"eager PyTorch, {CORES} threads, batch {BATCH_CROPS}",
        reference_figure=statistics.median(slow),
        goal=GOAL,
        better="at least",
        details={
            "ingest path, crops/s (low / median / high)": spread(fast),
            "eager PyTorch, crops/s (low / median / high)": spread(slow),
            "largest relative difference of the features": difference / scale,
        },
    )
