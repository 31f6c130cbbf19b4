import numpy as np
import pytest

from ml.baselines.descriptions import Descriptions, Starter, UntrainedDescriptions, sounds
from ml.starter import StarterEncoder
from tests.ml.baselines.planted import planted, real_widths


def test_a_sound_is_its_statistics_and_each_bins_mean_and_deviation() -> None:
    corpus = planted(5).corpus
    rows = sounds(corpus)
    mel = corpus.mel.astype(np.float64)
    np.testing.assert_allclose(rows[:, 15:143], mel.mean(axis=2), rtol=1e-3)
    np.testing.assert_allclose(rows[:, 143:], mel.std(axis=2), rtol=1e-3)


def test_each_block_weighs_alike_and_a_column_deviates_by_one() -> None:
    corpus = planted(200).corpus
    rows = Descriptions.fit(corpus).pictures(corpus)
    energy = np.square(rows[:, :20]).sum() / np.square(rows[:, 20:]).sum()
    assert energy == pytest.approx(1, rel=0.1)
    assert np.square(rows).mean() == pytest.approx(1, rel=0.1)


def test_untrained_descriptions_find_what_is_alike() -> None:
    footage = planted(120)
    system = UntrainedDescriptions()
    system.fit(footage.corpus, 0)
    z = system.embed(footage.corpus)
    assert footage.search(z.joint) > 0.9
    assert z.common is None
    assert system.weights == "none"


@pytest.mark.parametrize("trunk", [None, "x3d-m kinetics-400 12345678"])
def test_the_starter_is_the_products(trunk: str | None) -> None:
    corpus = real_widths(planted(60).corpus)
    system = Starter(trunk)
    system.fit(corpus, 0)
    masks = {"has_video": corpus.has_video, "has_audio": corpus.has_audio}
    given = corpus.trunk.astype(np.float32) if trunk else None
    encoder = StarterEncoder.fit(corpus.foreground, corpus.sound, given, **masks)
    expected = encoder.embed(corpus.foreground, corpus.sound, given, **masks)
    z = system.embed(corpus)
    np.testing.assert_array_equal(z.z_v, expected[0])
    np.testing.assert_array_equal(z.z_a, expected[1])


def test_a_camera_without_pictures_has_sounds() -> None:
    dark = planted(30).without(has_video=np.zeros(30, bool))
    system = UntrainedDescriptions()
    system.fit(dark, 0)
    z = system.embed(dark)
    assert not z.z_v.any()
    assert z.z_a.any()
