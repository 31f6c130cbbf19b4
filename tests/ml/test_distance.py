import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.distance import directions, eq5, eq5_pairwise, joint


def naive(x: list[float], y: list[float], lam: float) -> float:
    euclidean = math.sqrt(sum((a - b) ** 2 for a, b in zip(x, y, strict=True)))
    norm_x, norm_y = math.sqrt(sum(a * a for a in x)), math.sqrt(sum(b * b for b in y))
    if norm_x == 0 or norm_y == 0:
        cosine = 1.0 if norm_x == norm_y else 0.0
    else:
        cosine = sum(a * b for a, b in zip(x, y, strict=True)) / (norm_x * norm_y)
    return lam * euclidean + (1 - lam) * (1 - cosine)


@given(
    st.integers(1, 6).flatmap(
        lambda d: st.tuples(
            *[st.lists(st.integers(-50, 50), min_size=d, max_size=d) for _ in range(2)]
        )
    ),
    st.sampled_from([0.0, 0.25, 0.5, 1.0]),
)
def test_it_is_equation_5(vectors: tuple[list[int], list[int]], lam: float) -> None:
    x, y = vectors
    expected = naive([float(a) for a in x], [float(b) for b in y], lam)
    assert eq5(x, y, lam) == pytest.approx(expected, abs=1e-9)


def test_float32_embeddings_are_measured_in_float64() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 500)).astype(np.float32)
    distance = eq5(x, y)
    assert distance.dtype == np.float64
    assert distance == pytest.approx(naive(x.tolist(), y.tolist(), 0.25), rel=1e-12)


def test_one_to_many_and_pairwise_agree() -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=(4, 7)), random.normal(size=(5, 7))
    pairwise = eq5_pairwise(x, y)
    assert pairwise.shape == (4, 5)
    for i in range(4):
        np.testing.assert_array_equal(pairwise[i], eq5(x[i], y))
        for j in range(5):
            assert pairwise[i, j] == pytest.approx(naive(list(x[i]), list(y[j]), 0.25))


def test_nothing_has_no_distances() -> None:
    assert eq5_pairwise(np.zeros((0, 3)), np.zeros((2, 3))).shape == (0, 2)


def test_a_clip_is_nearest_to_itself() -> None:
    x = np.random.default_rng(2).normal(size=(6, 3))
    np.testing.assert_allclose(eq5(x, x), 0, atol=1e-12)


def test_the_joint_distance_is_a_weighted_mean() -> None:
    assert joint([1.0, 3.0], [3.0, 5.0]).tolist() == [2.0, 4.0]
    assert joint([1.0], [3.0], audio_weight=0.25).tolist() == [1.5]
    with pytest.raises(ValueError, match="between 0 and 1"):
        joint([1.0], [1.0], audio_weight=1.5)


def test_directions_are_the_shared_columns_of_length_one() -> None:
    z = np.random.default_rng(3).normal(size=(20, 9)).astype(np.float32)
    found = directions(z, 5)
    assert found.dtype == np.float32
    for row, direction in zip(z.tolist(), found, strict=True):
        length = math.sqrt(sum(value * value for value in row[:5]))
        np.testing.assert_allclose(direction, [value / length for value in row[:5]], rtol=1e-6)


def test_directions_know_neither_lengths_nor_private_columns() -> None:
    z = np.random.default_rng(4).normal(size=(6, 9)).astype(np.float32)
    other = z * np.float32(2) ** np.arange(-3, 3, dtype=np.float32)[:, None]
    other[:, 5:] = 7
    np.testing.assert_array_equal(directions(other, 5), directions(z, 5))


def test_what_is_zero_has_no_direction() -> None:
    z = np.array([[0, 0, 3], [4, 0, 3]], np.float32)
    assert directions(z, 2).tolist() == [[0, 0], [1, 0]]
    assert directions(z, 0).shape == (2, 0)
    assert directions(z[:0], 2).shape == (0, 2)
