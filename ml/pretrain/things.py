"""Things that nobody has seen: vehicles and objects, put together at random.

A design is drawn from its number alone. Its shape is assembled from hulls, cabins, boxes, wheels,
windows, stripes and lamps in proportions and colours far beyond those of any street; none of the
recurring kinds of Crossroads is among the recipes.
"""

import colorsys
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ml.crossroads.bodies import (
    DARK,
    FLASH_A,
    FLASH_B,
    GLASS,
    HEAD,
    TAIL,
    WINDOW,
    Body,
    Colour,
    Part,
    finish,
)
from ml.crossroads.bodies import Mesh as Draft

HUES = 8
GREYS = 3
COLOURS = HUES + GREYS


class Shape(IntEnum):
    """The families of shapes."""

    LOW = 0  # a hull with a cabin on it
    LONG = 1  # one tall hull with rows of windows
    LOADED = 2  # a cab and something behind it
    CART = 3  # small and open
    ODD = 4  # boxes at random
    WALKER = 5  # somebody on foot


@dataclass(frozen=True)
class Lamps:
    """Lamps that flash: how often a second, in which colour, and where on the body."""

    per_s: float
    colour: Colour
    ahead_m: float
    up_m: float


@dataclass(frozen=True, eq=False)
class Thing:
    """A design: its body, its lamps, and what of it a trunk is to tell."""

    shape: Shape
    body: Body
    main: int  # the colour most of it has, of COLOURS
    second: int
    lamps: Lamps | None


def draw_thing(number: int) -> Thing:
    """Draw a design; the same number gives the same one."""
    rng = np.random.default_rng([number, 31])
    shape = Shape(int(rng.choice(5, p=[0.3, 0.22, 0.2, 0.14, 0.14])))
    return _assembled(rng, shape, _colour(rng, 0.6), _colour(rng, 0.6), rng.random() < 0.2)


def draw_ordinary(number: int) -> Thing:
    """Draw a design of ordinary traffic: a low one, grey or of a muted colour, without lamps."""
    rng = np.random.default_rng([number, 32])
    shape = Shape(int(rng.choice([Shape.LOW, Shape.LONG, Shape.LOADED], p=[0.8, 0.1, 0.1])))
    paint = _colour(rng, 0.35, muted=True)
    return _assembled(rng, shape, paint, paint, flashing=False)


def colour_bin(colour: Colour) -> int:
    """Which of COLOURS an albedo is: one of eight hues, or black, grey or white."""
    high, low = max(colour), min(colour)
    if high - low < 0.22 * max(high, 60):
        return HUES + int(np.digitize((high + low) / 2, (75, 165)))
    hue, _, _ = colorsys.rgb_to_hsv(*(c / 255 for c in colour))
    return int(hue * HUES + 0.5) % HUES


def _colour(rng: np.random.Generator, coloured: float, *, muted: bool = False) -> Colour:
    if rng.random() > coloured:
        grey = int(rng.uniform(22, 240))
        return (grey, grey, min(grey + int(rng.integers(0, 8)), 255))
    strength = rng.uniform(0.25, 0.6) if muted else rng.uniform(0.45, 1.0)
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), strength, rng.uniform(0.3, 0.98))
    return (int(red * 255), int(green * 255), int(blue * 255))


def _assembled(
    rng: np.random.Generator, shape: Shape, main: Colour, second: Colour, flashing: bool
) -> Thing:
    draft = Draft()
    length, height = _RECIPES[shape](draft, rng, main, second)
    lamps = _lamps(draft, rng, length, height) if flashing else None
    return Thing(shape, finish(shape.name, draft), colour_bin(main), colour_bin(second), lamps)


def _low(
    draft: Draft, rng: np.random.Generator, main: Colour, second: Colour
) -> tuple[float, float]:
    """A hull with a cabin somewhere on it."""
    a, w = rng.uniform(1.4, 2.7), rng.uniform(0.65, 1.05)
    belt = rng.uniform(0.6, 1.15)
    height = belt + rng.uniform(0.3, 0.85)
    nose, tail = rng.uniform(0.6, 1.0) * belt, rng.uniform(0.75, 1.0) * belt
    hull = [(-a, 0.25), (a, 0.25), (a, nose * 0.8), (a * 0.4, belt), (-a * 0.4, belt), (-a, tail)]
    draft.prism(hull, [w, w * 0.95, w * 0.9, w, w, w * 0.95], main)
    foot, heel = rng.uniform(0.1, 0.6) * a, -rng.uniform(0.3, 0.95) * a
    front, back = foot - rng.uniform(0.1, 0.8), heel + rng.uniform(0.05, 0.7)
    if front > back + 0.3:
        cabin = [(heel, belt), (foot, belt), (front, height), (back, height)]
        roof = second if rng.random() < 0.3 else main
        draft.prism(cabin, [w * 0.95, w * 0.95, w * 0.8, w * 0.8], roof, {1: GLASS, 3: GLASS}, 1)
        pane = [(heel + 0.2, belt + 0.08), (foot - 0.2, belt + 0.08)]
        pane += [(front - 0.05, height - 0.08), (back + 0.05, height - 0.08)]
        draft.sides(
            pane, lambda z: w * (0.95 - 0.15 * (z - belt) / (height - belt)) + 0.02, GLASS, WINDOW
        )
    _panels(draft, rng, (-a, a), (0.3, belt), w, second)
    draft.wheels((-a * 0.6, a * 0.62), rng.uniform(0.24, 0.42), w)
    _ends(draft, a, w, (0.45, 0.45 + 0.2 * belt))
    return 2 * a, height


def _long(
    draft: Draft, rng: np.random.Generator, main: Colour, second: Colour
) -> tuple[float, float]:
    """One tall hull with windows along it."""
    a, w, h = rng.uniform(2.0, 6.5), rng.uniform(0.85, 1.3), rng.uniform(1.9, 3.6)
    slope = rng.uniform(0.0, 0.9)
    hull = [(-a, 0.32), (a, 0.32), (a, 0.35 * h), (a - slope, h), (-a, h)]
    draft.prism(hull, [w] * 5, main, {2: GLASS})
    low, high = rng.uniform(0.35, 0.55) * h, rng.uniform(0.7, 0.9) * h
    step = rng.uniform(0.8, 2.2)
    first = rng.uniform(-a, a * 0.6)
    for x in np.arange(first, a - slope - step, step):
        pane = [(x, low), (x + step * 0.85, low), (x + step * 0.85, high), (x, high)]
        draft.sides(pane, lambda _: w + 0.015, GLASS, WINDOW)
    _panels(draft, rng, (-a, a), (0.35, 0.35 * h), w, second)
    if rng.random() < 0.4:
        roof = [(-a * 0.8, -w * 0.7, h + 0.01), (a * 0.5, -w * 0.7, h + 0.01)]
        roof += [(a * 0.5, w * 0.7, h + 0.01), (-a * 0.8, w * 0.7, h + 0.01)]
        draft.face(roof, second, (0.0, 0.0, 1.0))
    draft.wheels((-a * 0.55, a * 0.6), rng.uniform(0.3, 0.52), w)
    _ends(draft, a, w, (0.55, 0.85))
    return 2 * a, h


def _loaded(
    draft: Draft, rng: np.random.Generator, main: Colour, second: Colour
) -> tuple[float, float]:
    """A cab, and a box, a tank or an open platform behind it."""
    a, w = rng.uniform(2.0, 5.5), rng.uniform(0.8, 1.25)
    cab, h = rng.uniform(1.2, 2.2), rng.uniform(1.6, 2.9)
    draft.box((-a, a), w * 0.75, (0.45, 0.75), DARK)
    front = [(a - cab, 0.5), (a, 0.5), (a, 0.5 * h), (a - rng.uniform(0.05, 0.6), h), (a - cab, h)]
    draft.prism(front, [w] * 3 + [w * 0.93] * 2, main, {2: GLASS}, 1)
    pane = [(a - cab * 0.7, 0.55 * h), (a - 0.3, 0.55 * h), (a - 0.5, 0.9 * h)]
    draft.sides([*pane, (a - cab * 0.7, 0.9 * h)], lambda _: w + 0.015, GLASS, WINDOW)
    top = rng.uniform(0.9, 3.6)
    draft.box((-a, a - cab - 0.15), w * rng.uniform(0.9, 1.12), (0.75, top), second, 1)
    if top > 1.4:
        third = _colour(rng, 0.6)
        _panels(draft, rng, (-a, a - cab - 0.15), (0.8, top - 0.1), w * 1.12, third)
    draft.wheels((-a * 0.65, a * 0.62), rng.uniform(0.36, 0.55), w)
    _ends(draft, a, w, (0.55, 0.8))
    return 2 * a, max(h, top)


def _cart(
    draft: Draft, rng: np.random.Generator, main: Colour, second: Colour
) -> tuple[float, float]:
    """Small and open: a base, a seat or somebody on it, a post or two."""
    a, w, h = rng.uniform(0.5, 1.3), rng.uniform(0.2, 0.65), rng.uniform(0.4, 1.0)
    draft.box((-a, a), w, (0.2, h), main)
    seat = rng.uniform(-0.6, 0.3) * a
    top = h + rng.uniform(0.4, 0.9)
    draft.box((seat, seat + 0.5), min(w * 0.6, 0.28), (h, top), second, 1)
    if rng.random() < 0.6:
        draft.box((seat + 0.1, seat + 0.38), 0.13, (top, top + 0.26), (198, 150, 120), 2)
    for x in rng.uniform(-a, a, int(rng.integers(0, 3))):
        draft.box((x, x + 0.12), w * 0.8, (h, h + rng.uniform(0.5, 1.6)), _colour(rng, 0.4), 2)
    draft.wheels((-a * 0.7, a * 0.7), rng.uniform(0.18, 0.36), w)
    return 2 * a, top


def _odd(
    draft: Draft, rng: np.random.Generator, main: Colour, second: Colour
) -> tuple[float, float]:
    """Two to five boxes and wedges of all proportions."""
    a, top = rng.uniform(0.6, 4.0), 0.2
    for layer in range(int(rng.integers(2, 6))):
        middle, half = rng.uniform(-0.5, 0.5) * a, rng.uniform(0.2, 1.0) * a
        rise, w = rng.uniform(0.2, 1.1), rng.uniform(0.25, 1.2)
        lean = rng.uniform(-0.6, 0.6, 2) * half
        profile = [(middle - half, top), (middle + half, top)]
        profile += [
            (middle + half - abs(lean[0]), top + rise),
            (middle - half + abs(lean[1]), top + rise),
        ]
        colour = (main, second)[int(rng.random() < 0.35)]
        draft.prism(profile, [w, w, w * 0.9, w * 0.9], colour, layer=layer)
        top += rise
    if rng.random() < 0.6:
        draft.wheels((-a * 0.5, a * 0.5), 0.28, 0.6)
    return 2 * a, top


_RECIPES: dict[
    Shape, Callable[[Draft, np.random.Generator, Colour, Colour], tuple[float, float]]
] = {
    Shape.LOW: _low,
    Shape.LONG: _long,
    Shape.LOADED: _loaded,
    Shape.CART: _cart,
    Shape.ODD: _odd,
}


def _panels(
    draft: Draft,
    rng: np.random.Generator,
    x: tuple[float, float],
    z: tuple[float, float],
    half: float,
    colour: Colour,
) -> None:
    """Stripes and blocks of another colour on both sides."""
    for _ in range(int(rng.choice(4, p=[0.3, 0.4, 0.2, 0.1]))):
        low = rng.uniform(z[0], z[0] + 0.6 * (z[1] - z[0]))
        high = low + rng.uniform(0.15, 0.6) * (z[1] - z[0])
        ends = np.sort(rng.uniform(*x, 2)) if rng.random() < 0.4 else np.array(x)
        lean = rng.uniform(-0.3, 0.3)
        panel = [(ends[0], low), (ends[1], low), (ends[1] + lean, high), (ends[0] + lean, high)]
        draft.sides(panel, lambda _: half + 0.02, colour)


def _ends(draft: Draft, a: float, half: float, z: tuple[float, float]) -> None:
    draft.ends(a, half * 0.9, z, half * 0.35, HEAD)
    draft.ends(-a, half * 0.9, z, half * 0.3, TAIL)


def _lamps(draft: Draft, rng: np.random.Generator, length: float, height: float) -> Lamps:
    """Put lamps on the roof that flash in turn."""
    colour = ((60, 110, 255), (255, 150, 30), (255, 50, 40))[int(rng.integers(3))]
    x = rng.uniform(-0.35, 0.35) * length
    for glow, (low, high) in ((FLASH_A, (-0.6, -0.06)), (FLASH_B, (0.06, 0.6))):
        draft.part = Part(9, x)
        top = [(x - 0.2, low, height + 0.2), (x + 0.2, low, height + 0.2)]
        top += [(x + 0.2, high, height + 0.2), (x - 0.2, high, height + 0.2)]
        draft.face(top, colour, (x, 0.0, height), glow)
        for end in (x - 0.2, x + 0.2):
            wall = [(end, low, height), (end, high, height)]
            wall += [(end, high, height + 0.2), (end, low, height + 0.2)]
            draft.face(wall, colour, (x, (low + high) / 2, height), glow)
    return Lamps(float(rng.uniform(1.0, 3.2)), colour, float(x), height + 0.2)
