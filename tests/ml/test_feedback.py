"""What judged hits say, against a plain loop, and the way it moves."""

import math

import numpy as np
import pytest

from ml.feedback import FLOOR, ORDINARY_WEIGHT, WIDTH, Near, chance, log_odds_against


def near(distances: list[float], typical: float) -> Near:
    """Distances of one clip to some examples."""
    return Near(np.array(distances).reshape(-1, 1), np.full(len(distances), typical))


@pytest.mark.parametrize("seed", range(50))
def test_the_odds_are_those_of_the_formula(seed: int) -> None:
    random = np.random.default_rng(seed)
    wanted, unwanted, ordinary = (
        (10.0 ** random.uniform(-3, 1.7, random.integers(least, 5))).tolist() for least in (1, 0, 1)
    )
    typical = float(random.uniform(1, 20))

    def windows(distances: list[float]) -> float:
        return sum(math.exp(-distance / (WIDTH * typical)) for distance in distances)

    found = log_odds_against(
        near(wanted, typical), near(unwanted, typical), near(ordinary, typical)
    )

    mean = windows(ordinary) / len(ordinary)
    against = windows(unwanted) + ORDINARY_WEIGHT * mean + FLOOR * windows([typical])
    odds = against / windows(wanted)
    assert found[0] == pytest.approx(math.log(odds), abs=1e-9)
    assert chance(float(found[0])) == pytest.approx(1 / (1 + odds), abs=1e-9)


def test_marks_pull_and_push_and_what_cannot_be_compared_is_out() -> None:
    query = np.array([[1.0, 1.0, 1.0, np.inf]])
    mark = np.array([[0.1, 2.0, np.inf, np.inf]])
    one = np.ones(1)
    none = Near(np.zeros((0, 4)), np.zeros(0))

    alone = log_odds_against(Near(query, one), none, none)
    pulled = log_odds_against(Near(np.concatenate([query, mark]), np.ones(2)), none, none)
    pushed = log_odds_against(Near(query, one), Near(mark, one), none)

    assert pulled[0] < pulled[1] < pulled[2] == alone[2]
    assert pushed[0] > pushed[1] > pushed[2] == alone[2]
    assert np.isposinf([alone[3], pulled[3], pushed[3]]).all()
