"""Light that shines: headlights on the road, and the glare of lamps seen by the camera."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from ml.crossroads.geometry import HEIGHT, WIDTH, Camera

Frame = NDArray[np.uint8]
Place = tuple[float, float, float, float]
Colour = tuple[int, int, int]

_COARSE = 4
_REACHES = ((13.0, 2.6, 40), (8.0, 1.7, 80), (4.5, 1.1, 120))


def shine(
    picture: Frame,
    camera: Camera,
    fronts: Sequence[tuple[Place, float]],
    surface: NDArray[np.uint8],
    strength: float,
) -> None:
    """Light the road before vehicles, each a place and the distance of its front from there."""
    if not fronts:
        return
    corners = np.concatenate([_beams(place, front) for place, front in fronts])
    pixels, depth = camera.project(corners)
    per = 4 * len(_REACHES)
    for first in range(0, len(corners), per):
        part = pixels[first : first + per] / _COARSE
        if depth[first : first + per].min() > 3 and np.abs(part).max() < 1000:
            _add(picture, part, surface, strength)


def _beams(place: Place, front: float) -> NDArray[np.float64]:
    """The corners (4 a reach, 3) of what a pair of headlights lights on the road."""
    x, y, dx, dy = place
    shape = [
        corner
        for reach, width, _ in _REACHES
        for corner in ((front, 0.7), (front + reach, width), (front + reach, -width), (front, -0.7))
    ]
    return np.array([(x + dx * a - dy * b, y + dy * a + dx * b, 0.0) for a, b in shape])


def _add(
    picture: Frame, corners: NDArray[np.float64], surface: NDArray[np.uint8], strength: float
) -> None:
    """Add one vehicle's beams, in coarse pixels, times what they fall on."""
    left, top = (max(int(v) - 3, 0) for v in corners.min(axis=0))
    right = min(int(corners[:, 0].max()) + 4, WIDTH // _COARSE)
    bottom = min(int(corners[:, 1].max()) + 4, HEIGHT // _COARSE)
    if left >= right or top >= bottom:
        return
    mask = Image.new("L", (right - left, bottom - top))
    draw = ImageDraw.Draw(mask)
    for k, (_, _, level) in enumerate(_REACHES):
        beam = corners[4 * k : 4 * k + 4] - (left, top)
        draw.polygon([(u, v) for u, v in beam.tolist()], fill=int(level * strength))
    size = (mask.width * _COARSE, mask.height * _COARSE)
    soft = mask.filter(ImageFilter.BoxBlur(1.6)).resize(size, Image.Resampling.BILINEAR)
    rows = slice(top * _COARSE, bottom * _COARSE)
    columns = slice(left * _COARSE, right * _COARSE)
    light = surface[rows, columns] * np.asarray(soft, dtype=np.uint16)[..., None]
    part = picture[rows, columns]
    part[...] = np.minimum(part + (light // 150), 255)


def glare(
    picture: Frame,
    camera: Camera,
    obstacle: NDArray[np.float32],
    world: tuple[float, float, float],
    colour: Colour,
    strength: float,
    size: float,
) -> None:
    """Add a soft disc of light, of about `size` metres, at a point in the world that is in view."""
    pixels, depth = camera.project(np.array([world]))
    u, v = round(float(pixels[0, 0])), round(float(pixels[0, 1]))
    radius = int(min(max(size * camera.focal / max(float(depth[0]), 3.0), 2), 60))
    left, top = max(u - radius, 0), max(v - radius, 0)
    right, bottom = min(u + radius + 1, WIDTH), min(v + radius + 1, HEIGHT)
    if depth[0] < 3 or left >= right or top >= bottom:
        return
    away = math.hypot(world[0] - camera.position[0], world[1] - camera.position[1])
    if obstacle[min(max(v, 0), HEIGHT - 1), min(max(u, 0), WIDTH - 1)] < away - 1.5:
        return
    rows, columns = (
        slice(top - v + radius, bottom - v + radius),
        slice(left - u + radius, right - u + radius),
    )
    light = _disc(radius)[rows, columns, None] * (
        np.array(colour, np.float32) * np.float32(strength)
    )
    part = picture[top:bottom, left:right]
    part[...] = np.minimum(part + light, 255)


@lru_cache(maxsize=64)
def _disc(radius: int) -> NDArray[np.float32]:
    """A soft disc (2r + 1, 2r + 1), 1 in the middle."""
    away = np.hypot(*np.meshgrid(*[np.arange(-radius, radius + 1)] * 2)) / radius
    return np.asarray(np.maximum(1 - away, 0) ** 2.2, dtype=np.float32)
