"""One second of a place in which things move, as the trunk sees it at ingest, and what is in it.

The pictures are drawn at 640 x 360 with the parts of Crossroads, seen through a square window, made
as small as the ingest makes them, given noise and compression, and cut out of their background by
the ingest's own code.
"""

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.crossroads import glow
from ml.crossroads.bodies import FLASH_A, FLASH_B, HEAD, TAIL
from ml.crossroads.geometry import HEIGHT, WIDTH, Camera
from ml.crossroads.light import Light
from ml.crossroads.scenery import light_colours
from ml.crossroads.sprites import Person, Pose, Sprite, draw_pedestrian, draw_person, draw_vehicle
from ml.cutout import cut_out
from ml.foreground import difference_mask, shrink
from ml.preprocess import CLIP_FRAMES, CROP
from ml.pretrain.places import Place, draw_light
from ml.pretrain.things import Thing

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

FRAME_S = 0.2
# A thing this long, in pixels of the picture, is neither a dot nor nearer than cameras hang; nor is
# it longer than this part of the window.
SHORTEST, LONGEST, MOST = 18.0, 110.0, 0.7
# As many people walk by.
WALKERS = (0.5, 0.3, 0.2)
# Less of a thing than this, in the trunk's pixels, is not told.
LEAST_PIXELS = 24.0
NOWHERE = np.full((HEIGHT, WIDTH), 1e6, np.float32)


@dataclass(frozen=True, eq=False)
class Seen:
    """A thing as it is seen in a clip: how much of the window it fills, and how it moves there."""

    thing: Thing | Person
    share: float
    right: float  # window widths a second
    down: float


@dataclass(frozen=True, eq=False)
class Clip:
    """Pictures u8 (T, S, S, 3), cut out, and what is seen in them."""

    frames: Bytes
    seen: tuple[Seen, ...]


@dataclass(frozen=True, eq=False)
class _Actor:
    """A thing on its way: place and heading in the clip's middle, speed in m/s."""

    thing: Thing | Person
    x: float
    y: float
    heading: float
    speed: float
    phase: float

    def pose(self, t: float, light: Light, sun: Floats, lit: float) -> Pose:
        dx, dy = math.cos(self.heading), math.sin(self.heading)
        way = self.speed * t
        direct, sky, lamp = light_colours(light)
        return Pose(
            *(self.x + dx * way, self.y + dy * way, dx, dy),
            *(direct, sky, lamp * lit, sun),
            frozenset(self._glowing(t, light)),
        )

    def _glowing(self, t: float, light: Light) -> set[int]:
        glowing = {HEAD, TAIL} if light.lamps > 0.2 else set()
        flash = self.flash(t)
        return glowing | ({flash} if flash is not None else set())

    def flash(self, t: float) -> int | None:
        """Which of its lamps is alight."""
        if isinstance(self.thing, Person) or self.thing.lamps is None:
            return None
        turn = (t * self.thing.lamps.per_s + self.phase) % 1.0
        return FLASH_A if turn < 0.42 else FLASH_B if 0.5 <= turn < 0.92 else None


def film(
    place: Place,
    rng: np.random.Generator,
    first: Thing,
    others: list[Thing],
    size: int,
    frames: int = CLIP_FRAMES,
) -> Clip:
    """Film a thing and others around it through a window of `size` of the trunk's pixels."""
    light, lit = draw_light(rng), rng.uniform(0.4, 1.2)
    turn, up = rng.uniform(0, 2 * math.pi), rng.uniform(0.35, 0.9)
    sun = np.array([math.cos(turn) * math.cos(up), math.sin(turn) * math.cos(up), math.sin(up)])
    side = HEIGHT * size // CROP
    actor, (u, v) = _place_first(place, rng, first, min(LONGEST, MOST * side))
    left = int(np.clip(u - rng.uniform(0.25, 0.75) * side, 0, WIDTH - side))
    top = int(np.clip(v - rng.uniform(0.3, 0.8) * side, 0, HEIGHT - side))
    window = slice(top, top + side), slice(left, left + side)
    actors = [actor] + [_place_near(place, rng, other, (left, top, side)) for other in others]
    actors += [
        _place_near(place, rng, draw_person(int(rng.integers(1 << 30))), (left, top, side))
        for _ in range(int(rng.choice(len(WALKERS), p=WALKERS)))
    ]
    empty = place.picture(light_colours(light))
    pictures, shares = [], np.zeros((frames, len(actors)))
    for frame in range(frames):
        t = (frame - frames // 2) * FRAME_S
        picture = empty.copy()
        poses = [a.pose(t, light, sun, lit) for a in actors]
        for number in np.argsort([-math.hypot(p.x, p.y + 60) for p in poses]):
            shares[frame, number] = _draw(
                picture, place, actors[number], poses[number], light, t, window
            )
        pictures.append(picture[window])
    noise = place.noise * (0.8 + 1.3 * light.lamps)
    recorded = _recorded(pictures, noise, rng, size)
    cut = _cut(recorded, _resized(empty[window], size), noise)
    return Clip(cut, _told(actors, shares, place, size, side))


def _place_first(
    place: Place, rng: np.random.Generator, thing: Thing, longest: float
) -> tuple[_Actor, tuple[float, float]]:
    """Put a thing somewhere in the picture where it is neither too small nor too large."""
    camera = place.camera
    best: tuple[float, float, float, float, float] | None = None
    for _ in range(24):
        u, v = rng.uniform(60, WIDTH - 60), rng.uniform(40, HEIGHT - 20)
        ray = _ray(camera, u, v)
        if ray[2] > -1e-3 * camera.focal:
            continue
        spot = camera.origin - ray * (camera.origin[2] / ray[2])
        away = float(np.linalg.norm(spot - camera.origin))
        pixels = camera.focal * max(thing.body.length, thing.body.height) / away
        miss = max(SHORTEST - pixels, pixels - longest, 0.0)
        if best is None or miss < best[0]:
            best = (miss, u, v, float(spot[0]), float(spot[1]))
        if miss == 0.0:
            break
    if best is None:
        best = (0.0, WIDTH / 2, HEIGHT / 2, 0.0, 0.0)
    _, u, v, x, y = best
    return _moving(place, rng, thing, x, y), (u, v)


def _place_near(
    place: Place,
    rng: np.random.Generator,
    thing: Thing | Person,
    window: tuple[int, int, int],
) -> _Actor:
    left, top, side = window
    camera = place.camera
    u, v = left + rng.uniform(0, side), top + rng.uniform(0.1, 1.0) * side
    ray = _ray(camera, u, v)
    fall = min(float(ray[2]), -0.02 * camera.focal)
    spot = camera.origin - ray * (camera.origin[2] / fall)
    return _moving(place, rng, thing, float(spot[0]), float(spot[1]))


def _ray(camera: Camera, u: float, v: float) -> Floats:
    """The way from the camera through a pixel, not of length one."""
    return np.asarray(np.array([u - WIDTH / 2, HEIGHT / 2 - v, camera.focal]) @ camera.axes)


def _moving(
    place: Place, rng: np.random.Generator, thing: Thing | Person, x: float, y: float
) -> _Actor:
    heading = float(rng.choice(place.headings)) + rng.normal(0, 0.12)
    if rng.random() < 0.2:
        heading = rng.uniform(0, 2 * math.pi)
    slow = isinstance(thing, Person) or thing.body.length < 2.8
    speed = rng.uniform(0.3, 3.0) if slow else rng.uniform(0.5, 15.0)
    return _Actor(thing, x, y, heading, speed, rng.random())


def _draw(
    picture: Bytes,
    place: Place,
    actor: _Actor,
    pose: Pose,
    light: Light,
    t: float,
    window: tuple[slice, slice],
) -> float:
    """Draw an actor; return how much of the window it covers, in pixels of the picture."""
    if isinstance(actor.thing, Person):
        stride = math.sin(2 * math.pi * (t * 0.95 + actor.phase))
        sprite = draw_pedestrian(place.camera, actor.thing, pose, stride)
    else:
        sprite = draw_vehicle(place.camera, actor.thing.body, 0, pose)
    if sprite is None:
        return 0.0
    covered = _compose(picture, place, sprite, window)
    _shine(picture, place, actor, pose, light, t)
    return covered


def _compose(picture: Bytes, place: Place, sprite: Sprite, window: tuple[slice, slice]) -> float:
    """Lay a sprite over the picture except where something hides it; return its solid pixels."""
    alpha = sprite.lay_on(picture, ~place.hidden[sprite.place])
    inside = tuple(
        slice(max(seen.start - own.start, 0), max(seen.stop - own.start, 0))
        for seen, own in zip(window, sprite.place, strict=True)
    )
    return float((alpha[inside] > 250).sum())


def _shine(picture: Bytes, place: Place, actor: _Actor, pose: Pose, light: Light, t: float) -> None:
    """Add the glare of lamps that are alight."""
    if isinstance(actor.thing, Person):
        return

    def glare(
        ahead: float, left: float, up: float, colour: tuple[int, int, int], much: float, size: float
    ) -> None:
        world = (
            pose.x + pose.dx * ahead - pose.dy * left,
            pose.y + pose.dy * ahead + pose.dx * left,
            up,
        )
        glow.glare(picture, place.camera, NOWHERE, world, colour, much, size)

    half = actor.thing.body.length / 2
    if light.lamps > 0.2:
        eye_x, eye_y, _ = place.camera.position
        front = (eye_x - pose.x) * pose.dx + (eye_y - pose.y) * pose.dy > 0
        for side in (-0.7, 0.7):
            if front:
                glare(half, side, 0.7, (255, 240, 200), 0.5 * light.lamps, 1.3)
            else:
                glare(-half, side, 0.75, (255, 40, 26), 0.4, 0.6)
    flash, lamps = actor.flash(t), actor.thing.lamps
    if flash is not None and lamps is not None:
        side = -0.45 if flash == FLASH_A else 0.45
        much, size = 0.5 + 0.4 * light.lamps, 0.8 + 2.0 * light.lamps
        glare(lamps.ahead_m, side, lamps.up_m, lamps.colour, much, size)


def _recorded(pictures: list[Bytes], noise: float, rng: np.random.Generator, size: int) -> Bytes:
    """Make the window as small as the ingest does, with the sensor's noise and compression."""
    quality = int(rng.integers(45, 95))
    frames = []
    for picture in pictures:
        small = _resized(picture, size).astype(np.float32)
        small += rng.standard_normal(small.shape, dtype=np.float32) * np.float32(noise)
        file = io.BytesIO()
        noisy = np.clip(small, 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(file, "JPEG", quality=quality)
        frames.append(np.asarray(Image.open(file)))
    return np.stack(frames)


def _resized(picture: Bytes, size: int) -> Bytes:
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR))


def _cut(frames: Bytes, background: Bytes, noise: float) -> Bytes:
    """Cut out what moves, as the ingest does where it knows the background."""
    empty = shrink(background[None])[0]
    everywhere = np.full(empty.shape[:2], noise, np.float32)
    mask = difference_mask(shrink(frames), empty, everywhere)
    return cut_out(frames, mask, empty)


def _told(
    actors: list[_Actor], shares: Floats, place: Place, size: int, side: int
) -> tuple[Seen, ...]:
    """Say what is seen of the actors."""
    seen = []
    for number, actor in enumerate(actors):
        share = float(shares[:, number].mean()) / side**2
        if share * size**2 < LEAST_PIXELS:
            continue
        dx, dy = math.cos(actor.heading), math.sin(actor.heading)
        ends = np.array([(actor.x, actor.y, 0.5), (actor.x + dx, actor.y + dy, 0.5)])
        pixels, _ = place.camera.project(ends)
        step = (pixels[1] - pixels[0]) * actor.speed / side
        seen.append(Seen(actor.thing, share, float(step[0]), float(step[1])))
    return tuple(seen)
