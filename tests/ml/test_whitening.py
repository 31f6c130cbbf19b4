import numpy as np
import pytest

from ml.whitening import ORDINARY_SHARE, RIDGE, Whitening


def described(n: int = 400, d: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Descriptions of which the first columns vary most, and how far each stands out."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(d, d)) * np.linspace(3, 0.1, d)
    rows = random.normal(size=(n, d)) @ mixing.T + 5
    return rows.astype(np.float32), random.permutation(n).astype(np.float32) / n


def test_what_is_ordinary_becomes_round_but_for_the_ridge() -> None:
    rows, salience = described()
    ordinary = rows[salience <= np.quantile(salience, ORDINARY_SHARE)].astype(np.float64)
    z = Whitening.fit(rows, salience)(ordinary.astype(np.float32))
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-3)
    values = np.sort(np.linalg.eigvalsh(np.cov(ordinary.T, bias=True)))
    mean = values.mean()
    found = np.sort(np.linalg.eigvalsh(np.cov(z.T, bias=True)))
    ridge = RIDGE * (1 + 6 / 200)  # six columns, two hundred ordinary seconds
    np.testing.assert_allclose(found, mean * values / (values + ridge * mean), rtol=2e-3)
    assert found.max() / found.min() < values.max() / values.min() / 10


def test_distances_are_mahalanobis_with_the_ridge() -> None:
    rows, salience = described()
    ordinary = rows[salience <= np.quantile(salience, ORDINARY_SHARE)].astype(np.float64)
    covariance = np.cov(ordinary.T, bias=True)
    variance = np.trace(covariance) / len(covariance)
    inverse = np.linalg.inv(covariance / variance + RIDGE * (1 + 6 / 200) * np.eye(6))
    z = Whitening.fit(rows, salience)(rows)
    for i, j in ((0, 1), (5, 300), (20, 21)):
        apart = rows[i].astype(np.float64) - rows[j]
        assert np.square(z[i] - z[j]).sum() == pytest.approx(apart @ inverse @ apart, rel=1e-3)


def test_the_unusual_does_not_shape_what_is_ordinary() -> None:
    rows, salience = described()
    loud = salience > 0.6
    other = rows.copy()
    other[loud] *= 100
    np.testing.assert_array_equal(
        Whitening.fit(rows, salience).matrix, Whitening.fit(other, salience).matrix
    )


@pytest.mark.parametrize("n", [1, 2, 50])
def test_footage_that_never_changes_gives_finite_values(n: int) -> None:
    rows = np.full((n, 5), 3, np.float32)
    z = Whitening.fit(rows, np.zeros(n, np.float32))(rows)
    np.testing.assert_allclose(z, 0, atol=1e-3)


def test_it_survives_as_arrays_and_refuses_others() -> None:
    rows, salience = described()
    made = Whitening.fit(rows, salience)
    arrays = made.arrays()
    np.testing.assert_array_equal(Whitening.from_arrays(arrays)(rows), made(rows))
    for name, wrong in (("mean", np.zeros((1, 6))), ("matrix", np.zeros(6)), ("mean", np.ones(5))):
        with pytest.raises(ValueError, match="no square matrix"):
            Whitening.from_arrays({**arrays, name: wrong})
