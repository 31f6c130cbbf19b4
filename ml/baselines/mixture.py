"""An adaptive mixture of Gaussians (Stauffer and Grimson, 1999) over vectors instead of pixels.

What is seen often becomes background; an anomaly is far from every background component. It goes on
adapting while it scores, so that drifting light or a new season becomes ordinary by itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

COMPONENTS = 5
# Weight of a new sample: what lasts some 1 / RATE samples becomes background.
RATE = 0.01
# A sample belongs to a component within this many root-mean-square deviations.
MATCH = 2.5
# The heaviest components that together hold this much of the weight are background.
BACKGROUND = 0.9
# A new component is this part of the footage's own variance wide: one that began as wide as all of
# it would take everything in.
START = 0.25
LEAST_VARIANCE = 1e-4

Doubles = NDArray[np.float64]


@dataclass(eq=False)
class AdaptiveMixture:
    """K components with diagonal covariances; changed by every `update`."""

    mean: Doubles  # (K, d)
    variance: Doubles  # (K, d)
    weight: Doubles  # (K,) sums to one
    start_variance: Doubles  # (d,) of a component that is new

    @classmethod
    def fit(cls, rows: ArrayLike, components: int = COMPONENTS) -> "AdaptiveMixture":
        """See rows (n, d), n >= 1, in their order, from the first on."""
        rows = np.asarray(rows, np.float64)
        start = START * np.maximum(rows.var(axis=0), LEAST_VARIANCE)
        weight = np.zeros(components)
        weight[0] = 1
        mean = np.repeat(rows[:1], components, axis=0)
        mixture = cls(mean, np.repeat(start[None], components, axis=0), weight, start)
        for row in rows:
            mixture.update(row)
        return mixture

    def copy(self) -> "AdaptiveMixture":
        """Return one that changes by itself."""
        parts = (self.mean, self.variance, self.weight, self.start_variance)
        return AdaptiveMixture(*(part.copy() for part in parts))

    def distances(self, row: Doubles) -> Doubles:
        """Root mean square of the deviations of a row (d,) from each component: (K,)."""
        return np.asarray(np.sqrt((np.square(row - self.mean) / self.variance).mean(axis=1)))

    def surprise(self, row: Doubles) -> float:
        """Distance of a row (d,) to the nearest background component."""
        order = np.argsort(-self.weight, kind="stable")
        before = np.cumsum(self.weight[order]) - self.weight[order]
        background = order[(before < BACKGROUND) & (self.weight[order] > 0)]
        return float(self.distances(row)[background].min())

    def update(self, row: Doubles) -> None:
        """See a row (d,): move the component it belongs to, or start a new one for it."""
        distances = np.where(self.weight > 0, self.distances(row), np.inf)
        own = int(distances.argmin())
        self.weight *= 1 - RATE
        if distances[own] <= MATCH:
            self.weight[own] += RATE
            apart = row - self.mean[own]
            # Fast while a component is young, as a plain average would be.
            step = min(1.0, RATE / self.weight[own])
            self.mean[own] += step * apart
            self.variance[own] += step * (np.square(apart) - self.variance[own])
            np.maximum(self.variance[own], LEAST_VARIANCE, out=self.variance[own])
        else:
            own = int(self.weight.argmin())
            self.mean[own], self.variance[own] = row, self.start_variance
            self.weight[own] = RATE
        self.weight /= self.weight.sum()
