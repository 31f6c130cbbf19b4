from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ml.distance import eq5
from ml.foreground import COLOURS, FOREGROUND_DIM
from ml.soundstats import SOUND_DIM
from ml.starter import SOUND_LENGTH, VIDEO_LENGTH, StarterEncoder
from tests.ml.planted import planted


def clips(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    foreground = random.exponential(0.02, (n, FOREGROUND_DIM)).astype(np.float32)
    sound = random.normal(-50, 8, (n, SOUND_DIM)).astype(np.float32)
    trunk = random.exponential(0.5, (n, 2, 432)).astype(np.float32)
    return foreground, sound, trunk


def all_of(n: int) -> dict[str, np.ndarray]:
    return {"has_video": np.ones(n, bool), "has_audio": np.ones(n, bool)}


@pytest.mark.parametrize("with_trunk", [False, True])
def test_embeddings_are_float32_of_a_sane_length(with_trunk: bool) -> None:
    foreground, sound, trunk = clips(200)
    given = trunk if with_trunk else None
    starter = StarterEncoder.fit(foreground, sound, given, **all_of(200))
    z_v, z_a = starter.embed(foreground, sound, given, **all_of(200))
    for z in (z_v, z_a):
        assert z.dtype == np.float32
        assert 0.5 < np.median(np.linalg.norm(z, axis=1)) < 5
    assert starter.uses_trunk is with_trunk
    assert starter.fitted_on == 200


def test_a_clip_is_embedded_the_same_in_any_company() -> None:
    foreground, sound, _ = clips(50)
    starter = StarterEncoder.fit(foreground, sound, **all_of(50))
    together = starter.embed(foreground, sound, **all_of(50))
    alone = starter.embed(foreground[7:8], sound[7:8], **all_of(1))
    for many, one in zip(together, alone, strict=True):
        np.testing.assert_allclose(many[7:8], one, atol=1e-5)


@pytest.mark.parametrize("n", [1, 2])
def test_one_clip_is_enough_to_begin_with(n: int) -> None:
    foreground, sound, _ = clips(n)
    starter = StarterEncoder.fit(foreground, sound, **all_of(n))
    others = clips(30, seed=1)
    z_v, z_a = starter.embed(*others[:2], **all_of(30))
    for z in (z_v, z_a):
        assert np.isfinite(z).all()
        assert len(np.unique(z, axis=0)) == 30
        assert np.linalg.norm(z, axis=1).max() < 50


def test_a_rare_colour_brings_its_clips_together() -> None:
    foreground, sound, _ = clips(300)
    rare = COLOURS + 5  # the largest patch of one colour
    foreground[:, rare] = 0
    starter = StarterEncoder.fit(foreground, sound, **all_of(300))
    foreground[[40, 240], rare] = 0.15
    z_v, _ = starter.embed(foreground, sound, **all_of(300))
    distances = eq5(z_v[40], z_v)
    distances[40] = np.inf
    assert distances.argmin() == 240


def test_absent_modalities_stay_zero_and_unread() -> None:
    foreground, sound, _ = clips(40)
    masks = {"has_video": np.arange(40) % 2 == 0, "has_audio": np.arange(40) < 10}
    foreground[~masks["has_video"]] = np.nan
    sound[~masks["has_audio"]] = np.nan
    starter = StarterEncoder.fit(foreground, sound, **masks)
    z_v, z_a = starter.embed(foreground, sound, **masks)
    assert np.isfinite(z_v).all()
    assert np.isfinite(z_a).all()
    assert not z_v[~masks["has_video"]].any()
    assert not z_a[~masks["has_audio"]].any()


def test_a_camera_without_sound_has_no_audio_part() -> None:
    foreground, sound, _ = clips(10)
    silent = {"has_video": np.ones(10, bool), "has_audio": np.zeros(10, bool)}
    starter = StarterEncoder.fit(foreground, sound, **silent)
    assert starter.audio is None
    assert not starter.embed(foreground, sound, **all_of(10))[1].any()


@pytest.mark.parametrize("with_trunk", [False, True])
def test_it_comes_back_from_a_file_as_it_was(tmp_path: Path, with_trunk: bool) -> None:
    foreground, sound, trunk = clips(30)
    given = trunk if with_trunk else None
    starter = StarterEncoder.fit(foreground, sound, given, **all_of(30))
    save_file(starter.arrays(), tmp_path / "starter.safetensors")
    again = StarterEncoder.from_arrays(load_file(tmp_path / "starter.safetensors"))
    assert (again.fitted_on, again.uses_trunk) == (30, with_trunk)
    for old, new in zip(
        starter.embed(foreground, sound, given, **all_of(30)),
        again.embed(foreground, sound, given, **all_of(30)),
        strict=True,
    ):
        np.testing.assert_array_equal(old, new)


def test_trunk_features_must_come_where_they_were_fitted() -> None:
    foreground, sound, trunk = clips(5)
    starter = StarterEncoder.fit(foreground, sound, **all_of(5))
    with pytest.raises(ValueError, match="fitted"):
        starter.embed(foreground, sound, trunk, **all_of(5))


def test_extremes_are_cut_off() -> None:
    foreground, sound, _ = clips(100)
    starter = StarterEncoder.fit(foreground, sound, **all_of(100))
    z_v, z_a = starter.embed(foreground * np.float32(1e6), sound * np.float32(1e6), **all_of(100))
    assert np.linalg.norm(z_v, axis=1).max() < 100
    assert np.linalg.norm(z_a, axis=1).max() < 100


@pytest.mark.parametrize("with_trunk", [False, True])
def test_everything_has_one_length_so_that_how_far_it_is_does_not_decide(with_trunk: bool) -> None:
    foreground, sound, trunk = clips(60)
    given = trunk if with_trunk else None
    starter = StarterEncoder.fit(foreground, sound, given, **all_of(60))
    found = starter.describe(foreground, sound, given, **all_of(60))
    for z, length in zip(found.embedded, (VIDEO_LENGTH, SOUND_LENGTH), strict=True):
        np.testing.assert_allclose(np.linalg.norm(z, axis=1), length, rtol=1e-5)
    # The trunk's 432 columns weigh what the foreground's few do.
    seen = np.linalg.norm(found.embedded[0][:, :FOREGROUND_DIM], axis=1)
    np.testing.assert_allclose(seen, VIDEO_LENGTH / np.sqrt(1 + with_trunk), rtol=1e-5)
    for white, plain in zip(found.white, found.plain, strict=True):
        assert white.shape == plain.shape
        assert not np.allclose(white, plain)


def test_novelty_is_the_mahalanobis_distance_from_the_ordinary() -> None:
    corpus, labels = planted(900, 2, rate=0.01)
    masks = {"has_video": corpus.has_video, "has_audio": corpus.has_audio}
    starter = StarterEncoder.fit(corpus.foreground, corpus.sound, None, **masks)
    found = starter.describe(corpus.foreground, corpus.sound, None, **masks)
    eventful = np.array([bool(some) for some in labels])
    for novelty, white in zip(found.novelty, found.white, strict=True):
        lengths = np.linalg.norm(white.astype(np.float64), axis=1)
        np.testing.assert_allclose(novelty, lengths / np.median(lengths), rtol=1e-4)
        assert (novelty[eventful][:, None] > novelty[~eventful]).mean() > 0.75
    assert starter.ordinary is not None
    np.testing.assert_allclose(starter.ordinary.video, found.novelty[0], rtol=1e-6)
    scores = starter.ordinary.scores(*(n.astype(np.float64) for n in found.novelty))
    assert (scores.combined[eventful][:, None] > scores.combined[~eventful]).mean() > 0.9


def test_what_is_absent_has_no_novelty_and_little_footage_no_ordinary() -> None:
    foreground, sound, _ = clips(130)
    masks = {"has_video": np.arange(130) % 2 == 0, "has_audio": np.arange(130) < 125}
    starter = StarterEncoder.fit(foreground, sound, **masks)
    found = starter.describe(foreground, sound, None, **masks)
    for novelty, mask in zip(found.novelty, masks.values(), strict=True):
        np.testing.assert_array_equal(np.isfinite(novelty), mask)
    # 65 pictures tell nothing, 125 sounds do.
    assert starter.ordinary is not None
    assert set(starter.ordinary.calibrations) == {"audio"}
    assert StarterEncoder.fit(foreground[:60], sound[:60], **all_of(60)).ordinary is None


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("typical", np.ones(3, np.float32)),
        ("typical", np.zeros(2, np.float32)),
        ("known", np.zeros((1, 30), np.float32)),
        ("whitening.sound.matrix", np.ones((2, 2), np.float32)),
    ],
)
def test_arrays_of_other_shapes_are_refused(name: str, array: np.ndarray) -> None:
    foreground, sound, _ = clips(30)
    arrays = StarterEncoder.fit(foreground, sound, **all_of(30)).arrays()
    assert name in arrays
    with pytest.raises(ValueError, match=r"\.$"):
        StarterEncoder.from_arrays({**arrays, name: array})
