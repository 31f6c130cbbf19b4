"""What is measured of a system, each against a plain loop or a case with a known answer."""

from dataclasses import replace

import numpy as np
import pytest

from ml.baselines.system import Embedded
from ml.crossroads.truth import Occurrence
from ml.evaluation.anomalies import anomaly_score, rare_kinds
from ml.evaluation.measure import Sample, Yardstick, measure
from ml.evaluation.search import mode_scores, modes, search_scores
from ml.evaluation.truth import Truth, runs, widened

SECONDS = 900


def happens(kind: str, starts: list[int], *, seen: bool = True, heard: bool = True) -> list[object]:
    return [
        Occurrence(
            kind, (s, s + 4.0) if seen else None, (s + 1.0, s + 6.0) if heard else None, "", "day"
        )
        for s in starts
    ]


def street(shift: int = 0) -> Truth:
    rows = [
        *happens("ambulance", [40 + shift, 240 + shift, 500 + shift, 760 + shift]),
        *happens("pink_bus", [130 + shift, 600 + shift], heard=False),
        *happens("glass", [330 + shift, 690 + shift], seen=False),
        *happens("forklift", [420 + shift, 840 + shift], heard=False),
    ]
    return Truth.of(rows, SECONDS)  # type: ignore[arg-type]


def knowing(truth: Truth, seed: int, *, noise: float = 0.1) -> Embedded:
    """Embeddings that tell every kind by a direction of its own, in one space."""
    random = np.random.default_rng(seed)
    z_v, z_a = noise * random.normal(size=(2, truth.seconds, 12)).astype(np.float32)
    for z, masks in ((z_v, truth.seen), (z_a, truth.heard)):
        for column, kind in enumerate(("ambulance", "pink_bus", "glass", "forklift")):
            if kind in masks:
                z[masks[kind], column] += 5
    present = np.ones(truth.seconds, bool)
    return Embedded(z_v, z_a, present, present, (z_v, z_a))


def sample(shift: int, seed: int, day: int) -> Sample:
    truth = street(shift)
    at = np.arange(truth.seconds, dtype=np.int64) + 86_400 * day
    return Sample(knowing(truth, seed), at, truth)


def test_truth_counts_what_is_seen_and_what_is_heard() -> None:
    truth = street()
    assert runs(truth.seen["ambulance"])[0] == (40, 44)
    assert runs(truth.heard["ambulance"])[0] == (41, 46)
    assert runs(truth.masks("joint")["ambulance"])[0] == (40, 46)
    assert "pink_bus" not in truth.heard
    assert "glass" not in truth.masks("video")
    assert truth.labels("joint")[41] == {"ambulance"}
    assert truth.anything(["glass", "train"]).sum() == 10
    assert not truth.anything(["train"]).any()


@pytest.mark.parametrize("seed", range(4))
def test_runs_and_widening_match_plain_loops(seed: int) -> None:
    mask = np.random.default_rng(seed).random(80) < 0.2
    covered = np.zeros(80, bool)
    for start, end in runs(mask):
        assert mask[start:end].all()
        assert start == 0 or not mask[start - 1]
        assert end == 80 or not mask[end]
        covered[start:end] = True
    assert (covered == mask).all()
    near = [any(mask[max(0, s - 3) : s + 4]) for s in range(80)]
    assert widened(mask, 3).tolist() == near


def test_a_knowing_system_finds_everything_in_every_mode() -> None:
    scores = search_scores(knowing(street(), 1), street())
    assert list(scores) == ["joint", "video", "audio", "video-to-audio", "audio-to-video"]
    assert set(scores["video"]) == {"ambulance", "pink_bus", "forklift"}
    assert set(scores["audio"]) == {"ambulance", "glass"}
    assert set(scores["video-to-audio"]) == {"ambulance"}
    assert scores["video"]["pink_bus"].mean_average_precision == pytest.approx(1)
    assert scores["audio-to-video"]["ambulance"].mean_average_precision > 0.9


def test_a_system_is_asked_only_what_it_can_do() -> None:
    whole = knowing(street(), 1)
    nothing = np.zeros((SECONDS, 0), np.float32)
    blind = replace(whole, z_v=nothing, has_video=np.zeros(SECONDS, bool), common=None)
    assert modes(blind) == ["audio"]
    assert modes(replace(whole, common=None)) == ["joint", "video", "audio"]


def test_a_concatenation_is_one_distance() -> None:
    whole = knowing(street(), 2, noise=1.5)
    one = mode_scores(replace(whole, concatenated=True), street(), "joint")
    assert one == mode_scores(replace(whole, z_v=whole.joint, z_a=whole.joint), street(), "joint")
    assert one != mode_scores(whole, street(), "joint")


def test_rare_kinds_are_those_drawn_least_often() -> None:
    assert rare_kinds(street()) == ["forklift", "glass"]


def test_anomaly_measures_of_a_case_counted_by_hand() -> None:
    truth = street()
    scores = np.zeros(SECONDS)
    scores[421] = 3  # a forklift
    scores[690:693] = 3  # glass, one of two
    scores[41] = 3  # an ambulance is no rare event, and no false alarm either
    scores[[200, 203, 300]] = 3  # two peaks at which nothing happens
    scores[10] = np.nan
    found = anomaly_score(scores, 2.0, truth, rare_kinds(truth))
    assert found.false_peaks_per_hour == pytest.approx(2 / (SECONDS / 3600))
    assert found.flagged == pytest.approx(8 / (SECONDS - 1))
    forklift, glass = found.kinds["forklift"], found.kinds["glass"]
    assert (forklift.events, forklift.recall) == (2, 0.5)
    assert (glass.events, glass.recall) == (2, 0.5)
    rare = widened(truth.anything(["forklift", "glass"]), 5)
    others = scores[np.isfinite(scores) & ~rare]
    own = scores[truth.seen["forklift"]]
    wins = [(a > b) + 0.5 * (a == b) for a in own for b in others]
    assert forklift.auroc == pytest.approx(np.mean(wins))
    assert forklift.auroc_ordinary > forklift.auroc


def test_everything_is_measured_and_a_blind_system_is_worse() -> None:
    train, test = sample(0, 1, 0), sample(25, 2, 1)
    yardstick = Yardstick.of(train, seed=1)
    known = measure(yardstick, test)
    assert set(known["anomaly"]) == {"video", "audio", "neighbour", "cross"}
    assert known["location"]["joint"]["ambulance"]["average_precision"] > 0.95
    assert set(known["location"]["audio"]) == {"ambulance", "glass"}
    guessed = measure(yardstick, replace(test, embedded=knowing(Truth(SECONDS, {}, {}), 3)))
    assert guessed["search"]["video"]["pink_bus"]["mean_average_precision"] < 0.5
    assert guessed["location"]["joint"]["ambulance"]["average_precision"] < 0.5


def test_a_score_of_its_own_has_a_threshold_from_training() -> None:
    ordinary = np.random.default_rng(1).normal(size=SECONDS)
    train, test = replace(sample(0, 1, 0), surprise=ordinary), sample(25, 2, 1)
    odd = np.where(test.truth.anything(["forklift"]), 9.0, 0.0)
    yardstick = Yardstick.of(train, seed=1)
    found = measure(yardstick, replace(test, surprise=odd))["anomaly"]["own"]
    assert found["kinds"]["forklift"]["recall"] == 1
    assert found["kinds"]["forklift"]["auroc"] == 1
    assert found["kinds"]["glass"]["recall"] == 0
    assert found["false_peaks_per_hour"] == 0


def test_a_system_of_one_modality_is_measured_in_it_alone() -> None:
    nothing, no = np.zeros((SECONDS, 0), np.float32), np.zeros(SECONDS, bool)
    train, test = (
        replace(some, embedded=replace(some.embedded, z_a=nothing, has_audio=no, common=None))
        for some in (sample(0, 1, 0), sample(25, 2, 1))
    )
    found = measure(Yardstick.of(train, seed=1), test)
    assert list(found["search"]) == ["video"]
    assert list(found["location"]) == ["video"]
    assert set(found["anomaly"]) == {"video", "neighbour"}
