"""Surfaces, as colours of places: asphalt with its markings, pavements, grass and facades."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from ml.crossroads.geometry import LANE, ROAD_HALF, STOP_LINE, WALK
from ml.crossroads.views import Building

Floats = NDArray[np.float64]


@lru_cache
def _lattice(seed: int) -> Floats:
    return np.random.default_rng([seed, 9]).uniform(-1, 1, (256, 256))


def noise(x: Floats, y: Floats, scale: float, seed: int) -> Floats:
    """Smooth noise in -1..1 with features of about `scale` metres."""
    at = np.stack([np.ravel(x) / scale, np.ravel(y) / scale])
    values = map_coordinates(_lattice(seed), at, order=1, mode="grid-wrap")
    return np.asarray(values).reshape(np.shape(x))


def _between(v: Floats, low: float | Floats, high: float | Floats) -> NDArray[np.bool_]:
    return np.asarray((v >= low) & (v < high))


def ground(x: Floats, y: Floats, seed: int) -> Floats:
    """Albedo (N, 3) of the ground at places x, y (N,)."""
    ax, ay = np.abs(x), np.abs(y)
    road = (ax < ROAD_HALF) | (ay < ROAD_HALF)
    corner = (ax < ROAD_HALF + 3) & (ay < ROAD_HALF + 3)
    rounded = corner & (np.hypot(ax - ROAD_HALF - 3, ay - ROAD_HALF - 3) > 3.0)
    road |= rounded
    grain = noise(x, y, 0.16, seed) + 0.7 * noise(x, y, 0.5, seed + 1)
    stains = noise(x, y, 3.1, seed + 2) + 0.6 * noise(x, y, 9.0, seed + 3)
    near = np.minimum(ax, ay)
    colour = _pavement(x, y, near, grain, stains)
    asphalt = 74 + 7 * grain + 7 * stains
    wheel = np.exp(-(((near - LANE) % 1.5 - 0.75) ** 2) / 0.1)
    asphalt = asphalt - 5 * wheel * (near < ROAD_HALF)
    seam = np.abs(noise(x, y, 4.0, seed + 5)) < 0.012
    asphalt = np.where(seam, asphalt - 20, asphalt)
    patch = _between(noise(x, y, 6.0, seed + 7), 0.52, 1.0)
    asphalt = np.where(patch, asphalt - 14 + 4 * grain, asphalt)
    tone = asphalt[:, None] * np.array([1.0, 1.0, 1.02])
    colour = np.where(road[:, None], tone, colour)
    paint = _markings(x, y) & ~(noise(x, y, 0.4, seed + 8) > 0.72)
    white = np.array([198.0, 198.0, 190.0]) + 9 * grain[:, None]
    return np.asarray(np.where(paint[:, None], white, colour))


def _pavement(x: Floats, y: Floats, near: Floats, grain: Floats, stains: Floats) -> Floats:
    joint = (np.mod(x, 0.8) < 0.05) | (np.mod(y, 0.8) < 0.05)
    slabs = 142 + 5 * grain + 8 * stains - 22 * joint
    colour = slabs[:, None] * np.array([1.0, 0.98, 0.94])
    kerb = _between(near, ROAD_HALF, ROAD_HALF + 0.28)
    colour = np.where(kerb[:, None], (176.0 + 5 * grain)[:, None] * np.ones(3), colour)
    lawn = near > 9.4
    green = np.array([82.0, 104.0, 58.0]) + (12 * grain + 11 * stains)[:, None]
    return np.asarray(np.where(lawn[:, None], green, colour))


def _markings(x: Floats, y: Floats) -> NDArray[np.bool_]:
    """Zebra crossings, stop lines and centre lines of both streets."""
    paint = np.zeros(x.shape, dtype=np.bool_)
    for along, across in ((x, y), (y, -x)):
        away = np.abs(along)
        on = np.abs(across) < ROAD_HALF - 0.15
        zebra = _between(away, WALK - 1.4, WALK + 1.4) & (np.mod(across + 0.25, 1.0) < 0.5)
        waits = np.where(along < 0, across < -0.1, across > 0.1)
        stop = _between(away, STOP_LINE - 0.5, STOP_LINE - 0.1) & waits
        dashes = (np.abs(across) < 0.07) & (np.mod(away, 4.5) < 2.4) & (away > STOP_LINE + 6)
        solid = (np.abs(across) < 0.07) & _between(away, STOP_LINE - 0.1, STOP_LINE + 6)
        paint |= on & (zebra | stop | dashes | solid)
    return paint


def facade(u: Floats, z: Floats, building: Building, seed: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Albedo (N, 3) of a wall at u along it and height z, and where a lit window is at night."""
    wall = np.array(building.colour, dtype=np.float64)
    rough = 6 * noise(u, z, 0.3, seed) + 8 * noise(u, z, 2.5, seed + 1)
    courses = -6.0 * (np.mod(z, 0.32) < 0.06)
    colour = wall + (rough + courses)[:, None]
    floor, bay = np.floor(z / building.storey), np.floor(u / building.bay)
    v, h = np.mod(z, building.storey), np.mod(u, building.bay)
    shop = floor == 0
    side = building.bay * np.where(shop, 0.1, 0.24)
    tall = np.where(shop, 0.35, 0.95)
    window = _between(h, side, building.bay - side) & (v > tall) & (v < building.storey - 0.55)
    frame = window & (
        (h < side + 0.1) | (h > building.bay - side - 0.1) | (np.abs(h - building.bay / 2) < 0.05)
    )
    ledge = _between(v, building.storey - 0.16, building.storey)
    pane = np.array([62.0, 74.0, 88.0]) + 16 * noise(u, z, 1.7, seed + 2)[:, None]
    colour = np.where(window[:, None], pane, colour)
    colour = np.where(frame[:, None], 188.0, colour)
    colour = np.where(ledge[:, None], colour * 0.8, colour)
    hue = _lattice(seed + 4)[0, np.mod(np.floor(u / building.bay / 2), 256).astype(int)]
    sign = shop & (hue > -0.3) & _between(v, building.storey - 0.55, building.storey - 0.16)
    board = 110 + 70 * np.cos(6 * hue[:, None] + np.array([0.0, 2.1, 4.2]))
    colour = np.where(sign[:, None], board, colour)
    roof_edge = z > building.height - 0.45
    colour = np.where(roof_edge[:, None], colour * 0.7, colour)
    lit = _lattice(seed + 3)[np.mod(floor, 256).astype(int), np.mod(bay, 256).astype(int)]
    glows = window & ~frame & ~roof_edge & (lit > np.where(shop, -0.1, 0.62))
    return np.clip(colour, 4, 250), glows
