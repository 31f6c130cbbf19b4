from dataclasses import replace

import numpy as np
import pytest

from ml.foreground import FOREGROUND_DIM
from ml.inputs import FARTHEST, Inputs, backgrounds
from ml.method import Method
from ml.soundstats import FLOOR_DB, SOUND_DIM
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
        assert inputs.describe(CORPUS).starter[0].shape[1] == FOREGROUND_DIM + 1 + 432 * pretrained


@pytest.mark.parametrize("whitened", [False, True])
def test_beside_the_networks_are_plain_descriptions_cut_off_far_out(whitened: bool) -> None:
    inputs = Inputs.fit(CORPUS, Method(whitened=whitened), pretrained=False)
    seen, heard = inputs.describe(CORPUS).beside
    assert heard.shape == (300, SOUND_DIM)
    plain = inputs.starter.plain_sound(CORPUS.sound, CORPUS.has_audio)
    np.testing.assert_array_equal(inputs.describe(CORPUS).plain[1], plain)
    parts = zip(
        (seen, heard), (inputs.describe(CORPUS).starter[0], plain), inputs.whitenings, strict=True
    )
    for z, rows, whitening in parts:
        assert (whitening is not None) == whitened
        unusual = whitening(rows) if whitening else rows
        scaled = unusual / np.sqrt(np.square(unusual, dtype=np.float64).mean())
        np.testing.assert_allclose(z, np.clip(scaled, -FARTHEST, FARTHEST), rtol=1e-4, atol=1e-5)
        # A cut at 8 root mean squares takes little away.
        assert np.sqrt(np.square(z).mean()) == pytest.approx(1, abs=0.1)
    lengths = np.linalg.norm(heard, axis=1)
    assert lengths.max() > 2 * np.median(lengths)
    assert (
        np.abs(inputs.describe(replace(CORPUS, sound=CORPUS.sound * 1000)).beside[1]).max()
        == FARTHEST
    )


def test_what_is_kept_is_the_starters_or_what_is_unusual() -> None:
    for whitened in (False, True):
        inputs = Inputs.fit(CORPUS, Method(whitened=whitened), pretrained=False)
        kept, plain = inputs.describe(CORPUS).private, inputs.describe(CORPUS).plain
        for i, whitening in enumerate(inputs.whitenings):
            wanted = whitening(plain[i]) if whitening else inputs.describe(CORPUS).starter[i]
            np.testing.assert_array_equal(kept[i], wanted)


@pytest.mark.parametrize("whitened", [False, True])
def test_what_is_absent_is_described_by_zeros(whitened: bool) -> None:
    some = np.arange(300) >= 60
    inputs = Inputs.fit(CORPUS, Method(whitened=whitened), pretrained=False)
    missing = replace(CORPUS, has_video=some, has_audio=~some)
    for seen, heard in (inputs.describe(missing).beside, inputs.describe(missing).private):
        assert not seen[~some].any()
        assert not heard[some].any()
        assert seen[some].any()
        assert heard[~some].any()


def test_a_modality_never_there_has_nothing_to_be_seen_against() -> None:
    deaf = replace(CORPUS, has_audio=np.zeros(300, bool))
    inputs = Inputs.fit(deaf, Method(whitened=True), pretrained=False)
    assert inputs.whitenings[0] is not None
    assert inputs.whitenings[1] is None
    assert not inputs.describe(CORPUS).beside[1].any()


@pytest.mark.parametrize("pretrained", [False, True])
def test_inputs_survive_as_arrays(pretrained: bool) -> None:
    inputs = Inputs.fit(CORPUS, Method(), pretrained=pretrained)
    again = Inputs.from_arrays(inputs.arrays())
    background = backgrounds(CORPUS)
    for one, other in (
        (inputs.describe(CORPUS).starter[0], again.describe(CORPUS).starter[0]),
        (inputs.describe(CORPUS).starter[1], again.describe(CORPUS).starter[1]),
        *zip(inputs.describe(CORPUS).beside, again.describe(CORPUS).beside, strict=True),
        *zip(inputs.describe(CORPUS).private, again.describe(CORPUS).private, strict=True),
        (inputs.crops(CORPUS.trunk), again.crops(CORPUS.trunk)),
        (
            inputs.spectrogram(CORPUS.mel, background),
            again.spectrogram(CORPUS.mel, background),
        ),
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "name", ["descriptor_scale", "above", "mel_mean", "mel_scale", "trunk.mean", "trunk.scale"]
)
def test_arrays_of_other_shapes_are_refused(name: str) -> None:
    arrays = Inputs.fit(CORPUS, Method(), pretrained=False).arrays()
    # One value would be broadcast without a word.
    for wrong in (np.ones((1, 1), np.float32), np.ones((), np.float32)):
        with pytest.raises(ValueError, match=f"“{name}” is"):
            Inputs.from_arrays({**arrays, name: wrong})


def test_a_frozen_picture_and_a_constant_tone_give_finite_inputs() -> None:
    still = replace(
        CORPUS,
        foreground=np.zeros_like(CORPUS.foreground),
        sound=np.zeros_like(CORPUS.sound),
        trunk=np.ones_like(CORPUS.trunk),
        mel=np.full_like(CORPUS.mel, -40),
    )
    inputs = Inputs.fit(still, Method(), pretrained=False)
    for x in (
        *inputs.describe(still).beside,
        *inputs.describe(still).private,
        *inputs.describe(still).starter,
        inputs.crops(still.trunk),
        inputs.spectrogram(still.mel, backgrounds(still)),
    ):
        assert np.isfinite(x).all()
        assert np.abs(x).max() < 100
