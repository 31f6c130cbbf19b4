from dataclasses import fields, replace

import numpy as np
import pytest

from ml.corpus import Corpus, joined


def corpus(clips: int, *, start: int = 0, chunk: int = 60) -> Corpus:
    number = np.arange(clips)
    return Corpus(
        foreground=np.repeat(number[:, None], 4, axis=1).astype(np.float32),
        sound=np.zeros((clips, 3), np.float32),
        trunk=np.zeros((clips, 2, 432), np.float16),
        mel=np.zeros((clips, 128, 64), np.float16),
        has_video=np.ones(clips, bool),
        has_audio=np.ones(clips, bool),
        at=(number + start).astype(np.int64),
        chunk=(number // chunk).astype(np.int64),
    )


def test_rows_takes_every_field() -> None:
    some = corpus(10).rows(np.array([2, 5]))
    assert len(some) == 2
    assert all(len(getattr(some, field.name)) == 2 for field in fields(some))
    assert list(some.at) == [2, 5]


def test_the_end_is_held_back_in_whole_chunks_with_a_minute_between() -> None:
    train, held_back = corpus(1200).split(0.2)
    assert list(held_back.at[[0, -1]]) == [960, 1199]
    assert held_back.at[0] - train.at[-1] > 60
    assert list(np.bincount(train.chunk)) == [60] * 15


def test_a_cut_within_a_chunk_gives_the_whole_chunk_to_what_is_held_back() -> None:
    train, held_back = corpus(1000).split(0.03)
    assert held_back.at[0] == 960
    assert not set(train.chunk) & set(held_back.chunk)


def test_nothing_held_back_leaves_everything() -> None:
    train, held_back = corpus(100).split(0)
    assert (len(train), len(held_back)) == (100, 0)
    with pytest.raises(ValueError, match="share"):
        corpus(100).split(1)


def test_joining_keeps_chunks_apart() -> None:
    both = joined([corpus(90), corpus(70, start=500)])
    assert len(both) == 160
    assert list(np.bincount(both.chunk)) == [60, 30, 60, 10]


def test_joining_nothing_or_out_of_order_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        joined([])
    with pytest.raises(ValueError, match="order"):
        joined([corpus(10, start=100), corpus(10)])


def test_fields_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="different numbers"):
        replace(corpus(10), at=np.arange(9))
