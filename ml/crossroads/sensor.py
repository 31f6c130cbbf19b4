"""The camera's sensor: noise that is drawn once and shifted about, seeded by the frame's number."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ml.crossroads.geometry import HEIGHT, WIDTH

_TILES, _SHIFT = 12, 64


def add_noise(
    picture: NDArray[np.uint8], sigma: float, seed: int, number: int
) -> NDArray[np.uint8]:
    """The picture (H, W, 3) with noise of a deviation of `sigma` levels, the same for a number."""
    draw = np.random.default_rng([seed, number])
    index, top, left = (int(v) for v in draw.integers(0, (_TILES, _SHIFT, _SHIFT)))
    noisy = _tile(round(sigma * 2), index)[top : top + HEIGHT, left : left + WIDTH] + picture
    np.clip(noisy, 0, 255, out=noisy)
    return noisy.astype(np.uint8)


@lru_cache(maxsize=3 * _TILES)
def _tile(halves: int, index: int) -> NDArray[np.int16]:
    """Noise with a deviation of `halves` / 2 levels, larger than a frame, mostly grey."""
    draw = np.random.default_rng([5, index])
    shape = (HEIGHT + _SHIFT, WIDTH + _SHIFT)
    grey = draw.standard_normal(shape, dtype=np.float32)[..., None]
    colour = draw.standard_normal((*shape, 3), dtype=np.float32)
    return np.asarray(np.rint((0.85 * grey + 0.45 * colour) * (halves / 2)), dtype=np.int16)
