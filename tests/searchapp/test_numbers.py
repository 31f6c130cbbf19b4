import pytest

from searchapp.numbers import MOST, whole


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), (str(MOST), MOST)],
)
def test_a_whole_number_is_read(text: str, number: int) -> None:
    assert whole(text, default=-1) == number


@pytest.mark.parametrize(
    "text", ["", "-1", "1.5", "1e3", "٣", "²", " 1", str(MOST + 1), "9" * 5000]
)
def test_what_no_column_can_hold_is_not(text: str) -> None:
    assert whole(text, default=-1) == -1
