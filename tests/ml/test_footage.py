"""What of a camera's footage can be trained on, and the sentence where something cannot."""

from dataclasses import replace

import numpy as np
import pytest

from ml.corpus import Corpus
from ml.footage import LEAST_CLIPS, TrainingError, trainable
from ml.preprocess import SAMPLE_RATE, log_mel
from ml.soundstats import sound_statistics
from tests.ml.planted import planted

CLIPS = 360
WHOLE, _ = planted(CLIPS, 1, rate=0.1)
NONE = np.zeros(CLIPS, bool)
FROZEN = replace(WHOLE, foreground=np.full_like(WHOLE.foreground, 0.2))
HUM = replace(WHOLE, sound=np.ones_like(WHOLE.sound))
FEW = np.arange(CLIPS) < 90


@pytest.mark.parametrize(
    ("corpus", "sides", "note"),
    [
        (replace(WHOLE, has_audio=NONE), "video", "This footage has no sound: the pictures alone"),
        (replace(WHOLE, has_video=NONE), "audio", "This footage has no pictures: the sound alone"),
        (replace(WHOLE, has_audio=FEW), "video", "Only 90 seconds have picture and sound, and"),
        (FROZEN, "audio", "The picture never changes: the sound alone is trained, and no search"),
        (HUM, "video", "The sound never changes: the pictures alone are trained, and no search"),
    ],
)
def test_what_says_something_is_trained_alone(corpus: Corpus, sides: str, note: str) -> None:
    found = trainable(corpus)
    assert found.sides == sides
    assert len(found.clips) == CLIPS
    assert len(found.notes) == 1
    assert found.notes[0].startswith(note)


def test_both_are_trained_where_both_change() -> None:
    assert trainable(WHOLE).sides == "both"
    assert trainable(WHOLE).notes == ()


@pytest.mark.parametrize(
    ("corpus", "sentence"),
    [
        (replace(FROZEN, sound=HUM.sound), "Neither picture nor sound ever changes"),
        (
            replace(FROZEN, has_audio=FEW),
            "There are 90 seconds to train on, .* are needed: 210 mor",
        ),
        (replace(FROZEN, has_audio=NONE), "The picture never changes, and there is no sound"),
        (replace(HUM, has_video=NONE), "The sound never changes, and there are no pictures"),
    ],
)
def test_what_says_nothing_is_refused_with_a_sentence(corpus: Corpus, sentence: str) -> None:
    assert LEAST_CLIPS == 300
    with pytest.raises(TrainingError, match=f"^{sentence}.*\\.$"):
        trainable(corpus)


@pytest.mark.parametrize(("noise", "sides"), [(0.0, "video"), (1e-2, "both")])
def test_a_tone_never_changes_and_noise_does(noise: float, sides: str) -> None:
    random = np.random.default_rng(0)
    at = np.arange(60 * SAMPLE_RATE) / SAMPLE_RATE
    samples = 0.1 * np.sin(2 * np.pi * 440 * at) + noise * random.normal(size=at.size)
    samples[: SAMPLE_RATE // 50] = 0  # as a codec begins
    minute = sound_statistics(log_mel(samples.astype(np.float32)))
    corpus = replace(WHOLE, sound=np.tile(minute, (CLIPS // 60, 1)))
    corpus.sound[60:] = np.tile(minute[30:], (10, 1))  # it begins but once
    assert trainable(corpus).sides == sides


def test_events_on_a_hum_are_a_change() -> None:
    sound = HUM.sound.copy()
    sound[::10] += 3
    assert trainable(replace(WHOLE, sound=sound)).sides == "both"
