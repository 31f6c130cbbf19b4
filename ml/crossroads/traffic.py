"""How vehicles move: signals, car following, and the free run of those that have priority.

Ordinary vehicles follow the Intelligent Driver Model (Treiber, Hennecke, Helbing, Physical Review E
62, 2000, Eqs. 2-3). Each arm has its own green and all wait for the pedestrians, so that no two
ways cross.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.crossroads.geometry import Path, path_named

STEP_S = 0.25
CYCLE_S = 64.0
_GREEN_S, _CLEAR_S = 10.0, 3.0
_WALK_FROM = 4 * (_GREEN_S + _CLEAR_S)
_ORDER = "WNES"
_SHARED_WAY = 10.0
_ACCELERATION, _BRAKING, _HEADWAY_S, _GAP = 1.8, 2.5, 1.1, 2.2


@dataclass(frozen=True)
class Priority:
    """From `start_s` to `end_s` the signals give one arm green and all others red."""

    arm: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Signals:
    """The traffic lights: a fixed cycle, overruled where a vehicle has priority."""

    priorities: tuple[Priority, ...]

    def green(self, arm: str, t: float) -> bool:
        """Whether vehicles of an arm may enter the crossing."""
        for priority in self.priorities:
            if priority.start_s <= t < priority.end_s:
                return priority.arm == arm
        phase = t % CYCLE_S - _ORDER.index(arm) * (_GREEN_S + _CLEAR_S)
        return 0 <= phase < _GREEN_S

    def walk_begins(self, t: float) -> float:
        """The first moment from t on at which pedestrians may begin to cross."""
        for _ in range(20):
            begin = t - t % CYCLE_S + _WALK_FROM
            t = t if begin <= t < begin + 3.0 else begin if t < begin else begin + CYCLE_S
            busy = [p for p in self.priorities if p.start_s - 9 <= t < p.end_s]
            if not busy:
                return t
            t = busy[-1].end_s
        return t


@dataclass(frozen=True)
class Trip:
    """A wish to drive: the body, the way, the earliest start and the speed wanted in m/s."""

    body: str
    trajectory: str
    start_s: float
    speed: float
    length: float
    from_s: float
    paint: int
    seed: int
    event: int = -1


@dataclass(frozen=True, eq=False)
class Drive:
    """A trip as driven: the way travelled at `start_s + i * STEP_S`, in metres."""

    trip: Trip
    start_s: float
    way: NDArray[np.float64]

    @property
    def end_s(self) -> float:
        """When it has left the world."""
        return self.start_s + (len(self.way) - 1) * STEP_S

    @property
    def path(self) -> Path:
        """The line it drives along."""
        return path_named(self.trip.trajectory)

    def way_at(self, t: float) -> float:
        """Metres travelled at second t."""
        place = min(max((t - self.start_s) / STEP_S, 0.0), len(self.way) - 1.001)
        i = int(place)
        return float(self.way[i] + (self.way[i + 1] - self.way[i]) * (place - i))

    def speed_at(self, t: float) -> float:
        """Metres a second at second t."""
        place = min(max(int((t - self.start_s) / STEP_S), 0), len(self.way) - 2)
        return float(self.way[place + 1] - self.way[place]) / STEP_S


def free_run(trip: Trip, slow: float) -> Drive:
    """The drive of a vehicle that waits for nobody; `slow` m/s is its speed in the crossing."""
    path = path_named(trip.trajectory)
    way, s = [trip.from_s], trip.from_s
    while s < path.length - 1:
        near = math.exp(-(((s - path.stop_s - 6) / 22.0) ** 2)) if path.stop_s else 0.0
        s += (trip.speed + (slow - trip.speed) * near) * STEP_S
        way.append(s)
    return Drive(trip, trip.start_s, np.array(way))


def priority_of(drive: Drive) -> Priority:
    """The signals' answer to an approaching drive: green long enough for those before it to go."""
    crossing = drive.start_s + STEP_S * float(np.searchsorted(drive.way, drive.path.stop_s))
    return Priority(drive.trip.trajectory[0], crossing - 12.0, crossing + 4.0)


class _Vehicle:
    """The moving state of one trip while the traffic is simulated."""

    def __init__(self, trip: Trip, start_s: float) -> None:
        self.trip, self.start_s = trip, start_s
        self.path = path_named(trip.trajectory)
        self.origin, self.destination = trip.trajectory.split("-")
        self.s, self.v = trip.from_s, trip.speed * 0.8
        self.way = [self.s]

    @property
    def waiting(self) -> bool:
        return self.s < self.path.stop_s

    @property
    def remaining(self) -> float:
        return self.path.length - self.s

    def wanted_speed(self) -> float:
        straight = self.path.stop_s - 14 > self.s or self.s > self.path.stop_s + 16
        turns = abs(self.path.headings[0] @ self.path.headings[-1]) < 0.5
        return min(self.trip.speed, 5.0) if turns and not straight else self.trip.speed

    def advance(self, gap: float, leader_speed: float) -> None:
        wanted = _HEADWAY_S * self.v + self.v * (self.v - leader_speed) / (
            2 * math.sqrt(_ACCELERATION * _BRAKING)
        )
        ratio = self.v / self.wanted_speed()
        pull = (_GAP + max(wanted, 0.0)) / max(gap, 0.3)
        change = _ACCELERATION * (1 - ratio * ratio * ratio * ratio - pull * pull)
        self.v = max(self.v + max(change, -6.0) * STEP_S, 0.0)
        self.s += self.v * STEP_S
        self.way.append(self.s)


def _leaders(vehicles: Sequence[_Vehicle]) -> dict[str, list[_Vehicle]]:
    """Vehicles before the line by arm of origin, those past it by arm of destination.

    One that has only just passed the line also ends its arm of origin, whichever way it turns.
    """
    lanes: dict[str, list[_Vehicle]] = {}
    for vehicle in vehicles:
        key = f"in {vehicle.origin}" if vehicle.waiting else f"out {vehicle.destination}"
        lanes.setdefault(key, []).append(vehicle)
        if 0 <= vehicle.s - vehicle.path.stop_s < _SHARED_WAY:
            lanes.setdefault(f"past {vehicle.origin}", []).append(vehicle)
    for key, lane in lanes.items():
        if key.startswith("out"):
            lane.sort(key=lambda v: v.remaining)
        else:
            lane.sort(key=lambda v: -v.s)
    return lanes


def _beyond(vehicle: _Vehicle, lanes: dict[str, list[_Vehicle]]) -> _Vehicle | None:
    """What the first before the line follows: the nearest on its way out, or in the crossing."""
    past = lanes.get(f"past {vehicle.origin}", [])
    out = lanes.get(f"out {vehicle.destination}", [])
    if past:
        return min(past, key=lambda v: v.s)
    return out[-1] if out else None


def _gap_ahead(vehicle: _Vehicle, ahead: _Vehicle | None, red: bool) -> tuple[float, float]:
    """The free way before a vehicle and the speed of what ends it: a leader or a red light."""
    gap, speed = 1e3, vehicle.trip.speed
    if ahead is not None:
        half = (ahead.trip.length + vehicle.trip.length) / 2
        between = vehicle.remaining - ahead.remaining
        if ahead.origin == vehicle.origin:
            between = ahead.s - vehicle.s
        gap, speed = between - half, ahead.v
    to_line = vehicle.path.stop_s - vehicle.s - vehicle.trip.length / 2
    can_stop = vehicle.v**2 < 2 * 4.5 * max(to_line, 0.1)
    if red and vehicle.waiting and can_stop and to_line + 1.6 < gap:
        return to_line + 1.6, 0.0
    return gap, speed


def simulate(trips: Iterable[Trip], signals: Signals, start_s: float, end_s: float) -> list[Drive]:
    """Drive all trips from `start_s` to `end_s` of the stream, in quarter-second steps."""
    queue = sorted(trips, key=lambda trip: trip.start_s)
    active: list[_Vehicle] = []
    drives: list[Drive] = []
    for step in range(round((end_s - start_s) / STEP_S)):
        t = start_s + step * STEP_S
        lanes = _leaders(active)
        _enter(queue, t, lanes, active)
        for key, lane in lanes.items():
            if key.startswith("past"):
                continue
            for place, vehicle in enumerate(lane):
                ahead = lane[place - 1] if place else None
                if ahead is None and vehicle.waiting:
                    ahead = _beyond(vehicle, lanes)
                vehicle.advance(*_gap_ahead(vehicle, ahead, not signals.green(vehicle.origin, t)))
        gone = [v for v in active if v.remaining < 70]
        drives += [Drive(v.trip, v.start_s, np.array(v.way)) for v in gone]
        active = [v for v in active if v.remaining >= 70]
    drives += [Drive(v.trip, v.start_s, np.array(v.way)) for v in active if len(v.way) > 2]
    return sorted(drives, key=lambda drive: (drive.start_s, drive.trip.seed))


def _enter(
    queue: list[Trip], t: float, lanes: dict[str, list[_Vehicle]], active: list[_Vehicle]
) -> None:
    """Let trips whose time has come onto their arm, once there is room."""
    for trip in [trip for trip in queue[:8] if trip.start_s <= t]:
        lane = lanes.setdefault(f"in {trip.trajectory[0]}", [])
        if lane and lane[-1].s - trip.from_s < trip.length + 9:
            continue
        vehicle = _Vehicle(trip, t)
        queue.remove(trip)
        lane.append(vehicle)
        active.append(vehicle)
