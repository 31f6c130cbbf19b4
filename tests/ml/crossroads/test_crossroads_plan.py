from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest

from ml.crossroads import truth
from ml.crossroads.kinds import KINDS
from ml.crossroads.plan import Plan, draw_plan

HOUR = 3600


@lru_cache
def hour(seed: int = 1, view: str = "A") -> Plan:
    return draw_plan(seed, view, HOUR)


def test_the_same_seed_gives_the_same_bytes_of_truth() -> None:
    first = truth.write(draw_plan(5, "B", 900).occurrences())
    assert first == truth.write(draw_plan(5, "B", 900).occurrences())
    assert first != truth.write(draw_plan(6, "B", 900).occurrences())


@pytest.mark.parametrize(("seed", "view"), [(1, "A"), (2, "B"), (3, "C")])
def test_every_kind_comes_several_times_an_hour_and_never_twice_a_minute(
    seed: int, view: str
) -> None:
    for kind in KINDS:
        starts = [o.start_s for o in hour(seed, view).occurrences() if o.event == kind]
        assert 4 <= len(starts) <= 11
        assert all(after - before >= 60 for before, after in pairwise(starts))


def test_events_come_at_irregular_times() -> None:
    for kind in KINDS:
        starts = [o.start_s for o in hour().occurrences() if o.event == kind]
        assert np.std(np.diff(starts)) > 30


def test_a_siren_is_heard_before_and_after_the_vehicle_is_seen() -> None:
    sirens = [o for o in hour().occurrences() if o.event in ("ambulance", "police")]
    for o in sirens:
        assert o.seen
        assert o.heard
        assert o.heard[0] < o.seen[0] < o.seen[1] < o.heard[1]


def test_silent_kinds_are_not_heard_and_sounds_are_not_seen() -> None:
    for o in hour().occurrences():
        assert (o.heard is None) == (o.event in ("pink_bus", "forklift"))
        assert (o.seen is None) == (o.event in ("train", "horn", "glass"))


def test_parts_hold_together_what_the_whole_holds() -> None:
    plan = hour()
    whole = truth.seconds(plan.occurrences(), "melody_truck", HOUR, "heard")
    parts = [
        truth.seconds(plan.occurrences(s, s + 600), "melody_truck", 600, "heard")
        for s in range(0, HOUR, 600)
    ]
    assert (whole != np.concatenate(parts)).sum() <= len(parts)


def test_mixed_light_goes_from_day_to_night() -> None:
    lights = [o.light for o in hour().occurrences()]
    assert lights[0] == "day"
    assert lights[-1] == "night"
    assert {o.light for o in draw_plan(1, "A", 600, "night").occurrences()} == {"night"}


def test_light_drifts_slowly() -> None:
    sky = hour().sky
    levels = [sky.at(t).sun + sky.at(t).sky for t in np.arange(0, HOUR, 1.0)]
    assert np.abs(np.diff(levels)).max() < 0.08
    assert np.std(levels[:900]) > 0.02


def test_a_stream_of_one_minute_has_something_in_it() -> None:
    assert len(draw_plan(1, "A", 60).occurrences()) >= 6


def test_the_streams_of_views_differ() -> None:
    assert truth.write(hour().occurrences()) != truth.write(hour(1, "B").occurrences())
