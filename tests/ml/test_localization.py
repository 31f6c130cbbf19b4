import numpy as np
import pytest
import torch

from ml import localization
from ml.localization import Classifier, Measures, joint_rows, measure

Floats = np.ndarray


def footage(n: int = 600, d: int = 20, seed: int = 0) -> tuple[Floats, Floats]:
    """Rows of any scale, and two kinds: one along a direction, one rare and hardly there."""
    direction = np.random.default_rng(7).normal(size=d)
    random = np.random.default_rng(seed)
    rows = random.normal(size=(n, d))
    labels = np.stack([rows @ direction > 1, random.random(n) < 0.05], axis=1)
    return (rows * np.linspace(0.01, 100, d) + 50).astype(np.float32), labels


def test_it_learns_what_is_linear_and_is_measured_on_other_seconds() -> None:
    classifier = Classifier.fit(*footage(), seed=0, epochs=30)
    rows, labels = footage(seed=1)
    probabilities = classifier.probabilities(rows)
    assert measure(probabilities[:, 0], labels[:, 0]).average_precision > 0.97
    assert measure(probabilities[:, 0], labels[:, 0]).balanced_accuracy > 0.9
    assert measure(probabilities[:, 1], labels[:, 1]).average_precision < 0.3


def test_it_descends_as_torch_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(localization, "MILESTONES", (50, 75))
    rows, labels = footage(300, 6)
    ours = Classifier.fit(rows, labels, seed=3, balanced=True, epochs=4)

    x = torch.tensor((rows - rows.mean(0)) / rows.std(0), dtype=torch.float64)
    y = torch.tensor(labels, dtype=torch.float64)
    share = y.mean(0)
    cost = torch.where(y > 0, 0.5 / share, 0.5 / (1 - share))
    layer = torch.nn.Linear(6, 2, dtype=torch.float64)
    for parameter in layer.parameters():
        torch.nn.init.zeros_(parameter)
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.01, momentum=0.9)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [2, 3], 0.1)
    random = np.random.default_rng(3)
    for _epoch in range(4):
        for some in np.split(random.permutation(300), [128, 256]):
            losses = torch.nn.functional.binary_cross_entropy_with_logits(
                layer(x[some]), y[some], weight=cost[some], reduction="none"
            )
            optimiser.zero_grad()
            losses.mean(0).sum().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        schedule.step()
    np.testing.assert_allclose(ours.weight, layer.weight.detach().numpy().T, atol=1e-4)
    np.testing.assert_allclose(ours.bias, layer.bias.detach().numpy(), atol=1e-4)


def test_the_seed_alone_decides() -> None:
    first, again, other = (Classifier.fit(*footage(), seed=s, epochs=2) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.weight, again.weight)
    assert (first.weight != other.weight).any()


def test_balance_finds_rare_events() -> None:
    random = np.random.default_rng(0)
    labels = random.random(2000) < 0.03
    rows = (random.normal(size=(2000, 5)) + 1.5 * labels[:, None]).astype(np.float32)
    plain, balanced = (
        Classifier.fit(rows, labels, seed=0, balanced=b, epochs=30).probabilities(rows)[:, 0]
        for b in (False, True)
    )
    assert measure(balanced, labels).balanced_accuracy > measure(plain, labels).balanced_accuracy


def test_an_absent_modality_counts_as_the_mean() -> None:
    rows, labels = footage()
    present = np.arange(600) % 4 > 0
    joint = joint_rows(
        np.where(present[:, None], rows, 99).astype(np.float32),
        rows[:, :3],
        has_video=present,
        has_audio=np.ones(600, bool),
    )
    assert np.isnan(joint[0, :20]).all()
    assert np.isfinite(joint[0, 20:]).all()
    classifier = Classifier.fit(joint, labels, seed=0, epochs=5)
    np.testing.assert_allclose(classifier.mean[:20], rows[present].mean(0), rtol=1e-5)
    assert np.isfinite(classifier.probabilities(joint)).all()


def test_a_column_that_never_varies_is_left_out() -> None:
    rows, labels = footage()
    rows[:, 4] = 1e5
    classifier = Classifier.fit(rows, labels, seed=0, epochs=2)
    assert not classifier.weight[4].any()
    rows[:, 4] = 0
    assert np.isfinite(classifier.probabilities(rows)).all()
    with pytest.raises(ValueError, match="no seconds"):
        Classifier.fit(rows[:0], labels[:0], seed=0)


def test_the_measures_are_those_of_a_plain_count() -> None:
    probabilities, labels = [0.9, 0.4, 0.6, 0.1, 0.2], [True, True, False, False, False]
    found = measure(probabilities, labels)
    assert found == Measures(3 / 5, (1 / 2 + 2 / 3) / 2, (1 + 2 / 3) / 2)
    never = measure([0.1, 0.2], [False, False])
    assert never.accuracy == 1
    assert np.isnan(never.balanced_accuracy)
    assert np.isnan(never.average_precision)
