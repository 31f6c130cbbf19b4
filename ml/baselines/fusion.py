"""Fusion (Kumari and Saini, 2022): two students of a visual teacher, and an adaptive mixture.

A visual network teaches an image network and an audio network to give its features; what the two
give is concatenated, compressed by PCA, and followed by an adaptive Gaussian mixture. An anomaly is
far from the background components. Only the abstract is at hand, so these are readings: the teacher
is what the kept features know of the video (the trunk, whatever its weights, and the foreground's
description), the students are perceptrons on a single frame's features, or where there are none on
the foreground's description, and on the sound's, with a squared error; PCA keeps `VARIANCE` of the
variance in at most `MOST_COLUMNS` whitened columns; the mixture goes on adapting while it scores.
"""

import numpy as np
import torch
from torch import Tensor, nn

from ml.baselines.descent import descend, seeded
from ml.baselines.descriptions import Descriptions
from ml.baselines.mixture import AdaptiveMixture
from ml.baselines.pretrained import standard, standardiser
from ml.baselines.system import AnomalyScore, Doubles, Embedded, Floats, embedded
from ml.baselines.tacma import perceptron
from ml.corpus import Corpus

BATCH = 128
DROPOUT = 0.2
VARIANCE = 0.9
MOST_COLUMNS = 16


class Fusion:
    """Students, PCA and mixture, trained on the camera's own footage."""

    name = "Fusion"
    anomaly: AnomalyScore = "own"
    wants_frames = False

    def __init__(
        self, *, epochs: int = 30, width: int = 256, trunk_weights: str | None = None
    ) -> None:
        self._epochs, self._width = epochs, width
        self.weights = f"own; its teacher is a trunk of {trunk_weights or 'random weights'}"
        self.losses: list[float] = []

    def fit(self, train: Corpus, seed: int, *, frame_features: Floats | None = None) -> None:
        """See `System.fit`; frame features are used where they are given."""
        self._descriptions = Descriptions.fit(train)
        self._frame = None
        if frame_features is not None:
            self._frame = standardiser(frame_features[train.has_video])
        both = np.flatnonzero(train.has_video & train.has_audio)
        teacher = torch.from_numpy(self._descriptions.pictures(train)[both])
        image, sound = (torch.from_numpy(x[both]) for x in self._inputs(train, frame_features))
        with seeded(seed):
            self._students = nn.ModuleList(
                nn.Sequential(
                    nn.Dropout(DROPOUT), perceptron(x.shape[1], self._width, teacher.shape[1])
                )
                for x in (image, sound)
            )

            def loss(index: Tensor) -> Tensor:
                errors = [
                    nn.functional.mse_loss(student(x[index]), teacher[index])
                    for student, x in zip(self._students, (image, sound), strict=True)
                ]
                return torch.stack(errors).sum()

            self.losses = descend(self._students, loss, len(both), epochs=self._epochs, batch=BATCH)
        self._fit_mixture(train, frame_features)

    def _fit_mixture(self, train: Corpus, frame_features: Floats | None) -> None:
        z = self.embed(train, frame_features=frame_features)
        rows = z.joint[z.has_video & z.has_audio].astype(np.float64)
        self._mean = rows.mean(axis=0)
        _, sizes, directions = np.linalg.svd(rows - self._mean, full_matrices=False)
        held = np.cumsum(np.square(sizes)) / max(np.square(sizes).sum(), 1e-12)
        keep = min(int(np.searchsorted(held, VARIANCE)) + 1, MOST_COLUMNS, len(sizes))
        spread = np.maximum(sizes[:keep] / len(rows) ** 0.5, 1e-6)
        self._components = directions[:keep].T / spread
        self._mixture = AdaptiveMixture.fit((rows - self._mean) @ self._components)

    def embed(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Embedded:
        """See `System.embed`; both students answer in the teacher's space."""
        inputs = self._inputs(corpus, frame_features)
        with torch.inference_mode():
            z_v, z_a = (
                student(torch.from_numpy(x)).numpy()
                for student, x in zip(self._students, inputs, strict=True)
            )
        return embedded(corpus, z_v, z_a, common=(z_v, z_a), concatenated=True)

    def surprise(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Doubles:
        """See `ScoresAnomalies.surprise`: clips are taken in their order, each call begins anew."""
        z = self.embed(corpus, frame_features=frame_features)
        both = z.has_video & z.has_audio
        rows = (z.joint.astype(np.float64) - self._mean) @ self._components
        scores = np.full(len(corpus), np.nan)
        mixture = self._mixture.copy()
        for clip in np.flatnonzero(both):
            scores[clip] = mixture.surprise(rows[clip])
            mixture.update(rows[clip])
        return scores

    def _inputs(self, corpus: Corpus, frame_features: Floats | None) -> tuple[Floats, Floats]:
        """What the students take: (n, 1280) or (n, F), and (n, Da)."""
        sound = self._descriptions.sounds(corpus)
        if self._frame is not None:
            if frame_features is None:
                raise ValueError("Fusion was trained on features of single frames and needs them.")
            rows = standard(self._frame, frame_features) * np.float32(
                frame_features.shape[1] ** 0.5
            )
            return np.asarray(np.where(corpus.has_video[:, None], rows, 0), np.float32), sound
        pictures = self._descriptions.pictures(corpus)
        return np.ascontiguousarray(pictures[:, : corpus.foreground.shape[1]]), sound
