"""Everything that is measured of one system on one test stream, as plain values."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.anomaly import Detector, Threshold
from ml.baselines.system import Embedded, cross_scores, detector
from ml.evaluation.anomalies import anomaly_score, rare_kinds
from ml.evaluation.location import Locators, location_scores, train_locators
from ml.evaluation.search import search_scores
from ml.evaluation.truth import Truth

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """What a system makes of one stream of n seconds, and what happens in it."""

    embedded: Embedded
    at: NDArray[np.int64]  # (n,) whole seconds, ascending; training and test are days apart
    truth: Truth
    surprise: Doubles | None = None  # (n,) the anomaly score of a system that has one of its own


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What was learnt on a training stream about a system's embeddings, to measure others by."""

    detector: Detector
    other_thresholds: dict[str, float]  # of the scores that are not the detector's
    locators: Locators

    @classmethod
    def of(cls, sample: Sample, *, seed: int) -> "Yardstick":
        """Learn what is ordinary, and where events are, in a system's training stream."""
        others = {k: Threshold.of(scores).value for k, scores in _other_scores(sample).items()}
        locators = train_locators(sample.embedded, sample.truth, seed=seed)
        return cls(detector(sample.embedded, sample.at), others, locators)

    def anomaly_scores(self, sample: Sample) -> dict[str, tuple[Doubles, float]]:
        """Scores (n,) of a stream and the threshold of each, by the name of the score.

        `video` and `audio` are distances to neighbours in the training stream, `neighbour` joins
        the two, `cross` is Eq. 5 between a clip's own picture and sound, `own` is the system's.
        """
        e = sample.embedded
        scores = self.detector.score(
            e.z_v, e.z_a, has_video=e.has_video, has_audio=e.has_audio, at=sample.at
        )
        levels = self.detector.thresholds
        found = {
            "video": (scores.video, levels["video"].value),
            "audio": (scores.audio, levels["audio"].value),
            "neighbour": (scores.combined, levels["combined"].value),
        }
        others = {k: (s, self.other_thresholds[k]) for k, s in _other_scores(sample).items()}
        return {k: pair for k, pair in (found | others).items() if np.isfinite(pair[0]).any()}


def _other_scores(sample: Sample) -> dict[str, Doubles]:
    """Scores that need no neighbours."""
    scores = {}
    if sample.embedded.common is not None:
        scores["cross"] = cross_scores(sample.embedded)
    if sample.surprise is not None:
        scores["own"] = sample.surprise
    return scores


def measure(yardstick: Yardstick, sample: Sample) -> dict[str, Any]:
    """Measure search, anomalies and location on one test stream; plain values for JSON."""
    embedded, truth = sample.embedded, sample.truth
    search = {
        mode: {kind: asdict(score) for kind, score in by_kind.items()}
        for mode, by_kind in search_scores(embedded, truth).items()
    }
    rare = rare_kinds(truth)
    anomaly = {
        name: asdict(anomaly_score(scores, threshold, truth, rare))
        for name, (scores, threshold) in yardstick.anomaly_scores(sample).items()
    }
    located = location_scores(yardstick.locators, embedded, truth)
    location = {
        modality: {kind: asdict(measures) for kind, measures in by_kind.items()}
        for modality, by_kind in located.items()
    }
    return {"search": search, "anomaly": anomaly, "location": location}
