"""How fast each part of the two sides learns."""

from dataclasses import replace

import numpy as np
import pytest

from ml.method import METHODS, Method
from ml.training import Training
from tests.ml.planted import planted

CORPUS, _ = planted(300, 1)
METHOD = Method(epochs=2, batch=150, lr_video=1e-3, lr_audio=2e-3, branch_rate=4.0)


def made(method: Method = METHOD) -> Training:
    return Training(CORPUS, method, 0, pretrained=False)


def rates(training: Training, which: str = "lr") -> dict[int, float]:
    """The learning rate of each parameter; none is in two groups."""
    groups = training._optimizer.param_groups
    found = {id(parameter): group[which] for group in groups for parameter in group["params"]}
    assert len(found) == sum(len(group["params"]) for group in groups)
    return found


def test_branches_learn_faster_than_their_networks() -> None:
    training = made()
    full = rates(training, "full_lr")
    video, audio = training.video, training.audio
    assert video.branch is not None
    assert audio.branch is not None
    parts = ((video.head, 1e-3), (video.branch, 4e-3), (audio.encoder, 2e-3), (audio.branch, 8e-3))
    for part, rate in parts:
        assert {full.pop(id(parameter)) for parameter in part.parameters()} == {rate}
    assert not full


def test_every_rate_falls_along_the_same_cosine() -> None:
    training = made(replace(METHOD, sampling="random"))
    full = rates(training, "full_lr")
    training.run_epoch()
    # The second of two batches of the first of two epochs begins at a quarter of the way.
    factor = (1 + np.cos(np.pi / 4)) / 2
    assert rates(training) == {name: pytest.approx(rate * factor) for name, rate in full.items()}


def test_branches_without_a_rate_stay_as_they_are() -> None:
    training = made(replace(METHOD, branch_rate=0.0, epochs=1))
    before = {n: a.copy() for n, a in training.checkpoint().items() if n[:5] in ("video", "audio")}
    training.run_epoch()
    after = training.checkpoint()
    for name, array in before.items():
        if ".branch." in name:
            np.testing.assert_array_equal(after[name], array)
    for name in ("video.head.project.weight", "audio.encoder.embed.weight"):
        assert not np.array_equal(after[name], before[name])


def test_without_branches_all_weights_have_their_networks_rate() -> None:
    training = made(replace(METHOD, foreground=False, statistics=False))
    assert set(rates(training, "full_lr").values()) == {1e-3, 2e-3}


def test_the_papers_branches_learn_like_its_networks() -> None:
    assert METHODS["epg"].branch_rate == METHODS["tpg"].branch_rate == 1
