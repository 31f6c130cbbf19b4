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


@dataclass(frozen=True)
class Generated:
    """Positives that a neighbourhood adds in a batch of m clips, bool (m, m) or None each."""

    across: Tensor | None = None
    pictures: Tensor | None = None
    sounds: Tensor | None = None


@dataclass(frozen=True)
class View:
    """A batch of m clips embedded once: pictures crop after crop (c * m, 512), sounds (m, 512)."""

    pictures: Tensor
    sounds: Tensor


class Objective:
    """The loss of a method. Its margin, where not set, is measured on the first batch it sees."""

    def __init__(self, method: Method, sides: Sides) -> None:
        self.method, self.sides = method, sides
        self.margin = method.margin
        # InfoNCE compares by cosine, the hinge by Eq. 5.
        self.lam = 0.0 if method.loss == "info_nce" else method.lam

    def __call__(
        self, views: list[View], at: Tensor, generated: Generated, *, temporal: bool
    ) -> Step:
        """Compare a batch of clips at seconds `at` (m,), embedded once or twice.

        Every crop is a sample of its own with the clip's sound. `temporal` says that there are to
        be temporal pairs only.
        """
        pictures, sounds = ([getattr(v, name) for v in views] for name in ("pictures", "sounds"))
        if self.sides == "audio":
            return self._alone(sounds, at, generated.sounds, self.method.within_s)
        times = at.repeat(len(pictures[0]) // len(at))
        crops = len(times) // len(at)
        if self.sides == "video":
            seconds = self.method.within_pictures_s
            return self._alone(pictures, times, _repeated(generated.pictures, crops), seconds)
        heard, across = sounds[0].repeat(crops, 1), _repeated(generated.across, crops)
        positive = self._positive(pictures[0], heard, times, across, temporal)
        distance = losses.pairwise(pictures[0], heard, self.lam)
        different = times[:, None] != times
        loss = self._loss(distance, positive, times, self._valid(positive, times))
        if self.method.within != "none":
            loss = loss + self.method.within_weight * self._within_both(
                pictures, sounds, times, at, positive, generated
            )
        return Step(loss, _share(positive, different), _alignment(distance, different))

    def _alone(self, z: list[Tensor], at: Tensor, added: Tensor | None, seconds: int) -> Step:
        """Compare one modality with itself, the other being absent."""
        near = pairs.temporal(at, 0 if self.method.within == "pairs" else seconds)
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

    def _within_both(
        self,
        pictures: list[Tensor],
        sounds: list[Tensor],
        times: Tensor,
        at: Tensor,
        positive: Tensor,
        generated: Generated,
    ) -> Tensor:
        """Mean of the losses within pictures and within sounds."""
        method, m = self.method, len(at)
        if method.within == "pairs":
            seen, heard = positive, positive[:m, :m]
        else:
            seen = pairs.temporal(times, method.within_pictures_s)
            heard = pairs.temporal(at, method.within_s)
        if method.within == "mutual":
            added = _repeated(generated.pictures, len(times) // m)
            seen = seen if added is None else seen | added
            heard = heard if generated.sounds is None else heard | generated.sounds
        return (self._within(pictures, seen, times) + self._within(sounds, heard, at)) / 2

    def _within(self, z: list[Tensor], positive: Tensor, at: Tensor) -> Tensor:
        """Compare samples with each other, or with another view of them.

        Within one view a sample itself is neither positive nor negative.
        """
        valid = self._valid(positive, at)
        if len(z) == 1:
            others = ~torch.eye(len(at), dtype=torch.bool)
            valid = others if valid is None else valid & others
        return self._loss(losses.pairwise(z[0], z[-1], self.lam), positive, at, valid)

    def _valid(self, positive: Tensor, at: Tensor) -> Tensor | None:
        """What is near in time may be the same event, so it is no negative."""
        if not self.method.ignore_s:
            return None
        return positive | ~pairs.temporal(at, self.method.ignore_s)

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


def _repeated(added: Tensor | None, crops: int) -> Tensor | None:
    """Let every crop of a clip share the clip's pairs: (m, m) -> (c * m, c * m)."""
    return None if added is None else added.repeat(crops, crops)


def _share(positive: Tensor, different: Tensor) -> float:
    pairs_of_different = int(different.sum())
    return int((positive & different).sum()) / pairs_of_different if pairs_of_different else 0.0


def _alignment(distance: Tensor, different: Tensor) -> float:
    """Chance that a sample's own pair is nearer than one of different clips, ties counting half."""
    distance = distance.detach()
    own = distance.diagonal()[:, None]
    wins = (own < distance).float() + (own == distance).float() / 2
    return float(wins[different].mean()) if different.any() else float("nan")
