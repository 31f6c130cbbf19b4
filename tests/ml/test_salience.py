import tracemalloc

import numpy as np
import pytest

from ml import anomaly, salience
from ml.distance import eq5
from ml.retrieval import EXCLUSION_S
from ml.salience import LEVELS, NEIGHBOURS, Salience
from ml.starter import StarterEncoder
from tests.ml.planted import planted


def clips(n: int, d: int = 6, seed: int = 0, step: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Descriptions of n clips that come some seconds after each other."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(n, d)).astype(np.float32) * random.uniform(0.2, 3, (n, 1))
    return rows.astype(np.float32), np.cumsum(random.integers(1, step, n))


def naive_distance(made: Salience, rows: np.ndarray, at: np.ndarray) -> list[float]:
    """To the k-th nearest of another minute, one by one in float64."""
    found = []
    for row, second in zip(rows, at, strict=True):
        pairs = zip(made.reference, made.at, strict=True)
        every = [(float(eq5(row, other)), abs(second - t)) for other, t in pairs]
        others = [distance for distance, apart in every if apart > EXCLUSION_S]
        near = sorted(others or [distance for distance, _ in every])
        found.append(near[min(NEIGHBOURS, len(near)) - 1])
    return found


@pytest.mark.parametrize("n", [3, 12, 300])
def test_the_distance_is_that_to_the_kth_nearest_of_another_minute(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anomaly, "_BLOCK", 64)
    made = Salience.fit(*clips(n))
    assert len(made.reference) == n
    for rows, at in (clips(n), clips(70, seed=1)):
        wanted = naive_distance(made, rows, at)
        np.testing.assert_allclose(made.distance(rows, at), wanted, rtol=1e-3, atol=1e-3)


def test_what_lies_within_a_minute_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salience, "NEIGHBOURS", 1)
    rows = np.array([[1, 0], [1, 0.01], [0, 1], [-1, 0]], np.float32)
    made = Salience(rows, np.array([0, 60, 61, 1000]), np.zeros(1, np.float32))
    distance = made.distance(rows[:1], np.array([0]))
    assert distance[0] == pytest.approx(eq5(rows[0], rows[2]), rel=1e-5)
    assert made.distance(rows[:1], np.array([500]))[0] < 1e-3


def test_where_all_is_within_a_minute_all_of_it_is_compared() -> None:
    rows, _ = clips(30)
    made = Salience.fit(rows, np.arange(30))
    shifted = rows + np.float32(0.5)
    wanted = np.sort([[float(eq5(row, other)) for other in rows] for row in shifted])[:, 9]
    np.testing.assert_allclose(made.distance(shifted, np.arange(30)), wanted, rtol=1e-3)
    alone = Salience.fit(rows[:1], np.zeros(1, np.int64))
    assert alone(rows[:1], np.zeros(1, np.int64))[0] == 0
    assert alone(rows[1:2], np.zeros(1, np.int64))[0] == 1


def test_fewer_others_than_neighbours_give_the_farthest_of_them() -> None:
    rows, at = clips(400, step=2)
    at[:398] = 0
    at[398:] = 1000
    made = Salience.fit(rows, at)
    wanted = [max(float(eq5(row, other)) for other in rows[398:]) for row in rows[:398]]
    np.testing.assert_allclose(made.distance(rows[:398], at[:398]), wanted, rtol=1e-3)


def test_salience_is_the_share_of_what_was_trained_on_that_stands_out_less() -> None:
    rows, at = clips(450)
    made = Salience.fit(rows, at)
    distances = made.distance(rows, at)
    assert made.levels.shape == (LEVELS,)
    assert (np.diff(made.levels) >= 0).all()
    assert made.levels[[0, -1]] == pytest.approx([distances.min(), distances.max()])
    shares = [(distances < distance).mean() for distance in distances]
    np.testing.assert_allclose(made(rows, at), shares, atol=2 / LEVELS)
    assert made(rows * 100, at).max() == 1


@pytest.mark.parametrize("seconds", [600, 1200])
def test_a_rare_event_stands_out_from_the_ordinary(seconds: int) -> None:
    """Each kind of event came a few times, and lasts five seconds."""
    corpus, labels = planted(seconds, 3, rate=0.01)
    eventful = np.array([bool(some) for some in labels])
    masks = {"has_video": corpus.has_video, "has_audio": corpus.has_audio}
    starter = StarterEncoder.fit(corpus.foreground, corpus.sound, None, **masks)
    for plain in starter.describe(corpus.foreground, corpus.sound, None, **masks).plain:
        # With a constant coordinate, so that directions of noise are alike.
        rows = np.concatenate([plain, np.full((seconds, 1), np.float32(2))], axis=1)
        found = Salience.fit(rows, corpus.at)(rows, corpus.at)
        higher = (found[eventful][:, None] > found[~eventful]).mean()
        assert higher > 0.9
        assert found[~eventful].mean() == pytest.approx(0.5, abs=0.1)


def test_where_nothing_ever_changes_nothing_stands_out() -> None:
    for still in (np.zeros((200, 4), np.float32), np.full((200, 4), 0.3, np.float32)):
        made = Salience.fit(still, np.arange(200))
        assert made.levels.max() < 1e-3
        assert not made(still[:50], np.arange(50)).any()


def test_long_footage_is_measured_on_some_of_it_in_little_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(anomaly, "_BLOCK", 64)
    rows, at = clips(6000)
    tracemalloc.start()
    try:
        made = Salience.fit(rows, at)
        distances = made.distance(rows, at)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made.reference.shape == (1800, 6)
    assert distances.shape == (6000,)
    assert most < 6000 * 1800 * 4 / 4
