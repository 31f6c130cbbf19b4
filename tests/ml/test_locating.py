import numpy as np
import pytest

from ml.localization import measure
from ml.locating import APART_S, Seconds, _folds, learn, moments, near, propose, quality, sample
from ml.metrics import average_precision

N = 3600
EVENT = np.zeros(N, bool)
for start in range(120, N, 240):
    EVENT[start : start + 6] = True


def street(labelled: int, *, seed: int = 0, at: np.ndarray | None = None) -> Seconds:
    """An hour with fifteen events, of which the first so many were labelled."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(N, 40)).astype(np.float32)
    rows[EVENT] += np.where(np.arange(40) < 4, 2.0, 0.0).astype(np.float32)
    truth = np.zeros(N, np.int8)
    truth[EVENT & (np.arange(N) < 120 + 240 * labelled)] = 1
    return Seconds(rows, np.arange(N) if at is None else at, truth)


def sampled(seconds: Seconds) -> Seconds:
    return seconds.some(sample(seconds.at, seconds.truth))


def test_what_was_not_labelled_is_found_from_five_labels() -> None:
    seconds = street(5)
    layer = learn(sampled(seconds))
    unseen = seconds.at > 120 + 240 * 5
    told = layer.probabilities(seconds.rows)[:, 0]
    found = measure(told[unseen], EVENT[unseen])
    assert found.average_precision > 0.7
    assert found.balanced_accuracy > 0.8


def test_occurrences_nobody_labelled_are_not_taken_for_absence() -> None:
    from ml.localization import Classifier

    seconds = sampled(street(5))
    happens = EVENT[seconds.at]
    once = Classifier.fit(seconds.rows, seconds.truth > 0, seed=0, balanced=True)
    unseen = seconds.truth == 0
    rates = [
        average_precision(layer.probabilities(seconds.rows)[unseen, 0], happens[unseen])
        for layer in (once, learn(seconds))
    ]
    assert rates[1] > rates[0]


def test_quality_is_chance_where_labels_mean_nothing_and_high_where_they_do() -> None:
    real = quality(sampled(street(8)))
    assert real
    assert real.moments == 8
    assert real.balanced_accuracy > 0.75
    seconds = street(8)
    shuffled = np.zeros(N, np.int8)
    for start in range(0, N, 450):
        shuffled[start : start + 6] = 1
    made_up = quality(sampled(Seconds(seconds.rows, seconds.at, shuffled)))
    assert made_up
    assert made_up.balanced_accuracy < 0.65
    assert made_up.average_precision < real.average_precision / 2


def test_no_split_has_neighbours_on_both_sides() -> None:
    seconds = street(8)
    random = np.random.default_rng(1)
    truth = seconds.truth.copy()
    truth[random.integers(0, N, 200)] = -1
    seconds = sampled(Seconds(seconds.rows, seconds.at, truth))
    asked_for = np.zeros(len(seconds), int)
    for learnt, asked in _folds(seconds, moments(seconds)):
        gaps = np.abs(seconds.at[learnt][:, None] - seconds.at[asked][None])
        assert gaps.min() > APART_S
        assert (seconds.truth[asked] > 0).any()
        asked_for += asked
    assert (asked_for[seconds.truth > 0] == 1).all()
    assert asked_for.max() == 1


@pytest.mark.parametrize("labelled", [0, 1, 2])
def test_too_few_moments_are_too_few_to_tell(labelled: int) -> None:
    assert quality(sampled(street(labelled))) is None


def test_moments_on_the_clock_count_and_not_rows() -> None:
    # The same clips, but with all labels within one minute of each other.
    at = np.arange(N)
    at[EVENT] = 120 + np.arange(EVENT.sum()) // 2
    order = np.argsort(at, kind="stable")
    seconds = street(8)
    seconds = Seconds(seconds.rows[order], at[order], seconds.truth[order])
    assert len(moments(seconds)) == 1


def test_learning_needs_seconds_with_and_without() -> None:
    seconds = street(0)
    with pytest.raises(ValueError, match="with and without"):
        learn(seconds)
    with pytest.raises(ValueError, match="with and without"):
        learn(seconds.some(EVENT))


def test_proposals_are_uncertain_apart_and_different() -> None:
    seconds = street(5)
    told = learn(sampled(seconds)).probabilities(seconds.rows)[:, 0]
    chosen = propose(seconds, told, 8)
    assert len(chosen) == 8
    at = np.sort(seconds.at[chosen])
    assert np.diff(at).min() > APART_S
    assert not near(seconds.at[chosen], seconds.at[seconds.truth != 0], APART_S).any()
    doubt = np.abs(told - 0.5)
    assert np.median(doubt[chosen]) < np.median(doubt) / 2
    assert doubt[chosen[0]] == doubt[~near(seconds.at, seconds.at[seconds.truth != 0], 60)].min()


def test_nothing_is_proposed_where_all_is_labelled() -> None:
    seconds = street(5)
    everything = Seconds(seconds.rows, seconds.at, np.where(EVENT, 1, -1).astype(np.int8))
    assert len(propose(everything, np.full(N, 0.5), 8)) == 0


def test_near_looks_both_ways() -> None:
    at = np.array([0, 9, 10, 15, 20, 21, 100])
    assert near(at, np.array([15]), 5).tolist() == [False, False, True, True, True, False, False]
    assert not near(at, np.array([], np.int64), 5).any()
