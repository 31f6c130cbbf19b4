"""What is normal for a camera, kept in this process.

A trained encoder tells it by the novelty (`ml.starter`) of what it was trained on, a starter
encoder by that of the camera's own clips. Where novelty was not told, embeddings are compared. It
is derived, as snapshots are: fitted anew when the camera has more clips or another encoder.
"""

import threading
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import TypedDict

import numpy as np

from indexing.arrays import Doubles, Longs, Mask
from indexing.encoders import snapshots
from indexing.encoders.embedding import ordinary
from indexing.models import Encoder
from indexing.vectors.snapshot import Snapshot
from ml import anomaly
from ml.anomaly import COMBINED, Detector, Kind, Part, Peak, Scores, Threshold
from ml.distance import joint
from ml.ordinary import Ordinary

# A second is compared with what is more than a minute away from it. Of three minutes one is left
# at least, which is more than the twenty neighbours that the distance is measured to.
LEAST_CLIPS = 180
# Two hours, spread over all there is: more would sharpen mean and deviation little, and a fit's
# time grows with them.
MOST_CLIPS = 7200
# Each holds up to 4,096 clips to compare with.
MOST_HELD = 4
# An hour of scores is some 120 kB.
MOST_SCORED = 64


class Score(StrEnum):
    """By what a second is found unusual.

    `cross`: Eq. 5 between its own picture and sound. `neighbour`: its novelty, the distance of its
    description from the ordinary (`ml.starter`), or Eq. 5 distance to the nearest other clips of
    its camera where that was not told: the mean of picture and sound. `combined`: how rare the two
    distances are at this camera, as a number of standard deviations.
    """

    COMBINED = "combined"
    NEIGHBOUR = "neighbour"
    CROSS = "cross"

    def of(self, scores: Scores) -> Doubles:
        """Return this score of n clips: (n,), NaN where it cannot be told."""
        if self is not Score.NEIGHBOUR:
            return scores.of(_kind(self))
        both = joint(scores.video, scores.audio)
        one = np.where(np.isfinite(scores.video), scores.video, scores.audio)
        return np.where(np.isfinite(both), both, one)


def _kind(score: Score) -> Kind:
    """Return the detector's score whose peaks are grouped and explained as this one's are."""
    return "cross" if score is Score.CROSS else "combined"


class Masks(TypedDict):
    """Which of n clips, (n,) each, have what can be compared."""

    has_video: Mask
    has_audio: Mask


@dataclass(frozen=True, eq=False)
class Normal:
    """What is normal for an encoder's camera, as of one snapshot.

    `sample` are rows of the snapshot, in the order of time: all clips of the camera, or some of
    them spread evenly. A modality of which there is too little is left out (`uses_video`,
    `uses_audio`); seen, heard and both count the camera's clips that have it. `ordinary` is the
    novelty of what a trained encoder has learnt from, or of the sample where that is a starter
    encoder's; None where not all clips tell theirs, and then the embeddings are compared.
    """

    encoder: Encoder
    snapshot: Snapshot
    sample: Longs
    seen: int
    heard: int
    both: int
    ordinary: Ordinary | None = None
    scored: dict[int, tuple[Longs, Scores]] = field(default_factory=dict)

    @classmethod
    def of(cls, encoder: Encoder, snapshot: Snapshot) -> "Normal":
        """Choose the clips; they are looked at when the first score is asked for."""
        every = rows = np.flatnonzero(snapshot.admitted(cameras=(encoder.camera.name,)))
        video, audio = snapshot.has_video[rows], snapshot.has_audio[rows]
        told = np.isfinite(
            np.concatenate(
                [snapshot.video_novelty[rows][video], snapshot.audio_novelty[rows][audio]]
            )
        )
        rows = rows[video | audio]
        rows = rows[np.argsort(snapshot.at[rows], kind="stable")]
        if len(rows) > MOST_CLIPS:
            rows = rows[np.linspace(0, len(rows) - 1, MOST_CLIPS).round().astype(np.int64)]
        seen, heard, both = (int(mask.sum()) for mask in (video, audio, video & audio))
        known = _known(encoder, snapshot, every) if len(told) and told.all() else None
        return cls(encoder, snapshot, rows, seen, heard, both, known)

    @property
    def uses_video(self) -> bool:
        """Whether there are enough pictures to tell which are normal."""
        return self.from_training or self.seen >= LEAST_CLIPS

    @property
    def uses_audio(self) -> bool:
        """Whether there are enough sounds to tell which are normal."""
        return self.from_training or self.heard >= LEAST_CLIPS

    @property
    def from_training(self) -> bool:
        """Whether what is normal is what the encoder was trained on."""
        return self.ordinary is not None and self.encoder.kind != Encoder.Kind.STARTER

    def clips(self, score: Score) -> int:
        """Return how many clips mean and deviation of this score come from."""
        if score is Score.CROSS:
            return self.both
        if self.from_training:
            return self.encoder.fitted_on
        return max(self.seen, self.heard)

    @cached_property
    def detector(self) -> Detector:
        """What is normal by the embeddings, fitted on the sample."""
        rows = self.sample
        video, audio = self.snapshot.video.rows[rows], self.snapshot.audio.rows[rows]
        shared = self.encoder.shared if self.encoder.crossable else 0
        at, masks = self.snapshot.at[rows], self._masks(rows)
        return Detector.fit(video, audio, at=at, shared=shared, **masks)

    @cached_property
    def _neighbours(self) -> Threshold:
        return Threshold.of(Score.NEIGHBOUR.of(self._measure(self.sample)))

    def threshold(self, score: Score, sigma: float) -> Threshold:
        """Return mean and deviation of what is normal; infinite where nothing is known."""
        if score is Score.CROSS:
            found = Threshold.of(self._crossed(self.sample))
        elif self.ordinary is not None:
            found = Threshold.of(score.of(self.ordinary.own))
        elif score is Score.NEIGHBOUR:
            found = self._neighbours
        else:
            found = self.detector.thresholds[_kind(score)]
        return replace(found, sigma=sigma)

    def score(self, recording: int) -> tuple[Longs, Scores]:
        """Return the embedded seconds (n,) of a recording, ascending, and the scores of each."""
        found = self.scored.get(recording)
        if found is None:
            rows = np.flatnonzero(self.snapshot.recording == recording)
            rows = rows[np.argsort(self.snapshot.second[rows], kind="stable")]
            found = self.snapshot.second[rows], self._measure(rows)
            if len(self.scored) >= MOST_SCORED:
                self.scored.clear()
            self.scored[recording] = found
        return found

    @cached_property
    def everything(self) -> tuple[Longs, Scores]:
        """All embedded clips of the camera as rows (n,) of the snapshot, and the scores of each.

        They come by recording and then by second. Where embeddings are compared, it takes a while.
        """
        rows = np.flatnonzero(self.snapshot.admitted(cameras=(self.encoder.camera.name,)))
        order = np.lexsort((self.snapshot.second[rows], self.snapshot.recording[rows]))
        return rows[order], self._measure(rows[order])

    def peaks(
        self, score: Score, threshold: Threshold, scores: Scores, seconds: Longs
    ) -> list[Peak]:
        """Group the seconds above a threshold, by the score that is asked for."""
        if score is Score.NEIGHBOUR:
            scores = replace(scores, combined=score.of(scores))
        return anomaly.peaks(scores, seconds, threshold, _kind(score))

    def surprise(self, scores: Scores) -> dict[Part, float]:
        """Return how surprising picture and sound of one clip are, in nats, where it has them."""
        known = self.ordinary.calibrations if self.ordinary else self.detector.calibrations
        parts = {part: known[part](scores.of(part)) for part in COMBINED if part in known}
        return {part: float(nats[0]) for part, nats in parts.items() if np.isfinite(nats[0])}

    def _measure(self, rows: Longs) -> Scores:
        if self.ordinary is not None:
            video, audio = self.snapshot.video_novelty[rows], self.snapshot.audio_novelty[rows]
            return self.ordinary.scores(
                video.astype(np.float64), audio.astype(np.float64), self._crossed(rows)
            )
        video, audio = self.snapshot.video.rows[rows], self.snapshot.audio.rows[rows]
        return self.detector.score(video, audio, at=self.snapshot.at[rows], **self._masks(rows))

    def _crossed(self, rows: Longs) -> Doubles:
        """Eq. 5 between picture and sound of each row (n,); NaN where it cannot be told."""
        found: Doubles = np.full(len(rows), np.nan)
        both = self.snapshot.has_video[rows] & self.snapshot.has_audio[rows]
        if self.encoder.crossable and both.any():
            video = self.snapshot.video.rows[rows[both]]
            audio = self.snapshot.audio.rows[rows[both]]
            found[both] = anomaly.cross(video, audio, self.encoder.shared)
        return found

    def _masks(self, rows: Longs) -> Masks:
        return {
            "has_video": self.snapshot.has_video[rows] & self.uses_video,
            "has_audio": self.snapshot.has_audio[rows] & self.uses_audio,
        }


def _known(encoder: Encoder, snapshot: Snapshot, rows: Longs) -> Ordinary | None:
    """Return what is ordinary in the training set, or for a starter encoder in these rows.

    A starter encoder is in use from its first minute, which tells nothing of the day. Of less than
    three minutes of pictures or of sounds nothing is known.
    """
    if encoder.kind != Encoder.Kind.STARTER:
        return ordinary(encoder)
    sides = (snapshot.video_novelty[rows], snapshot.audio_novelty[rows])
    enough = [np.isfinite(side).sum() >= LEAST_CLIPS for side in sides]
    video, audio = (np.where(told, side, np.nan) for told, side in zip(enough, sides, strict=True))
    return Ordinary.of(video, audio)


@dataclass
class Cache:
    """What is normal by encoder; replaced when its snapshot is no longer the newest."""

    held: dict[int, Normal] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


_cache = Cache()


def current(encoder: Encoder) -> Normal:
    """Return what is normal for an encoder's camera, fitted once for each snapshot."""
    snapshot = snapshots.current(encoder)
    with _cache.lock:
        found = _cache.held.pop(encoder.pk, None)
        if found is None or found.snapshot is not snapshot:
            found = Normal.of(encoder, snapshot)
        _cache.held[encoder.pk] = found  # behind the others: the first is the one to go
        if len(_cache.held) > MOST_HELD:
            del _cache.held[next(iter(_cache.held))]
        return found
