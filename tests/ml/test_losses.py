import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ml.distance import eq5_pairwise
from ml.losses import hinge, info_nce, pairwise


def some(rows: int, seed: int, columns: int = 7) -> Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("lam", [0.0, 0.25, 0.75, 1.0])
def test_pairwise_is_equation_5(lam: float) -> None:
    x, y = some(5, 0), some(6, 1) + 20
    np.testing.assert_allclose(pairwise(x, y, lam), eq5_pairwise(x, y, lam), atol=2e-5)


def test_the_gradient_is_finite_where_embeddings_are_equal() -> None:
    x = some(4, 0).requires_grad_()
    pairwise(x, x, 0.25).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert x.grad.isfinite().all()


def naive_hinge(d: Tensor, y: Tensor, m: float) -> tuple[float, float]:
    pull = push = 0.0
    for i in range(len(d)):
        for j in range(d.shape[1]):
            if y[i, j]:
                pull += float(d[i, j]) ** 2
            else:
                push += max(0.0, m - float(d[i, j])) ** 2
    return pull, push


def test_hinge_is_equation_4() -> None:
    distance, positive = some(6, 2, 5).abs(), some(6, 3, 5) > 0.5
    pull, push = naive_hinge(distance, positive, 1.2)
    assert hinge(distance, positive, 1.2).item() == pytest.approx((pull + push) / 30, rel=1e-5)


def test_balanced_hinge_averages_positives_and_negatives_apart() -> None:
    distance, positive = some(6, 2, 5).abs(), some(6, 3, 5) > 0.5
    pull, push = naive_hinge(distance, positive, 1.2)
    count = int(positive.sum())
    wanted = pull / count + push / (30 - count)
    assert hinge(distance, positive, 1.2, balanced=True).item() == pytest.approx(wanted, rel=1e-5)


def test_hinge_without_negatives_or_valid_pairs_is_finite() -> None:
    distance, all_positive = some(3, 0, 3).abs(), torch.ones(3, 3, dtype=torch.bool)
    loss = hinge(distance, all_positive, 1, balanced=True)
    assert loss.item() == pytest.approx(distance.square().mean().item(), rel=1e-5)
    nothing = hinge(distance, all_positive, 1, valid=~all_positive)
    assert nothing.item() == 0


def naive_one_way(d: Tensor, w: Tensor, t: float, valid: Tensor) -> float:
    losses = []
    for i in range(len(d)):
        allowed = [j for j in range(d.shape[1]) if valid[i, j]]
        total = sum(math.exp(-float(d[i, j]) / t) for j in allowed)
        weight = sum(float(w[i, j]) for j in allowed)
        if weight:
            log_p = {j: math.log(math.exp(-float(d[i, j]) / t) / total) for j in allowed}
            losses.append(-sum(float(w[i, j]) * log_p[j] for j in allowed) / weight)
    return sum(losses) / len(losses)


@pytest.mark.parametrize("masked", [False, True])
def test_info_nce_is_its_equation(masked: bool) -> None:
    distance, weight = some(6, 4, 6).abs(), (some(6, 5, 6) - 0.5).clamp_min(0)
    weight[2] = 0  # an anchor without a positive
    valid = ~torch.eye(6, dtype=torch.bool) if masked else torch.ones(6, 6, dtype=torch.bool)
    wanted = (
        naive_one_way(distance, weight, 0.3, valid)
        + naive_one_way(distance.T, weight.T, 0.3, valid.T)
    ) / 2
    loss = info_nce(distance, weight, 0.3, valid=valid if masked else None)
    assert loss.item() == pytest.approx(wanted, rel=1e-5)


def test_info_nce_without_any_positive_is_nothing() -> None:
    distance = some(3, 0, 3).requires_grad_()
    loss = info_nce(distance, torch.zeros(3, 3), 0.1)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0
    assert distance.grad is not None
    assert not distance.grad.any()


def test_info_nce_stays_finite_far_from_chance() -> None:
    distance = torch.tensor([[0.0, 2000.0], [2000.0, 0.0]], requires_grad=True)
    loss = info_nce(distance, torch.eye(2), 0.1, valid=torch.tensor([[True, False], [False, True]]))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0
    assert distance.grad is not None
    assert distance.grad.isfinite().all()
