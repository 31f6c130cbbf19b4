"""The picture: any frame of a plan, drawn from far to near, with its lights and sensor noise."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ml.crossroads import glow
from ml.crossroads.bodies import BODIES, FLASH_A, FLASH_B, HEAD, TAIL, Body
from ml.crossroads.geometry import ARMS, HEIGHT, WIDTH
from ml.crossroads.kinds import KINDS
from ml.crossroads.light import Light
from ml.crossroads.plan import Plan
from ml.crossroads.scenery import NO_OBSTACLE, build_scenery, light_colours
from ml.crossroads.sensor import add_noise
from ml.crossroads.sprites import Pose, Sprite, draw_pedestrian, draw_person, draw_vehicle
from ml.crossroads.traffic import Drive
from ml.crossroads.walkers import Walk

Frame = NDArray[np.uint8]
Place = tuple[float, float, float, float]

FPS = 10
_FLASHES_PER_S = {"ambulance": 1.9, "police": 2.6}
_LIGHT_BARS = {"ambulance": (1.3, 2.75), "police": (-0.35, 1.65)}
_ASIDE_M, _MIDDLE_M = 0.75, 1.5
_person = lru_cache(maxsize=4096)(draw_person)


@dataclass(frozen=True)
class _Car:
    """A vehicle as it stands in one frame."""

    drive: Drive
    body: Body
    place: Place
    flashing: int | None

    @property
    def at(self) -> tuple[float, float]:
        return self.place[:2]

    def point(self, a: float, b: float, z: float) -> tuple[float, float, float]:
        """A point of the vehicle, a metres ahead of and b to the left of its middle."""
        x, y, dx, dy = self.place
        return x + dx * a - dy * b, y + dy * a + dx * b, z


class Renderer:
    """Draws frames of a plan; a frame depends on the plan and its number alone."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.view = plan, plan.view
        self.camera = plan.view.camera
        self.scenery = build_scenery(plan.view)
        self.obstacle = self.scenery.obstacle.copy()
        ground = self.scenery.obstacle[..., None] > NO_OBSTACLE / 2
        self._surface = np.clip(self.scenery.skylit * ground, 0, 255).astype(np.uint8)
        self._backdrop: tuple[int, Frame] | None = None
        self._park()

    def frame(self, number: int) -> Frame:
        """Frame `number` of the stream, at number / FPS seconds: uint8 RGB (360, 640, 3)."""
        t = number / FPS
        light = self.plan.sky.at(t)
        picture = self._backdrop_at(number // FPS).copy()
        cars = self._cars(t)
        if light.lamps > 0.05:
            fronts = [(c.place, c.body.length / 2) for c in cars if c.body.name != "forklift"]
            glow.shine(picture, self.camera, fronts, self._surface, light.lamps)
        self._draw_signals(picture, light, t)
        things: list[_Car | tuple[Walk, Place, bool]] = [*cars, *self._people(t)]
        for thing in sorted(things, key=self._distance, reverse=True):
            if isinstance(thing, _Car):
                self._draw_car(picture, thing, light, t)
                self._draw_lamps(picture, thing, light)
            else:
                self._draw_person(picture, *thing, light, t)
        sigma = self.view.noise * (1.6 + 2.6 * light.lamps)
        return add_noise(picture, sigma, self.plan.seed, number)

    def _distance(self, thing: "_Car | tuple[Walk, Place, bool]") -> float:
        x, y = thing.at if isinstance(thing, _Car) else thing[1][:2]
        return math.hypot(x - self.camera.position[0], y - self.camera.position[1])

    def _backdrop_at(self, second: int) -> Frame:
        """The empty crossing with its parked cars, renewed every second."""
        if self._backdrop is None or self._backdrop[0] != second:
            light = self.plan.sky.at(float(second))
            picture = np.clip(self.scenery.picture(light), 0, 255).astype(np.uint8)
            for sprite, place in self._parked(light):
                self._compose(picture, sprite, place, 0.0)
            self._backdrop = (second, picture)
        return self._backdrop[1]

    def _parked(self, light: Light) -> Iterator[tuple[Sprite, Place]]:
        """The parked cars in a light."""
        for name, x, y, degrees, paint in self.view.parked:
            turn = math.radians(degrees)
            place = (x, y, math.cos(turn), math.sin(turn))
            pose = self._pose(place, light, frozenset())
            sprite = draw_vehicle(self.camera, BODIES[name], paint, pose)
            if sprite is not None:
                yield sprite, place

    def _park(self) -> None:
        """Let parked cars hide what is behind them; their own shadow hides nothing."""
        for sprite, place in self._parked(self.plan.sky.at(0.0)):
            part = self.obstacle[sprite.place]
            away = math.dist(place[:2], self.camera.position[:2])
            part[(sprite.alpha > 250) & (part > away)] = away

    def _cars(self, t: float) -> list[_Car]:
        """The vehicles that may be in the picture."""
        cars, aside = [], self._aside(t)
        for drive in self.plan.drives_at(int(t)):
            if not drive.start_s <= t <= drive.end_s:
                continue
            place = self._place(drive, t, aside)
            pixel, depth = self.camera.project(np.array([(*place[:2], 1.0)]))
            u, v = pixel[0].tolist()
            if depth[0] > 3 and -130 < u < WIDTH + 130 and -60 < v < HEIGHT + 160:
                body = BODIES[drive.trip.body]
                cars.append(_Car(drive, body, place, _flashing(drive, t)))
        return cars

    def _aside(self, t: float) -> float:
        """How far ordinary vehicles keep to the right, 0-1, while one with priority passes."""
        for p in self.plan.signals.priorities:
            if p.start_s - 3 < t < p.end_s + 5:
                return min(t - p.start_s + 3, p.end_s + 5 - t, 3.0) / 3.0
        return 0.0

    def _place(self, drive: Drive, t: float, aside: float) -> Place:
        """Where a vehicle is; one with priority drives in the middle of the road."""
        kind = KINDS.get(drive.trip.body)
        if kind and kind.priority:
            return drive.path.at(drive.way_at(t), _MIDDLE_M)
        weave = 0.12 * math.sin(drive.way_at(t) / 17 + drive.trip.seed % 7)
        away = 0.0 if drive.trip.body == "forklift" else _ASIDE_M * aside
        return drive.path.at(drive.way_at(t), weave - away)

    def _people(self, t: float) -> list[tuple[Walk, Place, bool]]:
        people = []
        for walk in self.plan.walks_at(int(t)):
            if walk.start_s <= t <= walk.end_s:
                x, y, dx, dy, walking = walk.at(t)
                people.append((walk, (x, y, dx, dy), walking))
        return people

    def _pose(self, place: Place, light: Light, glowing: frozenset[int]) -> Pose:
        sun, sky, lamp = light_colours(light)
        level = self.scenery.lamp_level(place[0], place[1]) if light.lamps else 0.0
        return Pose(*place, sun, sky, lamp * level, self.scenery.sun, glowing)

    def _draw_car(self, picture: Frame, car: _Car, light: Light, t: float) -> None:
        glowing = {car.flashing} if car.flashing is not None else set()
        speed = car.drive.speed_at(t)
        if light.lamps > 0.2:
            glowing |= {HEAD, TAIL}
        elif speed < 0.1 or speed < car.drive.speed_at(t - 0.5) - 0.3:
            glowing.add(TAIL)
        pose = self._pose(car.place, light, frozenset(glowing))
        sprite = draw_vehicle(self.camera, car.body, car.drive.trip.paint, pose)
        if sprite is not None:
            self._compose(picture, sprite, car.place, car.body.length / 2)

    def _draw_person(
        self, picture: Frame, walk: Walk, place: Place, walking: bool, light: Light, t: float
    ) -> None:
        stride = math.sin(2 * math.pi * (t * 0.95 + walk.seed % 10 / 10)) if walking else 0.0
        pose = self._pose(place, light, frozenset())
        sprite = draw_pedestrian(self.camera, _person(walk.seed), pose, stride)
        if sprite is not None:
            self._compose(picture, sprite, place, 0.2)

    def _compose(self, picture: Frame, sprite: Sprite, place: Place, half: float) -> None:
        """Lay a sprite over the picture, except where an obstacle stands before it."""
        shown = self.obstacle[sprite.place] > self._reach(sprite, place, half)
        sprite.lay_on(picture, shown)

    def _reach(self, sprite: Sprite, place: Place, half: float) -> "NDArray[np.float32] | float":
        """Distance over ground, (1, w) or one for all, of a thing's axis in each pixel column."""
        x, y, dx, dy = place
        x, y = x - self.camera.position[0], y - self.camera.position[1]
        middle = math.hypot(x, y)
        if half < 0.5:
            return middle - 0.3
        h, w = sprite.alpha.shape
        bearing = self.camera.bearing(
            np.arange(w, dtype=np.float64) + sprite.left + 0.5, sprite.top + h / 2
        )
        length = np.hypot(bearing[:, 0], bearing[:, 1])
        cross = (bearing[:, 0] * dy - bearing[:, 1] * dx) / length
        along = (x * dy - y * dx) / np.where(np.abs(cross) < 0.05, 0.05, cross)
        ends = abs(x * dx + y * dy) / middle * half
        reach = np.clip(along, middle - ends, middle + ends) - 0.4
        return np.asarray(reach[None, :], dtype=np.float32)

    def _draw_lamps(self, picture: Frame, car: _Car, light: Light) -> None:
        """The glare of those of a vehicle's lamps that look towards the camera."""
        x, y, dx, dy = car.place
        ox, oy = self.camera.position[0] - x, self.camera.position[1] - y
        ahead = (ox * dx + oy * dy) / math.hypot(ox, oy)
        front, side = car.body.length / 2, car.body.width * 0.4
        if light.lamps > 0.2 and abs(ahead) > 0.1:
            for b in (-side, side):
                if ahead > 0:
                    strength = 0.28 + 0.5 * ahead * light.lamps
                    self._glare(picture, car.point(front, b, 0.7), (255, 240, 200), strength, 1.5)
                else:
                    self._glare(picture, car.point(-front, b, 0.75), (255, 40, 26), 0.4, 0.6)
        if car.flashing is not None:
            a, z = _LIGHT_BARS[car.body.name]
            b = -0.45 if car.flashing == FLASH_A else 0.45
            strength, size = 0.5 + 0.4 * light.lamps, 0.8 + 2.2 * light.lamps
            self._glare(picture, car.point(a, b, z), (60, 110, 255), strength, size)

    def _glare(
        self,
        picture: Frame,
        world: tuple[float, float, float],
        colour: tuple[int, int, int],
        strength: float,
        size: float,
    ) -> None:
        glow.glare(picture, self.camera, self.obstacle, world, colour, strength, size)

    def _draw_signals(self, picture: Frame, light: Light, t: float) -> None:
        """The signal heads that face the camera, red or green."""
        for arm, (ax, ay) in ARMS.items():
            x, y = 7.9 * ax - 4.6 * ay, 7.9 * ay + 4.6 * ax
            ox, oy = self.camera.position[0] - x, self.camera.position[1] - y
            if ox * ax + oy * ay < -10:
                continue
            green = self.plan.signals.green(arm, t)
            colour = (40, 255, 130) if green else (255, 50, 36)
            world = (x + 0.2 * ax, y + 0.2 * ay, 2.45 if green else 3.05)
            self._glare(picture, world, colour, 0.9, 0.3 + 0.3 * light.lamps)


def _flashing(drive: Drive, t: float) -> int | None:
    """Which of the blue lamps is alight: left and right in turn."""
    rate = _FLASHES_PER_S.get(drive.trip.body)
    if rate is None:
        return None
    phase = (t * rate + drive.trip.seed % 10 / 10) % 1.0
    return FLASH_A if phase < 0.42 else FLASH_B if 0.5 <= phase < 0.92 else None
