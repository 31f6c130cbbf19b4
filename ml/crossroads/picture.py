"""The picture: any frame of a plan, drawn from far to near, with glows, cones and sensor noise."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from ml.crossroads.bodies import BODIES, FLASH_A, FLASH_B, HEAD, TAIL
from ml.crossroads.geometry import ARMS, HEIGHT, ROAD_HALF, WIDTH
from ml.crossroads.light import Light
from ml.crossroads.plan import Plan
from ml.crossroads.scenery import build_scenery, light_colours
from ml.crossroads.sprites import Person, Pose, Sprite, draw_pedestrian, draw_person, draw_vehicle
from ml.crossroads.traffic import Drive
from ml.crossroads.walkers import Walk

Frame = NDArray[np.uint8]
Floats = NDArray[np.float64]

FPS = 10
_NOISE_TILES = 12
_FLASHING = {"ambulance": 1.9, "police": 2.6}
_person = lru_cache(maxsize=4096)(draw_person)


class Renderer:
    """Draws frames of a plan; frame t depends on the plan and t alone."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.view = plan, plan.view
        self.camera = plan.view.camera
        self.scenery = build_scenery(plan.view)
        self._backdrop: tuple[int, Frame, NDArray[np.float32]] | None = None

    def frame(self, number: int) -> Frame:
        """Frame `number` of the stream, at number / FPS seconds: uint8 RGB (360, 640, 3)."""
        t = number / FPS
        light = self.plan.sky.at(t)
        backdrop, cone_base = self._backdrop_at(int(t), light)
        picture = backdrop.copy()
        drives = self._drives(t)
        if light.lamps > 0.05:
            self._cones(picture, cone_base, drives, light, t)
        things = [(*self._place(drive, t), drive) for drive in drives]
        things += [(*w.at(t)[:4], w) for w in self.plan.walks_at(int(t))]
        origin = self.camera.origin
        things.sort(key=lambda p: -((p[0] - origin[0]) ** 2 + (p[1] - origin[1]) ** 2))
        for x, y, dx, dy, thing in things:
            if isinstance(thing, Drive):
                self._vehicle(picture, thing, (x, y, dx, dy), light, t)
            else:
                self._pedestrian(picture, thing, (x, y, dx, dy), light, t)
        self._lamps_of_vehicles(picture, drives, light, t)
        self._signals(picture, light, t)
        return self._expose(picture, light, number)

    def _backdrop_at(self, second: int, light: Light) -> tuple[Frame, NDArray[np.float32]]:
        """The empty crossing, renewed every second."""
        if self._backdrop is None or self._backdrop[0] != second:
            now = self.plan.sky.at(float(second))
            picture = np.clip(self.scenery.picture(now), 0, 255).astype(np.uint8)
            self._backdrop = (second, picture, self.scenery.skylit)
        return self._backdrop[1], self._backdrop[2]

    def _drives(self, t: float) -> list[Drive]:
        return [d for d in self.plan.drives_at(int(t)) if d.start_s <= t <= d.end_s]

    def _place(self, drive: Drive, t: float) -> tuple[float, float, float, float]:
        """Where a vehicle is; ordinary ones keep to the right while one with priority passes."""
        if drive.trip.body in ("ambulance", "police", "sports_car"):
            return drive.path.at(drive.way_at(t), 1.5)
        aside = 0.0
        if drive.trip.body != "forklift":
            for p in self.plan.signals.priorities:
                if p.start_s - 3 < t < p.end_s + 5:
                    aside = min(t - p.start_s + 3, p.end_s + 5 - t, 3.0) / 3.0
        wobble = 0.12 * math.sin(drive.way_at(t) / 17 + drive.trip.seed % 7)
        return drive.path.at(drive.way_at(t), wobble - 0.75 * aside)

    def _pose(
        self, place: tuple[float, float, float, float], light: Light, glowing: frozenset[int]
    ) -> Pose:
        sun, sky, lamp = light_colours(light)
        level = self.scenery.lamp_level(place[0], place[1])
        return Pose(*place, sun, sky, lamp * level, self.scenery.sun, glowing, light.lamps)

    def _vehicle(
        self,
        picture: Frame,
        drive: Drive,
        place: tuple[float, float, float, float],
        light: Light,
        t: float,
    ) -> None:
        body = BODIES[drive.trip.body]
        glowing = set(self._flashing(drive, t))
        if light.lamps > 0.2:
            glowing |= {HEAD, TAIL}
        elif drive.speed_at(t) < drive.speed_at(t - 0.5) - 0.3 or drive.speed_at(t) < 0.1:
            glowing.add(TAIL)
        pose = self._pose(place, light, frozenset(glowing))
        sprite = draw_vehicle(self.camera, body, drive.trip.paint, pose)
        if sprite is not None:
            half = body.length / 2
            self._compose(picture, sprite, place, half)

    def _flashing(self, drive: Drive, t: float) -> list[int]:
        """Which of the blue lamps is alight: two quick flashes left, two right."""
        rate = _FLASHING.get(drive.trip.body)
        if rate is None:
            return []
        phase = (t * rate + drive.trip.seed % 10 / 10) % 1.0
        return [FLASH_A] if phase < 0.42 else [FLASH_B] if 0.5 <= phase < 0.92 else []

    def _pedestrian(
        self,
        picture: Frame,
        walk: Walk,
        place: tuple[float, float, float, float],
        light: Light,
        t: float,
    ) -> None:
        if not walk.start_s <= t <= walk.end_s:
            return
        x, y, dx, dy, walking = walk.at(t)
        person: Person = _person(walk.seed)
        stride = math.sin(2 * math.pi * (t * 0.95 + walk.seed % 10 / 10)) if walking else 0.0
        pose = self._pose((x, y, dx, dy), light, frozenset())
        sprite = draw_pedestrian(self.camera, person, pose, stride)
        if sprite is not None:
            self._compose(picture, sprite, place, 0.2)

    def _compose(
        self,
        picture: Frame,
        sprite: Sprite,
        place: tuple[float, float, float, float],
        half: float,
    ) -> None:
        """Lay a sprite over the picture, except where an obstacle stands before it."""
        h, w = sprite.alpha.shape
        rows, columns = slice(sprite.top, sprite.top + h), slice(sprite.left, sprite.left + w)
        shown = self.scenery.obstacle[rows, columns] > self._reach(sprite, place, half)
        alpha = sprite.alpha * shown
        part = picture[rows, columns]
        keep = (256 - alpha.astype(np.uint16) - (alpha >> 7))[..., None]
        np.add((part * keep >> 8).astype(np.uint8), sprite.colour * shown[..., None], out=part)

    def _reach(
        self, sprite: Sprite, place: tuple[float, float, float, float], half: float
    ) -> NDArray[np.float32]:
        """Distance over ground (1, w) of a thing's axis in each pixel column."""
        h, w = sprite.alpha.shape
        x, y, dx, dy = place
        off = np.array([x, y]) - self.camera.origin[:2]
        middle = float(np.hypot(*off))
        if half < 0.5:
            return np.full((1, w), middle - 0.3, dtype=np.float32)
        bearing = self.camera.bearing(np.arange(w) + sprite.left + 0.5, sprite.top + h / 2)
        length = np.linalg.norm(bearing, axis=1)
        cross = (bearing[:, 0] * dy - bearing[:, 1] * dx) / length
        along = (off[0] * dy - off[1] * dx) / np.where(np.abs(cross) < 0.05, 0.05, cross)
        ends = abs(off[0] * dx + off[1] * dy) / middle * half
        reach = np.clip(along, middle - ends, middle + ends) - 0.4
        return np.asarray(reach[None, :], dtype=np.float32)

    def _cones(
        self,
        picture: Frame,
        base: NDArray[np.float32],
        drives: list[Drive],
        light: Light,
        t: float,
    ) -> None:
        """Headlights on the road before every vehicle."""
        k = 4
        mask = Image.new("L", (WIDTH // k, HEIGHT // k))
        draw = ImageDraw.Draw(mask)
        for drive in drives:
            if drive.trip.body == "forklift":
                continue
            x, y, dx, dy = self._place(drive, t)
            front = BODIES[drive.trip.body].length / 2
            for reach, width, level in ((13.0, 2.6, 40), (8.0, 1.7, 80), (4.5, 1.1, 120)):
                ground = [
                    (x + dx * a - dy * b, y + dy * a + dx * b, 0.0)
                    for a, b in (
                        (front, 0.7),
                        (front + reach, width),
                        (front + reach, -width),
                        (front, -0.7),
                    )
                ]
                pixels, depth = self.camera.project(np.array(ground))
                if depth.min() > 3 and np.abs(pixels).max() < 3000:
                    draw.polygon([(p[0] / k, p[1] / k) for p in pixels.tolist()], fill=level)
        box = mask.getbbox()
        if box is None:
            return
        box = (
            max(box[0] - 4, 0),
            max(box[1] - 4, 0),
            min(box[2] + 4, WIDTH // k),
            min(box[3] + 4, HEIGHT // k),
        )
        small = mask.crop(box).filter(ImageFilter.BoxBlur(1.6))
        level = np.asarray(
            small.resize((small.width * k, small.height * k), Image.Resampling.BILINEAR)
        )
        rows, columns = slice(box[1] * k, box[3] * k), slice(box[0] * k, box[2] * k)
        shine = level[..., None].astype(np.float32) * (
            base[rows, columns] * np.float32(light.lamps / 150)
        )
        part = picture[rows, columns]
        part[...] = np.minimum(part + shine * np.float32((1.0, 0.95, 0.82)), 255)

    def _lamps_of_vehicles(
        self, picture: Frame, drives: list[Drive], light: Light, t: float
    ) -> None:
        """The glare of lamps that look towards the camera."""
        for drive in drives:
            x, y, dx, dy = self._place(drive, t)
            body = BODIES[drive.trip.body]
            towards = self.camera.origin[:2] - (x, y)
            ahead = float(towards @ (dx, dy)) / float(np.hypot(*towards))
            if light.lamps > 0.2:
                at, side = body.length / 2, body.width * 0.4
                if ahead > 0.1:
                    for b in (-side, side):
                        self._glow(
                            picture,
                            (x, y, dx, dy),
                            (at, b, 0.7),
                            (255, 240, 200),
                            0.28 + 0.5 * ahead * light.lamps,
                            1.5,
                        )
                elif ahead < -0.1:
                    for b in (-side, side):
                        self._glow(picture, (x, y, dx, dy), (-at, b, 0.75), (255, 40, 26), 0.4, 0.6)
            for code in self._flashing(drive, t):
                b = -0.45 if code == FLASH_A else 0.45
                lamp = (1.3, b, 2.75) if drive.trip.body == "ambulance" else (-0.35, b, 1.65)
                strength, size = 0.5 + 0.4 * light.lamps, 0.8 + 2.2 * light.lamps
                self._glow(picture, (x, y, dx, dy), lamp, (60, 110, 255), strength, size)

    def _glow(
        self,
        picture: Frame,
        place: tuple[float, float, float, float],
        local: tuple[float, float, float],
        colour: tuple[int, int, int],
        strength: float,
        size: float,
    ) -> None:
        """Add a soft disc of light of about `size` metres at a vehicle's own coordinates."""
        x, y, dx, dy = place
        a, b, z = local
        world = np.array([[x + dx * a - dy * b, y + dy * a + dx * b, z]])
        pixels, depth = self.camera.project(world)
        if depth[0] < 3:
            return
        radius = int(np.clip(size * self.camera.focal / depth[0], 2, 60))
        u, v = round(float(pixels[0, 0])), round(float(pixels[0, 1]))
        left, top = max(u - radius, 0), max(v - radius, 0)
        right, bottom = min(u + radius + 1, WIDTH), min(v + radius + 1, HEIGHT)
        if left >= right or top >= bottom:
            return
        away = math.hypot(world[0, 0] - self.camera.origin[0], world[0, 1] - self.camera.origin[1])
        if (
            self.scenery.obstacle[min(max(v, 0), HEIGHT - 1), min(max(u, 0), WIDTH - 1)]
            < away - 1.5
        ):
            return
        disc = _disc(radius)[
            top - v + radius : bottom - v + radius, left - u + radius : right - u + radius
        ]
        part = picture[top:bottom, left:right]
        part[...] = np.minimum(
            part + disc[..., None] * (np.float32(colour) * np.float32(strength)), 255
        )

    def _signals(self, picture: Frame, light: Light, t: float) -> None:
        """The signal heads: red or green, seen by those who may be shown it."""
        for arm, (ax, ay) in ARMS.items():
            green = self.plan.signals.green(arm, t)
            hx, hy = -ax, -ay
            x, y = -hx * 7.9 + hy * 4.6, -hy * 7.9 - hx * 4.6
            towards = self.camera.origin[:2] - (x, y)
            if float(towards @ (ax, ay)) < -10:
                continue
            z = 2.45 if green else 3.1
            colour = (40, 255, 130) if green else (255, 50, 36)
            self._glow(
                picture, (x, y, ax, ay), (0.2, 0.0, z), colour, 0.9, 0.28 + 0.3 * light.lamps
            )

    def _expose(self, picture: Frame, light: Light, number: int) -> Frame:
        """Sensor noise: seeded by the frame's number, stronger in the dark."""
        sigma = self.view.noise * (1.7 + 2.6 * light.lamps)
        draw = np.random.default_rng([self.plan.seed, number])
        tile = _noise(round(sigma * 4), int(draw.integers(_NOISE_TILES)))
        top, left = (int(v) for v in draw.integers(0, 64, 2))
        noisy = picture.astype(np.int16)
        noisy += tile[top : top + HEIGHT, left : left + WIDTH]
        return np.asarray(noisy.clip(0, 255).astype(np.uint8))


@lru_cache(maxsize=64)
def _disc(radius: int) -> NDArray[np.float32]:
    """A soft disc (2r + 1, 2r + 1), 1 in the middle."""
    away = np.hypot(*np.meshgrid(*[np.arange(-radius, radius + 1)] * 2)) / radius
    return np.asarray(np.maximum(1 - away, 0) ** 2.2, dtype=np.float32)


@lru_cache(maxsize=3 * _NOISE_TILES)
def _noise(quarters: int, index: int) -> NDArray[np.int16]:
    """Sensor noise (H + 64, W + 64, 3) with a deviation of `quarters` / 4 levels, mostly grey."""
    draw = np.random.default_rng([5, index])
    shape = (HEIGHT + 64, WIDTH + 64)
    grey = draw.standard_normal(shape, dtype=np.float32)[..., None]
    colour = draw.standard_normal((*shape, 3), dtype=np.float32)
    return np.asarray(np.rint((0.85 * grey + 0.45 * colour) * (quarters / 4)), dtype=np.int16)


__all__ = ["FPS", "ROAD_HALF", "Renderer"]
