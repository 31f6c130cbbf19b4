"""MAViL-style: a compact version of masked audio-video learners (Huang et al., 2024).

Neither code nor weights of MAViL are public, hence the name. What is kept of it: encoders that see
a fifth of the tokens, a fusion of both modalities, decoders that reconstruct what was masked,
InfoNCE between the modalities and between two masked views of each, and a second stage in which a
new student predicts the contextualised features of the first stage's teacher in place of the input.

Readings: training is on 10-second subclips, others in the batch being negatives (Wang et al. 2025,
section 4.2.3). Tokens are a second's kept features instead of patches of pixels: the trunk's two
crops and the foreground's description; four quarters of the log-mel, averaged over pairs of bins
and four frames. Both contrasts weigh `INTER` and `INTRA` beside the reconstruction. A clip is
embedded by its own tokens alone, the student's encoder of its modality, averaged.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ml.baselines.descent import descend, info_nce, seeded
from ml.baselines.masked import MaskedNetwork, masked_error
from ml.baselines.subclips import subclips
from ml.baselines.system import AnomalyScore, Embedded, Floats, embedded
from ml.corpus import Corpus
from ml.preprocess import MEL_BINS, MEL_FRAMES

MASKED = 0.8
INTER, INTRA = 0.1, 0.01
TEMPERATURE_INTER, TEMPERATURE_INTRA = 0.1, 1.0
BATCH = 32
QUARTERS = 4
POOLED_BINS, POOLED_FRAMES = 2, 4

Kinds = list[Tensor]  # of one modality: (n, w_k) each


class Mavil:
    """Both stages, trained on the camera's own footage."""

    name = "MAViL-style"
    weights = "own"
    anomaly: AnomalyScore = "cross"
    wants_frames = False

    def __init__(self, *, epochs: int = 30, width: int = 128, depth: int = 2) -> None:
        """`epochs` is the length of each of the two stages."""
        self._epochs, self._width, self._depth = epochs, width, depth
        self.losses: list[list[float]] = []  # of every stage

    def fit(self, train: Corpus, seed: int, *, frame_features: Floats | None = None) -> None:
        """See `System.fit`."""
        self._statistics = [
            [_statistics(kind, present) for kind in kinds]
            for kinds, present in zip(
                _tokens(train), (train.has_video, train.has_audio), strict=True
            )
        ]
        tokens = self._inputs(train)
        rows = torch.from_numpy(subclips(train))
        inputs = [[kind.shape[1] for kind in kinds] for kinds in tokens]
        contexts = [[self._width] * len(kinds) for kinds in tokens]
        with seeded(seed):
            teacher = MaskedNetwork(inputs, inputs, self._width, self._depth)
            first = self._train(teacher, tokens, rows, lambda batch: batch)
            student = MaskedNetwork(inputs, contexts, self._width, self._depth)
            second = self._train(student, tokens, rows, lambda batch: _context(teacher, batch))
        self.losses, self._net = [first, second], student

    def _train(
        self,
        net: MaskedNetwork,
        tokens: list[Kinds],
        rows: Tensor,
        targets: Callable[[list[Kinds]], Sequence[Sequence[Tensor]]],
    ) -> list[float]:
        def loss(index: Tensor) -> Tensor:
            batch = [[kind[rows[index]] for kind in kinds] for kinds in tokens]
            seen = net(batch, MASKED)
            error = torch.stack(
                [
                    masked_error(*parts)
                    for parts in zip(seen.decoded, targets(batch), seen.kept, strict=True)
                ]
            ).sum()
            between = info_nce(seen.encoded[0], seen.encoded[1], TEMPERATURE_INTER)
            views = zip(seen.encoded, net.view(batch, MASKED), strict=True)
            within = sum(info_nce(x, y, TEMPERATURE_INTRA) for x, y in views)
            return error + INTER * between + INTRA * within

        return descend(net, loss, len(rows), epochs=self._epochs, batch=BATCH)

    def embed(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Embedded:
        """See `System.embed`; picture and sound share their space."""
        with torch.inference_mode():
            z_v, z_a = (
                self._net.embed(modality, kinds).numpy()
                for modality, kinds in enumerate(self._inputs(corpus))
            )
        return embedded(corpus, z_v, z_a, common=(z_v, z_a))

    def _inputs(self, corpus: Corpus) -> list[Kinds]:
        """Standardised tokens of single seconds, by modality and kind (n, w_k)."""
        return [
            [
                torch.from_numpy((kind - mean) * scale)
                for kind, (mean, scale) in zip(kinds, known, strict=True)
            ]
            for kinds, known in zip(_tokens(corpus), self._statistics, strict=True)
        ]


def _tokens(corpus: Corpus) -> list[list[Floats]]:
    """Tokens of single seconds as they are, by modality and kind (n, w_k)."""
    crops = [corpus.trunk[:, crop].astype(np.float32) for crop in range(corpus.trunk.shape[1])]
    shape = (MEL_BINS // POOLED_BINS, POOLED_BINS, MEL_FRAMES // POOLED_FRAMES, POOLED_FRAMES)
    pooled = corpus.mel.reshape(len(corpus), *shape).mean(axis=(2, 4), dtype=np.float32)
    quarters = np.split(pooled, QUARTERS, axis=2)
    foreground = np.asarray(corpus.foreground, np.float32)
    return [[*crops, foreground], [quarter.reshape(len(corpus), -1) for quarter in quarters]]


def _statistics(kind: Floats, present: np.ndarray) -> tuple[Floats, Floats]:
    """Mean and one over the deviation of one kind of token, (w_k,) each."""
    rows = kind[present] if present.any() else np.zeros((1, kind.shape[1]), np.float32)
    deviation = rows.std(axis=0)
    least = max(0.1 * float(deviation.mean()), 1e-6)
    return rows.mean(axis=0), np.asarray(1 / np.maximum(deviation, least), np.float32)


def _context(teacher: MaskedNetwork, batch: list[Kinds]) -> list[Kinds]:
    """What the student predicts: the teacher's features, each token's normalised."""
    with torch.no_grad():
        return [
            [nn.functional.layer_norm(kind, kind.shape[2:]) for kind in kinds]
            for kinds in teacher.contextualised(batch)
        ]
