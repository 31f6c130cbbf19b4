"""Networks that others have trained, as feature extractors without their classifier.

EfficientNet-B0, X3D-M, Adapa's tagger and A+V, the last two concatenated (Wang et al. 2025,
sections 4.2.3 and 4.3.3). Our reading for all: features are z-scored on the camera's own training
clips, as the paper says of A+V alone, since the features of a fixed camera are mostly its constant
background and their distances would be, too.
"""

from pathlib import Path

import numpy as np
import torch

from ml.baselines import adapa
from ml.baselines.convolutions import FEATURES
from ml.baselines.system import AnomalyScore, Embedded, Floats, embedded
from ml.corpus import Corpus
from ml.encoders import split, video_encoder
from ml.runtime import RANDOM_SEED
from ml.starter import Standardiser
from ml.weights import TrunkWeights, pretrained_encoder


def standardiser(rows: Floats) -> Standardiser | None:
    """Z-score rows (n, d) as one block to a typical length of one; None where there are none."""
    block = {"features": rows.shape[1]}
    return Standardiser.fit(rows, block, {"features": 1.0}, 1.0) if len(rows) else None


def standard(by: Standardiser | None, rows: Floats) -> Floats:
    """Z-score rows, to zero where there was nothing to fit on."""
    return np.zeros_like(rows) if by is None else by(rows)


class FrameFeatures:
    """Features of pictures that were handed over, z-scored; it hears nothing."""

    anomaly: AnomalyScore = "neighbour"
    wants_frames = True

    def fit(self, train: Corpus, seed: int, *, frame_features: Floats | None = None) -> None:
        """See `System.fit`; there is nothing random in it."""
        self._standard = standardiser(self.given(frame_features)[train.has_video])

    def embed(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Embedded:
        """See `System.embed`; it hears nothing."""
        return embedded(corpus, standard(self._standard, self.given(frame_features)))

    def given(self, frame_features: Floats | None) -> Floats:
        """Return the features (n, d); raises ValueError where there are none."""
        if frame_features is None:
            raise ValueError("This system needs features of its own, and none were kept.")
        return frame_features


class EfficientNet(FrameFeatures):
    """Features of single frames (`ml.baselines.efficientnet`)."""

    name = "EfficientNet-B0"

    def __init__(self, weights: str) -> None:
        """Give the `name` of the `FrameNetwork` that makes the features."""
        self.weights = weights

    def given(self, frame_features: Floats | None) -> Floats:
        """Return the features (n, 1280); raises ValueError for others or none."""
        if frame_features is None:
            raise ValueError(
                "EfficientNet-B0 needs the features of single frames, and none were kept."
            )
        if frame_features.shape[1:] != (FEATURES,):
            raise ValueError(f"Features of single frames have {FEATURES} columns.")
        return frame_features


class X3D:
    """X3D-M up to the 2048 features before its classifier, the two crops averaged (reading)."""

    name = "X3D-M"
    anomaly: AnomalyScore = "neighbour"
    wants_frames = False

    def __init__(self, weights: TrunkWeights | None = None) -> None:
        """Give the weights that the corpus's trunk features were made with."""
        random = f"x3d-m random (seed {RANDOM_SEED})"
        self.weights = random if weights is None else weights.name
        net = video_encoder(RANDOM_SEED) if weights is None else pretrained_encoder(weights)
        self._project = split(net)[1].project

    def features(self, corpus: Corpus) -> Floats:
        """Run the head's own 432 -> 2048 layer on the kept trunk features: (n, 2048)."""
        features = np.zeros((len(corpus), self._project.out_features), np.float32)
        for start in range(0, len(corpus), 512):
            crops = torch.from_numpy(corpus.trunk[start : start + 512].astype(np.float32))
            with torch.inference_mode():
                pooled = torch.relu(self._project(crops)).mean(dim=1)
            features[start : start + 512] = pooled.numpy()
        return features

    def fit(self, train: Corpus, seed: int, *, frame_features: Floats | None = None) -> None:
        """See `System.fit`; there is nothing random in it."""
        self._standard = standardiser(self.features(train.rows(train.has_video)))

    def embed(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Embedded:
        """See `System.embed`; it hears nothing."""
        return embedded(corpus, standard(self._standard, self.features(corpus)))


class Adapa:
    """The 512 features before the tags of Adapa's (2019) urban sound tagger."""

    name = "Adapa"
    anomaly: AnomalyScore = "neighbour"
    wants_frames = False

    def __init__(self, weights: Path | None = None) -> None:
        """Read a published checkpoint; random weights without. Raises WeightsError."""
        self._tagger = adapa.load(weights)
        self.weights = self._tagger.name

    def fit(self, train: Corpus, seed: int, *, frame_features: Floats | None = None) -> None:
        """See `System.fit`; there is nothing random in it."""
        heard = np.asarray(train.mel[train.has_audio])
        self._tagger.settle(heard)
        self._standard = standardiser(self._tagger.features(adapa.some(heard)))

    def embed(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Embedded:
        """See `System.embed`; it sees nothing."""
        features = np.zeros((len(corpus), adapa.WIDTH), np.float32)
        features[corpus.has_audio] = self._tagger.features(corpus.mel[corpus.has_audio])
        return embedded(corpus, None, standard(self._standard, features))


class AudioVideo:
    """A+V: X3D-M's and Adapa's features, z-scored per block, concatenated."""

    name = "A+V"
    anomaly: AnomalyScore = "neighbour"
    wants_frames = False

    def __init__(self, video: X3D, audio: Adapa) -> None:
        self._video, self._audio = video, audio
        self.weights = f"{video.weights}; {audio.weights}"

    def fit(self, train: Corpus, seed: int, *, frame_features: Floats | None = None) -> None:
        """See `System.fit`; there is nothing random in it."""
        self._video.fit(train, seed)
        self._audio.fit(train, seed)

    def embed(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Embedded:
        """See `System.embed`; a joint search takes the distance of the concatenations."""
        z_v, z_a = self._video.embed(corpus).z_v, self._audio.embed(corpus).z_a
        return embedded(corpus, z_v, z_a, concatenated=True)
