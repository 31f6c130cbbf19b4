"""What a moment is held against: the nearest ordinary seconds, and the moments that it is like."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexing.anomalies.camera_scores import CameraScores
from indexing.arrays import Doubles, Floats, Longs
from ml.anomaly import COMBINED, Part, neighbour
from ml.distance import eq5, eq5_pairwise
from ml.retrieval import EXCLUSION_S

# Ordinary is what is no more than this many deviations above the mean.
ORDINARY_SIGMA = 1.0
MOST_ORDINARY = 4096


@dataclass(frozen=True)
class Moment:
    """A second of a recording, and what is odd about it and therefore compared."""

    recording: int
    second: int
    parts: tuple[Part, ...]


class Likeness:
    """Compares moments of one camera by Eq. 5, summed over what is compared of them."""

    def __init__(self, scores: CameraScores) -> None:
        self._scores = scores
        rows = np.flatnonzero(scores.values <= scores.threshold(ORDINARY_SIGMA).value)
        rows = rows[np.argsort(scores.at[rows], kind="stable")]
        if len(rows) > MOST_ORDINARY:
            rows = rows[np.linspace(0, len(rows) - 1, MOST_ORDINARY).round().astype(np.int64)]
        self._ordinary = rows

    def nearest_ordinary(self, moment: Moment, count: int) -> list[tuple[int, int]]:
        """Return the nearest ordinary seconds as (recording, second), each of another minute."""
        row = self._scores.row(moment.recording, moment.second)
        if row is None or not moment.parts:
            return []
        rows = self._ordinary
        for part in moment.parts:
            rows = rows[self._has(part, rows)]
        distances = np.zeros(len(rows))
        for part in moment.parts:
            distances += eq5(self._vectors(part, np.array([row])), self._vectors(part, rows))
        at, taken = self._scores.at, [row]
        for each in rows[np.argsort(distances, kind="stable")].tolist():
            if len(taken) <= count and (abs(at[taken] - at[each]) > EXCLUSION_S).all():
                taken.append(each)
        return [(int(self._scores.recording[r]), int(self._scores.second[r])) for r in taken[1:]]

    def like(self, moments: Sequence[Moment], examples: Sequence[Moment]) -> list[int | None]:
        """Return for each moment the number of the example that it is like, or None.

        It is nearer to that example than either of the two is to any ordinary second of another
        minute, and nearer than to the other examples; and all that is odd about it is odd about
        the example too, so that a usual sound never hides an unusual picture.
        """
        mine, theirs = self._rows(moments), self._rows(examples)
        shape = len(moments), len(examples)
        total, limit_mine, limit_theirs = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        admitted = np.ones(shape, bool)
        for part in COMBINED:
            asked = np.array([part in one.parts for one in moments], bool)
            offered = np.array([part in one.parts for one in examples], bool)
            admitted &= ~asked[:, None] | offered
            total[asked] += self._distances(part, mine, theirs)[asked]
            limit_mine[asked] += self._reach(part, mine)[asked, None]
            limit_theirs[asked] += self._reach(part, theirs)
        admitted &= np.array([bool(one.parts) for one in moments], bool)[:, None]
        admitted &= total < np.minimum(limit_mine, limit_theirs)  # never where a value is missing
        nearest = np.where(admitted, total, np.inf)
        return [int(row.argmin()) if np.isfinite(row).any() else None for row in nearest]

    def _rows(self, moments: Sequence[Moment]) -> Longs:
        """Return which of the camera's seconds these are; -1 where one is not embedded."""
        rows = [self._scores.row(one.recording, one.second) for one in moments]
        return np.array([-1 if row is None else row for row in rows], np.int64)

    def _distances(self, part: Part, mine: Longs, theirs: Longs) -> Doubles:
        found: Doubles = np.full((len(mine), len(theirs)), np.nan)
        here, there = self._has(part, mine), self._has(part, theirs)
        rows = self._vectors(part, mine[here]), self._vectors(part, theirs[there])
        found[np.ix_(here, there)] = eq5_pairwise(*rows)
        return found

    def _reach(self, part: Part, rows: Longs) -> Doubles:
        """Return how far each row is from the nearest ordinary second of another minute (n,)."""
        found: Doubles = np.full(len(rows), np.nan)
        here = self._has(part, rows)
        ordinary = self._ordinary[self._has(part, self._ordinary)]
        found[here] = neighbour(
            self._vectors(part, rows[here]),
            self._vectors(part, ordinary),
            1,
            at=self._scores.at[rows[here]],
            reference_at=self._scores.at[ordinary],
        )
        return found

    def _has(self, part: Part, rows: Longs) -> NDArray[np.bool_]:
        """Tell which rows (n,) have this modality; a row of -1 has none."""
        snapshot = self._scores.known.snapshot
        present = snapshot.has_video if part == "video" else snapshot.has_audio
        return np.asarray(present[self._scores.rows[rows]] & (rows >= 0), np.bool_)

    def _vectors(self, part: Part, rows: Longs) -> Floats:
        return self._scores.known.snapshot.vectors(part).rows[self._scores.rows[rows]]
