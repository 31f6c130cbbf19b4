import dataclasses
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.crossroads import synthesis
from ml.crossroads.plan import Plan, draw_plan
from ml.crossroads.soundtrack import Soundtrack
from ml.crossroads.synthesis import MAKERS, SAMPLE_RATE


@lru_cache
def plan() -> Plan:
    return draw_plan(4, "A", 600, "day")


def without_events() -> Soundtrack:
    bare = dataclasses.replace(plan(), events=())
    return Soundtrack(bare)


def test_a_second_depends_on_its_number_alone() -> None:
    track = Soundtrack(plan())
    expected = track.second(123)
    track.second(40)
    assert (track.second(123) == expected).all()
    assert (Soundtrack(plan()).second(123) == expected).all()
    assert expected.shape == (SAMPLE_RATE,)
    assert expected.dtype == np.float32


def test_seconds_join_without_clicks_and_stay_within_full_scale() -> None:
    track = Soundtrack(plan())
    samples = np.concatenate([track.second(s) for s in range(60, 75)])
    assert np.abs(samples).max() < 1
    seams = np.abs(samples[SAMPLE_RATE::SAMPLE_RATE] - samples[SAMPLE_RATE - 1 : -1 : SAMPLE_RATE])
    assert seams.max() <= np.abs(np.diff(samples)).max()
    assert samples.std() > 0.005


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_an_event_is_heard_above_the_street(kind: str) -> None:
    event = next(e for e in plan().events if e.kind == kind)
    assert event.heard
    middle = int(sum(event.heard) / 2)
    loud, quiet = Soundtrack(plan()).second(middle), without_events().second(middle)
    assert np.std(loud - quiet) > 0.01


@pytest.mark.parametrize("kind", ["pink_bus", "forklift"])
def test_silent_kinds_make_no_sound(kind: str) -> None:
    event = next(e for e in plan().events if e.kind == kind)
    alone = dataclasses.replace(plan(), events=(event,))
    second = int((event.start_s + event.end_s) / 2)
    assert (Soundtrack(alone).second(second) == without_events().second(second)).all()


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_occurrences_vary_but_repeat_from_their_seed(kind: str) -> None:
    first, again, other = (synthesis.make(kind, seed, 2.0) for seed in (1, 1, 2))
    assert (first == again).all()
    assert abs(np.corrcoef(first, other[: len(first)])[0, 1]) < 0.9
    assert np.sqrt(np.mean(first.astype(float) ** 2)) == pytest.approx(1, abs=0.01)


def loudest(samples: NDArray[np.float32], low: float, high: float) -> float:
    """The frequency with most power between two."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    frequency = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    inside = (frequency > low) & (frequency < high)
    return float(frequency[inside][power[inside].argmax()])


def test_pitch_falls_as_a_source_passes() -> None:
    event = next(e for e in plan().events if e.kind == "sports_car")
    assert event.drive
    assert event.seen
    t = np.arange(60 * SAMPLE_RATE) / SAMPLE_RATE
    tone = (np.sqrt(2) * np.sin(2 * np.pi * 1000 * t)).astype(np.float32)
    alone = dataclasses.replace(plan(), events=(event,))
    track = Soundtrack(alone, {"sports_car": [tone]})
    before = loudest(track.second(int(event.seen[0]) - 2), 900, 1100)
    after = loudest(track.second(int(event.seen[1]) + 2), 900, 1100)
    assert before > 1020
    assert after < 980


def test_real_sounds_take_the_place_of_synthetic_ones() -> None:
    event = next(e for e in plan().events if e.kind == "horn")
    t = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * 3210 * t).astype(np.float32)
    track = Soundtrack(plan(), {"horn": [tone]})
    heard = track.second(int(event.start_s + 0.5))
    assert loudest(heard, 3000, 3400) == pytest.approx(3210, abs=15)
