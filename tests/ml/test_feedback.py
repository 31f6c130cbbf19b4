"""What judged hits say, against a plain loop, and the way it moves."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.feedback import WIDTH, chance, log_odds_against

DISTANCES = st.floats(0, 50)


def plain(wanted: list[float], unwanted: list[float], typical: float) -> float:
    """Odds against one clip, by the formula."""

    def window(distance: float) -> float:
        return math.exp(-distance / (WIDTH * typical))

    against = sum(map(window, unwanted)) + window(typical)
    return against / sum(map(window, wanted))


@given(
    wanted=st.lists(DISTANCES, min_size=1, max_size=4),
    unwanted=st.lists(DISTANCES, max_size=4),
    typical=st.floats(1, 20),
)
def test_the_odds_are_those_of_the_formula(
    wanted: list[float], unwanted: list[float], typical: float
) -> None:
    found = log_odds_against(
        np.array(wanted)[:, None],
        np.array(unwanted).reshape(-1, 1),
        np.full(len(wanted), typical),
        np.full(len(unwanted), typical),
    )
    odds = plain(wanted, unwanted, typical)
    assert found[0] == pytest.approx(math.log(odds), abs=1e-9)
    assert chance(float(found[0])) == pytest.approx(1 / (1 + odds), abs=1e-9)


def test_marks_pull_and_push_and_what_cannot_be_compared_is_out() -> None:
    query = np.array([[1.0, 1.0, 1.0, np.inf]])
    mark = np.array([[0.1, 2.0, np.inf, np.inf]])
    one = np.ones(1)
    none = np.zeros((0, 4))

    alone = log_odds_against(query, none, one, np.zeros(0))
    pulled = log_odds_against(np.concatenate([query, mark]), none, np.ones(2), np.zeros(0))
    pushed = log_odds_against(query, mark, one, one)

    assert pulled[0] < pulled[1] < pulled[2] == alone[2]
    assert pushed[0] > pushed[1] > pushed[2] == alone[2]
    assert np.isposinf([alone[3], pulled[3], pushed[3]]).all()
