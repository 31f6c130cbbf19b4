from dataclasses import replace

import numpy as np
import pytest

from ml.baselines.learnt import Learnt, learnt
from ml.baselines.system import ScoresAnomalies, cross_scores
from ml.method import METHODS
from ml.training import Training, TrainingError
from tests.ml.baselines.planted import planted, real_widths


def test_it_is_the_products_own_training() -> None:
    corpus = real_widths(planted(320).corpus)
    method = replace(METHODS["tpg"], epochs=2, frozen_epochs=1)
    system = Learnt(method)
    system.fit(corpus, 3)
    training = Training(corpus, method, 3, pretrained=False)
    while not training.finished:
        training.run_epoch()
    encoder = training.encoder()
    z_v, z_a = encoder.embed(corpus)
    z = system.embed(corpus)
    np.testing.assert_array_equal(z.z_v, z_v)
    np.testing.assert_array_equal(z.z_a, z_a)
    assert z.common is not None
    assert z.common[0].shape == (320, encoder.shared) == (320, 512)
    assert np.isfinite(cross_scores(z)).all()
    assert len(system.reports) == training.epochs_total


def test_each_method_says_what_it_is() -> None:
    assert [(learnt(m).name, learnt(m).anomaly) for m in ("tpg", "epg", "consensus")] == [
        ("TPG", "cross"),
        ("EPG as printed", "cross"),
        ("Reprise", "own"),
    ]
    assert isinstance(learnt("consensus"), ScoresAnomalies)
    assert not isinstance(learnt("epg"), ScoresAnomalies)
    assert Learnt("tpg").weights == "own, on a trunk of random weights"
    assert "kinetics" in Learnt("tpg", trunk_weights="x3d-m kinetics-400 12345678").weights


def test_too_little_footage_is_refused() -> None:
    with pytest.raises(TrainingError):
        Learnt("tpg").fit(real_widths(planted(30).corpus), 0)


def test_ours_finds_a_planted_moment_unusual_by_how_far_it_stands_out() -> None:
    train, later = real_widths(planted(320).corpus), real_widths(planted(320, seed=9).corpus)
    system = learnt(replace(METHODS["consensus"], epochs=1))
    system.fit(train, 0)
    assert isinstance(system, ScoresAnomalies)
    odd = replace(later, sound=later.sound.copy(), at=later.at + 100_000)
    odd.sound[100] += 40 * np.sign(np.arange(odd.sound.shape[1]) % 2 - 0.5)
    scores = system.surprise(odd)
    assert scores.shape == (320,)
    assert scores.argmax() == 100
