"""Exact ranking by Eq. 5 (Wang et al. 2025), made fast and still exact (rule 5).

FAISS scans every row once for its inner product with the query, in float32. From the product and
the kept norms follow a lower bound of each distance that holds whatever the rounding did. Rows are
then measured in float64, nearest bound first, and one is given out only when no row that has not
been measured can come before it. The result equals a float64 scan of everything.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexing.vectors.buffer import Vectors
from indexing.vectors.snapshot import Snapshot
from ml.distance import LAMBDA, eq5

Doubles = NDArray[np.float64]
Longs = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Rows measured at first, and at most at once: the latter bounds the memory of long walks.
FIRST_ROWS = 512
MOST_ROWS = 8192
# Half the distance between 1 and the next float32: each product and each sum is off by no more.
ROUNDING = 2.0**-24


@dataclass(frozen=True)
class Side:
    """One modality of a query: its vector, the vectors it meets, and how much it counts.

    name is the modality of the others; present tells which of them have it; weight is above 0.
    """

    name: str
    query: NDArray[np.float32]
    vectors: Vectors
    present: Mask
    weight: float


@dataclass(frozen=True)
class Ranked:
    """A clip, its exact distance, and the distances that were compared, by modality."""

    row: int
    distance: float
    by_modality: dict[str, float]


class Ranking:
    """All clips by (distance, camera, time), measured as far as somebody asks."""

    def __init__(self, snapshot: Snapshot, sides: list[Side], eligible: Mask) -> None:
        self.snapshot = snapshot
        self.sides = sides
        shared = sum((side.weight * side.present for side in self.sides), np.zeros(len(snapshot)))
        self.eligible = eligible & (shared > 0)
        self.count = int(np.count_nonzero(self.eligible))
        self._shared = shared
        self.bounds = self._lower_bounds()

    def _lower_bounds(self) -> Doubles:
        """Return a distance that no clip's exact one is below; infinite for the ineligible."""
        total = np.zeros(len(self.snapshot))
        for side in self.sides:
            total += side.weight * np.where(side.present, lower_bounds(side), 0.0)
        bounds = np.full(len(self.snapshot), np.inf)
        np.divide(total, self._shared, out=bounds, where=self.eligible)
        # The weighted mean itself rounds, by far less than this.
        return bounds - 1e-12 * np.abs(np.where(self.eligible, bounds, 0.0))

    def __iter__(self) -> Iterator[Ranked]:
        """Give out the eligible clips in exact order."""
        measured: list[Ranked] = []
        for rows, frontier in self._nearest_first():
            measured = sorted([*measured, *self._measured(rows)], key=self._place)
            given = 0
            for ranked in measured:
                if ranked.distance >= frontier:
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

    def _measured(self, rows: Longs) -> list[Ranked]:
        """Return these rows with their exact distances, in no order."""
        by_side = [
            np.where(side.present[rows], eq5(side.query, side.vectors.rows[rows]), np.nan)
            for side in self.sides
        ]
        distances = weighted_mean(by_side, [side.weight for side in self.sides])
        return [
            Ranked(
                int(row),
                float(distances[i]),
                {
                    side.name: float(values[i])
                    for side, values in zip(self.sides, by_side, strict=True)
                    if not np.isnan(values[i])
                },
            )
            for i, row in enumerate(rows)
        ]

    def _place(self, ranked: Ranked) -> tuple[float, str, int, int]:
        """Order by distance, then by camera and time; the recording settles what is left."""
        snapshot, row = self.snapshot, ranked.row
        camera = snapshot.cameras[snapshot.camera[row]]
        return ranked.distance, camera, int(snapshot.at[row]), int(snapshot.recording[row])


def weighted_mean(by_side: list[Doubles], weights: list[float]) -> Doubles:
    """Return the joint distance (n,): the mean over the modalities that both clips have.

    by_side holds NaN where a modality is absent; every row has at least one. An absent modality is
    left out, never counted as near or far.
    """
    total = np.zeros(len(by_side[0]))
    shared = np.zeros(len(by_side[0]))
    for values, weight in zip(by_side, weights, strict=True):
        present = ~np.isnan(values)
        total += np.where(present, weight * np.nan_to_num(values), 0.0)
        shared += weight * present
    return np.asarray(total / shared)


def lower_bounds(side: Side) -> Doubles:
    """Return a lower bound (n,) of Eq. 5 between the query and every row.

    A float32 inner product over D terms is off by at most (D + 1) * 2**-24 * |x| |y| in whatever
    order it was summed (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
    """
    query = side.query.astype(np.float64)
    norm = float(np.sqrt(np.sum(query**2)))
    scale = norm * side.vectors.norms
    error = 2.0 * (len(query) + 1) * ROUNDING * scale
    product = side.vectors.inner_products(side.query).astype(np.float64) + error
    squared = norm**2 + side.vectors.norms**2 - 2.0 * product
    slack = 1e-14 * (norm**2 + side.vectors.norms**2)
    euclidean = np.sqrt(np.maximum(squared - slack, 0.0))
    # A zero vector has no direction; whatever cosine Eq. 5 then takes, 1 keeps this a bound.
    cosine = np.divide(product, scale, out=np.ones_like(product), where=scale > 0)
    return np.asarray(LAMBDA * euclidean + (1 - LAMBDA) * (1 - cosine) - 1e-14)
