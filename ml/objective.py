"""What a batch is trained on: its pairs labelled, its distances compared."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ml import losses, pairs
from ml.method import Method
from ml.schedule import Sides


@dataclass(frozen=True)
class Step:
    """What one batch gave; NaN where there was nothing to measure."""

    loss: Tensor
    positive_rate: float  # part of the pairs of different clips that were labelled positive
    alignment: float  # chance that a clip's own sound is nearer than another clip's


class Objective:
    """The loss of a method. Its margin, where not set, is measured on the first batch it sees."""

    def __init__(self, method: Method, sides: Sides) -> None:
        self.method, self.sides = method, sides
        self.margin = method.margin
        # InfoNCE compares by cosine, the hinge by Eq. 5.
        self.lam = 0.0 if method.loss == "info_nce" else method.lam

    def __call__(
        self, z_v: Tensor, z_a: Tensor, at: Tensor, generated: Tensor | None, *, temporal: bool
    ) -> Step:
        """Compare a batch of m clips at seconds `at` (m,).

        `z_v` (c * m, 512) holds the pictures crop after crop, each a sample of its own with the
        clip's sound; `z_a` (m, 512) the sounds. `generated`, bool (m, m), are the positives that a
        neighbourhood adds, and `temporal` says that there are to be temporal ones only.
        """
        if self.sides == "audio":
            return self._alone(z_a, at, generated)
        crops = len(z_v) // len(at)
        times = at.repeat(crops)
        added = None if generated is None else generated.repeat(crops, crops)
        if self.sides == "video":
            return self._alone(z_v, times, added)
        sounds = z_a.repeat(crops, 1)
        positive = self._positive(z_v, sounds, times, added, temporal)
        distance = losses.pairwise(z_v, sounds, self.lam)
        loss = self._loss(distance, positive, times)
        if self.method.within != "none":
            near = self._within_positive(positive, times)
            m = len(at)
            terms = self._within(z_v, near, times) + self._within(z_a, near[:m, :m], at)
            loss = loss + self.method.within_weight * terms / 2
        different = times[:, None] != times
        return Step(loss, _share(positive, different), _alignment(distance, different))

    def _alone(self, z: Tensor, at: Tensor, added: Tensor | None) -> Step:
        """Compare one modality with itself, the other being absent."""
        near = pairs.temporal(at, 0 if self.method.within == "pairs" else self.method.within_s)
        near = near if added is None else near | added
        rate = _share(near, at[:, None] != at)
        return Step(self._within(z, near, at), rate, float("nan"))

    def _positive(
        self, z_v: Tensor, z_a: Tensor, at: Tensor, added: Tensor | None, temporal: bool
    ) -> Tensor:
        method = self.method
        if method.pairs in ("or", "and") and not temporal:
            return pairs.embedded(
                z_v,
                z_a,
                at,
                rule="or" if method.pairs == "or" else "and",
                delta=method.delta,
                lam=method.lam,
                tau=method.tau,
                tau_share=method.tau_share,
            )
        positive = pairs.temporal(at, method.delta)
        return positive if added is None else positive | added

    def _within_positive(self, positive: Tensor, at: Tensor) -> Tensor:
        if self.method.within == "pairs":
            return positive
        return pairs.temporal(at, self.method.within_s)

    def _within(self, z: Tensor, positive: Tensor, at: Tensor) -> Tensor:
        """Compare samples with each other; a sample itself is neither positive nor negative."""
        others = ~torch.eye(len(z), dtype=torch.bool)
        return self._loss(losses.pairwise(z, z, self.lam), positive, at, others)

    def _loss(
        self, distance: Tensor, positive: Tensor, at: Tensor, valid: Tensor | None = None
    ) -> Tensor:
        method = self.method
        if method.loss == "info_nce":
            weight = torch.where(pairs.temporal(at, method.delta), 1.0, method.pair_weight)
            return losses.info_nce(distance, weight * positive, method.temperature, valid=valid)
        if self.margin is None:
            different = at[:, None] != at
            self.margin = float(distance.detach()[different].median())
        return losses.hinge(distance, positive, self.margin, balanced=method.balanced, valid=valid)


def _share(positive: Tensor, different: Tensor) -> float:
    pairs_of_different = int(different.sum())
    return int((positive & different).sum()) / pairs_of_different if pairs_of_different else 0.0


def _alignment(distance: Tensor, different: Tensor) -> float:
    """Chance that a sample's own pair is nearer than one of different clips, ties counting half."""
    distance = distance.detach()
    own = distance.diagonal()[:, None]
    wins = (own < distance).float() + (own == distance).float() / 2
    return float(wins[different].mean()) if different.any() else float("nan")
