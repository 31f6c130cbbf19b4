"""The empty crossing, ray traced once: its layers of light and what can hide a vehicle.

Every pixel is cut into 2 x 2 rays; each meets the ground, a wall, a pole, a tree or the sky.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ml.crossroads import texture
from ml.crossroads.geometry import HEIGHT, WIDTH
from ml.crossroads.light import Light
from ml.crossroads.views import Box, Building, View

Floats = NDArray[np.float64]
Layer = NDArray[np.float32]

_OVERSAMPLING = 2
NO_OBSTACLE = 1e6
_LAMP_AREA = 75.0
_LAMP_COLOUR = np.array([1.0, 0.74, 0.44])
_SKY_COLOUR = np.array([178.0, 196.0, 214.0])


@dataclass(frozen=True, eq=False)
class Scenery:
    """What stands still. `obstacle` (H, W): metres over ground to what is not ground."""

    sunlit: Layer
    skylit: Layer
    lamplit: Layer
    glowing: Layer
    obstacle: Layer
    lamps: tuple[tuple[float, float], ...]
    sun: Floats
    tint: Floats

    def picture(self, light: Light) -> Layer:
        """The empty crossing (H, W, 3), 0-255, in a light."""
        sun, sky, lamp = light_colours(light)
        picture = self.skylit * (sky * self.tint).astype(np.float32)
        if light.sun:
            picture += self.sunlit * (sun * self.tint).astype(np.float32)
        if light.lamps:
            picture += self.lamplit * lamp.astype(np.float32)
            picture += self.glowing * np.float32(light.lamps)
        return picture

    def lamp_level(self, x: float, y: float) -> float:
        """How strongly the street lamps light a place on the ground, about 0-1."""
        areas = ((x - u) ** 2 + (y - v) ** 2 for u, v in self.lamps)
        return min(sum(math.pow(1 + area / _LAMP_AREA, -1.5) for area in areas), 1.3)


def light_colours(light: Light) -> tuple[Floats, Floats, Floats]:
    """Colours of sun, sky and lamps as factors of an albedo."""
    sun = light.sun * np.array([0.74, 0.72 - 0.1 * light.warmth, 0.66 - 0.26 * light.warmth])
    sky = light.sky * np.array([0.64, 0.67, 0.72])
    return sun, sky, light.lamps * 1.15 * _LAMP_COLOUR


def _lamp_levels(ends: Floats, lamps: tuple[tuple[float, float], ...]) -> Floats:
    """The lamps' light at places (N, 3), weaker above them."""
    level = np.zeros(len(ends))
    for x, y in lamps:
        level += (1 + ((ends[:, 0] - x) ** 2 + (ends[:, 1] - y) ** 2) / _LAMP_AREA) ** -1.5
    high = np.exp(-np.maximum(ends[:, 2] - 4.5, 0) / 4.0)
    return np.asarray(np.minimum(level, 1.3) * high)


class _Trace:
    """The nearest hit of every ray while the scene is traced, N rays in all."""

    def __init__(self, view: View) -> None:
        self.view, self.camera = view, view.camera
        self.rays = view.camera.rays(_OVERSAMPLING).reshape(-1, 3)
        n = len(self.rays)
        self.t = np.full(n, NO_OBSTACLE)
        self.albedo = np.zeros((n, 3))
        self.normal = np.zeros((n, 3))
        self.glow = np.zeros((n, 3))
        self.obstacle = np.full(n, NO_OBSTACLE)
        self.sky = np.ones(n, dtype=np.bool_)

    def within(self, corners: Floats, margin: float = 3.0) -> NDArray[np.int64]:
        """Indices of the rays in the image rectangle around some world points."""
        pixels, depth = self.camera.project(corners)
        if depth.min() < 0.5:
            return np.arange(len(self.rays))
        k = _OVERSAMPLING
        low = np.clip(np.floor((pixels.min(axis=0) - margin) * k), 0, (WIDTH * k, HEIGHT * k))
        high = np.clip(np.ceil((pixels.max(axis=0) + margin) * k), 0, (WIDTH * k, HEIGHT * k))
        columns = np.arange(int(low[0]), int(high[0]))
        rows = np.arange(int(low[1]), int(high[1]))
        return np.asarray((rows[:, None] * WIDTH * k + columns).ravel(), dtype=np.int64)

    def place(self, where: NDArray[np.int64]) -> Floats:
        """World points (M, 3) at which rays end."""
        return np.asarray(self.camera.origin + self.rays[where] * self.t[where, None])

    def hit(self, where: NDArray[np.int64], t: Floats, normal: Floats, solid: bool = True) -> None:
        """Record that rays end at distance t on something with a normal."""
        self.t[where], self.normal[where], self.sky[where] = t, normal, False
        self.glow[where] = 0
        flat = np.hypot(self.rays[where, 0], self.rays[where, 1])
        self.obstacle[where] = t * flat if solid else NO_OBSTACLE


def _ground(trace: _Trace) -> None:
    down = np.flatnonzero(trace.rays[:, 2] < -1e-3)
    t = -trace.camera.origin[2] / trace.rays[down, 2]
    trace.hit(down, t, np.array([0.0, 0.0, 1.0]), solid=False)
    at = trace.place(down)
    far = np.clip((t - 90) / 300, 0, 1)[:, None]
    colour = texture.ground(at[:, 0], at[:, 1], trace.view.texture_seed)
    trace.albedo[down] = colour * (1 - far) + 128 * far


def _box(trace: _Trace, box: Box) -> tuple[NDArray[np.int64], Floats]:
    """Let rays end on a box; returns the rays and the points."""
    low, high = np.array(box[:3]), np.array(box[3:])
    corners = np.array([[(low, high)[i >> k & 1][k] for k in range(3)] for i in range(8)])
    where = trace.within(corners)
    rays = trace.rays[where]
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (low - trace.camera.origin) / rays, (high - trace.camera.origin) / rays
    enter, leave = np.minimum(a, b), np.maximum(a, b)
    axis = enter.argmax(axis=1)
    t = enter.max(axis=1)
    hits = (t < leave.min(axis=1)) & (t > 0) & (t < trace.t[where])
    where, axis, t = where[hits], axis[hits], t[hits]
    normal = np.zeros((len(where), 3))
    rows = np.arange(len(where))
    normal[rows, axis] = -np.sign(trace.rays[where][rows, axis])
    trace.hit(where, t, normal)
    return where, trace.place(where)


def _building(trace: _Trace, building: Building, seed: int) -> None:
    b = building
    where, at = _box(trace, (b.x0, b.y0, 0.0, b.x1, b.y1, b.height))
    normal = trace.normal[where]
    along = np.where(np.abs(normal[:, 0]) > 0.5, at[:, 1], at[:, 0])
    colour, lit = texture.facade(along, at[:, 2], b, seed)
    roof = normal[:, 2] > 0.5
    gravel = 112 + 10 * texture.noise(at[:, 0], at[:, 1], 0.7, seed)
    trace.albedo[where] = np.where(roof[:, None], gravel[:, None], colour)
    warm = (
        np.array([205.0, 164.0, 96.0])
        * (0.75 + 0.25 * texture.noise(along, at[:, 2], 1.1, seed + 5))[:, None]
    )
    trace.glow[where] = np.where((lit & ~roof)[:, None], warm, 0.0)


def _plain_box(trace: _Trace, box: Box, colour: tuple[float, float, float]) -> None:
    where, _ = _box(trace, box)
    trace.albedo[where] = colour


def _street_lamp(trace: _Trace, x: float, y: float, height: float) -> None:
    reach = 1.6 if abs(x) < abs(y) + 30 else 1.0
    towards = -np.sign(y)
    _plain_box(trace, (x - 0.09, y - 0.09, 0, x + 0.09, y + 0.09, height), (70, 74, 76))
    y0, y1 = sorted((y, y + towards * reach))
    _plain_box(trace, (x - 0.05, y0, height - 0.1, x + 0.05, y1, height), (70, 74, 76))
    end = y + towards * reach
    where, _ = _box(trace, (x - 0.16, end - 0.4, height - 0.16, x + 0.16, end + 0.3, height + 0.02))
    trace.albedo[where] = (150, 152, 150)
    trace.glow[where] = np.array([250.0, 214.0, 150.0])


def _tree(trace: _Trace, x: float, y: float, height: float, seed: int) -> None:
    rng = np.random.default_rng([seed, 4])
    trunk = 0.03 * height
    _plain_box(trace, (x - trunk, y - trunk, 0, x + trunk, y + trunk, height * 0.6), (88, 70, 54))
    crown = np.array([x, y, height * 0.7])
    hue = np.array([66.0, 92.0, 44.0]) * rng.uniform(0.85, 1.15, 3)
    for _ in range(150):
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        centre = crown + direction * np.array([0.31, 0.31, 0.27]) * height * rng.uniform(0.3, 1)
        _leaves(
            trace,
            centre,
            height * float(rng.uniform(0.04, 0.085)),
            hue * rng.uniform(0.8, 1.2),
            seed,
        )


def _leaves(trace: _Trace, centre: Floats, radius: float, hue: Floats, seed: int) -> None:
    """A ball of leaves with holes in it."""
    where = trace.within(np.array([centre - radius, centre + radius]), 8.0)
    offset = trace.camera.origin - centre
    b = trace.rays[where] @ offset
    c = float(offset @ offset) - radius**2
    root = b * b - c
    t = -b - np.sqrt(np.maximum(root, 0.0))
    hits = (root > 0) & (t > 0) & (t < trace.t[where])
    where, t = where[hits], t[hits]
    points = trace.camera.origin + trace.rays[where] * t[:, None]
    speckle = texture.noise(points[:, 0] + points[:, 1], points[:, 2] * 1.3, 0.07, seed)
    solid = speckle > -0.45
    where, t, points, speckle = where[solid], t[solid], points[solid], speckle[solid]
    trace.hit(where, t, (points - centre) / radius)
    trace.albedo[where] = np.clip(hue * (0.85 + 0.42 * speckle[:, None]), 4, 250)


def _sunlit(trace: _Trace, sun: Floats) -> Floats:
    """How directly the sun shines on what each ray meets: 0 in shadow, 1 head on."""
    facing = np.maximum(trace.normal @ sun, 0.0) * ~trace.sky
    where = np.flatnonzero(facing > 0)
    ends = trace.place(where) + trace.normal[where] * 0.02
    dark = np.zeros(len(where), dtype=np.bool_)
    for b in trace.view.buildings:
        a = (np.array([b.x0, b.y0, 0.0]) - ends) / sun
        c = (np.array([b.x1, b.y1, b.height]) - ends) / sun
        leave = np.maximum(a, c).min(axis=1)
        dark |= (np.minimum(a, c).max(axis=1) < leave) & (leave > 0)
    on_ground = trace.obstacle[where] > NO_OBSTACLE / 2
    for k, (x, y, height) in enumerate(trace.view.trees):
        size = np.array([0.36, 0.36, 0.33]) * height
        dark |= on_ground & _under_crown(ends, np.array([x, y, 0.7 * height]), size, sun, k)
    facing[where[dark]] = 0.0
    return facing


def _under_crown(
    ends: Floats, crown: Floats, size: Floats, sun: Floats, seed: int
) -> NDArray[np.bool_]:
    """Points in the ragged shadow of a tree's crown, an ellipsoid."""
    offset, direction = (ends - crown) / size, sun / size
    along = offset @ direction
    nearest = (offset**2).sum(axis=1) - along**2 / float(direction @ direction)
    ragged = 0.35 * texture.noise(ends[:, 0], ends[:, 1], 0.35, 60 + seed)
    return np.asarray((along < 0) & (nearest + ragged < 0.8))


def _build(view: View) -> _Trace:
    trace = _Trace(view)
    _ground(trace)
    for i, building in enumerate(view.buildings):
        _building(trace, building, view.texture_seed * 100 + 10 * i)
    for x, y, height in view.poles:
        _street_lamp(trace, x, y, height)
    for x, y in ((7.9, 4.6), (-7.9, -4.6), (-4.6, 7.9), (4.6, -7.9)):
        _plain_box(trace, (x - 0.06, y - 0.06, 0, x + 0.06, y + 0.06, 3.2), (60, 62, 64))
        _plain_box(trace, (x - 0.16, y - 0.16, 2.3, x + 0.16, y + 0.16, 3.25), (34, 36, 36))
    for i, (x, y, height) in enumerate(view.trees):
        _tree(trace, x, y, height, view.texture_seed * 100 + i)
    return trace


@lru_cache(maxsize=3)
def build_scenery(view: View) -> Scenery:
    """Trace a view; some seconds of work, then kept."""
    trace = _build(view)
    sun = np.array(view.sun) / np.linalg.norm(view.sun)
    facing = _sunlit(trace, sun)
    open_sky = np.where(trace.sky, 1.0, 0.72 + 0.28 * trace.normal[:, 2])
    ends = trace.place(np.arange(len(trace.rays)))
    lamps = tuple((x, y - math.copysign(1.6, y)) for x, y, _ in view.poles)
    level = _lamp_levels(ends, lamps) * (0.55 + 0.45 * trace.normal[:, 2]) * ~trace.sky
    albedo = np.where(trace.sky[:, None], _sky(trace), trace.albedo)
    return Scenery(
        _reduce(albedo * facing[:, None] * 1.25),
        _reduce(albedo * open_sky[:, None]),
        _reduce(albedo * level[:, None]),
        _reduce(trace.glow),
        _obstacles(trace.obstacle),
        lamps,
        sun,
        np.array(view.tint),
    )


def _sky(trace: _Trace) -> Floats:
    rise = np.clip(trace.rays[:, 2], 0, 0.3)[:, None]
    return np.asarray(_SKY_COLOUR * 1.9 - rise * np.array([260.0, 180.0, 60.0]))


def _reduce(values: Floats) -> Layer:
    k = _OVERSAMPLING
    blocks = values.reshape(HEIGHT, k, WIDTH, k, 3)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def _obstacles(distance: Floats) -> Layer:
    k = _OVERSAMPLING
    parts = distance.reshape(HEIGHT, k, WIDTH, k).transpose(0, 2, 1, 3).reshape(HEIGHT, WIDTH, -1)
    return np.asarray(np.sort(parts, axis=2)[:, :, 1], dtype=np.float32)
