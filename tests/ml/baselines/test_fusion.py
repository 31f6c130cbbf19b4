import numpy as np
import pytest

from ml.baselines.fusion import Fusion
from ml.baselines.mixture import MATCH, RATE, AdaptiveMixture
from ml.baselines.system import ScoresAnomalies
from tests.ml.baselines.planted import planted


def two_places(n: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    side = np.where(random.random(n) < 0.5, -4.0, 4.0)
    return random.normal(size=(n, 3)) * 0.5 + side[:, None]


def test_what_is_seen_often_is_background_and_the_rest_is_far() -> None:
    mixture = AdaptiveMixture.fit(two_places(2000))
    usual = [mixture.surprise(row) for row in two_places(200, seed=1)]
    assert np.median(usual) < 1.3
    assert mixture.surprise(np.zeros(3)) > 3
    assert mixture.surprise(np.array([4.0, -4.0, 4.0])) > 3
    assert mixture.weight.sum() == pytest.approx(1)


def test_an_update_is_that_of_the_equations() -> None:
    mean, variance = np.array([[0.0, 0.0], [9.0, 9.0]]), np.ones((2, 2))
    mixture = AdaptiveMixture(mean, variance, np.array([0.6, 0.4]), 2 * np.ones(2))
    mixture.update(np.array([1.0, 2.0]))
    weight = 0.6 * (1 - RATE) + RATE
    step = RATE / weight
    np.testing.assert_allclose(mixture.weight, [weight, 0.4 * (1 - RATE)])
    np.testing.assert_allclose(mixture.mean[0], [step, 2 * step])
    np.testing.assert_allclose(mixture.variance[0], [1, 1 + 3 * step])
    np.testing.assert_array_equal(mixture.mean[1], [9, 9])
    far = np.array([-50.0, 50.0])
    assert mixture.distances(far).min() > MATCH
    mixture.update(far)
    np.testing.assert_array_equal(mixture.mean[1], far)
    np.testing.assert_array_equal(mixture.variance[1], [2, 2])


def test_it_adapts_to_what_stays() -> None:
    mixture = AdaptiveMixture.fit(two_places(500))
    new = np.array([0.0, 0.0, 0.0])
    before = mixture.surprise(new)
    copy = mixture.copy()
    for row in np.random.default_rng(0).normal(size=(150, 3)) * 0.3:
        copy.update(row)
    assert copy.surprise(new) < 1 < before
    assert mixture.surprise(new) == before


def test_it_finds_a_sound_that_does_not_belong() -> None:
    system = Fusion(epochs=30, width=32)
    system.fit(planted(400).corpus, 0)
    assert isinstance(system, ScoresAnomalies)
    other = planted(150, seed=1)
    corpus = other.corpus
    corpus.foreground[60] = 12
    corpus.sound[60] = -12
    scores = system.surprise(corpus)
    assert np.argmax(scores) == 60
    np.testing.assert_array_equal(scores, system.surprise(corpus))
    z = system.embed(corpus)
    assert z.common is not None
    assert other.crossing(*z.common) > 0.5
    assert z.concatenated
    assert system.losses[-1] < system.losses[0]


def test_single_frames_are_taken_where_they_are() -> None:
    footage = planted(150)
    corpus, kind = footage.corpus, footage.kind
    frames = np.random.default_rng(0).normal(size=(6, 1280))[kind].astype(np.float32)
    system = Fusion(epochs=3, width=32)
    system.fit(corpus, 0, frame_features=frames)
    assert footage.search(system.embed(corpus, frame_features=frames).z_v) > 0.9
    with pytest.raises(ValueError, match="needs them"):
        system.embed(corpus)


def test_clips_without_sound_are_not_scored() -> None:
    corpus = planted(150).without(has_audio=np.arange(150) > 20)
    system = Fusion(epochs=1, width=16)
    system.fit(corpus, 0)
    scores = system.surprise(corpus)
    np.testing.assert_array_equal(np.isnan(scores), ~corpus.has_audio)


def test_the_seed_alone_decides() -> None:
    corpus = planted(150).corpus

    def trained(seed: int) -> np.ndarray:
        system = Fusion(epochs=1, width=16)
        system.fit(corpus, seed)
        return system.surprise(corpus)

    np.testing.assert_array_equal(trained(1), trained(1))
    assert (trained(1) != trained(2)).any()
