"""How far a moment stands out from what its camera usually sees or hears. numpy only.

A second of ordinary traffic looks and sounds like many others, a siren like few: the distance to
the k-th nearest second of another time tells them apart without labels. An embedding whose length
follows it lets the ordinary half of a joint query keep silent.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.anomaly import Calibration, neighbour

# Of so many seconds: an event that came a few times stays far from its k-th nearest, the ordinary
# does not. Of shorter footage no fewer, since an event lasts several seconds, and all of them would
# be near once it came twice.
NEIGHBOURS = 10
REFERENCE_CLIPS = 1800
LEVELS = 401
EMBEDDING = 512
# The most ordinary seconds keep a direction, and are not the same to the last bit.
LEAST = np.float32(0.05)

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class Salience:
    """The part of a camera's seconds that stand out less than this one; made by `fit`."""

    reference: Floats  # (r, d) descriptions of seconds that were trained on
    at: Integers  # (r,) when they were, in seconds
    levels: Floats  # (LEVELS,) quantiles of their own distances, evenly spaced

    @classmethod
    def fit(cls, rows: Floats, at: Integers) -> "Salience":
        """Measure on descriptions (n, d) of seconds `at` (n,), n >= 1."""
        some = np.linspace(0, len(rows) - 1, min(len(rows), REFERENCE_CLIPS)).astype(np.int64)
        plain = cls(np.asarray(rows[some], np.float32), at[some], np.zeros(LEVELS, np.float32))
        distances = plain.distance(plain.reference, plain.at)
        levels = np.quantile(distances, np.linspace(0, 1, LEVELS)).astype(np.float32)
        return cls(plain.reference, plain.at, levels)

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
        return self.share(self.distance(rows, at))

    def share(self, distances: Floats) -> Floats:
        """Share (0 to 1) of the seconds trained on whose own distance is less: (n,) -> (n,)."""
        return np.asarray(
            np.searchsorted(self.levels, distances, side="left") / len(self.levels), np.float32
        )

    def surprise(self, distances: Floats) -> NDArray[np.float64]:
        """Surprise of distances (n,) in nats, as `ml.anomaly.Calibration`; NaN stays."""
        return Calibration.fit(self.levels)(distances)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All it knows as named arrays."""
        return {"reference": self.reference, "at": self.at, "levels": self.levels}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "Salience":
        """Make again what `arrays` gave out; raises ValueError for anything that does not fit."""
        reference, levels = (_finite(arrays[name]) for name in ("reference", "levels"))
        at = arrays["at"]
        if reference.ndim != 2 or at.shape != (len(reference),) or not len(at):
            raise ValueError("The reference of an encoder does not fit its times.")
        if at.dtype.kind != "i" or (np.diff(at) < 0).any():
            raise ValueError("The times of an encoder's reference are whole seconds, ascending.")
        if levels.ndim != 1 or not len(levels) or (np.diff(levels) < 0).any():
            raise ValueError("The levels of an encoder do not ascend.")
        return cls(reference, np.asarray(at, np.int64), levels)


@dataclass(frozen=True, eq=False)
class Outlet:
    """Puts one modality's embedding together so that the ordinary is short and alike.

    z = s * length * [e, private * p] / sqrt(1 + private^2) and one constant coordinate: e is the
    network's embedding about its mean and p the starter encoder's, each of length one, and s grows
    from LEAST to 1 as the second's salience goes from `quiet` to `loud`. The constant one makes
    ordinary seconds alike by cosine too, which would compare directions of noise without it.
    """

    salience: Salience
    centre: Floats  # (512,) mean of the network's embeddings of what was trained on
    numbers: Floats  # (5,) length, private, anchor, quiet, loud

    def __call__(self, shared: Floats, private: Floats, novelty: Floats, present: Floats) -> Floats:
        """Embed n clips: (n, 512), (n, Dp), (n,), present (n,) of 0 or 1 -> (n, 513 + Dp).

        novelty is `Salience.distance` of each, never read where it is absent. The first 512 columns
        are the shared ones.
        """
        length, weight, anchor, quiet, loud = (float(number) for number in self.numbers)
        ramp = np.clip((self.salience.share(novelty) - quiet) / max(loud - quiet, 1e-6), 0, 1)
        scale = (np.maximum(ramp, LEAST) * present * length / np.sqrt(1 + weight**2))[:, None]
        parts = [_unit(shared - self.centre) * scale]
        if weight > 0:
            parts.append(_unit(private) * scale * weight)
        parts.append((anchor * present)[:, None])
        return np.concatenate(parts, axis=1).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All it knows as named arrays."""
        own = {"centre": self.centre, "numbers": self.numbers}
        return own | {f"salience.{name}": array for name, array in self.salience.arrays().items()}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "Outlet":
        """Make again what `arrays` gave out; raises ValueError for anything that does not fit."""
        prefix = "salience."
        salience = {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
        centre, numbers = (_finite(arrays[name]) for name in ("centre", "numbers"))
        if centre.shape != (EMBEDDING,):
            raise ValueError(f"The centre of an encoder has not {EMBEDDING} columns.")
        if numbers.shape != (5,) or (numbers < 0).any():
            raise ValueError("The lengths of an encoder are not five numbers from zero on.")
        return cls(Salience.from_arrays(salience), centre, numbers)


def _finite(array: NDArray[np.generic]) -> Floats:
    """Read numbers from a file; raises ValueError where one is none, or too large for float32."""
    with np.errstate(over="ignore"):
        numbers = np.asarray(array, np.float32)
    if not np.isfinite(numbers).all():
        raise ValueError("The lengths of an encoder hold values that are no numbers.")
    return numbers


def _unit(rows: Floats) -> Floats:
    """Scale rows (n, d) to length one; zeros stay."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, np.float32(1e-6)), np.float32)
