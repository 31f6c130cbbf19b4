"""Every second of a camera and how unusual it is, on one clock, whichever recording it lies in."""

import math
from dataclasses import dataclass

import numpy as np

from indexing.anomalies.normal import Normal, Score
from indexing.anomalies.recording_scores import Peak, as_peak, normal_for
from indexing.arrays import Doubles, Longs
from indexing.models import Camera, Recording
from ml.anomaly import GROUP_GAP_S, SIGMA, Part, Threshold

# What the slider of the page offers, and how finely.
LEAST_SIGMA, MOST_SIGMA, SIGMA_STEP = 1.0, 6.0, 0.1
# More bins than any screen has pixels, three screens wide.
MOST_BINS = 12_000


@dataclass(frozen=True)
class Found:
    """A peak and the recording that it lies in."""

    recording: Recording
    peak: Peak


@dataclass(frozen=True)
class Bins:
    """The most of what lies in each bin of `step` seconds from `since` on; None where nothing is.

    A bin is `since + i * step` <= moment < `since + (i + 1) * step`, in seconds since 1970.
    """

    since: int
    step: int
    most: list[float | None]


def binned(at: Longs, values: Doubles, *, since: int, until: int, bins: int) -> Bins:
    """Return the most of values (n,) at moments (n,) in at most so many bins: no peak is lost.

    Bins begin at multiples of their length, so that a peak does not jump about while one pans.
    """
    bins = max(2, min(bins, MOST_BINS))
    step = max(1, math.ceil((until - since) / (bins - 1)))
    first = since // step * step
    count = max(1, math.ceil((until - first) / step))
    most: Doubles = np.full(count, -np.inf)
    here = (at >= first) & (at < first + count * step) & np.isfinite(values)
    np.maximum.at(most, (at[here] - first) // step, values[here])
    known = [round(value, 3) if math.isfinite(value) else None for value in most.tolist()]
    return Bins(first, step, known)


class CameraScores:
    """The score of every embedded second of a camera: n of them by recording, then by second."""

    def __init__(self, known: Normal, score: Score) -> None:
        self.known, self.score = known, score
        self.rows, self._scores = known.everything
        self.recording = known.snapshot.recording[self.rows]
        self.second = known.snapshot.second[self.rows]
        self.at = known.snapshot.at[self.rows]
        self.values = score.of(self._scores)  # NaN where it cannot be told

    def threshold(self, sigma: float = SIGMA) -> Threshold:
        """Return above what a second is odd."""
        return self.known.threshold(self.score, sigma)

    def curve(self, *, since: int, until: int, bins: int) -> Bins:
        """Return the score at the resolution asked for, the oddest second of each bin."""
        return binned(self.at, self.values, since=since, until=until, bins=bins)

    def peaks(self, sigma: float) -> list[Found]:
        """Return the peaks of every recording, in the order of time."""
        threshold = self.threshold(sigma)
        above = np.unique(self.recording[self.values > threshold.value]).tolist()
        recordings = Recording.objects.select_related("camera").in_bulk(above)
        found = []
        for number, recording in recordings.items():
            here = slice(*np.searchsorted(self.recording, [number, number + 1]).tolist())
            scores, seconds = self._scores.rows(here), self.second[here]
            peaks = self.known.peaks(self.score, threshold, scores, seconds)
            found += [Found(recording, as_peak(recording, peak)) for peak in peaks]
        return sorted(found, key=lambda one: (one.peak.at, one.recording.pk))

    def counts(self) -> list[int]:
        """Return how many peaks there are at each sigma of the slider, from the least on."""
        return [self.count(sigma) for sigma in sigmas()]

    def count(self, sigma: float) -> int:
        """Return how many peaks there are at this sigma."""
        above = np.flatnonzero(self.values > self.threshold(sigma).value)
        if not len(above):
            return 0
        apart = np.diff(self.second[above]) > GROUP_GAP_S
        return 1 + int((apart | (np.diff(self.recording[above]) != 0)).sum())

    def row(self, recording: int, second: int) -> int | None:
        """Return which of the n a second is; None where it is not embedded."""
        rows = np.flatnonzero((self.recording == recording) & (self.second == second))
        return int(rows[0]) if len(rows) else None

    def surprise(self, recording: int, second: int) -> dict[Part, float]:
        """Return how surprising picture and sound of a second are, in nats, where it has them."""
        row = self.row(recording, second)
        return {} if row is None else self.known.surprise(self._scores.rows(slice(row, row + 1)))


def sigmas() -> list[float]:
    """Return the sigmas that the slider offers."""
    count = round((MOST_SIGMA - LEAST_SIGMA) / SIGMA_STEP) + 1
    return [round(LEAST_SIGMA + SIGMA_STEP * i, 3) for i in range(count)]


def camera_scores(camera: Camera, score: Score = Score.COMBINED) -> CameraScores:
    """Score every second of a camera that is embedded by the encoder in use.

    Raises:
        AnomalyError: what is normal cannot be told.
    """
    return CameraScores(normal_for(camera, score), score)
