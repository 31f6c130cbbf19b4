from dataclasses import replace

import numpy as np
import pytest

from ml.inputs import Inputs, backgrounds
from ml.method import Method
from ml.soundstats import FLOOR_DB
from tests.ml.planted import planted

CORPUS, _ = planted(300, 3)


def test_the_background_is_the_chunks_own_over_what_is_heard() -> None:
    some = replace(CORPUS, has_audio=np.arange(300) % 3 > 0)
    found = backgrounds(some)
    for chunk in range(5):
        rows = (some.chunk == chunk) & some.has_audio
        wanted = np.median(np.median(some.mel[rows].astype(np.float32), axis=2), axis=0)
        np.testing.assert_allclose(found[some.chunk == chunk], wanted[None].repeat(60, axis=0))


@pytest.mark.parametrize("mel_input", ["above", "raw"])
def test_spectrograms_are_of_deviation_one(mel_input: str) -> None:
    inputs = Inputs.fit(CORPUS, Method.from_json({"mel_input": mel_input}), pretrained=False)
    x = inputs.spectrogram(CORPUS.mel, backgrounds(CORPUS))
    assert x.shape == (300, 128, 64)
    assert x.dtype == np.float32
    assert np.sqrt(np.square(x).mean()) == pytest.approx(1, abs=0.1)
    if mel_input == "above":
        louder = inputs.spectrogram(CORPUS.mel + np.float16(10), backgrounds(CORPUS) + 10)
        np.testing.assert_allclose(louder, x, atol=0.05)
        assert x.min() >= FLOOR_DB * inputs.mel_scale[0] - 1e-6


def test_crops_are_standardised_or_left_as_they_are() -> None:
    for how in ("standardised", "raw"):
        inputs = Inputs.fit(CORPUS, Method.from_json({"trunk_input": how}), pretrained=False)
        x = inputs.crops(CORPUS.trunk * np.float16(7))
        assert x.shape == (300, 2, 432)
        assert inputs.crops(CORPUS.trunk).std() == pytest.approx(1, abs=0.1)
        assert (inputs.trunk is None) == (how == "raw")


def test_the_trunk_is_described_only_where_it_was_learnt() -> None:
    for pretrained in (False, True):
        inputs = Inputs.fit(CORPUS, Method(), pretrained=pretrained)
        assert inputs.starter.uses_trunk is pretrained
        seen, _ = inputs.describe(CORPUS)
        assert np.sqrt(np.square(inputs.descriptor(seen)).mean()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("pretrained", [False, True])
def test_inputs_survive_as_arrays(pretrained: bool) -> None:
    inputs = Inputs.fit(CORPUS, Method(), pretrained=pretrained)
    again = Inputs.from_arrays(inputs.arrays())
    background = backgrounds(CORPUS)
    for one, other in (
        (inputs.describe(CORPUS)[0], again.describe(CORPUS)[0]),
        (inputs.describe(CORPUS)[1], again.describe(CORPUS)[1]),
        (inputs.crops(CORPUS.trunk), again.crops(CORPUS.trunk)),
        (
            inputs.spectrogram(CORPUS.mel, background),
            again.spectrogram(CORPUS.mel, background),
        ),
    ):
        np.testing.assert_array_equal(one, other)


def test_a_frozen_picture_and_a_constant_tone_give_finite_inputs() -> None:
    still = replace(
        CORPUS,
        foreground=np.zeros_like(CORPUS.foreground),
        sound=np.zeros_like(CORPUS.sound),
        trunk=np.ones_like(CORPUS.trunk),
        mel=np.full_like(CORPUS.mel, -40),
    )
    inputs = Inputs.fit(still, Method(), pretrained=False)
    seen, heard = inputs.describe(still)
    for x in (
        inputs.descriptor(seen),
        heard,
        inputs.crops(still.trunk),
        inputs.spectrogram(still.mel, backgrounds(still)),
    ):
        assert np.isfinite(x).all()
        assert np.abs(x).max() < 100
