"""TACMA's AV-BT: Barlow Twins between sound and picture (Ran et al., 2022), no negatives.

As in Wang et al. (2025), section 4.2.3, the supervised attention is left out and training is on
10-second subclips. Readings: the subclip's representation is the mean (or maximum) over its ten
seconds of what an encoder makes of each; the encoders are perceptrons on the kept descriptions,
since E_a from scratch does not come up to plain sound statistics within an hour of footage; each
modality has its own three-layer projector. Clips are embedded before it, as in Barlow Twins; across
modalities they are compared after it, in the coordinates that the loss sees.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from ml.baselines.descent import descend, seeded
from ml.baselines.descriptions import Descriptions
from ml.baselines.subclips import LENGTH, subclips
from ml.baselines.system import AnomalyScore, Embedded, Floats, embedded
from ml.corpus import Corpus

REDUNDANCY = 0.0051
BATCH = 64


def barlow_twins(x: Tensor, y: Tensor, redundancy: float = REDUNDANCY) -> Tensor:
    """`sum_i (C_ii - 1)^2 + redundancy * sum_{i != j} C_ij^2` (Zbontar et al., 2021).

    C (d, d) is the cross-correlation over the batch of rows (b, d) and (b, d).
    """
    standard = [(z - z.mean(dim=0)) / (z.std(dim=0, correction=0) + 1e-5) for z in (x, y)]
    correlation = standard[0].T @ standard[1] / len(x)
    diagonal = correlation.diagonal()
    others = correlation.square().sum() - diagonal.square().sum()
    return (diagonal - 1).square().sum() + redundancy * others


def perceptron(width_in: int, width: int, width_out: int) -> nn.Sequential:
    """Two layers."""
    return nn.Sequential(nn.Linear(width_in, width), nn.ReLU(), nn.Linear(width, width_out))


def projector(width: int, projection: int) -> nn.Sequential:
    """Three layers; the last batch norm is the standardisation of the loss."""
    return nn.Sequential(
        nn.Linear(width, projection, bias=False),
        nn.BatchNorm1d(projection),
        nn.ReLU(),
        nn.Linear(projection, projection, bias=False),
        nn.BatchNorm1d(projection),
        nn.ReLU(),
        nn.Linear(projection, projection, bias=False),
        nn.BatchNorm1d(projection, affine=False),
    )


class Twin(nn.Module):
    """One modality: an encoder of single seconds, and a projector of subclips."""

    def __init__(self, width_in: int, width: int, projection: int) -> None:
        super().__init__()
        self.encoder = perceptron(width_in, width, width)
        self.projector = projector(width, projection)


class Tacma:
    """AV-BT, trained on the camera's own footage."""

    name = "TACMA (AV-BT)"
    weights = "own"
    anomaly: AnomalyScore = "cross"
    wants_frames = False

    def __init__(
        self,
        *,
        epochs: int = 100,
        width: int = 512,
        projection: int = 512,
        pool: Literal["mean", "max"] = "mean",
    ) -> None:
        self._epochs, self._width, self._projection = epochs, width, projection
        self._pool = pool
        self.losses: list[float] = []

    def fit(self, train: Corpus, seed: int, *, frame_features: Floats | None = None) -> None:
        """See `System.fit`."""
        self._descriptions = Descriptions.fit(train)
        seen = torch.from_numpy(self._descriptions.pictures(train))
        heard = torch.from_numpy(self._descriptions.sounds(train))
        rows = torch.from_numpy(subclips(train))
        with seeded(seed):
            video = Twin(seen.shape[1], self._width, self._projection)
            audio = Twin(heard.shape[1], self._width, self._projection)

            def loss(index: Tensor) -> Tensor:
                seconds = rows[index].flatten()
                x = video.projector(self._pooled(video.encoder(seen[seconds])))
                y = audio.projector(self._pooled(audio.encoder(heard[seconds])))
                return barlow_twins(x, y)

            twins = nn.ModuleList([video, audio])
            self.losses = descend(twins, loss, len(rows), epochs=self._epochs, batch=BATCH)
        self._video, self._audio = video, audio

    def _pooled(self, seconds: Tensor) -> Tensor:
        """Rows of seconds (b * 10, d) -> rows of subclips (b, d)."""
        parts = seconds.view(-1, LENGTH, seconds.shape[1])
        return parts.mean(dim=1) if self._pool == "mean" else parts.amax(dim=1)

    def embed(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Embedded:
        """See `System.embed`."""
        z_v, common_v = _run(self._video, self._descriptions.pictures(corpus))
        z_a, common_a = _run(self._audio, self._descriptions.sounds(corpus))
        return embedded(corpus, z_v, z_a, common=(common_v, common_a))


def _run(twin: Twin, rows: Floats) -> tuple[Floats, Floats]:
    """Representations (n, d) of single seconds, and their projections scaled to length one."""
    with torch.inference_mode():
        z = twin.encoder(torch.from_numpy(rows))
        projected = nn.functional.normalize(twin.projector(z))
    return z.numpy(), projected.numpy()
