from dataclasses import replace

import numpy as np
import pytest

from ml.baselines.system import Embedded, cross_scores, detector, embedded
from ml.distance import eq5
from tests.ml.baselines.planted import planted


def test_absent_rows_are_zero_and_an_absent_modality_has_no_columns() -> None:
    corpus = planted(12).corpus
    corpus = replace(corpus, has_video=np.arange(12) > 2, has_audio=np.arange(12) < 9)
    ones = np.ones((12, 4), np.float32)
    both = embedded(corpus, ones, 2 * ones, common=(ones, ones))
    assert not both.z_v[:3].any()
    assert both.z_v[3:].all()
    assert not both.z_a[9:].any()
    assert both.common is not None
    assert not both.common[0][:3].any()
    assert both.joint.shape == (12, 8)
    blind = embedded(corpus, None, ones)
    assert blind.z_v.shape == (12, 0)
    assert not blind.has_video.any()
    assert (blind.has_audio == corpus.has_audio).all()


def test_cross_scores_are_eq5_of_the_common_space() -> None:
    random = np.random.default_rng(0)
    x, y = (random.normal(size=(6, 3)).astype(np.float32) for _ in range(2))
    seen, heard = np.arange(6) != 1, np.arange(6) != 4
    scores = cross_scores(Embedded(x, y, seen, heard, (x, y)))
    for clip in range(6):
        if clip in (1, 4):
            assert np.isnan(scores[clip])
        else:
            assert scores[clip] == pytest.approx(float(eq5(x[clip], y[clip])))
    with pytest.raises(ValueError, match="no common space"):
        cross_scores(Embedded(x, y, seen, heard))


def test_a_deaf_system_scores_by_its_pictures() -> None:
    random = np.random.default_rng(0)
    z = random.normal(size=(200, 5)).astype(np.float32)
    deaf = Embedded(z, np.zeros((200, 0), np.float32), np.ones(200, bool), np.zeros(200, bool))
    ordinary = detector(deaf, np.arange(200))
    odd = z.copy()
    odd[30] += 9
    scores = ordinary.score(odd, deaf.z_a, has_video=deaf.has_video, has_audio=deaf.has_audio)
    assert np.nanargmax(scores.combined) == 30
