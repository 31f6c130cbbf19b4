"""Adapa's (2019) urban sound tagger, which won DCASE 2019's task 5, as a feature extractor.

log-mel -> batch norm -> 1x1 convolutions 1 -> 10 -> 3 -> MobileNetV2's features -> maximum over
time and bins -> 1280 -> 512 (the feature) -> tags. Module names are those of the author's published
checkpoint, `model_system1`. It holds no log-mel statistics, so bins are standardised on the
camera's own training clips, as Adapa did on his (our reading). Where its weights are random, its
batch norms are set to the camera's own sounds.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ml.baselines import checkpoints
from ml.baselines.convolutions import FEATURES, MobileNetV2
from ml.baselines.descent import seeded
from ml.preprocess import MEL_BINS

URL = (
    "https://github.com/sainathadapa/dcase2019-task5-urban-sound-tagging/releases/download/1.0/"
    "model_system1"
)
TAGS = 31
WIDTH = 512
RANDOM_SEED = 0
BATCH = 64
# As many clips settle statistics as well as all of them.
MOST_CLIPS = 1024

Floats = NDArray[np.float32]


class Tagger(nn.Module):
    """The network, (n, 1, time, bins) -> (n, tags)."""

    def __init__(self, tags: int = TAGS) -> None:
        super().__init__()
        self.bw2col = nn.Sequential(
            nn.BatchNorm2d(1), nn.Conv2d(1, 10, 1), nn.ReLU(), nn.Conv2d(10, 3, 1), nn.ReLU()
        )
        self.mv2 = MobileNetV2()
        self.final = nn.Sequential(
            nn.Linear(FEATURES, WIDTH), nn.ReLU(), nn.BatchNorm1d(WIDTH), nn.Linear(WIDTH, tags)
        )

    def features(self, spectrograms: Tensor) -> Tensor:
        """What the tags are read from: (n, 1, time, bins) -> (n, 512)."""
        maps = self.mv2.features(self.bw2col(spectrograms))
        pooled: Tensor = self.final[:3](maps.amax(dim=(2, 3)))
        return pooled

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Logits of the tags."""
        logits: Tensor = self.final[3](self.features(spectrograms))
        return logits


class Extractor:
    """The tagger at work on a camera's log-mels: `settle` comes before `features`."""

    def __init__(self, net: Tagger, name: str, *, learnt: bool) -> None:
        self.name = name
        self._net, self._learnt = net.eval(), learnt
        self._mean, self._scale = np.zeros(MEL_BINS, np.float32), np.ones(MEL_BINS, np.float32)

    def settle(self, mel: NDArray[np.generic]) -> None:
        """Take the statistics of a camera's log-mels (n, 128, 64), n >= 0."""
        if not len(mel):
            return
        few = some(mel)
        deviation = few.std(axis=(0, 2))
        self._mean = few.mean(axis=(0, 2))
        self._scale = 1 / np.maximum(deviation, 1e-3)
        if not self._learnt:
            batch = self._input(few[:: len(few) // 128 + 1])
            checkpoints.settle(self._net, self._net.features, batch)

    def features(self, mel: NDArray[np.generic]) -> Floats:
        """Features of log-mels in dB (n, 128, 64) -> (n, 512)."""
        features = np.empty((len(mel), WIDTH), np.float32)
        for start in range(0, len(mel), BATCH):
            batch = self._input(np.asarray(mel[start : start + BATCH], np.float32))
            with torch.inference_mode():
                features[start : start + BATCH] = self._net.features(batch).numpy()
        return features

    def _input(self, mel: Floats) -> Tensor:
        standard = (mel - self._mean[:, None]) * self._scale[:, None]
        return torch.from_numpy(np.ascontiguousarray(standard.swapaxes(1, 2)[:, None]))


def load(path: Path | None = None) -> Extractor:
    """Load a published checkpoint, or random weights without; raises WeightsError."""
    with seeded(RANDOM_SEED):
        net = Tagger()
    if path is None:
        return Extractor(net, f"random (seed {RANDOM_SEED})", learnt=False)
    without = ("final.3.", "mv2.classifier.")
    name = checkpoints.load_into(net, path, without=without, origin="DCASE 2019")
    return Extractor(net, name, learnt=True)


def some(mel: NDArray[np.generic]) -> Floats:
    """At most `MOST_CLIPS` clips, evenly spread, in float32."""
    step = max(1, -(-len(mel) // MOST_CLIPS))
    return np.asarray(mel[::step], np.float32)
