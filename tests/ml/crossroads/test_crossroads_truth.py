import numpy as np

from ml.crossroads import truth
from ml.crossroads.truth import Occurrence

AMBULANCE = Occurrence("ambulance", (12.0, 18.5), (4.2, 26.0), "W-E", "day")
GLASS = Occurrence("glass", None, (7.7, 8.1), "", "night")


def test_truth_is_read_as_it_was_written() -> None:
    text = truth.write([AMBULANCE, GLASS])
    assert text.splitlines() == [
        "event,start_s,end_s,seen_from_s,seen_to_s,heard_from_s,heard_to_s,trajectory,light",
        "ambulance,4.2,26.0,12.0,18.5,4.2,26.0,W-E,day",
        "glass,7.7,8.1,,,7.7,8.1,,night",
    ]
    assert truth.read(text) == [AMBULANCE, GLASS]


def test_seconds_are_those_that_are_filled_by_half() -> None:
    seen = truth.seconds([AMBULANCE, GLASS], "ambulance", 30, "seen")
    assert np.flatnonzero(seen).tolist() == list(range(12, 18))
    heard = truth.seconds([AMBULANCE, GLASS], "ambulance", 30)
    assert np.flatnonzero(heard).tolist() == list(range(4, 26))


def test_a_short_sound_marks_the_second_it_is_in() -> None:
    assert np.flatnonzero(truth.seconds([GLASS], "glass", 30)).tolist() == [7]
    assert not truth.seconds([GLASS], "glass", 30, "seen").any()


def test_a_part_is_timed_from_its_own_start() -> None:
    part = AMBULANCE.within(15, 20)
    assert part == Occurrence("ambulance", (0.0, 3.5), (0.0, 5.0), "W-E", "day")
    assert AMBULANCE.within(30, 40) is None
    late = AMBULANCE.within(20, 40)
    assert late is not None
    assert late.seen is None
