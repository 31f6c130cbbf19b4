from dataclasses import replace

import numpy as np
import pytest

from ml import retrieval
from ml.distance import eq5, eq5_pairwise
from ml.retrieval import Footage, Mode, distances_from, eq5_matrix, evaluate, ranking, reachable


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
    some = replace(some, has_audio=has_audio, shared=8)
    joint = distances_from(some, [10, 60], "joint")
    assert np.isfinite(joint[0, :50]).all()
    assert np.isinf(joint[0, 50:]).all()
    assert np.isinf(joint[1]).all()
    assert np.isinf(distances_from(some, [60], "audio")).all()
    assert np.isinf(distances_from(some, [60], "audio-to-video")).all()
    assert np.isinf(distances_from(some, [60], "video-to-audio")[0, 50:]).all()
    assert np.isfinite(distances_from(some, [60], "video")).all()


@pytest.mark.parametrize("mode", ["joint", "video", "audio", "video-to-audio", "audio-to-video"])
def test_distances_are_those_of_equation_5(mode: Mode) -> None:
    random = np.random.default_rng(5)
    some = footage(40, {})
    some = replace(some, z_a=random.normal(size=(40, 6)).astype(np.float32), shared=5)
    found = distances_from(some, [3, 17], mode)
    for row, query in enumerate([3, 17]):
        for second in range(40):
            video = float(eq5(some.z_v[query], some.z_v[second]))
            audio = float(eq5(some.z_a[query], some.z_a[second]))
            v, a = some.z_v[:, :5], some.z_a[:, :5]
            expected = {
                "joint": (video + audio) / 2,
                "video": video,
                "audio": audio,
                "video-to-audio": float(eq5(v[query], a[second])),
                "audio-to-video": float(eq5(a[query], v[second])),
            }[mode]
            assert found[row, second] == pytest.approx(expected, abs=1e-6)


def test_the_matrix_is_equation_5_at_its_edges() -> None:
    random = np.random.default_rng(6)
    x = random.normal(scale=30, size=(5, 9)).astype(np.float32)
    x[2] = 0
    y = np.concatenate([x, x * 2, random.normal(size=(4, 9)).astype(np.float32)])
    np.testing.assert_allclose(eq5_matrix(x, y), eq5_pairwise(x, y), atol=1e-6)
    assert eq5_matrix(x, y)[2, 2] == 0


def test_across_modalities_what_is_seen_is_asked_for_and_what_is_heard_is_found() -> None:
    n = 400
    present = np.ones(n, bool)
    z = np.random.default_rng(7).normal(size=(n, 4)).astype(np.float32)
    z_v, z_a = z.copy(), z[::-1].copy()
    seen: list[set[str]] = [{"siren"} if s in (30, 31) else set() for s in range(n)]
    heard: list[set[str]] = [{"siren"} if s in (200, 350) else set() for s in range(n)]
    for second in (30, 31):
        z_v[second] = 50
    for second in (200, 350):
        z_a[second] = 50
    some = Footage(z_v, z_a, present, present, seen, heard, shared=4)
    score = evaluate(some, "video-to-audio")["siren"]
    assert (score.queries, score.mean_average_precision, score.recall) == (2, 1.0, 1.0)
    blind = evaluate(replace(some, z_a=z_v, targets=heard), "video-to-audio")["siren"]
    assert blind.mean_average_precision < 0.5


def test_a_crossing_needs_shared_columns() -> None:
    with pytest.raises(ValueError, match="share"):
        distances_from(footage(10, {}), [1], "video-to-audio")


def test_queries_are_spread_over_all_seconds() -> None:
    assert retrieval._spread(list(range(100)), 3) == [0, 50, 99]
    assert retrieval._spread([4, 5], 3) == [4, 5]
