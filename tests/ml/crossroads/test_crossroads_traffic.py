import itertools

import numpy as np

from ml.crossroads.geometry import ARMS, lane_path
from ml.crossroads.plan import draw_plan
from ml.crossroads.traffic import CYCLE_S, Priority, Signals

FREE = ("ambulance", "police", "sports_car", "forklift")


def test_one_arm_at_a_time_has_green() -> None:
    signals = Signals((Priority("S", 100.0, 116.0),))
    for t in np.arange(0, 3 * CYCLE_S, 0.25):
        greens = [arm for arm in ARMS if signals.green(arm, float(t))]
        assert len(greens) <= 1
        if 100 <= t < 116:
            assert greens == ["S"]


def test_pedestrians_begin_to_cross_while_all_wait() -> None:
    signals = Signals(())
    for t in np.arange(0, 2 * CYCLE_S, 1.7):
        begin = signals.walk_begins(float(t))
        assert t <= begin <= t + CYCLE_S
        assert not any(signals.green(arm, begin + 2) for arm in ARMS)


def test_vehicles_of_one_lane_keep_apart() -> None:
    plan = draw_plan(3, "A", 400, "day")
    for t in range(400):
        cars = [
            (*d.path.at(d.way_at(t)), d.trip)
            for d in plan.drives_at(t)
            if d.start_s <= t <= d.end_s and d.trip.body not in FREE
        ]
        for (ax, ay, adx, ady, a), (bx, by, bdx, bdy, b) in itertools.combinations(cars, 2):
            beside = abs((bx - ax) * -ady + (by - ay) * adx)
            if adx * bdx + ady * bdy > 0.9 and beside < 1.2:
                assert np.hypot(bx - ax, by - ay) > (a.length + b.length) / 2


def test_vehicles_only_go_forward() -> None:
    plan = draw_plan(3, "A", 300)
    assert all((np.diff(d.way) >= 0).all() for d in plan.drives)


def test_traffic_keeps_to_the_right() -> None:
    x, y, dx, dy = lane_path("W", "E").at(20.0)
    assert (dx, dy) == (1.0, 0.0)
    assert y < 0
    assert x < -100
