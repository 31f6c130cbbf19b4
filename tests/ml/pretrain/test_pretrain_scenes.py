"""Drawn scenes: the same numbers give the same clip, and what is told is there to be seen."""

import numpy as np
import pytest

from ml.cutout import GREY
from ml.pretrain.answers import ANSWERS, BLOCKS, answers
from ml.pretrain.batches import BATCH, DESIGNS, PLACES, TAKES, draw_batch
from ml.pretrain.places import draw_place
from ml.pretrain.scenes import Clip, Seen, film
from ml.pretrain.things import COLOURS, Shape, Thing, colour_bin, draw_ordinary, draw_thing


def a_clip(number: int, size: int = 96) -> Clip:
    rng = np.random.default_rng([number, 1])
    return film(draw_place(number), rng, draw_thing(number), [draw_ordinary(number)], size)


def test_a_clip_follows_from_its_numbers() -> None:
    first, again = a_clip(5), a_clip(5)
    np.testing.assert_array_equal(first.frames, again.frames)
    assert [one.share for one in first.seen] == [one.share for one in again.seen]
    assert (a_clip(6).frames != first.frames).any()


@pytest.mark.parametrize("size", [64, 96, 224])
def test_a_window_has_the_size_asked_for_and_is_mostly_cut_out(size: int) -> None:
    frames = np.stack([a_clip(n, size).frames for n in range(4)])
    assert frames.shape == (4, 5, size, size, 3)
    assert frames.dtype == np.uint8
    assert (frames == GREY).all(axis=-1).mean() > 0.25


def test_what_is_filmed_is_usually_seen() -> None:
    clips = [a_clip(n) for n in range(12)]
    covered = [(clip.frames != GREY).any(axis=-1).mean() for clip in clips]
    assert np.mean(np.array(covered) > 0.005) > 0.8
    shapes = [
        {one.thing.shape for one in clip.seen if isinstance(one.thing, Thing)} for clip in clips
    ]
    wanted = [draw_thing(number).shape in told for number, told in enumerate(shapes)]
    assert np.mean(wanted) > 0.7


def test_designs_differ_in_shape_and_colour() -> None:
    things = [draw_thing(n) for n in range(200)]
    assert {thing.shape for thing in things} == set(Shape) - {Shape.WALKER}
    assert {thing.main for thing in things} == set(range(COLOURS))
    assert 0.1 < np.mean([thing.lamps is not None for thing in things]) < 0.3
    assert all(draw_ordinary(n).lamps is None for n in range(50))


@pytest.mark.parametrize(
    ("colour", "number"),
    [
        ((220, 20, 20), 0),
        ((20, 200, 30), 3),
        ((30, 40, 220), 5),
        ((10, 10, 12), 8),
        ((120, 120, 122), 9),
        ((235, 236, 238), 10),
    ],
)
def test_colours_have_bins(colour: tuple[int, int, int], number: int) -> None:
    assert colour_bin(colour) == number


def test_answers_say_what_it_looks_like_and_where_it_goes() -> None:
    thing = draw_thing(3)
    told = answers((Seen(thing, 0.01, right=0.5, down=0.0),), zoom=1.0)
    assert told.shape == (ANSWERS,)
    blocks = dict(zip(BLOCKS, np.split(told, np.cumsum(list(BLOCKS.values()))[:-1]), strict=True))
    assert blocks["shape"].tolist() == [float(n == thing.shape) for n in range(len(Shape))]
    assert blocks["colour"].argmax() == thing.main
    assert blocks["way"].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert blocks["pace"].tolist() == [0, 0, 0, 1]
    assert blocks["size"].tolist() == [0, 0, 1, 0]


def test_answers_do_not_depend_on_the_window() -> None:
    thing = draw_thing(4)
    wide = answers((Seen(thing, 0.01, right=0.2, down=0.1),), zoom=1.0)
    close = answers((Seen(thing, 0.04, right=0.4, down=0.2),), zoom=0.5)
    np.testing.assert_array_equal(wide, close)


def test_nothing_seen_is_answered_with_no() -> None:
    assert not answers((), 1.0).any()


def test_a_batch_shows_every_design_twice_and_follows_from_its_numbers() -> None:
    batch, again = draw_batch(1, 2, 32, 3), draw_batch(1, 2, 32, 3)
    assert batch.frames.shape == (BATCH, 3, 32, 32, 3)
    assert batch.answers.shape == (BATCH, ANSWERS)
    numbers, counts = np.unique(batch.design.numpy(), return_counts=True)
    assert len(numbers) == PLACES * DESIGNS
    assert (counts == TAKES).all()
    assert (batch.frames == again.frames).all()
    assert not set(draw_batch(1, 3, 32, 3).design.tolist()) & set(batch.design.tolist())
