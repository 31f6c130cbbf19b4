from dataclasses import replace

import numpy as np
import pytest

from ml.held_back import LEAST_CLIPS, Measures, measure
from tests.ml.planted import KINDS, planted

CORPUS, LABELS = planted(420, 4, rate=0.04)
N = len(CORPUS)


def oracle(noise: float = 0.3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings that know what happens, pictures and sounds in one space."""
    random = np.random.default_rng(seed)
    truth = np.array([[kind in some for kind in KINDS] + [not some] for some in LABELS])
    z_v, z_a = (truth + random.normal(0, noise, truth.shape) for _ in range(2))
    return z_v.astype(np.float32), z_a.astype(np.float32)


def noise(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    z_v, z_a = random.normal(size=(2, N, 4)).astype(np.float32)
    return z_v, z_a


def test_what_knows_the_events_measures_well_and_noise_as_chance() -> None:
    good = measure(CORPUS, *oracle(), 4, labels=LABELS, positive_rate=0.01)
    bad = measure(CORPUS, *noise(), 4, labels=LABELS)
    for mode in ("video", "audio", "joint"):
        assert good.neighbours[mode] > bad.neighbours[mode] + 0.02
        assert good.truth[mode] > bad.truth[mode] + 0.3
        assert bad.neighbours[mode] == pytest.approx(0.5, abs=0.08)
    for mode in ("video", "audio"):
        assert good.agreement[mode] > bad.agreement[mode] + 0.03
        assert bad.agreement[mode] == pytest.approx(0.5, abs=0.08)
    assert good.crossing is not None
    assert bad.crossing is not None
    assert good.crossing > 0.7
    assert bad.crossing == pytest.approx(0.5, abs=0.08)
    assert good.positive_rate == 0.01
    assert good.duplicates == {"video": 0, "audio": 0}


def test_a_collapsed_embedding_has_no_spread_and_tells_nothing_apart() -> None:
    z = np.ones((N, 4), np.float32)
    collapsed = measure(CORPUS, z, z, 4)
    assert collapsed.rank == {"video": 0, "audio": 0}
    assert collapsed.shared_rank == 0
    assert collapsed.duplicates == {"video": 1, "audio": 1}
    assert collapsed.neighbours["joint"] == 0.5
    assert collapsed.truth == {}


def test_without_shared_columns_nothing_crosses() -> None:
    measured = measure(CORPUS, *oracle(), 0)
    assert measured.crossing is None
    assert measured.shared_rank is None


@pytest.mark.parametrize("lacking", ["has_video", "has_audio"])
def test_one_modality_is_measured_where_the_other_lacks(lacking: str) -> None:
    some = replace(CORPUS, **{lacking: np.zeros(N, bool)})
    measured = measure(some, *oracle(), 4, labels=LABELS)
    there = "audio" if lacking == "has_video" else "video"
    assert set(measured.neighbours) == set(measured.rank) == {there}
    assert set(measured.truth) == {there}
    assert measured.crossing is None
    assert measured.agreement == {}


def test_a_pause_of_months_costs_no_memory_and_separates() -> None:
    at = CORPUS.at.copy()
    at[N // 2 :] += 10_000_000
    measured = measure(replace(CORPUS, at=at), *oracle(), 4, labels=LABELS)
    assert measured.truth["joint"] > 0.5


def test_the_clock_and_not_the_row_says_what_is_near() -> None:
    """Of clips five seconds apart none lies three or four seconds from another."""
    slow = np.arange(N) / 100
    z = np.stack([np.cos(slow), np.sin(slow)], axis=1).astype(np.float32)
    apart = np.arange(0, N, 3)
    assert measure(CORPUS.rows(apart), z[apart], z[apart], 2).neighbours["video"] > 0.9
    at = CORPUS.at[0] + 5 * np.arange(N)
    assert measure(replace(CORPUS, at=at), z, z, 2).neighbours["video"] == 0.5


def test_too_little_is_not_measured() -> None:
    few = LEAST_CLIPS - 1
    z_v, z_a = oracle()
    assert measure(CORPUS.rows(slice(0, few)), z_v[:few], z_a[:few], 4) == Measures(few)


def test_nonsense_is_refused() -> None:
    z_v, z_a = oracle()
    with pytest.raises(ValueError, match="different numbers"):
        measure(CORPUS, z_v[:-1], z_a, 4)
    z_v[3, 2] = np.nan
    with pytest.raises(ValueError, match="no numbers"):
        measure(CORPUS, z_v, z_a, 4)


def test_events_are_located_by_labels_left_out_where_there_are_enough() -> None:
    corpus, labels = planted(1500, 4, rate=0.012)
    happens = np.array([[kind in some for kind in KINDS] for some in labels])
    random = np.random.default_rng(0)
    shown = np.pad(happens, ((0, 0), (0, 5))) + random.normal(0, 0.3, (len(corpus), 8))
    z = np.asarray(shown, np.float32)

    blind = np.asarray(random.normal(size=z.shape), np.float32)
    good = measure(corpus, z, z, 0, labels=labels)
    bad = measure(corpus, blind, blind, 0, labels=labels)
    assert good.location["joint"] > bad.location["joint"] + 0.3
    few = [some if at < 300 else frozenset[str]() for at, some in enumerate(labels)]
    assert measure(corpus, z, z, 0, labels=few).location == {}
