"""The whole loss of a batch against plain loops over its pairs."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from ml.distance import eq5
from ml.method import Method
from ml.objective import Generated, Objective, View

M, D = 9, 6
AT = torch.tensor([0, 3, 9, 30, 61, 62, 200, 275, 280])
METHOD = Method(
    within="mutual", ignore_s=60, within_s=6, within_pictures_s=2, within_weight=4.0, delta=0
)
Matrix = list[list[float]]


def view(seed: int, crops: int = 2) -> View:
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.randn(crops * M, D, generator=generator)
    return View(pictures, torch.randn(M, D, generator=generator))


def some_pairs(seed: int, share: float = 0.15) -> torch.Tensor:
    return torch.rand(M, M, generator=torch.Generator().manual_seed(seed)) < share


GENERATED = Generated(some_pairs(1), some_pairs(2), some_pairs(3))


def loss_of(method: Method, x: Any, y: Any, positive: Any, seconds: Any, *, itself: bool) -> float:
    """The loss of samples x against samples y, pair by pair in float64."""
    n = len(x)
    lam = 0.0 if method.loss == "info_nce" else method.lam
    distance = [[float(eq5(x[i], y[j], lam)) for j in range(n)] for i in range(n)]

    def counts(i: int, j: int) -> bool:
        if i == j and not itself:
            return False
        apart = abs(int(seconds[i]) - int(seconds[j]))
        return bool(positive[i][j]) or not method.ignore_s or apart > method.ignore_s

    valid = [[counts(i, j) for j in range(n)] for i in range(n)]
    if method.loss == "info_nce":
        way = (distance, positive, valid)
        back = tuple([[rows[j][i] for j in range(n)] for i in range(n)] for rows in way)
        return (cross_entropy(method, seconds, *way) + cross_entropy(method, seconds, *back)) / 2
    assert method.margin is not None
    terms = [
        distance[i][j] ** 2 if positive[i][j] else max(0.0, method.margin - distance[i][j]) ** 2
        for i in range(n)
        for j in range(n)
        if valid[i][j]
    ]
    return sum(terms) / len(terms)


def cross_entropy(method: Method, seconds: Any, way: Matrix, positive: Any, valid: Any) -> float:
    """Mean over the anchors that have a positive."""
    anchors = []
    for i in range(len(way)):
        others = [j for j in range(len(way)) if valid[i][j]]
        total = sum(np.exp(-way[i][j] / method.temperature) for j in others)
        weights, logs = [], []
        for j in others:
            if positive[i][j]:
                near = abs(int(seconds[i]) - int(seconds[j])) <= method.delta
                weights.append(1.0 if near else method.pair_weight)
                logs.append(-way[i][j] / method.temperature - np.log(total))
        if weights:
            anchors.append(-np.dot(weights, logs) / sum(weights))
    return float(np.mean(anchors))


def naive(method: Method, views: list[View], generated: Generated) -> float:
    """Across the modalities, and twice within them, each clip's crops one after the other."""
    crops = len(views[0].pictures) // M
    clip = [i % M for i in range(crops * M)]
    pictures = [v.pictures.double().numpy() for v in views]
    sounds = [v.sounds.double().numpy() for v in views]
    seconds = [int(AT[c]) for c in clip]

    def labels(which: list[int], added: torch.Tensor | None, near: int) -> list[list[bool]]:
        return [
            [
                abs(int(AT[i]) - int(AT[j])) <= near or (added is not None and bool(added[i, j]))
                for j in which
            ]
            for i in which
        ]

    heard = np.stack([sounds[0][c] for c in clip])
    across = labels(clip, generated.across, method.delta)
    total = loss_of(method, pictures[0], heard, across, seconds, itself=True)
    if method.within == "none":
        return total
    both = method.within == "mutual"
    seen = labels(clip, generated.pictures if both else None, method.within_pictures_s)
    listened = labels(list(range(M)), generated.sounds if both else None, method.within_s)
    if method.within == "pairs":
        seen, listened = across, labels(list(range(M)), generated.across, method.delta)
    twice = len(views) > 1
    within = (
        loss_of(method, pictures[0], pictures[-1], seen, seconds, itself=twice)
        + loss_of(method, sounds[0], sounds[-1], listened, AT, itself=twice)
    ) / 2
    return total + method.within_weight * within


@pytest.mark.parametrize("loss", ["info_nce", "hinge"])
@pytest.mark.parametrize("within", ["none", "pairs", "seconds", "mutual"])
@pytest.mark.parametrize("views", [1, 2])
def test_the_loss_is_that_of_a_plain_loop(loss: Any, within: Any, views: int) -> None:
    method = replace(METHOD, loss=loss, within=within, pair_weight=0.4, margin=1.3)
    some = [view(seed) for seed in range(views)]
    step = Objective(method, "both")(some, AT, GENERATED, temporal=False)
    assert step.loss.item() == pytest.approx(naive(method, some, GENERATED), rel=1e-4)


@pytest.mark.parametrize("ignore_s", [0, 60])
@pytest.mark.parametrize("crops", [1, 2])
def test_what_is_near_in_time_is_no_negative(ignore_s: int, crops: int) -> None:
    method = replace(METHOD, ignore_s=ignore_s)
    some = [view(0, crops), view(1, crops)]
    step = Objective(method, "both")(some, AT, GENERATED, temporal=False)
    assert step.loss.item() == pytest.approx(naive(method, some, GENERATED), rel=1e-4)
    other = naive(replace(METHOD, ignore_s=60 - ignore_s), some, GENERATED)
    assert step.loss.item() != pytest.approx(other, rel=1e-3)


@pytest.mark.parametrize("sides", ["video", "audio"])
@pytest.mark.parametrize("views", [1, 2])
def test_one_modality_is_compared_with_itself(sides: Any, views: int) -> None:
    some = [view(seed) for seed in range(views)]
    step = Objective(METHOD, sides)(some, AT, GENERATED, temporal=False)
    if sides == "video":
        clip, added, near = [i % M for i in range(2 * M)], GENERATED.pictures, 2
        z = [v.pictures.double().numpy() for v in some]
    else:
        clip, added, near = list(range(M)), GENERATED.sounds, 6
        z = [v.sounds.double().numpy() for v in some]
    assert added is not None
    positive = [
        [abs(int(AT[i]) - int(AT[j])) <= near or bool(added[i, j]) for j in clip] for i in clip
    ]
    seconds = [int(AT[c]) for c in clip]
    wanted = loss_of(METHOD, z[0], z[-1], positive, seconds, itself=views > 1)
    assert step.loss.item() == pytest.approx(wanted, rel=1e-4)
    assert np.isnan(step.alignment)


def test_the_second_view_is_compared_within_the_modalities_alone() -> None:
    views = [view(0), view(1)]
    for method, learns in ((replace(METHOD, within="none"), False), (METHOD, True)):
        second = View(*(z.clone().requires_grad_() for z in (views[1].pictures, views[1].sounds)))
        first = View(*(z.clone().requires_grad_() for z in (views[0].pictures, views[0].sounds)))
        loss = Objective(method, "both")([first, second], AT, GENERATED, temporal=False).loss
        torch.autograd.backward(loss)
        assert first.pictures.grad is not None
        assert (second.pictures.grad is not None) == learns
        assert (second.sounds.grad is not None) == learns


def test_a_sample_is_its_own_positive_in_another_view_only() -> None:
    """Without any other positive, one view gives nothing within, and two the samples themselves."""
    lone = replace(METHOD, within="pairs", ignore_s=0)
    one, two = view(0, 1), view(1, 1)
    bare = Objective(replace(lone, within="none"), "both")
    without = bare([one], AT, Generated(), temporal=False).loss.item()
    single = Objective(lone, "both")([one], AT, Generated(), temporal=False).loss.item()
    double = Objective(lone, "both")([one, two], AT, Generated(), temporal=False).loss.item()
    assert single == pytest.approx(without)
    assert double > without + 0.1


def test_the_positive_rate_is_that_of_pairs_across_of_different_clips() -> None:
    step = Objective(METHOD, "both")([view(0), view(1)], AT, GENERATED, temporal=False)
    assert GENERATED.across is not None
    different = ~torch.eye(M, dtype=torch.bool)
    wanted = GENERATED.across[different].float().mean().item()
    assert step.positive_rate == pytest.approx(wanted)


def test_a_margin_not_set_is_the_first_batchs_median_of_different_clips() -> None:
    objective = Objective(replace(METHOD, loss="hinge", margin=None), "both")
    first = view(0, 1)
    objective([first], AT, GENERATED, temporal=False)
    pictures, sounds = first.pictures.double().numpy(), first.sounds.double().numpy()
    every = [float(eq5(pictures[i], sounds[j])) for i in range(M) for j in range(M) if i != j]
    assert objective.margin is not None
    assert objective.margin == pytest.approx(sorted(every)[(len(every) - 1) // 2], rel=1e-4)
    before = objective.margin
    objective([view(7, 1)], AT, GENERATED, temporal=False)
    assert objective.margin == before
