from typing import Any, TypedDict

import numpy as np
import pytest
from safetensors.numpy import load, save
from scipy import stats

from ml import anomaly
from ml.anomaly import Calibration, Detector, Threshold, combine, cross, neighbour
from ml.distance import eq5

Floats = np.ndarray


def street(n: int, seed: int = 0) -> tuple[Floats, Floats]:
    """A dozen ordinary kinds of clip, the same every time, in a shared space of 8 columns."""
    centres = np.random.default_rng(99).normal(size=(12, 8))
    random = np.random.default_rng(seed)
    kind = random.integers(0, 12, n)
    video, audio = (centres[kind] + 0.2 * random.normal(size=(n, 8)) for _ in range(2))
    return video.astype(np.float32), audio.astype(np.float32)


class Masks(TypedDict):
    has_video: np.ndarray
    has_audio: np.ndarray


def everywhere(n: int) -> Masks:
    return {"has_video": np.ones(n, bool), "has_audio": np.ones(n, bool)}


def fitted(n: int = 900, **settings: Any) -> Detector:
    z_v, z_a = street(n)
    settings = {**everywhere(n), "at": np.arange(n), "shared": 8, **settings}
    return Detector.fit(z_v, z_a, **settings)


def test_cross_compares_the_directions_of_a_clips_own_shared_columns() -> None:
    z_v, z_a = street(5)
    private = np.ones((5, 3), np.float32)
    wide_v, wide_a = np.hstack([z_v, private]), np.hstack([z_a, -private, private])
    unit_v, unit_a = (z / np.linalg.norm(z.astype(float), axis=1)[:, None] for z in (z_v, z_a))
    by_direction = [eq5(unit_v[i], unit_a[i]) for i in range(5)]
    np.testing.assert_allclose(cross(wide_v, wide_a, 8), by_direction, rtol=1e-5)
    np.testing.assert_allclose(cross(3 * wide_v, wide_a, 8), by_direction, rtol=1e-5)
    np.testing.assert_allclose(cross(z_v, z_a), [eq5(z_v[i], z_a[i]) for i in range(5)])
    with pytest.raises(ValueError, match="no common space"):
        cross(wide_v, wide_a)
    with pytest.raises(ValueError, match="no common space"):
        cross(wide_v, wide_a, 0)


@pytest.mark.parametrize("k", [1, 4])
def test_neighbours_are_those_of_a_plain_loop(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anomaly, "_BLOCK", 7)
    z, _ = street(40, seed=1)
    reference, _ = street(150, seed=2)
    z[3], reference[5] = 0, 0
    at, reference_at = np.arange(40) * 5, np.arange(150) * 3
    found = neighbour(z, reference, k, at=at, reference_at=reference_at, exclusion_s=30)
    for i in range(40):
        allowed = [
            float(eq5(z[i], reference[j])) for j in range(150) if abs(at[i] - reference_at[j]) > 30
        ]
        assert found[i] == pytest.approx(sorted(allowed)[k - 1], rel=1e-6)


def test_few_references_are_enough_and_none_gives_no_score() -> None:
    z, _ = street(3)
    one = z[:1]
    np.testing.assert_allclose(neighbour(z, one, 5), eq5(z, one))
    assert np.isnan(neighbour(z, one[:0])).all()
    assert np.isnan(neighbour(z, one, at=np.arange(3), reference_at=np.zeros(1, np.int64))).all()


def test_a_surprise_goes_on_beyond_what_training_saw() -> None:
    scores = np.random.default_rng(0).exponential(2.0, 4000) + 7
    surprise = Calibration.fit(scores)
    # Exponential scores are their own surprise.
    at = np.array([7.5, 9.0, 13.0, 40.0])
    np.testing.assert_allclose(surprise(at), (at - 7) / 2, rtol=0.1, atol=0.05)
    assert (np.diff(surprise(np.linspace(0, 60, 500))) >= 0).all()


def test_a_constant_score_is_no_surprise_but_any_other_is() -> None:
    surprise = Calibration.fit(np.full(100, 3.0))
    assert surprise([3.0])[0] <= -np.log(anomaly.TAIL) + 1e-9
    assert surprise([4.0])[0] > 100


def test_combining_is_fishers_method() -> None:
    first, second = np.array([0.1, 3.0, 12.0, 2.0]), np.array([0.4, 0.7, 12.0, np.nan])
    for i in range(4):
        shares = [np.exp(-s[i]) for s in (first, second) if np.isfinite(s[i])]
        share = stats.combine_pvalues(shares, method="fisher").pvalue
        assert combine([first, second])[i] == pytest.approx(stats.norm.isf(share), rel=1e-6)
    assert np.isnan(combine([np.array([np.nan])])).all()
    assert np.isfinite(combine([np.array([1e6]), np.array([0.0])])).all()


def test_the_threshold_flags_about_what_three_sigmas_say() -> None:
    detector = fitted(3000)
    z_v, z_a = street(3000)
    scores = detector.score(z_v, z_a, **everywhere(3000), at=np.arange(3000))
    flagged = (scores.combined > detector.thresholds["combined"].value).mean()
    assert 0.0002 < flagged < 0.01
    assert Threshold.of([1.0, 3.0, np.nan], 2.0).value == 4.0
    assert Threshold.of([np.nan]).value == np.inf


def test_planted_anomalies_are_found_and_explained() -> None:
    detector = fitted()
    z_v, z_a = street(600, seed=5)
    z_v[100:104] += 6
    z_a[300] -= 6
    z_v[500:502] -= 5
    z_a[500:502] += 5
    scores = detector.score(z_v, z_a, **everywhere(600))
    peaks = detector.peaks(scores, 1000 + np.arange(600))
    strong = [peak for peak in peaks if peak.score > 5]
    planted = [(1100, 1103, ("video",)), (1300, 1300, ("audio",)), (1500, 1501, ("video", "audio"))]
    assert len(strong) == len(planted)
    for found, (first, last, because) in zip(strong, planted, strict=True):
        assert found.start <= first <= found.peak <= last <= found.end
        assert found.because == because
    assert all(p.start <= p.peak <= p.end for p in peaks)
    assert len(peaks) < 8


def test_a_wrong_sound_is_a_cross_modal_surprise_alone() -> None:
    detector = fitted(parts=("video", "audio", "cross"))
    z_v, z_a = street(200, seed=6)
    z_a[50] = z_a[np.argmax(eq5(z_v[50], z_a))]
    scores = detector.score(z_v, z_a, **everywhere(200))
    assert scores.cross[50] > detector.thresholds["cross"].value
    assert scores.video[50] < detector.thresholds["video"].value
    assert scores.audio[50] < detector.thresholds["audio"].value
    assert list(scores.because[50]) == [False, False, True]
    peaks = detector.peaks(scores, np.arange(200), "cross")
    assert max(peaks, key=lambda peak: peak.score).peak == 50
    assert {peak.because for peak in peaks} == {("cross",)}


def test_absent_modalities_are_absent() -> None:
    masks: Masks = {"has_video": np.arange(600) % 3 > 0, "has_audio": np.arange(600) % 2 > 0}
    z_v, z_a = street(600)
    z_v[~masks["has_video"]] = np.nan
    z_a[~masks["has_audio"]] = np.nan
    detector = Detector.fit(z_v, z_a, **masks, at=np.arange(600), shared=8)
    scores = detector.score(z_v, z_a, **masks, at=np.arange(600))
    np.testing.assert_array_equal(np.isnan(scores.video), ~masks["has_video"])
    np.testing.assert_array_equal(np.isnan(scores.audio), ~masks["has_audio"])
    neither = ~(masks["has_video"] | masks["has_audio"])
    np.testing.assert_array_equal(np.isnan(scores.combined), neither)
    np.testing.assert_array_equal(
        np.isnan(scores.cross), ~(masks["has_video"] & masks["has_audio"])
    )
    assert not scores.because[~masks["has_audio"], 1].any()


def test_a_camera_without_sound_is_scored_by_its_pictures() -> None:
    silent: Masks = {"has_video": np.ones(300, bool), "has_audio": np.zeros(300, bool)}
    z_v, _ = street(300)
    nothing = np.zeros((300, 0), np.float32)
    detector = Detector.fit(z_v, nothing, **silent, at=np.arange(300))
    odd = z_v.copy()
    odd[7] += 9
    scores = detector.score(odd, nothing, **silent)
    assert np.nanargmax(scores.combined) == 7
    assert detector.thresholds["audio"].value == np.inf
    assert detector.peaks(scores, np.arange(300), "audio") == []


def test_a_training_event_is_not_its_own_neighbour() -> None:
    z_v, z_a = street(900)
    z_v[400:408] += 8
    detector = Detector.fit(z_v, z_a, **everywhere(900), at=np.arange(900), neighbours=5)
    own = detector.score(z_v, z_a, **everywhere(900), at=np.arange(900))
    assert 400 <= np.nanargmax(own.video) < 408
    strange = detector.score(z_v, z_a, **everywhere(900))
    assert strange.video[403] < own.video[403] / 2


def test_long_footage_is_thinned_out_evenly() -> None:
    detector = fitted(900, most=100)
    assert len(detector.reference.z_v) == len(detector.reference.z_a) == 100
    assert (detector.reference.at_v[0], detector.reference.at_v[-1]) == (0, 899)
    assert np.diff(detector.reference.at_v).max() <= 10


def test_it_comes_back_from_a_file_as_it_was() -> None:
    detector = fitted(parts=("video", "cross"), neighbours=3, sigma=2.5)
    again = Detector.from_arrays(load(save({k: np.array(v) for k, v in detector.arrays().items()})))
    z_v, z_a = street(50, seed=9)
    old, new = (d.score(z_v, z_a, **everywhere(50)) for d in (detector, again))
    for kind in anomaly.KINDS:
        np.testing.assert_array_equal(old.of(kind), new.of(kind))
    np.testing.assert_array_equal(old.because, new.because)
    assert again.thresholds == detector.thresholds
    assert again.parts == ("video", "cross")
