from dataclasses import replace

import numpy as np
import pytest

from ml.corpus import Corpus
from ml.foreground import FOREGROUND_DIM
from ml.inputs import FARTHEST, Inputs, backgrounds
from ml.method import Method
from ml.soundstats import FLOOR_DB, SOUND_DIM
from ml.starter import Description
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
        assert inputs.describe(CORPUS).private[0].shape[1] == FOREGROUND_DIM + 432 * pretrained


def described(inputs: Inputs, corpus: Corpus) -> Description:
    masks = {"has_video": corpus.has_video, "has_audio": corpus.has_audio}
    return inputs.starter.describe(corpus.foreground, corpus.sound, None, **masks)


@pytest.mark.parametrize("whitened", [False, True])
def test_beside_the_networks_are_descriptions_cut_off_far_out(whitened: bool) -> None:
    inputs = Inputs.fit(CORPUS, Method(whitened=whitened), pretrained=False)
    found = described(inputs, CORPUS)
    seen, heard = inputs.describe(CORPUS).beside
    assert heard.shape == (300, SOUND_DIM)
    for z, rows in zip((seen, heard), found.white if whitened else found.plain, strict=True):
        scaled = rows / np.sqrt(np.square(rows, dtype=np.float64).mean())
        np.testing.assert_allclose(z, np.clip(scaled, -FARTHEST, FARTHEST), rtol=1e-4, atol=1e-5)
        # A cut at 8 root mean squares takes little away.
        assert np.sqrt(np.square(z).mean()) == pytest.approx(1, abs=0.1)
    lengths = np.linalg.norm(heard, axis=1)
    assert lengths.max() > 2 * np.median(lengths)
    assert (
        np.abs(inputs.describe(replace(CORPUS, sound=CORPUS.sound * 1000)).beside[1]).max()
        == FARTHEST
    )


def test_what_is_kept_is_the_starters_or_the_plain_directions() -> None:
    for whitened in (False, True):
        inputs = Inputs.fit(CORPUS, Method(whitened=whitened), pretrained=False)
        found, kept = described(inputs, CORPUS), inputs.describe(CORPUS)
        for i in (0, 1):
            plain = found.plain[i] / np.linalg.norm(found.plain[i], axis=1, keepdims=True)
            wanted = found.embedded[i] if whitened else plain
            np.testing.assert_allclose(kept.private[i], wanted, rtol=1e-5)
            np.testing.assert_array_equal(kept.novelty[i], found.novelty[i])


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
    found = inputs.describe(CORPUS)
    assert found.beside[0].any()
    assert not found.beside[1].any()
    assert np.isnan(found.novelty[1]).all()


@pytest.mark.parametrize("pretrained", [False, True])
def test_inputs_survive_as_arrays(pretrained: bool) -> None:
    inputs = Inputs.fit(CORPUS, Method(), pretrained=pretrained)
    again = Inputs.from_arrays(inputs.arrays())
    background = backgrounds(CORPUS)
    for one, other in (
        *zip(inputs.describe(CORPUS).novelty, again.describe(CORPUS).novelty, strict=True),
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
        *inputs.describe(still).novelty,
        inputs.crops(still.trunk),
        inputs.spectrogram(still.mel, backgrounds(still)),
    ):
        assert np.isfinite(x).all()
        assert np.abs(x).max() < 100
