"""What moves before a fixed camera, cut out of its background: what a trunk of our own looks at.

A small object in a busy street is easier to tell when the street is not there. Everything that does
not differ from the background becomes the grey that X3D's normalisation turns into zero, and the
rest is given the light of a clear day, so that the same bus looks alike in the morning and at
night. numpy and scipy only.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ml.foreground import SHRINK

# X3D's mean, 0.45, as a byte: zero once it is normalised.
GREY = 115
# The mean a background is brought to, about that of a street by day, and how far it may be brought.
DAYLIGHT = 110.0
LEAST_GAIN, MOST_GAIN = 0.5, 2.5

Frames = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


def cut_out(frames: Frames, mask: Mask, background: Floats) -> Frames:
    """Keep what moves: u8 RGB (T, H, W, 3) -> the same shape, grey elsewhere.

    `mask` (T, H / 2, W / 2) and `background` (H / 2, W / 2, 3) are those of `ml.foreground`. Two
    pixels around each object are kept, so that its outline is seen against something.
    """
    shown = np.full_like(frames, GREY)
    tables = _daylight(background)
    for frame, part, out in zip(frames, mask, shown, strict=True):
        wide = _enlarged(ndimage.binary_dilation(part, np.ones((3, 3), bool)), frame.shape[:2])
        for channel, table in enumerate(tables):
            out[..., channel][wide] = table[frame[..., channel][wide]]
    return shown


def _daylight(background: Floats) -> Frames:
    """Tables (3, 256) that undo the strength and tint of the light on a background."""
    light = np.maximum(background.reshape(-1, 3).mean(axis=0), 1.0)
    gain = np.clip(DAYLIGHT / light, LEAST_GAIN, MOST_GAIN)
    return np.clip(np.outer(gain, np.arange(256)), 0, 255).astype(np.uint8)


def _enlarged(mask: Mask, shape: tuple[int, int]) -> Mask:
    """Give a halved mask its whole size; an odd last row or column repeats its neighbour."""
    whole = mask.repeat(SHRINK, axis=0).repeat(SHRINK, axis=1)
    missing = [(0, side - there) for side, there in zip(shape, whole.shape, strict=True)]
    return np.pad(whole, missing, mode="edge")
