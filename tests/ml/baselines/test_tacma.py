from typing import Literal

import numpy as np
import pytest
import torch

from ml.baselines.subclips import subclips
from ml.baselines.system import cross_scores
from ml.baselines.tacma import Tacma, barlow_twins
from tests.ml.baselines.planted import planted


def test_the_loss_is_that_of_a_plain_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(9, 4, generator=generator) * 3 + 1 for _ in range(2))
    a, b = (((z - z.mean(0)) / z.std(0, correction=0)).numpy() for z in (x, y))
    expected = 0.0
    for i in range(4):
        for j in range(4):
            correlation = sum(a[n, i] * b[n, j] for n in range(9)) / 9
            expected += (correlation - 1) ** 2 if i == j else 0.0051 * correlation**2
    assert float(barlow_twins(x, y)) == pytest.approx(expected, rel=1e-4)
    assert float(barlow_twins(x, x, 0)) == pytest.approx(0, abs=1e-6)


def test_subclips_are_ten_consecutive_seconds_with_both() -> None:
    footage = planted(60)
    masks = {"has_video": np.arange(60) != 5, "has_audio": np.arange(60) < 48}
    corpus = footage.without(**masks)
    corpus.at[30:] += 100
    rows = subclips(corpus)
    assert rows[:, 0].tolist() == [6, 16, 30]
    assert (np.diff(rows, axis=1) == 1).all()
    assert subclips(corpus.rows(slice(0, 8))).shape == (0, 10)


@pytest.mark.parametrize(("pool", "lasts"), [("mean", 3), ("max", 10)])
def test_it_learns_which_sound_belongs_to_which_picture(
    pool: Literal["mean", "max"], lasts: int
) -> None:
    system = Tacma(epochs=25, width=64, projection=32, pool=pool)
    system.fit(planted(900, lasts=lasts).corpus, 0)
    other = planted(120, seed=1)
    z = system.embed(other.corpus)
    assert z.common is not None
    assert other.crossing(*z.common) > 0.6
    assert other.search(z.z_v) > 0.8
    assert other.search(z.z_a) > 0.8
    assert np.isfinite(cross_scores(z)).all()
    assert system.losses[-1] < system.losses[0]


def test_the_seed_alone_decides() -> None:
    corpus = planted(200).corpus

    def trained(seed: int) -> np.ndarray:
        system = Tacma(epochs=2, width=16, projection=8)
        system.fit(corpus, seed)
        return system.embed(corpus).z_v

    before = torch.random.get_rng_state()
    np.testing.assert_array_equal(trained(1), trained(1))
    assert (trained(1) != trained(2)).any()
    assert torch.equal(before, torch.random.get_rng_state())


def test_footage_without_sound_cannot_be_trained_on() -> None:
    silent = planted(60).without(has_audio=np.zeros(60, bool))
    with pytest.raises(ValueError, match="too little footage with picture and sound"):
        Tacma(epochs=1).fit(silent, 0)
