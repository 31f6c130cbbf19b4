"""Vehicles and pedestrians as small premultiplied pictures, drawn twice as large and reduced."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ml.crossroads.bodies import FLASH_A, FLASH_B, HEAD, PAINTS, PLAIN, TAIL, WINDOW, Body
from ml.crossroads.geometry import HEIGHT, WIDTH, Camera

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Pose:
    """Where a thing stands and how it is lit: colours of the direct, diffuse and lamp light."""

    x: float
    y: float
    dx: float
    dy: float
    sun: Floats
    sky: Floats
    lamp: Floats
    sun_direction: Floats
    glowing: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Sprite:
    """A premultiplied picture: `colour` (h, w, 3) and `alpha` (h, w), its corner at left, top."""

    left: int
    top: int
    colour: Bytes
    alpha: Bytes

    @property
    def place(self) -> tuple[slice, slice]:
        """The rows and columns of the frame that it covers."""
        h, w = self.alpha.shape
        return slice(self.top, self.top + h), slice(self.left, self.left + w)

    def lay_on(self, picture: Bytes, free: NDArray[np.bool_]) -> Bytes:
        """Lay it over a picture where `free` (h, w) says so; return the alpha that was laid."""
        alpha, colour = self.alpha, self.colour
        if not free.all():
            alpha, colour = alpha * free, colour * free[..., None]
        keep = (256 - alpha.astype(np.uint16) - (alpha >> 7))[..., None]
        part = picture[self.place]
        np.add((part * keep >> 8).astype(np.uint8), colour, out=part)
        return alpha


class Canvas:
    """A transparent picture over a part of the frame, `scale` times as fine."""

    def __init__(self, points: Floats, scale: int, margin: float = 2.0) -> None:
        low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
        self.left, self.top = max(math.floor(low[0]), 0), max(math.floor(low[1]), 0)
        self.width = min(math.ceil(high[0]), WIDTH) - self.left
        self.height = min(math.ceil(high[1]), HEIGHT) - self.top
        self.scale = scale
        self.empty = self.width < 1 or self.height < 1
        if not self.empty:
            self.image = Image.new("RGBa", (self.width * scale, self.height * scale))
            self.draw = ImageDraw.Draw(self.image)

    def local(self, pixels: Floats) -> Floats:
        """Frame pixels (N, 2) in the fine pixels of this canvas."""
        return np.asarray((pixels - (self.left, self.top)) * self.scale - 0.5)

    def sprite(self) -> Sprite:
        """The finished picture at the frame's own scale."""
        small = self.image.reduce(self.scale) if self.scale > 1 else self.image
        pixels = np.asarray(small)
        return Sprite(self.left, self.top, pixels[..., :3], pixels[..., 3])


def draw_vehicle(camera: Camera, body: Body, paint: int, pose: Pose) -> Sprite | None:
    """A vehicle with its shadow; None where nothing of it is in the frame."""
    turn = np.array([[pose.dx, pose.dy, 0.0], [-pose.dy, pose.dx, 0.0], [0.0, 0.0, 1.0]])
    world = body.vertices @ turn + (pose.x, pose.y, 0.0)
    pixels, depth = camera.project(world)
    if depth.min() < 2.0 or np.abs(pixels).max() > 4000:
        return None
    shade = _shadow_points(camera, body, pose)
    canvas = Canvas(np.concatenate([pixels, shade]), 2)
    if canvas.empty:
        return None
    _draw_shadow(canvas, shade, pose)
    eye = turn @ (camera.origin - (pose.x, pose.y, 0.0))
    facing = ((eye - body.centres) * body.normals).sum(axis=1) > 0
    colours = _shaded(body, paint, pose, turn, eye)
    points = canvas.local(pixels).tolist()
    order = body.order_ahead if eye[0] > 0 else body.order_behind
    for face in order[facing[order]].tolist():
        first, count = body.faces[face]
        corners = [(p[0], p[1]) for p in points[first : first + count]]
        canvas.draw.polygon(corners, fill=tuple(colours[face]))
    return canvas.sprite()


def _shaded(body: Body, paint: int, pose: Pose, turn: Floats, eye: Floats) -> list[list[int]]:
    """The colour (r, g, b, 255) of every face."""
    albedo = body.colours.copy()
    albedo[body.painted] = PAINTS[paint]
    sun = turn @ pose.sun_direction
    facing = np.maximum(body.normals @ sun, 0.0)[:, None]
    up = (0.66 + 0.34 * body.normals[:, 2])[:, None]
    colour = albedo * (1.25 * facing * pose.sun + up * pose.sky + (0.4 + 0.6 * up) * pose.lamp)
    glass = body.glow == WINDOW
    if glass.any():
        away = body.centres[glass] - eye
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        mirrored = (
            away[:, 2] - 2 * (away * body.normals[glass]).sum(axis=1) * body.normals[glass, 2]
        )
        colour[glass] += (np.clip(mirrored + 0.15, 0, 1) * 78)[:, None] * pose.sky * 2.0
    for code in pose.glowing:
        colour[body.glow == code] = _GLOWS[code]
    rgba = np.full((len(colour), 4), 255.0)
    rgba[:, :3] = np.clip(colour, 2, 252)
    return [[int(v) for v in row] for row in rgba.tolist()]


_GLOWS = {
    PLAIN: (0, 0, 0),
    HEAD: (255, 250, 226),
    TAIL: (236, 40, 30),
    FLASH_A: (120, 170, 255),
    FLASH_B: (120, 170, 255),
}


def _shadow_points(camera: Camera, body: Body, pose: Pose) -> Floats:
    """The outline of the shadow on the road in pixels: the foot, and the foot of the sun's rays."""
    box = body.corners(pose.x, pose.y, pose.dx, pose.dy)
    sun = pose.sun_direction
    length = min(body.height * 0.9, 2.6) / max(float(sun[2]), 0.3)
    strong = float(pose.sun.mean()) > 0.06
    offset = -sun[:2] * length if strong else np.zeros(2)
    foot = np.concatenate([box[:4], box[:4] * 1.0])
    foot[4:, :2] += offset
    pixels, _ = camera.project(foot)
    return _hull(pixels)


def _draw_shadow(canvas: Canvas, outline: Floats, pose: Pose) -> None:
    direct, diffuse = float(pose.sun.mean()), float(pose.sky.mean() + pose.lamp.mean())
    share = 0.34 + 0.34 * direct / max(direct + diffuse, 1e-6)
    middle = outline.mean(axis=0)
    for size, part in ((1.05, 0.55), (0.96, 1.0)):
        points = canvas.local(middle + (outline - middle) * size).tolist()
        canvas.draw.polygon([(p[0], p[1]) for p in points], fill=(0, 0, 0, int(255 * share * part)))


def _hull(points: Floats) -> Floats:
    """The convex hull (K, 2) of some points (Andrew's monotone chain)."""
    ordered = sorted(map(tuple, points.tolist()))

    def chain(items: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
        line: list[tuple[float, ...]] = []
        for p in items:
            while len(line) > 1 and _turn(line[-2], line[-1], p) <= 0:
                line.pop()
            line.append(p)
        return line[:-1]

    return np.array(chain(ordered) + chain(ordered[::-1]))


def _turn(a: tuple[float, ...], b: tuple[float, ...], c: tuple[float, ...]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


@dataclass(frozen=True)
class Person:
    """How a pedestrian looks: height in metres, colours of skin, hair, top and legs, and a load."""

    height: float
    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    top: tuple[int, int, int]
    legs: tuple[int, int, int]
    load: str


def draw_person(seed: int) -> Person:
    """Draw a pedestrian's looks."""
    rng = np.random.default_rng([seed, 8])

    def pick(*colours: tuple[int, int, int]) -> tuple[int, int, int]:
        return colours[int(rng.integers(len(colours)))]

    return Person(
        float(np.clip(rng.normal(1.7, 0.11), 1.15, 1.95)),
        pick((224, 180, 150), (198, 148, 116), (140, 96, 70), (92, 62, 46)),
        pick((40, 30, 24), (90, 64, 40), (170, 140, 90), (150, 150, 150), (24, 22, 22)),
        pick(
            (54, 60, 74),
            (120, 36, 40),
            (70, 90, 60),
            (196, 190, 176),
            (40, 76, 130),
            (30, 30, 34),
            (190, 130, 60),
            (110, 80, 120),
        ),
        pick((40, 46, 64), (60, 58, 54), (120, 108, 88), (30, 30, 32), (84, 92, 108)),
        str(rng.choice(["", "", "bag", "backpack", "umbrella"], p=[0.4, 0.1, 0.22, 0.22, 0.06])),
    )


def draw_pedestrian(camera: Camera, person: Person, pose: Pose, stride: float) -> Sprite | None:
    """A pedestrian; `stride` in -1..1 swings the legs, 0 stands."""
    h = person.height
    foot = np.array([[pose.x, pose.y, 0.0], [pose.x, pose.y, h]])
    ends, depth = camera.project(foot)
    if depth.min() < 2.0:
        return None
    tall = float(ends[0, 1] - ends[1, 1])
    if tall < 3 or tall > 200:
        return None
    right = camera.axes[0]
    along = float(pose.dx * right[0] + pose.dy * right[1])
    base = ends[0]
    spread = np.array([[-0.4, -1.25], [0.4, 0.12]]) * tall + base
    canvas = Canvas(spread, 3 if tall < 60 else 2)
    if canvas.empty:
        return None
    _Figure(canvas, base, tall, along, stride, pose).draw(person)
    return canvas.sprite()


class _Figure:
    """A pedestrian's parts, placed in shares of the height from the feet up."""

    def __init__(
        self, canvas: Canvas, base: Floats, tall: float, along: float, stride: float, pose: Pose
    ) -> None:
        self.canvas = canvas
        self.along, self.stride = along, stride
        self.light = (0.55 * pose.sun + 0.85 * pose.sky + 0.8 * pose.lamp).tolist()
        self.x, self.y = canvas.local(base).tolist()
        self.unit = tall * canvas.scale

    def at(self, x: float, up: float) -> tuple[float, float]:
        return self.x + x * self.unit, self.y - up * self.unit

    def fill(self, colour: tuple[int, int, int], shade: float = 1.0) -> tuple[int, ...]:
        lit = (c * light * shade for c, light in zip(colour, self.light, strict=True))
        return (*(min(max(int(v), 2), 250) for v in lit), 255)

    def limb(
        self, a: tuple[float, float], b: tuple[float, float], width: float, fill: tuple[int, ...]
    ) -> None:
        thick = max(int(width * self.unit), 1)
        self.canvas.draw.line([self.at(*a), self.at(*b)], fill=fill, width=thick)

    def ball(self, x: float, up: float, rx: float, ry: float, fill: tuple[int, ...]) -> None:
        (x0, y0), (x1, y1) = self.at(x - rx, up + ry), self.at(x + rx, up - ry)
        self.canvas.draw.ellipse([x0, y0, x1, y1], fill=fill)

    def draw(self, person: Person) -> None:
        self.ball(0.04, 0.0, 0.2, 0.045, (0, 0, 0, 110))
        swing = 0.13 * self.stride * abs(self.along) + 0.03 * self.stride
        for side, shade in ((-1, 0.8), (1, 1.0)):
            hip, foot = 0.035 * side, 0.045 * side + side * swing
            lift = 0.02 * max(0.0, side * self.stride)
            self.limb((hip, 0.5), (foot, 0.01 + lift), 0.085, self.fill(person.legs, shade))
        top, sides = self.fill(person.top), 0.105 + 0.025 * (1 - abs(self.along))
        self.limb((-sides, 0.78), (-sides - swing * 0.8, 0.46), 0.06, self.fill(person.top, 0.8))
        body = [(-sides, 0.8), (sides, 0.8), (0.085, 0.46), (-0.085, 0.46)]
        self.canvas.draw.polygon([self.at(*p) for p in body], fill=top)
        self.limb((sides, 0.78), (sides - swing * 0.8, 0.46), 0.055, self.fill(person.top, 0.9))
        self.ball(0.0, 0.91, 0.062, 0.078, self.fill(person.skin))
        self.ball(0.0, 0.945, 0.064, 0.05, self.fill(person.hair))
        self._load(person.load)

    def _load(self, load: str) -> None:
        back = -1 if self.along > 0 else 1
        if load == "bag":
            self.ball(0.15 * -back, 0.42, 0.06, 0.07, self.fill((120, 80, 50)))
        elif load == "backpack":
            self.ball(0.11 * back, 0.68, 0.06, 0.12, self.fill((60, 74, 66)))
        elif load == "umbrella":
            self.ball(0.0, 1.08, 0.26, 0.1, self.fill((44, 48, 66)))
