"""The camera's sensor: noise that is drawn once and shifted about, seeded by the frame's number."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ml.crossroads.geometry import HEIGHT, WIDTH

Bytes = NDArray[np.uint8]

_TILES, _SHIFT = 12, 64


def add_noise(picture: Bytes, sigma: float, seed: int, number: int) -> Bytes:
    """The picture (H, W, 3) with noise of a deviation of `sigma` levels, the same for a number.

    Saturating sums of bytes, which are several times as fast as sums of wider numbers.
    """
    draw = np.random.default_rng([seed, number])
    index, top, left = (int(v) for v in draw.integers(0, (_TILES, _SHIFT, _SHIFT)))
    part = slice(top, top + HEIGHT), slice(left, left + WIDTH)
    more, less, room = (tile[part] for tile in _tile(round(sigma * 2), index))
    noisy = np.maximum(picture, less)
    noisy -= less
    np.minimum(noisy, room, out=noisy)
    noisy += more
    return noisy


@lru_cache(maxsize=3 * _TILES)
def _tile(halves: int, index: int) -> tuple[Bytes, Bytes, Bytes]:
    """Noise with a deviation of `halves` / 2 levels, larger than a frame, mostly grey.

    As what to add, what to take away, and the most a byte may be before adding.
    """
    draw = np.random.default_rng([5, index])
    shape = (HEIGHT + _SHIFT, WIDTH + _SHIFT)
    grey = draw.standard_normal(shape, dtype=np.float32)[..., None]
    colour = draw.standard_normal((*shape, 3), dtype=np.float32)
    noise = np.rint((0.85 * grey + 0.45 * colour) * (halves / 2))
    more, less = (np.clip(part, 0, 255).astype(np.uint8) for part in (noise, -noise))
    return more, less, 255 - more
