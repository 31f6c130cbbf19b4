"""The contrastive losses over a batch, from its matrix of distances.

Each is tested against a plain loop written from its equation.
"""

import torch
from torch import Tensor
from torch.nn import functional

# Under the root, so that its gradient stays finite where two embeddings are the same.
EPSILON = 1e-9


def pairwise(x: Tensor, y: Tensor, lam: float) -> Tensor:
    """Eq. 5 between every row of x and every row of y: (m, d), (n, d) -> (m, n); see `ml.distance`.

    With lam = 0 it is one minus the cosine.
    """
    cosine = functional.normalize(x, dim=1) @ functional.normalize(y, dim=1).T
    if lam == 0:
        return 1 - cosine
    # Distances do not change with the origin, rounding errors do: they grow with the lengths.
    origin = y.detach().mean(dim=0)
    x, y = x - origin, y - origin
    squares = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1) - 2 * x @ y.T
    return lam * squares.clamp_min(EPSILON).sqrt() + (1 - lam) * (1 - cosine)


def hinge(
    distance: Tensor,
    positive: Tensor,
    margin: float,
    *,
    balanced: bool = False,
    valid: Tensor | None = None,
) -> Tensor:
    """Multi-positive hinge (Eq. 4, after Hadsell et al. 2006) of distances (m, n) -> scalar.

    `sum_ij [y_ij D_ij^2 + (1 - y_ij) max(0, m - D_ij)^2]`, here divided by the number of pairs so
    that it does not grow with the batch; `positive` is y, bool (m, n). With `balanced`, the mean
    over the positives plus the mean over the negatives, so that neither takes over. Pairs outside
    `valid`, bool (m, n), do not count.
    """
    negative = ~positive
    if valid is not None:
        positive, negative = positive & valid, negative & valid
    pull = (distance.square() * positive).sum()
    push = ((margin - distance).clamp_min(0).square() * negative).sum()
    positives, negatives = positive.sum(), negative.sum()
    if balanced:
        return pull / positives.clamp_min(1) + push / negatives.clamp_min(1)
    return (pull + push) / (positives + negatives).clamp_min(1)


def info_nce(
    distance: Tensor, weight: Tensor, temperature: float, *, valid: Tensor | None = None
) -> Tensor:
    """Multi-positive InfoNCE (van den Oord et al. 2018; Khosla et al. 2020, Eq. 2) -> scalar.

    Of distances (m, n) in both directions: the mean over the anchors i of
    `-sum_j w_ij log p_ij / sum_j w_ij` with `p_ij = softmax_j(-D_ij / temperature)`. `weight`,
    float (m, n), is how much each pair counts as a positive, 0 for negatives. Pairs outside
    `valid`, bool (m, n), are in no sum; anchors without a positive do not count.
    """
    if valid is None:
        valid = torch.ones_like(weight, dtype=torch.bool)
    one_way = _cross_entropy(distance, weight * valid, temperature, valid)
    return (one_way + _cross_entropy(distance.T, (weight * valid).T, temperature, valid.T)) / 2


def _cross_entropy(distance: Tensor, weight: Tensor, temperature: float, valid: Tensor) -> Tensor:
    logits = (-distance / temperature).masked_fill(~valid, float("-inf"))
    log_p = torch.log_softmax(logits, dim=1)
    # Where nothing is weighed the logarithm may be infinite, and 0 times infinity is no number.
    terms = torch.where(weight > 0, weight * log_p, torch.zeros_like(log_p))
    weights = weight.sum(dim=1)
    anchors = weights > 0
    if not anchors.any():
        return distance.sum() * 0
    return -(terms.sum(dim=1)[anchors] / weights[anchors]).mean()
