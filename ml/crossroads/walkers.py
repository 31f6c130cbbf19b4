"""Pedestrians: where they walk, and when they wait for the traffic lights."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.crossroads.geometry import ARMS, WALK
from ml.crossroads.traffic import Signals

_REACH = 46.0
_CORNERS = ((-1.0, 1.0), (1.0, 1.0), (1.0, -1.0), (-1.0, -1.0))


@dataclass(frozen=True, eq=False)
class Walk:
    """A pedestrian's way as knots: times (K,) and places (K, 2); standing where a place repeats."""

    times: NDArray[np.float64]
    places: NDArray[np.float64]
    seed: int

    @property
    def start_s(self) -> float:
        """When the pedestrian enters the world."""
        return float(self.times[0])

    @property
    def end_s(self) -> float:
        """When the pedestrian has left it."""
        return float(self.times[-1])

    def at(self, t: float) -> tuple[float, float, float, float, bool]:
        """Place x, y, heading dx, dy and whether walking, at second t."""
        k = int(np.clip(np.searchsorted(self.times, t) - 1, 0, len(self.times) - 2))
        u = float((t - self.times[k]) / max(self.times[k + 1] - self.times[k], 1e-6))
        step = self.places[k + 1] - self.places[k]
        x, y = (self.places[k] + step * min(max(u, 0.0), 1.0)).tolist()
        norm = float(np.hypot(*step))
        if norm < 0.05:
            return x, y, 0.0, -1.0, False
        return x, y, float(step[0]) / norm, float(step[1]) / norm, True


def _along(corner: int, arm: str) -> NDArray[np.float64]:
    """The far end of the pavement that runs from a corner along an arm."""
    a = np.array(ARMS[arm])
    side = np.array(_CORNERS[corner]) * WALK
    return np.asarray(np.where(a != 0, a * _REACH, side))


def _arms_at(corner: int) -> tuple[str, str]:
    x, y = _CORNERS[corner]
    return ("E" if x > 0 else "W"), ("N" if y > 0 else "S")


def draw_walk(seed: int, start_s: float, signals: Signals) -> Walk:
    """A walk from one end of a pavement to another, around corners and over crossings."""
    rng = np.random.default_rng(seed)
    corner, speed = int(rng.integers(4)), float(np.clip(rng.normal(1.3, 0.2), 0.8, 1.9))
    arms = _arms_at(corner)
    first = arms[int(rng.integers(2))]
    shift = rng.uniform(-1.1, 1.3, 2)
    times, places = [start_s], [_along(corner, first)]

    def go(place: NDArray[np.float64]) -> None:
        places.append(place)
        times.append(times[-1] + float(np.linalg.norm(place - places[-2])) / speed)

    go(np.array(_CORNERS[corner]) * WALK)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.45, 0.4, 0.15]))):
        times.append(signals.walk_begins(times[-1]) + float(rng.uniform(0, 1.5)))
        places.append(places[-1])
        corner = (corner + int(rng.choice([1, 3]))) % 4
        go(np.array(_CORNERS[corner]) * WALK)
    last = [arm for arm in _arms_at(corner) if not (arm == first and len(times) == 2)]
    go(_along(corner, last[int(rng.integers(len(last)))]))
    return Walk(np.array(times), np.array(places) + shift, seed)
