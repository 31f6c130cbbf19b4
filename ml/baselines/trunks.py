"""Trunks by themselves: what each makes of a camera's pictures, and nothing beside it.

A trunk is judged by its pooled features alone, z-scored and whitened on the camera's own training
clips as the starter encoder does (`ml.starter`), against the foreground's description, which no
network has seen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ml import runtime
from ml.baselines.descriptions import Starter
from ml.baselines.pretrained import FrameFeatures
from ml.baselines.system import Embedded, Floats, embedded
from ml.corpus import Corpus
from ml.cutout import cut_out
from ml.encoders import Peaks, split, video_encoder
from ml.foreground import watch
from ml.inputs import unit
from ml.runtime import RANDOM_SEED
from ml.weights import load_trunk_weights, pretrained_encoder
from ml.whitening import Whitening

# The first blocks of X3D-M, whose maps are fine enough to show a small object.
SHALLOW = 3


@dataclass(frozen=True)
class Look:
    """A way to look at pictures: through which weights, at what, how deep, and pooled how."""

    name: str
    weights: Path | None = None  # None: random
    moving: bool = False  # at what moves alone, cut out, or at the whole picture
    blocks: int | None = None  # so many of the first blocks; None: the whole trunk
    peaks: bool = False

    def describe(self) -> Callable[[NDArray[np.uint8]], Floats]:
        """Return what turns a chunk's frames u8 (5n, H, W, 3) into rows (n, d), crops averaged."""
        net = runtime.compiled(self._network(), self.name)

        def rows(frames: NDArray[np.uint8]) -> Floats:
            if self.moving:
                seen = watch(frames)
                frames = cut_out(frames, seen.mask, seen.background)
            return np.asarray(net.features(frames).mean(axis=1), np.float32)

        return rows

    def _network(self) -> nn.Module:
        if self.weights is None:
            encoder = video_encoder(RANDOM_SEED)
        else:
            encoder = pretrained_encoder(load_trunk_weights(self.weights))
        trunk, _ = split(encoder, peaks=self.peaks)
        if self.blocks is None:
            return trunk
        pool: nn.Module = Peaks() if self.peaks else nn.AdaptiveAvgPool3d(1)
        return nn.Sequential(*list(trunk.stages)[: self.blocks], pool, nn.Flatten())


class TrunkAlone(FrameFeatures):
    """The features of one look: z-scored, whitened and of one length, as the starter has them."""

    def __init__(self, look: Look) -> None:
        self.look, self.name = look, look.name
        weights = None if look.weights is None else load_trunk_weights(look.weights).name
        self.weights = weights or f"x3d-m random (seed {RANDOM_SEED})"

    def fit(self, train: Corpus, seed: int, *, frame_features: Floats | None = None) -> None:
        """See `System.fit`; there is nothing random in it."""
        super().fit(train, seed, frame_features=frame_features)
        scored = super().embed(train, frame_features=frame_features).z_v
        self._whitening = Whitening.of_seconds(scored[train.has_video])

    def embed(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Embedded:
        """See `System.embed`; it hears nothing."""
        scored = super().embed(corpus, frame_features=frame_features).z_v
        return embedded(corpus, unit(self._whitening(scored)))


class ForegroundAlone(Starter):
    """The starter encoder's pictures without any trunk: colour, size, place and motion."""

    name = "foreground histogram"

    def embed(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Embedded:
        """See `System.embed`; it hears nothing."""
        return embedded(corpus, super().embed(corpus).z_v)


def looks(own: Path | None) -> list[Look]:
    """Return the looks that are compared; the project's own weights where they are given."""
    random = [
        Look("random trunk, as X3D pools"),
        Look("random trunk at what moves, by peaks", moving=True, peaks=True),
        Look("random shallow blocks, by peaks", blocks=SHALLOW, peaks=True),
    ]
    if own is None:
        return random
    return [Look("own trunk at what moves, by peaks", own, moving=True, peaks=True), *random]
