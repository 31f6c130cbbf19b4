import numpy as np
import pytest

from ml.spread import effective_rank


def test_even_spread_fills_the_space() -> None:
    z = np.random.default_rng(0).normal(size=(5000, 8)).astype(np.float32)
    assert effective_rank(z) == pytest.approx(8, abs=0.05)
    assert effective_rank(z * 1000 + 50) == pytest.approx(8, abs=0.05)


def test_it_is_the_entropy_of_the_singular_values() -> None:
    z = np.random.default_rng(0).normal(size=(6, 20)) * np.linspace(0.1, 3, 20)
    values = np.linalg.svd(z - z.mean(axis=0), compute_uv=False)
    share = values[:5] / values[:5].sum()
    wanted = np.exp(-sum(s * np.log(s) for s in share))
    assert effective_rank(z.astype(np.float32)) == pytest.approx(wanted, rel=1e-3)


def test_a_line_has_rank_one_and_a_point_none() -> None:
    line = np.outer(np.arange(50), np.ones(6)).astype(np.float32)
    assert effective_rank(line) == pytest.approx(1, abs=1e-3)
    assert effective_rank(np.full((50, 6), 0.1, np.float32)) == 0
    assert effective_rank(np.zeros((50, 6), np.float32)) == 0
    assert effective_rank(line[:1]) == 0
