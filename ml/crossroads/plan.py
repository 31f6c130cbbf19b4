"""Everything that happens in a stream, drawn from its seed before anything is rendered."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ml.crossroads.bodies import BODIES, ORDINARY, PAINTS
from ml.crossroads.geometry import ARM_LENGTH, HEIGHT, STOP_LINE, WIDTH, path_named
from ml.crossroads.kinds import KINDS, Kind
from ml.crossroads.light import LightName, Sky
from ml.crossroads.traffic import (
    STEP_S,
    Drive,
    Priority,
    Signals,
    Trip,
    free_run,
    priority_of,
    simulate,
)
from ml.crossroads.truth import Interval, Occurrence
from ml.crossroads.views import VIEWS, View
from ml.crossroads.walkers import Walk, draw_walk

SEEN_SHARE = 0.0013
HEARD_LEVEL = 0.012
_WARM_UP_S = 80.0
_ORDINARY_FROM_S = 100.0
_MIN_GAP_S = {"horn": 66.0, "glass": 66.0, "pink_bus": 130.0, "melody_truck": 140.0}
_CARS_PER_MINUTE, _WALKS_PER_MINUTE = 9.0, 7.0


@dataclass(frozen=True)
class Event:
    """One occurrence of a kind; intervals in seconds of the stream, None where there is none."""

    kind: str
    start_s: float
    end_s: float
    seen: Interval | None
    heard: Interval | None
    trajectory: str
    place: tuple[float, float]
    loudness: float
    seed: int
    drive: Drive | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, eq=False)
class Plan:
    """A whole stream: its light, its traffic, its pedestrians and its events."""

    seed: int
    view: View
    duration_s: int
    sky: Sky
    signals: Signals
    drives: tuple[Drive, ...]
    walks: tuple[Walk, ...]
    events: tuple[Event, ...]

    def occurrences(self, start_s: float = 0.0, end_s: float | None = None) -> list[Occurrence]:
        """The truth between two seconds of the stream, timed from the first of them."""
        whole = [
            Occurrence(e.kind, e.seen, e.heard, e.trajectory, self.sky.at(e.start_s).name)
            for e in self.events
        ]
        end_s = self.duration_s if end_s is None else end_s
        parts = [o.within(start_s, end_s) for o in whole]
        return sorted((o for o in parts if o), key=lambda o: (o.start_s, o.event))

    @cached_property
    def _by_second(self) -> tuple[list[list[Drive]], list[list[Walk]]]:
        drives: list[list[Drive]] = [[] for _ in range(self.duration_s + 1)]
        walks: list[list[Walk]] = [[] for _ in range(self.duration_s + 1)]
        for drive in self.drives:
            for second in self._seconds(drive.start_s, drive.end_s):
                drives[second].append(drive)
        for walk in self.walks:
            for second in self._seconds(walk.start_s, walk.end_s):
                walks[second].append(walk)
        return drives, walks

    def _seconds(self, start_s: float, end_s: float) -> range:
        return range(max(math.floor(start_s), 0), min(math.floor(end_s), self.duration_s) + 1)

    def drives_at(self, second: int) -> list[Drive]:
        """Vehicles that are somewhere in the world during a second."""
        return self._by_second[0][min(second, self.duration_s)]

    def walks_at(self, second: int) -> list[Walk]:
        """Pedestrians that are somewhere in the world during a second."""
        return self._by_second[1][min(second, self.duration_s)]


def draw_plan(seed: int, view: str, duration_s: int, light: LightName = "mixed") -> Plan:
    """Draw a stream of `duration_s` seconds; the same arguments always give the same plan."""
    place = VIEWS[view]
    sky = Sky(light, duration_s, seed)
    root = [seed, ord(view), duration_s]
    moments = _draw_moments(np.random.default_rng([*root, 1]), duration_s)
    free = _free_drives(np.random.default_rng([*root, 2]), moments)
    signals = Signals(tuple(priority_of(d) for d in free if KINDS[d.trip.body].priority))
    following = _following_trips(np.random.default_rng([*root, 3]), moments)
    ordinary = _ordinary_trips(np.random.default_rng([*root, 4]), duration_s, sky)
    driven = simulate([*following, *ordinary], signals, -_WARM_UP_S, duration_s + 1.0)
    drives = tuple(sorted([*free, *driven], key=lambda d: (d.start_s, d.trip.seed)))
    events = [*_driven_events(drives, place), *_sound_events(root, moments, drives, place)]
    kept = [e for e in events if (e.seen or e.heard) and e.start_s < duration_s and e.end_s > 0]
    kept.sort(key=lambda e: (e.start_s, e.kind))
    walks = _draw_walks(np.random.default_rng([*root, 5]), duration_s, sky, signals)
    return Plan(seed, place, duration_s, sky, signals, drives, walks, tuple(kept))


def _draw_moments(rng: np.random.Generator, duration_s: int) -> list[tuple[float, Kind]]:
    """When each event is in the middle of the crossing, or begins to sound."""
    moments: list[tuple[float, Kind]] = []
    for kind in KINDS.values():
        first, last = min(14.0, duration_s * 0.3), duration_s - min(14.0, duration_s * 0.3)
        gap = _MIN_GAP_S.get(kind.name, 106.0)
        wanted = max(1, round(kind.per_hour * duration_s / 3600 * rng.uniform(0.85, 1.15)))
        count = min(wanted, 1 + int((last - first) / gap))
        slack = last - first - (count - 1) * gap
        offsets = np.sort(rng.uniform(0, slack, count)) + gap * np.arange(count)
        moments += [(first + float(offset), kind) for offset in offsets]
    return sorted(moments, key=lambda moment: moment[0])


def _trip(rng: np.random.Generator, kind: Kind, moment: float, from_s: float) -> Trip:
    trajectory = str(rng.choice(kind.trajectories))
    speed = kind.speed * float(rng.uniform(0.9, 1.12))
    path = path_named(trajectory)
    middle = path.stop_s + STOP_LINE if path.stop_s else path.length / 2
    return Trip(
        kind.body,
        trajectory,
        moment - (middle - from_s) / speed,
        speed,
        BODIES[kind.body].length,
        from_s,
        0,
        int(rng.integers(2**31)),
    )


def _free_drives(rng: np.random.Generator, moments: Iterable[tuple[float, Kind]]) -> list[Drive]:
    """Vehicles that wait for nobody; two with priority never come at once."""
    drives: list[Drive] = []
    clear_from = -1e9
    for moment, kind in moments:
        if not (kind.priority or kind.name == "forklift"):
            continue
        drive = free_run(_trip(rng, kind, moment, 0.0), kind.speed * 0.6)
        if kind.priority:
            delay = max(0.0, clear_from - priority_of(drive).start_s)
            drive = Drive(drive.trip, drive.start_s + delay, drive.way)
            clear_from = priority_of(drive).end_s + 1.0
        drives.append(drive)
    return drives


def _following_trips(rng: np.random.Generator, moments: Iterable[tuple[float, Kind]]) -> list[Trip]:
    """Event vehicles that drive in the traffic and wait at red."""
    kinds = [(moment, kind) for moment, kind in moments if kind.body and not kind.priority]
    return [
        _trip(rng, kind, moment, _ORDINARY_FROM_S)
        for moment, kind in kinds
        if kind.name != "forklift"
    ]


def _arrivals(
    rng: np.random.Generator, start_s: float, end_s: float, per_minute: float, sky: Sky
) -> list[float]:
    """A Poisson process, thinned to little more than half of its rate at night."""
    times: list[float] = []
    t = start_s
    while (t := t + float(rng.exponential(60 / per_minute))) < end_s:
        if rng.uniform() < 1 - 0.45 * sky.at(t).lamps:
            times.append(t)
    return times


def _ordinary_trips(rng: np.random.Generator, duration_s: int, sky: Sky) -> list[Trip]:
    """The cars of every day: a few places they come from, many colours and sizes."""
    names, weights = list(ORDINARY), np.array(list(ORDINARY.values()))
    trips = []
    for t in _arrivals(rng, -_WARM_UP_S, duration_s, _CARS_PER_MINUTE, sky):
        arm = str(rng.choice(list("WENS"), p=[0.34, 0.34, 0.16, 0.16]))
        others = _straight_right_left(arm)
        destination = str(rng.choice(others, p=[0.6, 0.22, 0.18]))
        body = str(rng.choice(names, p=weights / weights.sum()))
        trips.append(
            Trip(
                body,
                f"{arm}-{destination}",
                t,
                float(np.clip(rng.normal(10.0, 1.3), 6.5, 13.5)),
                BODIES[body].length,
                _ORDINARY_FROM_S,
                int(rng.integers(len(PAINTS))),
                int(rng.integers(2**31)),
            )
        )
    return trips


def _straight_right_left(arm: str) -> list[str]:
    around = "WNES"
    place = around.index(arm)
    return [around[(place + turn) % 4] for turn in (2, 3, 1)]


def _draw_walks(
    rng: np.random.Generator, duration_s: int, sky: Sky, signals: Signals
) -> tuple[Walk, ...]:
    times = _arrivals(rng, -_WARM_UP_S, duration_s, _WALKS_PER_MINUTE, sky)
    seeds = rng.integers(2**31, size=len(times))
    return tuple(draw_walk(int(s), t, signals) for t, s in zip(times, seeds, strict=True))


def attenuation(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Loss of level on the way from a source, 1 at 30 m: spreading, air and houses between."""
    near = np.maximum(distance, 8.0)
    return np.asarray(30.0 / near * np.exp(-np.maximum(near - 30.0, 0.0) / 70.0))


def distances(view: View, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Metres from a view's microphone to places (N, 2) on the ground."""
    x, y, z = view.microphone
    return np.asarray(np.sqrt(((places - (x, y)) ** 2).sum(axis=1) + z * z))


def _driven_events(drives: Iterable[Drive], view: View) -> list[Event]:
    return [_driven_event(drive, view) for drive in drives if drive.trip.body in KINDS]


def _driven_event(drive: Drive, view: View) -> Event:
    kind = KINDS[drive.trip.body]
    rng = np.random.default_rng([drive.trip.seed, 1])
    times = drive.start_s + STEP_S * np.arange(len(drive.way), dtype=np.float64)
    loudness = float(rng.uniform(0.75, 1.3))
    seen = _span(times, np.array([_share_seen(drive, t, view) for t in times]) >= SEEN_SHARE)
    far = distances(view, drive.path.places(drive.way))
    heard = _span(times, kind.level * loudness * attenuation(far) >= HEARD_LEVEL)
    spans = [span for span in (seen, heard) if span] or [(drive.start_s, drive.start_s)]
    return Event(
        kind.name,
        min(a for a, _ in spans),
        max(b for _, b in spans),
        seen,
        heard,
        drive.trip.trajectory,
        (0.0, 0.0),
        loudness,
        drive.trip.seed,
        drive,
    )


def _span(times: NDArray[np.float64], mask: NDArray[np.bool_]) -> Interval | None:
    """From the first to the last time of a mask."""
    inside = np.flatnonzero(mask)
    if len(inside) < 2:
        return None
    return round(float(times[inside[0]]), 1), round(float(times[inside[-1]]), 1)


def _share_seen(drive: Drive, t: float, view: View) -> float:
    """The part of the frame's area that a vehicle's outline covers, what hides it left aside."""
    x, y, dx, dy = drive.path.at(drive.way_at(t))
    corners = BODIES[drive.trip.body].corners(x, y, dx, dy)
    pixels, depth = view.camera.project(corners)
    if depth.min() < 1.0:
        return 0.0
    inside = (pixels >= 0).all(axis=1) & (pixels[:, 0] < WIDTH) & (pixels[:, 1] < HEIGHT)
    if not inside.any():
        return 0.0
    low = np.clip(pixels.min(axis=0), 0, (WIDTH, HEIGHT))
    high = np.clip(pixels.max(axis=0), 0, (WIDTH, HEIGHT))
    return 0.6 * float((high - low).prod()) / (WIDTH * HEIGHT)


def _sound_events(
    root: list[int],
    moments: Iterable[tuple[float, Kind]],
    drives: Iterable[Drive],
    view: View,
) -> list[Event]:
    """Events without a picture of their own: train, horn, glass."""
    rng = np.random.default_rng([*root, 6])
    events = []
    for t, kind in moments:
        if kind.body:
            continue
        trajectory, place = _source(rng, kind, t, drives)
        seconds = float(rng.uniform(*kind.seconds))
        loudness = float(rng.uniform(0.7, 1.3))
        start, end = round(t, 1), round(t + seconds, 1)
        seed = int(rng.integers(2**31))
        events.append(
            Event(kind.name, start, end, None, (start, end), trajectory, place, loudness, seed)
        )
    return events


def _source(
    rng: np.random.Generator, kind: Kind, t: float, drives: Iterable[Drive]
) -> tuple[str, tuple[float, float]]:
    """Where a sound comes from: a horn from a car that is there, glass from a house."""
    if kind.name == "train":
        return "", (0.0, 30.0)
    if kind.name == "glass":
        return "", (float(rng.uniform(-18, 18)), float(rng.choice([-8.0, 9.0])))
    cars = [
        drive
        for drive in drives
        if drive.trip.body in ORDINARY
        and drive.start_s <= t <= drive.end_s
        and abs(drive.way_at(t) - ARM_LENGTH) < 26
    ]
    if not cars:
        return "", (0.0, 0.0)
    car = cars[int(rng.integers(len(cars)))]
    x, y, _, _ = car.path.at(car.way_at(t))
    return car.trip.trajectory, (x, y)


__all__ = ["Event", "Plan", "Priority", "attenuation", "distances", "draw_plan"]
