"""What a camera keeps of its clips, as two plain rows of numbers: no network has seen them.

The picture's row holds the foreground's description and the trunk's features, both crops averaged;
the sound's holds its statistics and, for each mel bin, mean and deviation over the second, which is
the strongest plain description of sound we know. numpy only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.baselines.system import AnomalyScore, Doubles, Embedded, embedded
from ml.corpus import Corpus
from ml.ordinary import Ordinary
from ml.preprocess import MEL_BINS
from ml.starter import Description, Standardiser, StarterEncoder

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Descriptions:
    """Rows of both modalities, standardised on a camera's own clips, each block weighing alike."""

    video: Standardiser | None  # None where there was nothing to see
    audio: Standardiser | None

    @classmethod
    def fit(cls, corpus: Corpus, length: float | None = None) -> "Descriptions":
        """Fit on a corpus; rows get this median length, by default a deviation of one a column."""
        seen, heard = pictures(corpus)[corpus.has_video], sounds(corpus)[corpus.has_audio]
        video = {"foreground": corpus.foreground.shape[1], "trunk": corpus.trunk.shape[2]}
        audio = {"statistics": corpus.sound.shape[1], "mean": MEL_BINS, "deviation": MEL_BINS}
        return cls(_fit(seen, video, length), _fit(heard, audio, length))

    def pictures(self, corpus: Corpus) -> Floats:
        """Rows of the pictures (n, Dv), zero where there is none."""
        return _rows(self.video, pictures(corpus), corpus.has_video)

    def sounds(self, corpus: Corpus) -> Floats:
        """Rows of the sounds (n, Da), zero where there is none."""
        return _rows(self.audio, sounds(corpus), corpus.has_audio)


def pictures(corpus: Corpus) -> Floats:
    """Foreground and trunk as they are: (n, F + 432)."""
    trunk = corpus.trunk.mean(axis=1, dtype=np.float32)
    return np.concatenate([corpus.foreground, trunk], axis=1).astype(np.float32)


def sounds(corpus: Corpus) -> Floats:
    """Sound statistics, mean and deviation of each mel bin: (n, S + 256)."""
    mean = corpus.mel.mean(axis=2, dtype=np.float32)
    deviation = corpus.mel.std(axis=2, dtype=np.float32)
    return np.concatenate([corpus.sound, mean, deviation], axis=1).astype(np.float32)


def _fit(rows: Floats, blocks: dict[str, int], length: float | None) -> Standardiser | None:
    if not len(rows):
        return None
    wanted = rows.shape[1] ** 0.5 if length is None else length
    return Standardiser.fit(rows, blocks, dict.fromkeys(blocks, 1.0), wanted)


def _rows(standardiser: Standardiser | None, rows: Floats, present: NDArray[np.bool_]) -> Floats:
    standard = np.zeros(rows.shape, np.float32)
    if standardiser is not None and present.any():
        standard[present] = standardiser(rows[present])
    return standard


class UntrainedDescriptions:
    """The kept descriptions themselves, z-scored per block: what training must beat."""

    name = "A+V of descriptions, untrained"
    weights = "none"
    anomaly: AnomalyScore = "neighbour"
    wants_frames = False

    def fit(self, train: Corpus, seed: int, *, frame_features: Floats | None = None) -> None:
        """See `System.fit`; there is nothing random in it."""
        self._descriptions = Descriptions.fit(train, length=1.0)

    def embed(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Embedded:
        """See `System.embed`."""
        d = self._descriptions
        return embedded(corpus, d.pictures(corpus), d.sounds(corpus))


class Starter:
    """The starter encoder that every camera has before any training (`ml.starter`)."""

    name = "Starter features"
    anomaly: AnomalyScore = "own"
    wants_frames = False

    def __init__(self, trunk_weights: str | None = None) -> None:
        """`trunk_weights` names learnt weights of the trunk; random ones are not used."""
        self.weights = trunk_weights or "none"
        self._pretrained = trunk_weights is not None

    def fit(self, train: Corpus, seed: int, *, frame_features: Floats | None = None) -> None:
        """See `System.fit`; there is nothing random in it."""
        self._encoder = StarterEncoder.fit(
            train.foreground,
            train.sound,
            self._trunk(train),
            has_video=train.has_video,
            has_audio=train.has_audio,
        )

    def embed(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Embedded:
        """See `System.embed`."""
        described = self._describe(corpus)
        return embedded(corpus, *described.embedded, novelty=described.novelty)

    def surprise(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Doubles:
        """See `ScoresAnomalies.surprise`: how far picture and sound are from the ordinary."""
        return surprise(self._encoder.ordinary, self._describe(corpus).novelty)

    def _describe(self, corpus: Corpus) -> Description:
        return self._encoder.describe(
            corpus.foreground,
            corpus.sound,
            self._trunk(corpus),
            has_video=corpus.has_video,
            has_audio=corpus.has_audio,
        )

    def _trunk(self, corpus: Corpus) -> Floats | None:
        return np.asarray(corpus.trunk, np.float32) if self._pretrained else None


def surprise(ordinary: Ordinary | None, novelty: tuple[Floats, Floats]) -> Doubles:
    """How odd n clips of that novelty (n,), (n,) are for the footage fitted on, as `ml.anomaly`.

    NaN where a clip has neither picture nor sound, and everywhere where nothing is known.
    """
    seen, heard = (part.astype(np.float64) for part in novelty)
    if ordinary is None:
        return np.full(len(seen), np.nan)
    return ordinary.scores(seen, heard).combined
