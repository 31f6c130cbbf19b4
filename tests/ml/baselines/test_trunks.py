"""Trunks by themselves: whole or shallow, of the mean or of peaks, and what is made of them."""

import numpy as np
import pytest
import torch

from ml.baselines.trunks import ForegroundAlone, Look, TrunkAlone, looks
from ml.encoders import split, video_encoder
from ml.preprocess import clip_tensor, two_crops
from tests.ml.planted import planted


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (10, 224, 398, 3)).astype(np.uint8)


def test_a_whole_look_is_the_trunk_itself(frames: np.ndarray) -> None:
    trunk, _ = split(video_encoder(0))
    crops = two_crops(frames[:5])
    with torch.inference_mode():
        wanted = trunk(clip_tensor(crops)).numpy().mean(axis=0)
    found = Look("whole").describe()(frames)
    assert found.shape == (2, 432)
    np.testing.assert_allclose(found[0], wanted, rtol=1e-3, atol=1e-5)


def test_a_shallow_look_has_the_channels_of_its_block(frames: np.ndarray) -> None:
    found = Look("shallow", blocks=3, peaks=True).describe()(frames)
    assert found.shape == (2, 48)
    assert (found >= Look("shallow", blocks=3).describe()(frames) - 1e-5).all()


def test_what_does_not_move_is_not_seen_by_a_look_at_what_moves() -> None:
    still = np.random.default_rng(4).integers(60, 200, (224, 398, 3)).astype(np.uint8)
    other = np.full_like(still, 90)
    rows = Look("moving", moving=True, blocks=1).describe()
    np.testing.assert_allclose(rows(np.stack([still] * 10)), rows(np.stack([other] * 10)))


def test_looks_name_the_projects_own_weights_only_where_there_are_some() -> None:
    assert [look.weights for look in looks(None)] == [None, None, None]
    assert len({look.name for look in looks(None)}) == 3


def test_features_of_a_look_are_whitened_and_of_one_length() -> None:
    corpus, _ = planted(60)
    features = np.random.default_rng(1).normal(5, 3, (60, 7)).astype(np.float32)
    system = TrunkAlone(Look("whole"))
    system.fit(corpus, 0, frame_features=features)
    found = system.embed(corpus, frame_features=features)
    assert found.z_a.shape == (60, 0)
    np.testing.assert_allclose(np.linalg.norm(found.z_v[found.has_video], axis=1), 1, rtol=1e-5)
    spread = found.z_v.std(axis=0)
    assert spread.max() < 1.5 * spread.min()
    with pytest.raises(ValueError, match="features of its own"):
        system.embed(corpus)


def test_the_foreground_alone_is_the_starter_without_sound() -> None:
    corpus, _ = planted(60)
    system = ForegroundAlone()
    system.fit(corpus, 0)
    found = system.embed(corpus)
    assert found.z_a.shape == (60, 0)
    assert found.z_v.shape == corpus.foreground.shape
