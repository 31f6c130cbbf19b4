import numpy as np
import pytest

from ml import retrieval
from ml.distance import eq5
from ml.retrieval import Footage, distances_from, evaluate, ranking, reachable


def footage(n: int, events: dict[str, list[int]], seed: int = 0) -> Footage:
    """Noise in which every second of a kind looks and sounds nearly the same."""
    random = np.random.default_rng(seed)
    z_v, z_a = random.normal(size=(2, n, 8)).astype(np.float32)
    labels: list[set[str]] = [set() for _ in range(n)]
    for number, (kind, seconds) in enumerate(events.items()):
        for second in seconds:
            labels[second].add(kind)
            z_v[second] = 10 * (number + 1)
            z_a[second] = z_v[second] * np.tile([1, -1], 4)
    present = np.ones(n, bool)
    return Footage(z_v, z_a, present, present.copy(), labels)


def naive_ranking(distances: np.ndarray, query: int, window: int) -> list[int]:
    hits: list[int] = []
    for _distance, second in sorted((d, s) for s, d in enumerate(distances) if np.isfinite(d)):
        if all(abs(second - other) > window for other in [query, *hits]):
            hits.append(second)
    return hits[:20]


@pytest.mark.parametrize("seed", range(5))
def test_ranking_is_greedy_exclusion(seed: int) -> None:
    random = np.random.default_rng(seed)
    distances = random.integers(0, 40, 900).astype(np.float64)
    distances[random.integers(0, 900, 50)] = np.inf
    query = int(random.integers(0, 900))
    for window in (0, 7, 60):
        assert ranking(distances, query, window) == naive_ranking(distances, query, window)


def test_reachable_is_the_most_a_ranking_can_hold() -> None:
    assert reachable([10, 11, 12, 100, 101, 300], query=11, exclusion_s=60) == 2
    assert reachable([10, 11, 12], query=11, exclusion_s=60) == 0
    assert reachable([0, 61, 122, 183], query=0, exclusion_s=60) == 3


def test_what_always_looks_the_same_is_found_every_time() -> None:
    scores = evaluate(footage(1000, {"bus": [100, 300, 301, 600], "train": [50, 850]}), "joint")
    assert set(scores) == {"bus", "train"}
    for score in scores.values():
        assert score.mean_average_precision == pytest.approx(1)
        assert score.recall == pytest.approx(1)
    assert scores["bus"].queries == 4


def test_noise_is_found_by_chance() -> None:
    random = np.random.default_rng(3)
    noise = footage(2000, {})
    labels = [{"glass"} if random.random() < 0.01 else set() for _ in range(2000)]
    score = evaluate(
        Footage(noise.z_v, noise.z_a, noise.has_video, noise.has_audio, labels), "video"
    )
    assert score["glass"].mean_average_precision < 0.2


def test_what_happens_once_is_not_scored() -> None:
    assert evaluate(footage(300, {"bus": [100, 101, 102]}), "video") == {}


def test_absent_modalities_are_never_read() -> None:
    some = footage(200, {})
    has_audio = np.ones(200, bool)
    has_audio[50:] = False
    some = Footage(some.z_v, some.z_a, some.has_video, has_audio, some.labels)
    assert np.isinf(distances_from(some, 10, "joint")[50:]).all()
    assert np.isinf(distances_from(some, 60, "audio")).all()
    np.testing.assert_array_equal(distances_from(some, 60, "video"), eq5(some.z_v[60], some.z_v))
    assert np.isfinite(distances_from(some, 10, "joint", audio_weight=0)[:50]).all()


def test_queries_are_spread_over_all_seconds() -> None:
    assert retrieval._spread(list(range(100)), 3) == [0, 50, 99]
    assert retrieval._spread([4, 5], 3) == [4, 5]
