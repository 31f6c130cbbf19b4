"""What moves in front of a fixed camera: its colour, size, place and motion, clip by clip.

A network of random weights sees next to nothing of an object that fills 2 % of the picture: the
average over all positions drowns it. So the starter encoder looks at the foreground alone, against
the chunk's own background, and describes object by object: a small object of a rare colour stays
visible beside large ordinary ones, because the largest patch of every colour is kept and not only
the sum. numpy and scipy only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ml.preprocess import CLIP_FRAMES

HUES = 12
LIGHTNESSES = 5
COLOURS = 2 * HUES + LIGHTNESSES
GRID = (4, 6)
SIZES = 2
MOTIONS = 5

# Columns of the descriptor, block by block.
BLOCKS = {
    "colour": COLOURS,
    "patch": COLOURS,
    "size": SIZES,
    "place": GRID[0] * GRID[1],
    "motion": MOTIONS,
}
FOREGROUND_DIM = sum(BLOCKS.values())

# Frames are halved first: noise falls by as much, and an object of 1 % keeps over 200 pixels.
SHRINK = 2
BACKGROUND_FRAMES = 50
# A pixel is foreground that differs from the background by this many standard deviations of the
# sensor's noise, and by this part of a mid-grey at least.
NOISE_SIGMAS = 4.5
LEAST_DIFFERENCE = 11.0
SMALLEST_OBJECT = 0.0008
# A patch counts by log(1 + part / this): near and far the same vehicle differs fivefold in size.
PATCH_SCALE = 0.001

Frames = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Objects:
    """The objects of a chunk: connected in space and, within one clip, in time."""

    clip: Integers  # (k,) the clip each is seen in
    area: Floats  # (k,) mean part of the frame
    colour: Floats  # (k, COLOURS) part of the frame in each colour
    velocity: Floats  # (k, 2) down and right, in frame heights a second


@dataclass(frozen=True, eq=False)
class Watched:
    """What was seen of a chunk of n clips against its own background, at half the size."""

    described: Floats  # (n, FOREGROUND_DIM)
    mask: Mask  # (5n, h, w) where something is in front of the background
    background: Floats  # (h, w, 3)


def foreground(frames: Frames) -> Floats:
    """Describe every clip of a chunk, as `watch` does: u8 (5n, H, W, 3) -> (n, FOREGROUND_DIM)."""
    return watch(frames).described


def watch(frames: Frames) -> Watched:
    """Tell what moves in one chunk, u8 RGB (5n, H, W, 3), and describe every clip by it.

    The background is the median of the frames given, so hand over a chunk of many seconds: what
    stands still for more than half of them is background. Values are non-negative but for the
    motion's signs, roots of parts of the frame, and zero where nothing moves. Raises ValueError
    where the frames are not whole clips.
    """
    if len(frames) % CLIP_FRAMES:
        raise ValueError(f"{len(frames)} frames are not whole clips of {CLIP_FRAMES}.")
    pixels = shrink(frames)
    if not len(frames):
        nothing = np.zeros((0, FOREGROUND_DIM), np.float32)
        return Watched(nothing, pixels[..., 0] > 0, np.zeros(pixels.shape[1:], np.float32))
    background, noise = level_light(pixels)
    mask = difference_mask(pixels, background, noise)
    return Watched(describe(mask, balanced(pixels[mask], background)), mask, background)


def shrink(frames: Frames) -> Floats:
    """Halve frames by the mean of 2 x 2 pixels: u8 (T, H, W, 3) -> f32 (T, H/2, W/2, 3)."""
    height, width = (side // SHRINK * SHRINK for side in frames.shape[1:3])
    halved = np.empty((len(frames), height // SHRINK, width // SHRINK, 3), np.float32)
    # Frame by frame, so that the sums stay in the processor's cache.
    for frame, out in zip(frames[:, :height, :width], halved, strict=True):
        pairs = frame[::2].astype(np.uint16)
        pairs += frame[1::2]
        np.add(pairs[:, ::2], pairs[:, 1::2], out=out)
        out *= 1 / SHRINK**2
    return halved


def level_light(pixels: Floats) -> tuple[Floats, Floats]:
    """Even out the light of all frames in place; return background (h, w, 3) and noise (h, w).

    Drifting light multiplies whole frames, so each frame's channels are divided by their median
    ratio to the background. The noise is the standard deviation of a pixel that nothing crosses,
    from the median absolute deviation.
    """
    some = pixels[:: max(1, len(pixels) // BACKGROUND_FRAMES)]
    background = _median(some)
    sparse = np.s_[..., 1::4, 1::4, :]
    ratio = pixels[sparse] / np.maximum(background[sparse], 1)
    gain = np.median(ratio.reshape(len(pixels), -1, 3), axis=1).astype(np.float32)
    pixels /= np.clip(gain, 0.2, 5)[:, None, None]
    background = _median(some)
    deviation = _median(_largest_difference(some, background))
    noise = ndimage.uniform_filter(1.4826 * deviation, 5)
    # Busy lanes deviate because objects cross them, which is no noise.
    return background, np.minimum(noise, 3 * np.median(noise))


def difference_mask(pixels: Floats, background: Floats, noise: Floats) -> Mask:
    """Say which pixels are foreground: (T, h, w), single pixels and pinholes smoothed away."""
    least = LEAST_DIFFERENCE * np.clip(background.mean() / 110, 0.4, 1.5)
    threshold = np.maximum(NOISE_SIGMAS * noise, least)
    mask = np.empty(pixels.shape[:3], bool)
    for t, frame in enumerate(pixels):
        differs = _largest_difference(frame, background) > threshold
        mask[t] = ndimage.uniform_filter(differs.astype(np.uint8) * np.uint8(90), 3) > 45
    return mask


def _largest_difference(pixels: Floats, background: Floats) -> Floats:
    """Over the three channels: (..., h, w, 3) -> (..., h, w)."""
    # Several times faster than `max` over an axis of length three.
    red, green, blue = np.moveaxis(np.abs(pixels - background), -1, 0)
    return np.asarray(np.maximum(np.maximum(red, green), blue), np.float32)


def _median(frames: Floats) -> Floats:
    """Median over the first axis; the lower of the middle two, which partition finds fastest."""
    middle = (len(frames) - 1) // 2
    return np.asarray(np.partition(frames, middle, axis=0)[middle], np.float32)


def describe(mask: Mask, colours: Floats) -> Floats:
    """Describe clips by their foreground (5n, h, w) and its pixels' balanced colours (p, 3)."""
    clips = len(mask) // CLIP_FRAMES
    objects = _objects(mask, colours, clips)
    patches = np.log1p(objects.colour / PATCH_SCALE)
    columns = {
        "colour": np.sqrt(_per_clip(np.add, objects.colour, objects.clip, clips)),
        "patch": _per_clip(np.maximum, patches, objects.clip, clips),
        "size": _sizes(objects, clips),
        "place": _place(mask, clips),
        "motion": _motion(objects, clips),
    }
    return np.concatenate([columns[name] for name in BLOCKS], axis=1).astype(np.float32)


def _objects(mask: Mask, colours: Floats, clips: int) -> Objects:
    """Find the objects of every clip, and what each looks like."""
    height, width = mask.shape[1:]
    # An empty frame between clips keeps their objects apart in one labelling.
    apart = np.zeros((clips, CLIP_FRAMES + 1, height, width), bool)
    apart[:, :CLIP_FRAMES] = mask.reshape(clips, CLIP_FRAMES, height, width)
    labels, count = ndimage.label(apart.reshape(-1, height, width))
    labels = labels.reshape(apart.shape)[:, :CLIP_FRAMES].reshape(mask.shape)
    t, y, x = np.nonzero(mask)
    label = labels[t, y, x].astype(np.int64) - 1

    def total(values: NDArray[np.floating] | None = None) -> NDArray[np.float64]:
        return np.bincount(label, values, minlength=count).astype(np.float64)

    size = total()
    clip = (total(t.astype(np.float64)) / size).astype(np.int64) // CLIP_FRAMES
    moment = (t % CLIP_FRAMES).astype(np.float64)
    mean_moment = total(moment) / size
    spread = np.maximum(total(moment**2) / size - mean_moment**2, 1e-9)
    velocity = np.stack(
        [
            (total(moment * p) / size - mean_moment * total(p.astype(np.float64)) / size) / spread
            for p in (y, x)
        ],
        axis=1,
    )
    velocity[spread < 0.2] = 0
    area = size / (CLIP_FRAMES * height * width)
    colour = _histogram(colours, label, count)
    kept = area >= SMALLEST_OBJECT
    return Objects(
        clip[kept],
        area[kept].astype(np.float32),
        (colour[kept] / (CLIP_FRAMES * height * width)).astype(np.float32),
        (velocity[kept] * CLIP_FRAMES / height).astype(np.float32),
    )


def balanced(colours: Floats, background: Floats) -> Floats:
    """Undo the light's strength and tint, judged by the background: mid-grey becomes 1."""
    light = np.maximum(background.reshape(-1, 3).mean(axis=0), 12)
    return np.asarray(colours / light, np.float32)


def _histogram(colours: Floats, label: Integers, count: int) -> NDArray[np.float64]:
    """Soft colour histogram of every object: balanced RGB (p, 3) -> (count, COLOURS), in pixels.

    Twelve hues, pale and strong, and five lightnesses of grey; a pixel is shared between the
    neighbouring bins, so that a small change of light moves little.
    """
    high, low = colours.max(axis=1), colours.min(axis=1)
    chroma = high - low
    strength = chroma / np.maximum(high, 0.15)
    coloured = np.clip((strength - 0.15) / 0.2, 0, 1)
    strong = np.clip((strength - 0.35) / 0.3, 0, 1)
    hue = _hue(colours, high, chroma) * (HUES / 6)
    lightness = np.clip(np.log2(np.maximum(colours.mean(axis=1), 1e-3)) + 2, 0, LIGHTNESSES - 1)
    histogram = np.zeros(count * COLOURS)

    def share(column: Integers, weight: Floats) -> None:
        histogram[:] += np.bincount(label * COLOURS + column, weight, minlength=len(histogram))

    first = np.floor(hue).astype(np.int64)
    for column, near in ((first, 1 - (hue - first)), (first + 1, hue - first)):
        share(column % HUES, coloured * (1 - strong) * near)
        share(column % HUES + HUES, coloured * strong * near)
    step = np.minimum(lightness.astype(np.int64), LIGHTNESSES - 2)
    share(2 * HUES + step, (1 - coloured) * (1 - (lightness - step)))
    share(2 * HUES + step + 1, (1 - coloured) * (lightness - step))
    return histogram.reshape(count, COLOURS)


def _hue(colours: Floats, high: Floats, chroma: Floats) -> Floats:
    """Hue of the colour hexagon, in [0, 6): red 0, green 2, blue 4."""
    red, green, blue = colours.T
    safe = np.maximum(chroma, 1e-6)
    hue = np.where(
        high == red,
        (green - blue) / safe % 6,
        np.where(high == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    return np.asarray(hue % 6, np.float32)


def _per_clip(pool: np.ufunc, values: Floats, clip: Integers, clips: int) -> Floats:
    """Pool objects' rows (k, d) into clips (n, d), zero where a clip has none."""
    pooled = np.zeros((clips, *values.shape[1:]), np.float32)
    pool.at(pooled, clip, values)
    return pooled


def _sizes(objects: Objects, clips: int) -> Floats:
    total = _per_clip(np.add, objects.area, objects.clip, clips)
    largest = _per_clip(np.maximum, objects.area, objects.clip, clips)
    return np.asarray(np.sqrt(np.stack([total, largest], axis=1)), np.float32)


def _place(mask: Mask, clips: int) -> Floats:
    """Root of the part of each cell of a coarse grid that is foreground: (n, 24)."""
    rows = np.array_split(mask.reshape(clips, CLIP_FRAMES, *mask.shape[1:]), GRID[0], axis=2)
    cells = [
        cell.mean(axis=(1, 2, 3), dtype=np.float32)
        for row in rows
        for cell in np.array_split(row, GRID[1], axis=3)
    ]
    return np.asarray(np.sqrt(np.stack(cells, axis=1)), np.float32)


def _motion(objects: Objects, clips: int) -> Floats:
    """Strongest motion left, right, up and down, and of any object, each by the object's size."""
    down, right = objects.velocity.T
    speed = np.hypot(down, right)
    ways = np.stack([-right, right, -down, down, speed], axis=1).clip(0, 2)
    return _per_clip(np.maximum, ways * np.sqrt(objects.area)[:, None], objects.clip, clips)
