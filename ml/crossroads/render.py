"""A plan rendered in order, piece by piece, by one process or several."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.crossroads.picture import FPS, Renderer
from ml.crossroads.plan import Plan
from ml.crossroads.soundtrack import RealSounds, Soundtrack
from ml.crossroads.synthesis import SAMPLE_RATE, Samples

PIECE_S = 4


@dataclass(frozen=True, eq=False)
class Piece:
    """n seconds of a stream: frames uint8 (FPS n, 360, 640, 3), samples float32 (44100 n,)."""

    seconds: int
    frames: NDArray[np.uint8]
    samples: Samples


class Stage:
    """What renders pieces of one plan."""

    def __init__(self, plan: Plan, sounds: RealSounds | None = None) -> None:
        self.renderer, self.soundtrack = Renderer(plan), Soundtrack(plan, sounds)

    def piece(self, start_s: int, end_s: int) -> Piece:
        """Render from one whole second of the stream to another."""
        numbers = range(start_s * FPS, end_s * FPS)
        frames = np.stack([self.renderer.frame(number) for number in numbers])
        samples = np.concatenate([self.soundtrack.second(s) for s in range(start_s, end_s)])
        assert len(samples) == SAMPLE_RATE * (end_s - start_s)  # noqa: S101
        return Piece(end_s - start_s, frames, samples)


def render(
    plan: Plan, start_s: int, end_s: int, sounds: RealSounds | None = None, jobs: int = 1
) -> Generator[Piece, None, None]:
    """Yield the pieces of a plan between two whole seconds, in order, drawn by `jobs` processes.

    Close it to end the processes at once.
    """
    spans = [(s, min(s + PIECE_S, end_s)) for s in range(start_s, end_s, PIECE_S)]
    if jobs < 2 or len(spans) < 2:
        stage = Stage(plan, sounds)
        yield from (stage.piece(*span) for span in spans)
        return
    with _processes(jobs, plan, sounds) as pool:
        waiting: deque[Future[Piece]] = deque()
        for span in spans:
            with _unheard(signal.SIGINT):
                waiting.append(pool.submit(_piece, *span))
            if len(waiting) > 2 * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def _processes(jobs: int, plan: Plan, sounds: RealSounds | None) -> Iterator[ProcessPoolExecutor]:
    """Have processes that draw; where the block is left early, what they draw is for nobody."""
    # Spawned, since the caller may have loaded libraries that do not survive a fork.
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(jobs, context, _begin, (plan, sounds)) as pool:
        try:
            yield pool
        except BaseException:
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise


@contextmanager
def _unheard(number: signal.Signals) -> Iterator[None]:
    """Hold a signal back; processes begun meanwhile never get it.

    Ctrl-C goes to every process of a terminal, but it is the one in front that answers.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_stage: Stage | None = None


def _begin(plan: Plan, sounds: RealSounds | None) -> None:
    global _stage
    _stage = Stage(plan, sounds)


def _piece(start_s: int, end_s: int) -> Piece:
    assert _stage is not None  # noqa: S101
    return _stage.piece(start_s, end_s)
