"""How far a moment stands out from what its camera usually sees or hears. numpy only.

A second of ordinary traffic looks and sounds like many others, a siren like few: the distance to
the k-th nearest second of another time tells them apart without labels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.anomaly import neighbour

# Of so many seconds: an event that came a few times stays far from its k-th nearest, the ordinary
# does not. Of shorter footage no fewer, since an event lasts several seconds, and all of them would
# be near once it came twice.
NEIGHBOURS = 10
REFERENCE_CLIPS = 1800
LEVELS = 401

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Salience:
    """The part of a camera's seconds that stand out less than this one; made by `fit`."""

    reference: Floats  # (r, d) descriptions of seconds that were trained on
    at: Integers  # (r,) when they were, in seconds
    levels: Floats  # (LEVELS,) quantiles of their own distances, evenly spaced

    @classmethod
    def fit(cls, rows: Floats, at: Integers) -> "Salience":
        """Measure on descriptions (n, d) of seconds `at` (n,), n >= 1."""
        plain = cls.without_levels(rows, at)
        distances = plain.distance(plain.reference, plain.at)
        levels = np.quantile(distances, np.linspace(0, 1, LEVELS)).astype(np.float32)
        return cls(plain.reference, plain.at, levels)

    @classmethod
    def without_levels(cls, rows: Floats, at: Integers) -> "Salience":
        """Keep a reference of descriptions (n, d) at (n,), enough for `distance` alone."""
        some = np.linspace(0, len(rows) - 1, min(len(rows), REFERENCE_CLIPS)).astype(np.int64)
        return cls(np.asarray(rows[some], np.float32), at[some], np.zeros(LEVELS, np.float32))

    def distance(self, rows: Floats, at: Integers) -> Floats:
        """Eq. 5 from rows (n, d) at (n,) to the k-th nearest of another minute -> (n,)."""
        found = neighbour(rows, self.reference, NEIGHBOURS, at=at, reference_at=self.at)
        # A minute of footage has no other minute; then all of it is compared.
        alone = np.isnan(found)
        if alone.any():
            found[alone] = neighbour(rows[alone], self.reference, NEIGHBOURS)
        return found.astype(np.float32)

    def __call__(self, rows: Floats, at: Integers) -> Floats:
        """Share (0 to 1) of the seconds trained on that stand out less than rows (n, d) -> (n,)."""
        below = np.searchsorted(self.levels, self.distance(rows, at), side="left")
        return np.asarray(below / len(self.levels), np.float32)
