import numpy as np

from ml.soundstats import BLOCKS, SOUND_DIM, sound_statistics


def test_shape_variation_and_flux_of_every_bin() -> None:
    mel = np.random.default_rng(0).normal(-40, 10, (3, 128, 64)).astype(np.float32)
    statistics = sound_statistics(mel)
    assert statistics.shape == (3, SOUND_DIM)
    assert statistics.dtype == np.float32
    assert sum(BLOCKS.values()) == SOUND_DIM
    level = mel[1].mean(axis=1)
    np.testing.assert_allclose(statistics[1, :128], level - level.mean(), atol=1e-4)
    np.testing.assert_allclose(statistics[2, 128:256], mel[2].std(axis=1), rtol=1e-4)
    change = np.abs(mel[0, :, 1:] - mel[0, :, :-1]).mean(axis=1)
    np.testing.assert_allclose(statistics[0, 256:], change, rtol=1e-4)


def test_the_same_sound_from_afar_has_the_same_shape_variation_and_flux() -> None:
    mel = np.random.default_rng(1).normal(-40, 10, (1, 128, 64)).astype(np.float32)
    np.testing.assert_allclose(sound_statistics(mel), sound_statistics(mel - 12), atol=1e-4)


def test_no_clips_have_no_statistics() -> None:
    assert sound_statistics(np.zeros((0, 128, 64), np.float32)).shape == (0, SOUND_DIM)
