"""Everything that is measured of one system on one test stream, as plain values."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.anomaly import KINDS as SCORE_KINDS
from ml.anomaly import Detector, Threshold, cross
from ml.evaluation.anomalies import anomaly_score, rare_kinds
from ml.evaluation.embedded import Embedded
from ml.evaluation.location import Locators, location_scores, train_locators
from ml.evaluation.search import mode_scores, search_scores
from ml.evaluation.truth import Truth

WEIGHED = "joint, weighed"

Doubles = NDArray[np.float64]
# The weight of the sound (n,) in a joint search for each clip of a stream.
Weigh = Callable[[Embedded], Doubles]


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What was learnt on a training stream about a system's embeddings, to measure others by."""

    detector: Detector
    other_thresholds: dict[str, float]  # of the scores that are not the detector's
    locators: Locators

    @classmethod
    def of(cls, embedded: Embedded, truth: Truth, *, seed: int) -> "Yardstick":
        """Learn what is ordinary, and where events are, in a system's training stream."""
        z_v = _pictures(embedded)
        detector = Detector.fit(
            z_v,
            embedded.z_a,
            has_video=embedded.has_video & bool(z_v.shape[1]),
            has_audio=embedded.has_audio & bool(embedded.z_a.shape[1]),
            at=embedded.at,
        )
        others = {k: Threshold.of(scores).value for k, scores in _other_scores(embedded).items()}
        return cls(detector, others, train_locators(embedded, truth, seed=seed))

    def anomaly_scores(self, embedded: Embedded) -> dict[str, tuple[Doubles, float]]:
        """Scores (n,) of a stream and the threshold of each, by the name of the score.

        `video` and `audio` are distances to neighbours in the training stream, `combined` joins
        the two, `cross` is Eq. 5 between a clip's own picture and sound; others are the system's.
        """
        scores = self.detector.score(
            _pictures(embedded),
            embedded.z_a,
            has_video=embedded.has_video,
            has_audio=embedded.has_audio,
            at=embedded.at,
        )
        levels = self.detector.thresholds
        found = {kind: (scores.of(kind), levels[kind].value) for kind in SCORE_KINDS}
        others = {k: (s, self.other_thresholds[k]) for k, s in _other_scores(embedded).items()}
        return {k: pair for k, pair in (found | others).items() if np.isfinite(pair[0]).any()}


def _other_scores(embedded: Embedded) -> dict[str, Doubles]:
    """Scores that need no neighbours: Eq. 5 of a clip's own two, and those of the system."""
    if embedded.common is None:
        return dict(embedded.own_scores)
    crossed = np.full(len(embedded), np.nan)
    both = embedded.has_video & embedded.has_audio
    if both.any():
        z_v, z_a = embedded.common
        crossed[both] = cross(z_v[both], z_a[both])
    return {"cross": crossed, **embedded.own_scores}


def _pictures(embedded: Embedded) -> NDArray[np.float32]:
    """Embeddings of pictures, for which one of both stands in where a system has no other."""
    if embedded.joint is not None and not (embedded.z_v.shape[1] or embedded.z_a.shape[1]):
        return embedded.joint
    return embedded.z_v


def measure(
    yardstick: Yardstick, embedded: Embedded, truth: Truth, weigh: Weigh | None = None
) -> dict[str, Any]:
    """Measure search, anomalies and location on one test stream; plain values for JSON.

    `weigh` gives each query its own weights of picture and sound in one more joint search.
    """
    search: dict[str, Any] = {
        mode: {kind: asdict(score) for kind, score in by_kind.items()}
        for mode, by_kind in search_scores(embedded, truth).items()
    }
    if weigh is not None and "joint" in search and embedded.joint is None:
        weighed = mode_scores(embedded, truth, "joint", audio_weight=weigh(embedded))
        search[WEIGHED] = {kind: asdict(score) for kind, score in weighed.items()}
    rare = rare_kinds(truth)
    anomaly = {
        name: asdict(anomaly_score(scores, threshold, truth, rare))
        for name, (scores, threshold) in yardstick.anomaly_scores(embedded).items()
    }
    located = location_scores(yardstick.locators, embedded, truth)
    location = {
        modality: {kind: asdict(measures) for kind, measures in by_kind.items()}
        for modality, by_kind in located.items()
    }
    return {"search": search, "anomaly": anomaly, "location": location}
