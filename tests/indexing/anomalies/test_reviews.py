"""The review desk's doors: one clock, curves that lose no peak, reviews, what they hide, drift."""

from dataclasses import replace

import numpy as np
import pytest
from django.contrib.auth.models import User
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.anomalies import reviews
from indexing.anomalies.camera_scores import binned, camera_scores, sigmas
from indexing.anomalies.drift import Drift, drift
from indexing.anomalies.likeness import Likeness, Moment
from indexing.anomalies.normal import Score
from indexing.anomalies.recording_scores import AnomalyError, AnomalyQuery, find_anomalies
from indexing.anomalies.reviews import ReviewError, hidden_by, record, review_at, reviews_of, undo
from indexing.encoders.publishing import read_features
from indexing.footage.levels import loudness
from indexing.models import Camera, Recording, Review
from tests.footage import add_footage
from tests.indexing.anomalies.test_anomalies import chunk_of, lacks, plant

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return User.objects.create_user("operator")


def street() -> tuple[Recording, Recording]:
    """Two recordings of a camera: one strange picture each, and a strange sound in the second."""
    first, second = (add_footage("north", 360, seed=seed) for seed in (1, 2))
    plant(first, 100, "foreground")
    plant(second, 200, "foreground")
    plant(second, 300, "sound")
    return first, second


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    since=st.integers(0, 4000),
    length=st.integers(1, 6000),
    bins=st.integers(1, 700),
)
def test_a_curve_loses_no_peak_and_invents_none(
    seed: int, since: int, length: int, bins: int
) -> None:
    random = np.random.default_rng(seed)
    at = np.sort(random.choice(8000, 3000, replace=False)).astype(np.int64)
    values = random.normal(size=3000)
    values[random.random(3000) < 0.1] = np.nan
    found = binned(at, values, since=since, until=since + length, bins=bins)
    assert len(found.most) <= max(2, bins)
    assert found.since <= since
    assert found.since + found.step * len(found.most) >= since + length
    for number, most in enumerate(found.most):
        start = found.since + number * found.step
        inside = values[(at >= start) & (at < start + found.step)]
        inside = inside[np.isfinite(inside)]
        assert (most is None) == (not len(inside))
        if most is not None:
            assert most == pytest.approx(inside.max(), abs=1e-3)


def test_all_recordings_of_a_camera_lie_on_one_clock() -> None:
    first, second = street()
    add_footage("south", 240)

    found = camera_scores(first.camera)

    assert len(found.at) == 720
    for recording in (first, second):
        own = find_anomalies(AnomalyQuery(recording.pk))
        here = found.recording == recording.pk
        assert found.at[here].tolist() == [
            round(recording.start.timestamp()) + s for s in range(360)
        ]
        np.testing.assert_allclose(found.values[here], np.array(own.scores, float))
        assert [f.peak for f in found.peaks(3.0) if f.recording == recording] == list(own.peaks)
    peaks = [(f.recording.pk, f.peak.peak) for f in found.peaks(3.0)]
    assert peaks == [(first.pk, 100), (second.pk, 200), (second.pk, 300)]
    whole = found.curve(since=int(found.at.min()), until=int(found.at.max()) + 1, bins=20)
    assert max(m for m in whole.most if m is not None) == pytest.approx(
        np.nanmax(found.values), abs=1e-3
    )


@pytest.mark.parametrize("score", [Score.COMBINED, Score.NEIGHBOUR])
def test_the_counts_are_those_of_the_peaks(score: Score) -> None:
    found = camera_scores(street()[0].camera, score)
    counts = dict(zip(sigmas(), found.counts(), strict=True))
    assert next(iter(counts)) == 1.0
    assert list(counts)[-1] == 6.0
    assert counts[1.0] > counts[3.0] > 0
    for sigma in (1.0, 1.5, 2.2, 3.0, 6.0):
        assert counts[sigma] == len(found.peaks(sigma))


def test_a_camera_without_footage_gets_a_sentence() -> None:
    camera = Camera.objects.create(name="new")
    with pytest.raises(AnomalyError, match="Nothing of new has been embedded yet"):
        camera_scores(camera)


def test_a_moment_tells_how_surprising_its_picture_and_its_sound_are() -> None:
    first, second = street()
    found = camera_scores(first.camera)
    seen, heard = found.surprise(first.pk, 100), found.surprise(second.pk, 300)
    assert seen["video"] > 2 * seen["audio"]
    assert heard["audio"] > 2 * heard["video"]
    assert found.surprise(first.pk, 999) == {}


def test_how_loud_a_second_is_comes_from_its_features() -> None:
    recording = add_footage("north", 240)
    lacks(recording, 10, 12, "has_audio")
    found = loudness(recording)
    assert np.flatnonzero(np.isnan(found)).tolist() == [10, 11]
    features = read_features(chunk_of(recording, 100), mel=True)
    row = 100 - chunk_of(recording, 100).start_s
    wanted = 10 * np.log10(np.mean(10 ** (features.mel[row].astype(float) / 10)))
    assert found[100] == pytest.approx(wanted, abs=0.05)


def test_the_nearest_ordinary_seconds_are_ordinary_and_of_other_minutes() -> None:
    first, second = street()
    found = camera_scores(first.camera)
    nearest = Likeness(found).nearest_ordinary(Moment(second.pk, 200, ("video",)), 3)
    assert len(nearest) == 3
    rows = [found.row(*one) for one in nearest]
    limit = found.threshold(1.0).value
    assert all(row is not None and found.values[row] <= limit for row in rows)
    moments = sorted(int(found.at[row]) for row in rows if row is not None)
    assert min(np.diff(moments)) > 60
    assert Likeness(found).nearest_ordinary(Moment(second.pk, 999, ("video",)), 3) == []


def test_a_dismissed_moment_hides_its_like_and_nothing_else(user: User) -> None:
    first, second = street()
    found = camera_scores(first.camera)
    peaks = found.peaks(3.0)
    assert hidden_by(found, peaks, list(reviews_of(user, first.camera))) == [None] * 3

    dismissed = record(user, first, peaks[0].peak, verdict="dismissed")

    mine = list(reviews_of(user, first.camera))
    assert hidden_by(found, peaks, mine) == [None, dismissed, None]
    assert review_at(mine, peaks[0]) == dismissed
    assert review_at(mine, peaks[1]) is None
    other = User.objects.create_user("other")
    assert not reviews_of(other, first.camera).exists()
    # What is confirmed itself is not hidden, and neither is what is nearer to something confirmed.
    record(user, second, peaks[1].peak, verdict="confirmed")
    assert hidden_by(found, peaks, list(reviews_of(user, first.camera))) == [None] * 3

    undo(user, dismissed.pk)
    assert [r.verdict for r in reviews_of(user, first.camera)] == ["confirmed"]


def test_a_dismissed_sound_does_not_hide_a_strange_picture(user: User) -> None:
    first, second = street()
    plant(first, 150, "foreground", "sound")
    found = camera_scores(first.camera)
    peaks = {(f.recording.pk, f.peak.peak): f for f in found.peaks(3.0)}
    record(user, second, peaks[second.pk, 300].peak, verdict="dismissed")
    hidden = hidden_by(found, list(peaks.values()), list(reviews_of(user, first.camera)))
    assert hidden[list(peaks).index((first.pk, 150))] is None


def test_a_second_verdict_takes_the_place_of_the_first(user: User) -> None:
    first, _ = street()
    peak = camera_scores(first.camera).peaks(3.0)[0].peak
    record(user, first, peak, verdict="unsure", note="Too dark.")
    record(user, first, replace(peak, end=peak.end + 2), verdict="confirmed")
    (kept,) = reviews_of(user, first.camera)
    assert (kept.verdict, kept.note, kept.encoder) == ("confirmed", "", first.camera.encoder)
    assert kept.because == "video"


def test_a_review_that_makes_no_sense_gets_a_sentence(user: User) -> None:
    first, _ = street()
    peak = camera_scores(first.camera).peaks(3.0)[0].peak
    with pytest.raises(ReviewError, match="confirmed, dismissed or unsure"):
        record(user, first, peak, verdict="maybe")
    with pytest.raises(ReviewError, match="no such seconds"):
        record(user, first, replace(peak, end=361), verdict="unsure")
    with pytest.raises(ReviewError, match="at most 2,000 characters"):
        record(user, first, peak, verdict="unsure", note="x" * (reviews.LONGEST_NOTE + 1))
    kept = record(user, first, peak, verdict="unsure")
    with pytest.raises(ReviewError, match="taken back already"):
        undo(User.objects.create_user("other"), kept.pk)
    assert Review.objects.count() == 1


def test_without_a_measure_of_novelty_there_is_no_word_on_drift() -> None:
    assert drift(camera_scores(street()[0].camera)) is None


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (Drift(3600, 0.06, 0.05, 0, 0), []),
        (
            Drift(3600, 0.62, 0.05, 0, 0),
            ["62% of the pictures of the last 1 h 00 min", "moved, turned or covered"],
        ),
        (Drift(600, None, 0.4, 0, 0), ["40% of the sounds of the last 10 min", "The microphone"]),
        (Drift(3600, 0.3, 0.4, 0, 0), ["30% of the pictures", "40% of the sounds", "season"]),
        (Drift(3600, 0.05, None, 0, 1), ["100% of the last 1 h 00 min have no sound"]),
        (Drift(3600, None, 0.05, 0.5, 0), ["50% of the last 1 h 00 min have no picture"]),
    ],
)
def test_drift_is_told_with_its_evidence(measured: Drift, said: list[str]) -> None:
    sentences = measured.sentences
    assert len(sentences) == len(said)
    for sentence, part in zip(sentences, said, strict=True):
        assert part in sentence
        assert sentence.endswith(".")
