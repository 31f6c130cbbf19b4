"""Places that nobody has filmed: a camera, what it looks at, and the light, drawn at random."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ml.crossroads.geometry import HEIGHT, WIDTH, Camera
from ml.crossroads.light import Light

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

NIGHTS, DUSKS = 0.25, 0.2


@dataclass(frozen=True, eq=False)
class Place:
    """What is the same in all clips of one camera."""

    camera: Camera
    albedo: NDArray[np.float32]  # (360, 640, 3), 0-255: the picture in plain white light
    hidden: Mask  # (360, 640) where something stands in front of all that moves
    headings: Floats  # the ways along which most things move, in radians
    noise: float
    tint: Floats

    def picture(self, colours: tuple[Floats, Floats, Floats]) -> Bytes:
        """The empty place u8 (360, 640, 3) in the light of sun, sky and lamps."""
        sun, sky, lamp = colours
        light = (0.8 * sun + sky + 0.7 * lamp) * self.tint
        return np.clip(self.albedo * light.astype(np.float32), 0, 255).astype(np.uint8)


def draw_place(number: int) -> Place:
    """Draw a place; the same number gives the same one."""
    rng = np.random.default_rng([number, 41])
    height, pitch = rng.uniform(3.0, 26.0), math.radians(rng.uniform(9.0, 50.0))
    reach = min(height / math.tan(pitch), 90.0)
    camera = Camera((0.0, -reach, height), (rng.uniform(-3, 3), 0.0, 0.0), rng.uniform(22.0, 85.0))
    street = rng.uniform(0, math.pi)
    ways = [street, street + math.pi]
    if rng.random() < 0.6:
        ways += [street + math.pi / 2, street - math.pi / 2]
    tint = np.array([1.0, 1.0, 1.0]) + rng.normal(0, 0.04, 3)
    return Place(
        camera, _surface(rng), _hidden(rng), np.array(ways), float(rng.uniform(0.5, 2.5)), tint
    )


def draw_light(rng: np.random.Generator) -> Light:
    """Draw the light of one moment: day, dusk or night."""
    chance = rng.random()
    if chance < NIGHTS:
        return Light(0.0, rng.uniform(0.05, 0.12), rng.uniform(0.7, 1.0), 0.0)
    if chance < NIGHTS + DUSKS:
        return Light(rng.uniform(0, 0.2), rng.uniform(0.2, 0.5), rng.uniform(0.1, 0.8), 0.8)
    return Light(rng.uniform(0.0, 1.0), rng.uniform(0.7, 1.1), 0.0, rng.uniform(0.0, 0.4))


def _surface(rng: np.random.Generator) -> NDArray[np.float32]:
    """Ground and walls: smooth and fine noise, blocks, lines and stripes of all colours."""
    base = rng.uniform(40, 190) + rng.normal(0, 7, 3)
    picture = np.tile(base.astype(np.float32), (HEIGHT, WIDTH, 1))
    for _ in range(int(rng.integers(2, 14))):
        _add_block(picture, rng)
    for scale, strength in ((4, 9.0), (24, 16.0), (120, 22.0)):
        shape = (HEIGHT // scale + 2, WIDTH // scale + 2)
        grain = rng.normal(0, strength * rng.uniform(0.2, 1.0), shape)
        fine = ndimage.zoom(grain, scale, order=1)[:HEIGHT, :WIDTH]
        picture += fine.astype(np.float32)[..., None]
    return np.clip(picture, 4, 250)


def _add_block(picture: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Add a slanted band or a block, plain or striped."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    angle = rng.uniform(0, math.pi)
    along = columns * np.float32(math.cos(angle)) + rows * np.float32(math.sin(angle))
    across = rows * np.float32(math.cos(angle)) - columns * np.float32(math.sin(angle))
    start, width = rng.uniform(across.min(), across.max()), rng.uniform(2, 130)
    part = (across > start) & (across < start + width)
    if rng.random() < 0.5:
        first = rng.uniform(along.min(), along.max())
        part &= (along > first) & (along < first + rng.uniform(20, 400))
    if rng.random() < 0.4:
        part &= along % rng.uniform(4, 40) < rng.uniform(2, 20)
    colour = rng.uniform(20, 230) + rng.normal(0, 15, 3)
    picture[part] = colour.astype(np.float32)


def _hidden(rng: np.random.Generator) -> Mask:
    """Poles and crowns of trees that stand in front."""
    hidden = np.zeros((HEIGHT, WIDTH), np.bool_)
    for _ in range(int(rng.integers(0, 5))):
        left, width = int(rng.integers(0, WIDTH)), int(rng.integers(2, 12))
        top = int(rng.integers(0, HEIGHT // 2))
        hidden[top : top + int(rng.integers(60, HEIGHT)), left : left + width] = True
    for _ in range(int(rng.integers(0, 3))):
        rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
        y, x = rng.uniform(0, HEIGHT), rng.uniform(0, WIDTH)
        hidden |= np.hypot(rows - y, columns - x) < rng.uniform(8, 35)
    return hidden
