"""Is the event in this second? A linear layer on frozen embeddings (Wang et al. 2025, section 4.2).

The protocol is the linear evaluation of Wang et al. (2022): cross-entropy, SGD with a learning rate
of .01, momentum .9 and batches of 128 for 100 epochs, the rate divided by ten after 60 and 80, and
the last epoch reported, never the best on the test. numpy only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml import metrics

LEARNING_RATE = 0.01
MOMENTUM = 0.9
BATCH = 128
EPOCHS = 100
MILESTONES = (60, 80)
DECAY = 0.1

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


def joint_rows(z_v: Floats, z_a: Floats, *, has_video: Mask, has_audio: Mask) -> Floats:
    """Set picture and sound side by side: (n, Dv), (n, Da) -> (n, Dv + Da), NaN where absent."""
    nothing = np.float32(np.nan)
    seen = np.where(has_video[:, None], z_v, nothing)
    heard = np.where(has_audio[:, None], z_a, nothing)
    return np.concatenate([seen, heard], axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Classifier:
    """One linear layer for each of K kinds of event, each a yes or no of its own; immutable."""

    mean: Floats  # (d,)
    scale: Floats  # (d,) one over the deviation, zero for a column that never varied
    weight: Floats  # (d, K)
    bias: Floats  # (K,)

    @classmethod
    def fit(
        cls,
        rows: Floats,
        labels: ArrayLike,
        *,
        seed: int,
        balanced: bool = False,
        epochs: int = EPOCHS,
    ) -> "Classifier":
        """Train on rows (n, d) and labels (n, K) or (n,), true where the kind happens.

        Rows are standardised on themselves (our reading: encoders differ in scale, and one learning
        rate must serve all); NaN, an absent modality, then counts as the mean. The layer starts at
        zero and `seed` orders the batches: the problem is convex. `balanced` weighs seconds so that
        those with and without the event count alike, for real use where events are rare; the
        paper's protocol does not. Raises ValueError where there is nothing to learn from.
        """
        if not len(rows):
            raise ValueError("There are no seconds to learn an event from.")
        labels = np.asarray(labels, np.float32).reshape(len(rows), -1)
        mean, scale = _standard(rows)
        x = _standardised(rows, mean, scale)
        cost = _costs(labels, balanced)
        weight, bias = _descend(x, labels, cost, seed, epochs)
        return cls(mean, scale, weight, bias)

    def probabilities(self, rows: Floats) -> Doubles:
        """Tell how likely each kind is in each second: (n, d) -> (n, K)."""
        return _sigmoid(_standardised(rows, self.mean, self.scale) @ self.weight + self.bias)


@dataclass(frozen=True)
class Measures:
    """How well one kind was located."""

    accuracy: float  # segment-wise: part of the seconds that are right
    balanced_accuracy: float  # mean over seconds with and without it; NaN where either is missing
    average_precision: float  # NaN where it never happens


def measure(probabilities: ArrayLike, labels: ArrayLike, threshold: float = 0.5) -> Measures:
    """Compare one kind's probabilities (n,) with its labels (n,).

    Most seconds are empty, so that saying "never" has a high accuracy: the other two measures are
    ours beside the paper's.
    """
    probabilities, labels = np.asarray(probabilities, np.float64), np.asarray(labels, bool)
    right = (probabilities >= threshold) == labels
    halves = [right[labels == truth] for truth in (True, False)]
    balanced = np.mean([h.mean() for h in halves]) if all(map(len, halves)) else np.nan
    return Measures(
        float(right.mean()) if len(right) else float("nan"),
        float(balanced),
        metrics.average_precision(probabilities, labels),
    )


def _standard(rows: Floats) -> tuple[Floats, Floats]:
    """Mean and one over the deviation of each column (d,), NaN left out."""
    known = np.isfinite(rows)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, rows, 0).sum(axis=0, dtype=np.float64) / count
    apart = np.where(known, rows - mean, 0)
    deviation = np.sqrt(np.square(apart).sum(axis=0, dtype=np.float64) / count)
    # Rounding errors of a column that never varies are not blown up.
    varies = deviation > 1e-6 * np.maximum(np.abs(mean), 1e-3)
    scale = np.where(varies, 1 / np.where(varies, deviation, 1), 0)
    return mean.astype(np.float32), scale.astype(np.float32)


def _standardised(rows: Floats, mean: Floats, scale: Floats) -> Floats:
    return np.asarray(np.nan_to_num((rows - mean) * scale, nan=0.0), np.float32)


def _costs(labels: Floats, balanced: bool) -> Floats:
    """What an error in each second costs, (n, K) with mean 1."""
    if not balanced:
        return np.ones_like(labels)
    share = labels.mean(axis=0)
    halves = np.where(labels > 0, share, 1 - share)
    return np.asarray(0.5 / np.maximum(halves, 1e-9), np.float32)


def _descend(
    x: Floats, labels: Floats, cost: Floats, seed: int, epochs: int
) -> tuple[Floats, Floats]:
    """Stochastic gradient descent on the cross-entropy -> weight (d, K), bias (K,).

    Its gradient by the logit is probability minus label. The milestones keep their places where
    there are other than 100 epochs.
    """
    random = np.random.default_rng(seed)
    layer = np.zeros((x.shape[1] + 1, labels.shape[1]), np.float32)  # the last row is the bias
    velocity = np.zeros_like(layer)
    gradient = np.empty_like(layer)
    for epoch in range(epochs):
        rate = LEARNING_RATE * DECAY ** sum(epoch >= m * epochs // EPOCHS for m in MILESTONES)
        order = random.permutation(len(x))
        for start in range(0, len(x), BATCH):
            some = order[start : start + BATCH]
            batch = x[some]
            error = _sigmoid(batch @ layer[:-1] + layer[-1]) - labels[some]
            step = np.asarray(error * cost[some] / len(some), np.float32)
            gradient[:-1], gradient[-1] = batch.T @ step, step.sum(axis=0)
            velocity *= np.float32(MOMENTUM)
            velocity += gradient
            layer -= np.float32(rate) * velocity
    return layer[:-1].copy(), layer[-1].copy()


def _sigmoid(logits: ArrayLike) -> Doubles:
    return np.asarray((1 + np.tanh(np.asarray(logits, np.float64) / 2)) / 2, np.float64)
