"""Exact ranking of clips, made fast and still exact (rule 5).

A measure gives every clip a score and, cheaply, a bound that the score is never below. Rows are
scored in float64, nearest bound first, and one is given out only when no row that has not been
scored can come before it. The result equals a float64 scan of everything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from indexing.arrays import Doubles, Longs, Mask
from indexing.vectors.snapshot import Snapshot

# Rows scored at first, and at most at once: the latter bounds the memory of long walks.
FIRST_ROWS = 512
MOST_ROWS = 8192


@dataclass(frozen=True)
class Ranked:
    """A clip, its exact score, and the distance to what was asked for, also by modality.

    The score is that distance, unless hits were judged (`ml.feedback`); lower ranks first.
    """

    row: int
    score: float
    distance: float
    by_modality: dict[str, float]


class Measure(Protocol):
    """Gives clips their score."""

    def comparable(self) -> Mask:
        """Tell which clips (n,) have a score at all."""

    def lower_bounds(self) -> Doubles:
        """Return what no clip's score is below (n,), where it has one."""

    def measured(self, rows: Longs) -> list[Ranked]:
        """Return these comparable rows with their exact scores, in their own order."""


class Ranking:
    """All clips by (score, camera, time), scored as far as somebody asks."""

    def __init__(self, snapshot: Snapshot, measure: Measure, eligible: Mask) -> None:
        self.snapshot = snapshot
        self.measure = measure
        self.eligible = eligible & measure.comparable()
        self.count = int(np.count_nonzero(self.eligible))
        self.bounds = np.where(self.eligible, measure.lower_bounds(), np.inf)

    def __iter__(self) -> Iterator[Ranked]:
        """Give out the eligible clips in exact order."""
        measured: list[Ranked] = []
        for rows, frontier in self._nearest_first():
            measured = sorted([*measured, *self.measure.measured(rows)], key=self._place)
            given = 0
            for ranked in measured:
                if ranked.score >= frontier:
                    break
                yield ranked
                given += 1
            del measured[:given]

    def _nearest_first(self) -> Iterator[tuple[Longs, float]]:
        """Yield rows in blocks by their bounds, each with a bound on all rows of later blocks.

        Most searches end within the first block, for which a partition is enough; the rest is
        sorted only if somebody comes for it.
        """
        total = self.count
        size = min(FIRST_ROWS, total)
        if size < total:
            first = np.argpartition(self.bounds, size)
            yield first[:size], float(self.bounds[first[size]])
            rest = first[size:]
            order = rest[np.argsort(self.bounds[rest], kind="stable")][: total - size]
        else:
            order = np.flatnonzero(self.eligible)
        done = 0
        while done < len(order):
            size = min(2 * size, MOST_ROWS)
            block = order[done : done + size]
            done += len(block)
            yield block, float(self.bounds[order[done]]) if done < len(order) else np.inf

    def _place(self, ranked: Ranked) -> tuple[float, str, int, int]:
        """Order by score, then by camera and time; the recording settles what is left."""
        snapshot, row = self.snapshot, ranked.row
        camera = snapshot.cameras[snapshot.camera[row]]
        return ranked.score, camera, int(snapshot.at[row]), int(snapshot.recording[row])
