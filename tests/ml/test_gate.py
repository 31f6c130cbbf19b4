import json
from dataclasses import replace
from typing import Any

import pytest

from ml.gate import decide
from ml.held_back import LEAST_CLIPS, Measures

# The starter encoder's, and those of one that learnt.
OLD = Measures(
    clips=900,
    neighbours={"video": 0.58, "audio": 0.66, "joint": 0.67},
    agreement={"video": 0.80, "audio": 0.74},
    rank={"video": 60.0, "audio": 80.0},
    duplicates={"video": 0.0, "audio": 0.0},
)
NEW = replace(
    OLD,
    agreement={"video": 0.87, "audio": 0.75},
    crossing=0.88,
    rank={"video": 300.0, "audio": 130.0},
    shared_rank=70.0,
    positive_rate=0.001,
)
TRUTH = {"video": 0.5, "audio": 0.6, "joint": 0.7}


def test_one_that_is_as_good_and_learnt_to_cross_is_let_in() -> None:
    verdict = decide(OLD, NEW)
    assert verdict.activate
    assert verdict.sentence.startswith("The new encoder is used: ")
    assert "88%" in verdict.sentence
    assert all(check.fine for check in verdict.checks)
    assert json.loads(json.dumps(verdict.to_json()))["checks"][0]["name"] == "spread.video"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"neighbours": {**NEW.neighbours, "joint": 0.62}}, "by picture and sound (0.67 before"),
        ({"neighbours": {**NEW.neighbours, "audio": 0.61}}, "by sound"),
        ({"agreement": {"video": 0.9, "audio": 0.6}}, "less alike"),
        ({"crossing": 0.51}, "hardly finds a second's sound"),
        ({"crossing": 0.5}, "unknown before, 0.50 now"),
        ({"rank": {"video": 1.2, "audio": 80.0}}, "all moments look alike"),
        ({"shared_rank": 1.1}, "all moments look alike"),
        ({"positive_rate": 0.9}, "0.90 of all pairs"),
        ({"duplicates": {"video": 0.2, "audio": 0.0}}, "cannot tell some moments apart"),
    ],
)
def test_each_ruin_is_kept_out_and_named(change: dict[str, Any], reason: str) -> None:
    verdict = decide(OLD, replace(NEW, **change))
    assert not verdict.activate
    assert verdict.sentence.startswith("The encoder in use stays: ")
    assert verdict.sentence.endswith(".")
    assert reason in verdict.sentence


def test_where_nothing_seen_is_heard_nearer_neighbours_are_enough_and_crossing_is_off() -> None:
    nearer = {mode: value + 0.06 for mode, value in OLD.neighbours.items()}
    verdict = decide(OLD, replace(NEW, crossing=0.47, neighbours=nearer))
    assert verdict.activate
    assert not verdict.crosses
    assert "too little of each other to search one by the other" in verdict.sentence
    little = {mode: value + 0.02 for mode, value in OLD.neighbours.items()}
    assert not decide(OLD, replace(NEW, crossing=0.47, neighbours=little)).activate
    assert decide(OLD, NEW).crosses
    # What could be crossed stays so.
    assert not decide(NEW, replace(NEW, crossing=0.47, neighbours=nearer)).activate


def test_one_that_is_only_as_good_as_a_trained_one_is_kept_out() -> None:
    assert not decide(NEW, NEW).activate
    assert "no better" in decide(NEW, NEW).sentence
    better = replace(NEW, agreement={"video": 0.89, "audio": 0.76})
    assert decide(NEW, better).activate


def test_a_worse_crossing_than_before_is_kept_out() -> None:
    assert not decide(
        NEW, replace(NEW, crossing=0.8, agreement={"video": 0.9, "audio": 0.9})
    ).activate


@pytest.mark.parametrize("mode", TRUTH)
@pytest.mark.parametrize("fall", [0.021, 0.3])
def test_the_truth_may_not_fall_whatever_else_is_gained(mode: str, fall: float) -> None:
    truth = {name: value + 0.2 for name, value in TRUTH.items()}
    truth[mode] = TRUTH[mode] - fall
    verdict = decide(replace(OLD, truth=TRUTH), replace(NEW, truth=truth))
    assert not verdict.activate
    assert "labelled" in verdict.sentence


def test_more_of_what_was_labelled_is_a_gain_and_is_said() -> None:
    old = replace(NEW, truth=TRUTH)
    more = decide(old, replace(NEW, truth={**TRUTH, "video": 0.6, "joint": 0.69}))
    assert more.activate
    assert "finds more of what was labelled (0.60 before, 0.63 now)" in more.sentence
    same = decide(old, old)
    assert not same.activate
    assert "no more of what was labelled (0.60 before, 0.60 now)" in same.sentence


def test_labels_that_say_the_same_leave_it_to_the_rest() -> None:
    verdict = decide(replace(OLD, truth=TRUTH), replace(NEW, truth=TRUTH))
    assert verdict.activate
    assert "88%" in verdict.sentence
    assert "labelled" not in verdict.sentence


def test_events_may_not_be_located_less_well() -> None:
    told = {"joint": 0.7}
    worse = decide(replace(OLD, location=told), replace(NEW, location={"joint": 0.67}))
    assert not worse.activate
    assert "locates what was labelled less well (0.70 before, 0.67 now)" in worse.sentence
    better = decide(replace(NEW, location=told), replace(NEW, location={"joint": 0.75}))
    assert better.activate
    assert "locates what was labelled better (0.70 before, 0.75 now)" in better.sentence


def test_without_one_in_use_chance_is_the_bar() -> None:
    assert decide(None, NEW).activate
    assert not decide(None, replace(NEW, crossing=0.51)).activate
    assert not decide(None, replace(NEW, rank={"video": 0.0, "audio": 80.0})).activate


def test_a_picture_that_never_changes_is_no_ones_fault() -> None:
    still = {"video": 0.0, "audio": 80.0}
    duplicates = {"video": 1.0, "audio": 0.0}
    old = replace(OLD, rank=still, duplicates=duplicates)
    silent: dict[str, Any] = {
        "crossing": None,
        "shared_rank": None,
        "neighbours": {"audio": 0.7},
        "agreement": {},
    }
    new = replace(NEW, rank=still, duplicates=duplicates, **silent)
    assert decide(replace(old, agreement={}, neighbours={"audio": 0.69}), new).activate


def test_too_little_held_back_says_how_much_there_is() -> None:
    verdict = decide(OLD, Measures(50))
    assert not verdict.activate
    assert "50 seconds" in verdict.sentence
    assert str(LEAST_CLIPS) in verdict.sentence
