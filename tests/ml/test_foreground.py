"""A grey street with noise and drifting light, on which coloured boxes move."""

import numpy as np
import pytest
from scipy import ndimage

from ml.foreground import BLOCKS, FOREGROUND_DIM, difference_mask, foreground, shrink

PINK, WHITE, YELLOW = (230, 80, 160), (235, 235, 235), (240, 200, 30)


def street(clips: int = 20, drift: float = 0.0, noise: float = 4.0, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    texture = np.clip(random.normal(110, 15, (1, 224, 398, 1)), 0, 255) * np.ones((1, 1, 1, 3))
    light = 1 + drift * np.linspace(-1, 1, 5 * clips)[:, None, None, None]
    frames = texture * light + random.normal(0, noise, (5 * clips, 224, 398, 3))
    return np.asarray(np.clip(frames, 0, 255), np.uint8)


def drive(
    frames: np.ndarray,
    clip: int,
    colour: tuple[int, int, int],
    *,
    side: int = 36,
    top: int = 100,
    left: int = 30,
    speed: int = 60,
) -> None:
    """Let a box pass during one clip; `speed` in pixels a second."""
    for k in range(5):
        x = left + speed * k // 5
        frames[5 * clip + k, top : top + side, x : x + side] = colour


def block(descriptors: np.ndarray, name: str) -> np.ndarray:
    start = 0
    for other, width in BLOCKS.items():
        if other == name:
            return descriptors[:, start : start + width]
        start += width
    raise KeyError(name)


def test_an_empty_street_has_no_foreground() -> None:
    descriptors = foreground(street(drift=0.1))
    assert descriptors.shape == (20, FOREGROUND_DIM)
    assert descriptors.dtype == np.float32
    assert block(descriptors, "size").max() < 0.03


def test_light_that_comes_and_goes_is_not_foreground() -> None:
    frames = street()
    frames[50:] = np.clip(frames[50:] * 0.8, 0, 255)
    assert block(foreground(frames), "size").max() < 0.03


def test_size_is_the_root_of_the_part_of_the_frame() -> None:
    frames = street()
    drive(frames, 7, PINK)
    size = block(foreground(frames), "size")
    total, largest = size[7]
    assert total == pytest.approx(np.sqrt(36 * 36 / (224 * 398)), rel=0.1)
    assert largest == pytest.approx(total)
    assert np.delete(size, 7, axis=0).max() < 0.03


@pytest.mark.parametrize("company", [(), (WHITE, YELLOW)])
def test_a_colour_is_known_again_in_any_company(company: tuple[tuple[int, int, int]]) -> None:
    frames = street()
    drive(frames, 3, PINK)
    drive(frames, 9, YELLOW)
    drive(frames, 15, PINK, top=20, left=300, speed=-60)
    for number, colour in enumerate(company):
        drive(frames, 15, colour, side=60, top=150, left=20 + 100 * number)
    patch = block(foreground(frames), "patch")
    loudest = patch[3].argmax()
    assert patch[15, loudest] == pytest.approx(patch[3, loudest], rel=0.15)
    assert patch[9, loudest] < 0.3 * patch[3, loudest]


def test_a_colour_survives_weaker_and_tinted_light() -> None:
    frames = street()
    drive(frames, 3, PINK)
    by_day = block(foreground(frames), "patch")[3]
    evening = np.clip(frames * np.array([0.5, 0.42, 0.3]), 0, 255).astype(np.uint8)
    at_dusk = block(foreground(evening), "patch")[3]
    assert at_dusk.argmax() == by_day.argmax()
    np.testing.assert_allclose(at_dusk, by_day, atol=0.25)


def test_motion_tells_the_way() -> None:
    frames = street()
    drive(frames, 4, PINK, speed=80)
    drive(frames, 12, PINK, left=300, speed=-80)
    motion = block(foreground(frames), "motion")
    left, right = motion[:, 0], motion[:, 1]
    assert right[4] > 0.02 > left[4]
    assert left[12] > 0.02 > right[12]


def test_place_tells_where() -> None:
    frames = street()
    drive(frames, 4, PINK, top=10, left=10, speed=0)
    place = block(foreground(frames), "place")[4]
    assert place.argmax() == 0


@pytest.mark.parametrize("clips", [1, 2])
def test_a_short_chunk_still_works(clips: int) -> None:
    frames = street(clips)
    drive(frames, 0, PINK, speed=300)
    descriptors = foreground(frames)
    assert descriptors.shape == (clips, FOREGROUND_DIM)
    assert block(descriptors, "size")[0].max() > 0.05


@pytest.mark.parametrize("shape", [(224, 224), (398, 224), (225, 399)])
def test_any_shape_of_frame_works(shape: tuple[int, int]) -> None:
    frames = np.full((10, *shape, 3), 90, np.uint8)
    assert foreground(frames).shape == (2, FOREGROUND_DIM)


@pytest.mark.parametrize("level", [0, 255])
def test_a_black_or_white_picture_is_finite(level: int) -> None:
    frames = np.full((10, 224, 398, 3), level, np.uint8)
    frames[3, 50:90, 50:90] = 255 - level
    assert np.isfinite(foreground(frames)).all()


def test_nothing_has_no_descriptors() -> None:
    assert foreground(np.zeros((0, 224, 398, 3), np.uint8)).shape == (0, FOREGROUND_DIM)


def test_broken_clips_are_refused() -> None:
    with pytest.raises(ValueError, match="whole clips"):
        foreground(np.zeros((7, 224, 398, 3), np.uint8))


def test_frames_are_not_changed() -> None:
    frames = street(2)
    before = frames.copy()
    foreground(frames)
    np.testing.assert_array_equal(frames, before)


@pytest.mark.parametrize("shape", [(224, 398), (225, 399)])
def test_shrinking_is_the_exact_mean_of_two_by_two_pixels(shape: tuple[int, int]) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (5, *shape, 3), np.uint8)
    height, width = shape[0] // 2, shape[1] // 2
    squares = frames[:, : 2 * height, : 2 * width].reshape(5, height, 2, width, 2, 3)
    shrunk = shrink(frames)
    assert shrunk.dtype == np.float32
    np.testing.assert_array_equal(shrunk, squares.mean(axis=(2, 4)))


def test_a_pixel_is_foreground_by_its_most_different_channel() -> None:
    random = np.random.default_rng(0)
    pixels = random.uniform(0, 255, (5, 112, 199, 3)).astype(np.float32)
    background = random.uniform(0, 255, (112, 199, 3)).astype(np.float32)
    noise = random.uniform(0, 20, (112, 199)).astype(np.float32)
    threshold = np.maximum(4.5 * noise, 11 * np.clip(background.mean() / 110, 0.4, 1.5))
    differs = np.abs(pixels - background).max(axis=3) > threshold
    neighbours = np.stack([ndimage.uniform_filter(frame * 9.0, 3) for frame in differs])
    np.testing.assert_array_equal(difference_mask(pixels, background, noise), neighbours > 4.5)
