"""Where things are: the pinhole camera, the four arms of the crossing and the paths along them.

World coordinates are metres: x east, y north, z up, the origin in the middle of the crossing.
Traffic keeps to the right.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 360
Floats = NDArray[np.float64]

ARMS = {"W": (-1.0, 0.0), "E": (1.0, 0.0), "N": (0.0, 1.0), "S": (0.0, -1.0)}
ARM_LENGTH = 220.0
ROAD_HALF = 4.0
LANE = 1.95
STOP_LINE = 9.0
WALK = 6.2
_TURN_RADIUS = 6.5
_STEP = 0.5


@dataclass(frozen=True)
class Camera:
    """A pinhole camera at `position`, looking at `target`, without roll."""

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    fov_deg: float

    @cached_property
    def origin(self) -> Floats:
        """The camera's place as an array of 3."""
        return np.array(self.position)

    @cached_property
    def axes(self) -> Floats:
        """Rows: right, up, forward; orthonormal."""
        forward = np.array(self.target) - self.origin
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(right, forward), forward])

    @cached_property
    def focal(self) -> float:
        """The focal length in pixels."""
        return WIDTH / 2 / float(np.tan(np.radians(self.fov_deg / 2)))

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """World points (N, 3) to pixels (N, 2) and their depth along the optical axis (N,)."""
        seen = (points - self.origin) @ self.axes.T
        depth = np.maximum(seen[:, 2], 0.1)
        pixels = np.empty((len(points), 2))
        pixels[:, 0] = WIDTH / 2 + self.focal * seen[:, 0] / depth
        pixels[:, 1] = HEIGHT / 2 - self.focal * seen[:, 1] / depth
        return pixels, seen[:, 2]

    def rays(self, oversampling: int) -> Floats:
        """Unit directions (H * k, W * k, 3) through the centres of k x k parts of each pixel."""
        k = oversampling
        x = (np.arange(WIDTH * k) + 0.5) / k - WIDTH / 2
        y = HEIGHT / 2 - (np.arange(HEIGHT * k) + 0.5) / k
        local = np.empty((HEIGHT * k, WIDTH * k, 3))
        local[..., 0], local[..., 1], local[..., 2] = x[None, :], y[:, None], self.focal
        local /= np.linalg.norm(local, axis=2, keepdims=True)
        return local @ self.axes

    def bearing(self, columns: Floats, row: float) -> Floats:
        """Horizontal directions (N, 2) of pixel columns at a row; not normalised."""
        right, up, forward = self.axes
        local = np.outer(columns - WIDTH / 2, right) + (HEIGHT / 2 - row) * up
        return np.asarray((local + self.focal * forward)[:, :2])


@dataclass(frozen=True)
class Path:
    """A line on the ground, sampled every half metre; `s` is the way travelled along it."""

    name: str
    points: Floats
    stop_s: float

    @property
    def length(self) -> float:
        """Metres from the first point to the last."""
        return (len(self.points) - 1) * _STEP

    @cached_property
    def headings(self) -> Floats:
        """Unit directions (M, 2) of travel at each sample."""
        ahead = np.gradient(self.points, axis=0)
        return np.asarray(ahead / np.linalg.norm(ahead, axis=1, keepdims=True))

    def at(self, s: float, lateral: float = 0.0) -> tuple[float, float, float, float]:
        """Position x, y and heading dx, dy at way s, moved `lateral` metres to the left."""
        place = min(max(s / _STEP, 0.0), len(self.points) - 1.001)
        i = int(place)
        u = place - i
        x, y = (self.points[i] * (1 - u) + self.points[i + 1] * u).tolist()
        dx, dy = (self.headings[i] * (1 - u) + self.headings[i + 1] * u).tolist()
        norm = float((dx * dx + dy * dy) ** 0.5) or 1.0
        dx, dy = dx / norm, dy / norm
        return x - dy * lateral, y + dx * lateral, dx, dy

    def places(self, s: Floats) -> Floats:
        """Positions (N, 2) at the ways s (N,)."""
        at = np.clip(s / _STEP, 0.0, len(self.points) - 1)
        index = np.arange(len(self.points))
        return np.stack([np.interp(at, index, self.points[:, k]) for k in (0, 1)], axis=1)


def _right(direction: Floats) -> Floats:
    return np.array([direction[1], -direction[0]])


def _even(points: Floats) -> Floats:
    """The same line with samples every half metre of way."""
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    s = np.arange(0.0, way[-1], _STEP)
    return np.stack([np.interp(s, way, points[:, k]) for k in (0, 1)], axis=1)


@lru_cache
def lane_path(origin: str, destination: str) -> Path:
    """The way of a vehicle from one arm into another, named like `W-E`."""
    a, b = np.array(ARMS[origin]), np.array(ARMS[destination])
    side_in, side_out = _right(-a) * LANE, _right(b) * LANE
    enter, leave = a * _TURN_RADIUS + side_in, b * _TURN_RADIUS + side_out
    bend = (enter + leave) / 2 if np.allclose(a, -b) else side_in + side_out
    u = np.linspace(0, 1, 60)[:, None]
    curve = (1 - u) ** 2 * enter + 2 * u * (1 - u) * bend + u**2 * leave
    points = np.concatenate([[a * ARM_LENGTH + side_in], curve, [b * ARM_LENGTH + side_out]])
    return Path(f"{origin}-{destination}", _even(points), ARM_LENGTH - STOP_LINE)


@lru_cache
def pavement_path(name: str) -> Path:
    """The way of a slow vehicle along a pavement, named by side and direction like `north-E`."""
    side, towards = name.split("-")
    b = np.array(ARMS[towards])
    away = np.array(ARMS[side[0].upper()]) * (WALK + 1.2)
    return Path(name, _even(np.stack([away - b * 45.0, away + b * 45.0])), 0.0)


def path_named(name: str) -> Path:
    """The path of a trajectory name."""
    first, second = name.split("-")
    return lane_path(first, second) if first in ARMS else pavement_path(name)
