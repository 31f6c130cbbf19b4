"""What every compared system can do: be fitted on a camera's footage, and embed clips."""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ml import anomaly
from ml.corpus import Corpus

# By which score a system is judged where the paper compares anomalies.
# "cross": Eq. 5 between a clip's own picture and sound, in their common space.
# "neighbour": the distance to the nearest training clips in each modality it has, combined.
# "own": the system brings a score of its own (`ScoresAnomalies`).
AnomalyScore = Literal["cross", "neighbour", "own"]

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Embedded:
    """Embeddings of n clips by one system; rows of an absent modality are zero and never read."""

    z_v: Floats  # (n, Dv), no columns for a system that does not look
    z_a: Floats  # (n, Da), no columns for a system that does not listen
    has_video: Mask  # (n,) false throughout for a system that does not look
    has_audio: Mask  # (n,) false throughout for a system that does not listen
    # Picture and sound (n, d) in one space, where the system has such a space: a sound can find
    # pictures by these, and a clip's own two can be compared.
    common: tuple[Floats, Floats] | None = None
    # Whether a joint search takes one distance between concatenations, and not the mean of two.
    concatenated: bool = False
    # (n,), (n,) how far pictures and sounds stand out (`ml.starter`), where the system tells it: a
    # joint search is weighed by that.
    novelty: tuple[Floats, Floats] | None = None

    @property
    def joint(self) -> Floats:
        """Picture and sound side by side, (n, Dv + Da)."""
        return np.concatenate([self.z_v, self.z_a], axis=1)


class System(Protocol):
    """One row of the comparison; `fit` comes before `embed`."""

    @property
    def name(self) -> str:
        """What the tables call it."""

    @property
    def weights(self) -> str:
        """Which weights it uses, in words: random, own, Kinetics, ImageNet and so on."""

    @property
    def anomaly(self) -> AnomalyScore:
        """Which anomaly score is its own."""

    @property
    def wants_frames(self) -> bool:
        """Whether it cannot do without `frame_features`."""

    def fit(self, train: Corpus, seed: int, *, frame_features: Floats | None = None) -> None:
        """Fit or train on a camera's clips; the same seed gives the same system.

        `frame_features` (n, 1280) are `efficientnet.FrameNetwork`'s of the same clips. Raises
        ValueError with one sentence where there is nothing to learn from.
        """

    def embed(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Embedded:
        """Embed n clips."""


@runtime_checkable
class ScoresAnomalies(Protocol):
    """A system with an anomaly score of its own."""

    def surprise(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Doubles:
        """Score n clips (n,), the higher the odder, NaN where a clip cannot be scored."""


def embedded(
    corpus: Corpus,
    z_v: Floats | None = None,
    z_a: Floats | None = None,
    *,
    common: tuple[Floats, Floats] | None = None,
    concatenated: bool = False,
    novelty: tuple[Floats, Floats] | None = None,
) -> Embedded:
    """Put embeddings (n, Dv), (n, Da) or None beside what the corpus knows of its clips."""
    seen, heard = corpus.has_video, corpus.has_audio
    if common is not None:
        common = _where(seen, common[0]), _where(heard, common[1])
    if z_v is None:
        seen = np.zeros_like(seen)
    if z_a is None:
        heard = np.zeros_like(heard)
    rows = _where(seen, z_v), _where(heard, z_a)
    return Embedded(*rows, seen, heard, common, concatenated, novelty)


def cross_scores(embedded: Embedded) -> Doubles:
    """Eq. 5 between each clip's own picture and sound (n,), NaN where either is absent.

    Raises ValueError for a system without a common space.
    """
    if embedded.common is None:
        raise ValueError("This system has no common space of picture and sound.")
    scores = np.full(len(embedded.has_video), np.nan)
    both = embedded.has_video & embedded.has_audio
    if both.any():
        z_v, z_a = embedded.common
        scores[both] = anomaly.cross(z_v[both], z_a[both])
    return scores


def detector(embedded: Embedded, at: NDArray[np.int64]) -> anomaly.Detector:
    """Fit nearest-neighbour scores on a system's training clips, `at` these times (n,)."""
    return anomaly.Detector.fit(
        embedded.z_v,
        embedded.z_a,
        has_video=embedded.has_video,
        has_audio=embedded.has_audio,
        at=at,
    )


def _where(present: Mask, z: Floats | None) -> Floats:
    if z is None:
        return np.zeros((len(present), 0), np.float32)
    return np.where(present[:, None], z, np.float32(0)).astype(np.float32)
