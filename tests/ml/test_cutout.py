"""What moves, cut out of its background."""

import numpy as np

from ml.cutout import GREY, cut_out
from ml.foreground import watch


def street(level: int) -> np.ndarray:
    """Ten seconds of a grey street with a red square that crosses it: (50, 224, 398, 3)."""
    frames = np.full((50, 224, 398, 3), level, np.uint8)
    frames[:, ::7] += 6  # so that a median has something to find
    for t, frame in enumerate(frames):
        frame[100:120, 4 * t : 4 * t + 30] = (level * 3 // 2, level // 4, level // 4)
    return frames


def shown(frames: np.ndarray) -> np.ndarray:
    seen = watch(frames)
    return cut_out(frames, seen.mask, seen.background)


def test_the_background_is_grey_and_what_moves_is_kept() -> None:
    frames = street(100)
    cut = shown(frames)
    assert cut.shape == frames.shape
    assert cut.dtype == np.uint8
    assert (cut[25, :80] == GREY).all()
    red = cut[25, 105:115, 105:125].reshape(-1, 3)
    assert (red[:, 0] > 100).all()
    assert (red[:, 1] < 60).all()


def test_a_rim_of_background_is_kept_around_an_object() -> None:
    cut = shown(street(100))[25]
    assert (cut[99, 110] != GREY).any()
    assert (cut[90, 110] == GREY).all()


def test_light_is_brought_to_that_of_day() -> None:
    dusk, day = shown(street(60))[25, 110, 115], shown(street(110))[25, 110, 115]
    assert np.abs(dusk.astype(int) - day.astype(int)).max() <= 12


def test_deep_night_is_not_blown_up_to_day() -> None:
    cut = shown(street(20))[25, 110, 115]
    assert cut[0] <= 30 * 2.5


def test_an_odd_size_is_covered_to_its_last_row() -> None:
    frames = np.full((5, 225, 399, 3), 90, np.uint8)
    mask = np.ones((5, 112, 199), np.bool_)
    cut = cut_out(frames, mask, np.full((112, 199, 3), 110, np.float32))
    assert (cut == 90).all()


def test_nothing_is_grey() -> None:
    frames = np.zeros((0, 224, 398, 3), np.uint8)
    seen = watch(frames)
    assert seen.described.shape[0] == 0
    assert cut_out(frames, seen.mask, seen.background).shape == frames.shape
