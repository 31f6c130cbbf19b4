"""Descriptions seen against what is ordinary for a camera. numpy only.

Ordinary traffic varies far more in some directions than in others, and an unusual moment is told
apart by the directions in which the ordinary is quiet. Scaling those up before taking the cosine is
the adaptive coherence estimator, which finds targets in clutter whose covariance is measured on the
clutter itself (Kraut, Scharf and McWhorter 2001, "Adaptive subspace detectors", IEEE Transactions
on Signal Processing 49).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.salience import Salience

# The quieter half of a camera's seconds is the clutter: with more of them, events that last, such
# as a train, are whitened away too.
ORDINARY_SHARE = 0.5
# Added to every direction, as a part of the mean variance: a direction in which the ordinary hardly
# varies is noise, and a few minutes of footage do not fill all of them. Once more for each column
# that there is to a second.
RIDGE = 0.07
LEAST_VARIANCE = 1e-9

Floats = NDArray[np.float32]
Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class Whitening:
    """A linear map of descriptions (n, d) -> (n, d) after which the ordinary is round; by `fit`."""

    mean: Floats  # (d,) of the ordinary
    matrix: Floats  # (d, d)

    @classmethod
    def fit(cls, rows: Floats, salience: Floats) -> "Whitening":
        """Measure on those of rows (n, d), n >= 1, whose salience (n,) is among the least."""
        ordinary = rows[salience <= np.quantile(salience, ORDINARY_SHARE)].astype(np.float64)
        mean = ordinary.mean(axis=0)
        covariance = (ordinary - mean).T @ (ordinary - mean) / len(ordinary)
        variance = np.trace(covariance) / len(covariance)
        # The fewer seconds there are for the directions, the less their variances are believed.
        share = RIDGE * (1 + len(covariance) / len(ordinary))
        ridge = max(share * variance, LEAST_VARIANCE)
        values, vectors = np.linalg.eigh(covariance + ridge * np.eye(len(covariance)))
        # Scaled so that the ordinary keeps its mean variance, and ends have known sizes.
        matrix = vectors * np.sqrt(max(variance, LEAST_VARIANCE) / values)
        return cls(mean.astype(np.float32), matrix.astype(np.float32))

    @classmethod
    def of_seconds(cls, rows: Floats) -> "Whitening":
        """Measure on consecutive clips (n, d), n >= 1, by how far each stands out."""
        at = np.arange(len(rows), dtype=np.int64)
        return cls.fit(rows, Salience.without_levels(rows, at).distance(rows, at))

    def __call__(self, rows: Floats) -> Floats:
        """Map rows (n, d) -> (n, d)."""
        return np.asarray((rows - self.mean) @ self.matrix, np.float32)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All it knows as named arrays."""
        return {"mean": self.mean, "matrix": self.matrix}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "Whitening":
        """Make again what `arrays` gave out; raises ValueError for shapes that do not fit."""
        mean, matrix = (np.asarray(arrays[name], np.float32) for name in ("mean", "matrix"))
        if mean.ndim != 1 or matrix.shape != (len(mean), len(mean)):
            raise ValueError("The whitening of an encoder is no square matrix.")
        return cls(mean, matrix)
