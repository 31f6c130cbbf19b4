"""Numbers and times in words."""

from datetime import UTC, datetime

import pytest

from searchapp.templatetags import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45.4, "45 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3725, "1 h 02 min"),
        (-1, "0 s"),
        (None, ""),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("second", "text"), [(0, "0:00:00"), (3725, "1:02:05"), (90_000, "25:00:00")]
)
def test_offset(second: int, text: str) -> None:
    assert words.offset(second) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (31_100_000, "31.1 MB"),
        (10**15, "1000 TB"),
    ],
)
def test_size(amount: int, text: str) -> None:
    assert words.size(amount) == text


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (1, "clip", "1 clip"),
        (1204, "clip", "1,204 clips"),
        (0, "close match,close matches", "0 close matches"),
    ],
)
def test_count(number: int, noun: str, text: str) -> None:
    assert words.count(number, noun) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (97.24, "closer than 97.2 % of all clips"),
        (99.97, "closer than 99.97 % of all clips"),
        (99.9996, "closer than 99.999 % of all clips"),
        (100.0, "closer than every other clip"),
    ],
)
def test_a_percentile_is_never_rounded_up_to_all(value: float, text: str) -> None:
    assert words.closeness(value) == text


@pytest.mark.parametrize(("value", "filled"), [(0, 0), (90, 1), (99, 2), (99.9, 3), (100, 4)])
def test_the_bar_counts_nines(value: float, filled: float) -> None:
    assert words.nines(value) == pytest.approx(filled, abs=0.001)


def test_progress_reaches_100_only_at_the_end() -> None:
    assert [words.percent(part, 1000) for part in (0, 999, 1000)] == [0, 99, 100]
    assert words.percent(1, 0) == 0


def test_times() -> None:
    moment = datetime(2026, 7, 1, 9, 5, 7, tzinfo=UTC)
    assert (words.clock(moment), words.day(moment)) == ("09:05:07", "Wed 1 Jul 2026")


def test_distance_and_rate() -> None:
    assert (words.distance(0.41239), words.distance(None)) == ("0.412", "–")
    assert words.rate(14.23, "clips") == "14.2 clips/s"
    assert words.rate(250, "clips") == "250 clips/s"
    assert words.rate(0.05, "epochs") == "3.0 epochs/min"
    assert words.rate(0.004, "epochs") == "14.4 epochs/h"
    assert words.rate(3_100_000, "bytes") == "3.1 MB/s"
