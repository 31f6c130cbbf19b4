"""Clips as examples of what is looked for, and of what is not: the measures of `exact.Ranking`.

Every row is scanned for its inner product with each example, in float32, by FAISS, or by BLAS where
examples are many. From the product and the kept norms follow bounds of each distance of Eq. 5 (Wang
et al. 2025) that hold whatever the rounding did, and from those bounds of every score that grows or
falls with the distances.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indexing.arrays import Doubles, Floats, Longs, Mask
from indexing.vectors.buffer import Vectors
from indexing.vectors.exact import Ranked
from ml.distance import LAMBDA, eq5
from ml.feedback import Near, log_odds_against

# Half the distance between 1 and the next float32: each product and each sum is off by no more.
ROUNDING = 2.0**-24
# Means and logarithms in float64 round, by far less than this part of what they are made of.
SLACK = 1e-12
# So many clips, evenly spread over all there are, tell an example's typical distance.
TYPICAL_OF = 1000


@dataclass(frozen=True)
class Side:
    """One modality of an example: its vector, the vectors it meets, and how much it counts.

    name is the modality of the others; present tells which of them have it; weight is above 0.
    """

    name: str
    query: NDArray[np.float32]
    vectors: Vectors
    present: Mask
    weight: float


@dataclass(frozen=True, eq=False)
class Example:
    """One clip that n others are compared with by its sides: none, one modality or two."""

    count: int
    sides: Sequence[Side]
    scanned: dict[str, Floats] = field(default_factory=dict)  # inner products (n,) by modality

    @cached_property
    def shared(self) -> Doubles:
        """How much of this clip each other one (n,) can be compared with; 0 is not at all."""
        total = np.zeros(self.count)
        for side in self.sides:
            total = total + side.weight * side.present
        return total

    @cached_property
    def bounds(self) -> tuple[Doubles, Doubles]:
        """A distance no clip's (n,) is below, and one that none is above; infinite for none."""
        low = high = np.zeros(self.count)
        for side in self.sides:
            least, most = side_bounds(side, self.scanned.get(side.name))
            low = low + side.weight * np.where(side.present, least, 0.0)
            high = high + side.weight * np.where(side.present, most, 0.0)
        return self._mean(low) * (1 - SLACK), self._mean(high) * (1 + SLACK)

    def _mean(self, total: Doubles) -> Doubles:
        return _divided(total, self.shared)

    def distances(self, rows: Longs) -> tuple[Doubles, list[Doubles]]:
        """Return the exact distance of these rows (r,), infinite for none, and each side's, NaN."""
        by_side = [
            np.where(side.present[rows], eq5(side.query, side.vectors.rows[rows]), np.nan)
            for side in self.sides
        ]
        if not by_side:
            return np.full(len(rows), np.inf), []
        return weighted_mean(by_side, [side.weight for side in self.sides]), by_side

    @cached_property
    def typical(self) -> float:
        """The median distance to clips spread over all that can be compared; never 0."""
        rows = np.flatnonzero(self.shared > 0)
        if len(rows) > TYPICAL_OF:
            rows = rows[np.linspace(0, len(rows) - 1, TYPICAL_OF).round().astype(np.int64)]
        median = float(np.median(self.distances(rows)[0])) if len(rows) else 0.0
        return median if median > 0 else 1.0


@dataclass(frozen=True, eq=False)
class Likeness:
    """Ranks clips by their mean distance to all that was asked for; asked >= 1.

    Of several examples those count that a clip can be compared with.
    """

    asked: Sequence[Example]

    def comparable(self) -> Mask:
        """Tell which clips (n,) can be compared with any of the examples."""
        return np.asarray(np.any([one.shared > 0 for one in self.asked], axis=0))

    def lower_bounds(self) -> Doubles:
        """Return a distance that no clip's mean is below (n,), infinite where it has none."""
        return _mean_of([one.bounds[0] for one in self.asked]) * (1 - SLACK)

    def measured(self, rows: Longs) -> list[Ranked]:
        """Return these rows with their exact distances."""
        found = [one.distances(rows) for one in self.asked]
        distances = _mean_of([distance for distance, _ in found])
        names = [[side.name for side in one.sides] for one in self.asked]
        parts: dict[str, list[Doubles]] = {}
        for own, (_, by_side) in zip(names, found, strict=True):
            for name, values in zip(own, by_side, strict=True):
                parts.setdefault(name, []).append(np.where(np.isnan(values), np.inf, values))
        means = {name: _mean_of(values) for name, values in parts.items()}
        return [
            Ranked(
                int(row),
                float(distances[i]),
                float(distances[i]),
                {name: float(m[i]) for name, m in means.items() if np.isfinite(m[i])},
            )
            for i, row in enumerate(rows)
        ]


@dataclass(frozen=True, eq=False)
class Judged:
    """Ranks clips by the odds that they are not what is meant (`ml.feedback`)."""

    likeness: Likeness
    this: Sequence[Example]
    not_this: Sequence[Example]
    ordinary: Sequence[Example]

    @property
    def wanted(self) -> list[Example]:
        """All examples of what is meant."""
        return [*self.likeness.asked, *self.this]

    def comparable(self) -> Mask:
        """Tell which clips (n,) can be compared with what was asked for."""
        return self.likeness.comparable()

    def lower_bounds(self) -> Doubles:
        """Return log odds that no clip's are below (n,), infinite where it has none."""
        count = len(self.comparable())
        _scan([*self.wanted, *self.not_this, *self.ordinary])
        bounds = log_odds_against(
            _near(self.wanted, [one.bounds[0] for one in self.wanted], count),
            _near(self.not_this, [one.bounds[1] for one in self.not_this], count),
            _near(self.ordinary, [one.bounds[1] for one in self.ordinary], count),
        )
        # Subtracting infinity from infinity, where a clip has no score, would be NaN.
        finite = np.where(np.isfinite(bounds), bounds, 0.0)
        return np.where(np.isfinite(bounds), finite - SLACK * (1 + np.abs(finite)), np.inf)

    def measured(self, rows: Longs) -> list[Ranked]:
        """Return these rows with their exact log odds, and the distance to what was asked for."""
        wanted, unwanted, ordinary = (
            _near(some, [one.distances(rows)[0] for one in some], len(rows))
            for some in (self.wanted, self.not_this, self.ordinary)
        )
        odds = log_odds_against(wanted, unwanted, ordinary)
        return [
            Ranked(plain.row, float(score), plain.distance, plain.by_modality)
            for score, plain in zip(odds, self.likeness.measured(rows), strict=True)
        ]


def _scan(examples: Sequence[Example]) -> None:
    """Scan all rows once for all examples, which are compared with the same vectors."""
    for name in ("video", "audio"):
        found = [(one, side) for one in examples for side in one.sides if side.name == name]
        if found:
            vectors = found[0][1].vectors
            products = vectors.all_inner_products(np.stack([side.query for _, side in found]))
            for (one, _), row in zip(found, products, strict=True):
                one.scanned[name] = row


def _near(examples: Sequence[Example], distances: list[Doubles], count: int) -> Near:
    """Set the distances of `count` clips to some examples beside what is typical of each."""
    table = np.stack(distances) if distances else np.zeros((0, count))
    return Near(table, np.array([one.typical for one in examples]))


def _mean_of(distances: Sequence[Doubles]) -> Doubles:
    """Mean over examples of distances (n,), infinite ones left out; infinite where all are."""
    if len(distances) == 1:
        return distances[0]
    table = np.stack(distances)
    known = np.isfinite(table)
    total = np.where(known, table, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    return _divided(total, np.asarray(count, np.float64))


def weighted_mean(by_side: Sequence[Doubles], weights: Sequence[float]) -> Doubles:
    """Return the joint distance (n,): the mean over the modalities that both clips have.

    by_side holds NaN where a modality is absent, which is left out, never counted as near or far;
    infinite where all are.
    """
    total = np.zeros(len(by_side[0]))
    shared = np.zeros(len(by_side[0]))
    for values, weight in zip(by_side, weights, strict=True):
        present = ~np.isnan(values)
        total += np.where(present, weight * np.nan_to_num(values), 0.0)
        shared += weight * present
    return _divided(total, shared)


def _divided(total: Doubles, count: Doubles) -> Doubles:
    """Divide, with infinity where there is nothing to divide by."""
    nothing = np.full(len(total), np.inf)
    return np.asarray(np.divide(total, count, out=nothing, where=count > 0))


def side_bounds(side: Side, products: Floats | None = None) -> tuple[Doubles, Doubles]:
    """Return a lower and an upper bound (n,) of Eq. 5 between the example and every row.

    A float32 inner product over D terms is off by at most (D + 1) * 2**-24 * |x| |y| in whatever
    order it was summed (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
    """
    query = side.query.astype(np.float64)
    norm = float(np.sqrt(np.sum(query**2)))
    scale = norm * side.vectors.norms
    error = 2.0 * (len(query) + 1) * ROUNDING * scale
    if products is None:
        products = side.vectors.inner_products(side.query)
    product = products.astype(np.float64)
    squares = norm**2 + side.vectors.norms**2
    least = _eq5_from(product + error, squares, scale, -1e-14, zero=1.0)
    return least, _eq5_from(product - error, squares, scale, 1e-14, zero=0.0)


def _eq5_from(
    product: Doubles, squares: Doubles, scale: Doubles, slack: float, *, zero: float
) -> Doubles:
    """Eq. 5 from inner products (n,); `zero` stands for the cosine of a zero vector.

    A zero vector has no direction; with 1 this is below whatever Eq. 5 then takes, with 0 above.
    """
    euclidean = np.sqrt(np.maximum(squares - 2.0 * product + slack * squares, 0.0))
    cosine = np.divide(product, scale, out=np.full_like(product, zero), where=scale > 0)
    return np.asarray(LAMBDA * euclidean + (1 - LAMBDA) * (1 - cosine) + slack)
