import tracemalloc
from typing import Any

import numpy as np
import pytest

from ml import anomaly, salience
from ml.distance import eq5
from ml.retrieval import EXCLUSION_S
from ml.salience import LEAST, LEVELS, NEIGHBOURS, Outlet, Salience
from ml.starter import StarterEncoder
from tests.ml.planted import planted

NUMBERS = np.array([1.5, 0.5, 2.0, 0.5, 0.9], np.float32)


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
    seen, _ = starter.embed(corpus.foreground, corpus.sound, None, **masks)
    for rows in (seen, starter.plain_sound(corpus.sound, corpus.has_audio)):
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


def made_outlet(numbers: np.ndarray = NUMBERS) -> tuple[Outlet, dict[str, Any]]:
    """An outlet, and 40 clips for it, every fourth of them absent."""
    rows, at = clips(200)
    random = np.random.default_rng(5)
    centre = random.normal(size=512).astype(np.float32)
    salience = Salience.fit(rows, at)
    described = rows[:40] * np.linspace(0.2, 3, 40, dtype=np.float32)[:, None]
    given = {
        "shared": random.normal(size=(40, 512)).astype(np.float32),
        "private": random.normal(size=(40, 7)).astype(np.float32),
        "novelty": salience.distance(described, at[:40]),
        "present": (np.arange(40) % 4 > 0).astype(np.float32),
    }
    return Outlet(salience, centre, numbers), given


def test_an_outlet_is_its_formula() -> None:
    outlet, given = made_outlet()
    length, weight, anchor, quiet, loud = NUMBERS.tolist()
    z = outlet(**given)
    found = outlet.salience.share(given["novelty"])
    assert z.dtype == np.float32
    assert z.shape == (40, 512 + 7 + 1)
    scales = []
    for i in range(40):
        if not given["present"][i]:
            assert not z[i].any()
            continue
        ramp = min(max((float(found[i]) - quiet) / (loud - quiet), float(LEAST)), 1)
        scales.append(ramp)
        shared, private = given["shared"][i] - outlet.centre, given["private"][i]
        wanted = [
            *(shared / np.linalg.norm(shared)),
            *(weight * private / np.linalg.norm(private)),
        ]
        scaled = np.array(wanted) * ramp * length / np.sqrt(1 + weight**2)
        np.testing.assert_allclose(z[i], [*scaled, anchor], rtol=1e-4, atol=1e-5)
        assert np.linalg.norm(z[i, :-1]) == pytest.approx(ramp * length, abs=1e-4)
    assert min(scales) == LEAST
    assert max(scales) == 1


def test_the_ordinary_is_short_and_alike_and_what_stands_out_is_long() -> None:
    outlet, given = made_outlet()
    z = outlet(**given)
    found = outlet.salience.share(given["novelty"])
    there = given["present"] > 0
    quiet, loud = there & (found <= 0.5), there & (found >= 0.9)
    assert quiet.any()
    assert loud.any()
    np.testing.assert_allclose(np.linalg.norm(z[quiet][:, :-1], axis=1), 1.5 * LEAST, rtol=1e-4)
    cosines = (z[quiet] @ z[quiet].T) / np.square(np.linalg.norm(z[quiet], axis=1)[0])
    assert cosines.min() > 0.99
    assert len(np.unique(z[quiet], axis=0)) == quiet.sum()
    np.testing.assert_array_equal(z[quiet][:, -1], 2)
    np.testing.assert_allclose(np.linalg.norm(z[loud][:, :-1], axis=1), 1.5, rtol=1e-4)


def test_without_a_weight_there_is_no_private_part() -> None:
    outlet, given = made_outlet(np.array([1.5, 0, 2.0, 0.5, 0.9], np.float32))
    z = outlet(**given)
    assert z.shape == (40, 513)
    assert np.linalg.norm(z[:, :512], axis=1).max() == pytest.approx(1.5, rel=1e-4)


@pytest.mark.parametrize("quiet", [0.5, 1.0])
def test_a_ramp_without_width_is_a_step(quiet: float) -> None:
    outlet, given = made_outlet(np.array([1, 0, 0, quiet, 0.5], np.float32))
    lengths = np.linalg.norm(outlet(**given), axis=1)
    found = outlet.salience.share(given["novelty"])
    wanted = np.where(found > quiet, 1, LEAST) * given["present"]
    np.testing.assert_allclose(lengths, wanted, atol=1e-5)


def test_an_outlet_survives_as_arrays() -> None:
    outlet, given = made_outlet()
    arrays = outlet.arrays()
    assert all(array.dtype in (np.float32, np.int64) for array in arrays.values())
    np.testing.assert_array_equal(Outlet.from_arrays(arrays)(**given), outlet(**given))
    one = outlet.salience
    other = Salience.from_arrays(one.arrays())
    np.testing.assert_array_equal(one.reference, other.reference)
    np.testing.assert_array_equal(one.at, other.at)
    np.testing.assert_array_equal(one.levels, other.levels)


WRONG: dict[str, tuple[str, Any]] = {
    "no centre of that width": ("centre", np.zeros(1, np.float32)),
    "no row of a centre": ("centre", np.zeros((1, 512), np.float32)),
    "four numbers": ("numbers", np.ones(4, np.float32)),
    "a negative number": ("numbers", -NUMBERS),
    "no number": ("numbers", NUMBERS * np.float32("nan")),
    "too large a number": ("numbers", np.full(5, 1e300)),
    "words": ("numbers", np.array(["a"] * 5)),
    "a flat reference": ("salience.reference", np.zeros(200, np.float32)),
    "an infinite reference": ("salience.reference", np.full((200, 6), np.inf)),
    "other times": ("salience.at", np.zeros(199, np.int64)),
    "broken times": ("salience.at", np.full(200, 0.5)),
    "no levels": ("salience.levels", np.zeros(0, np.float32)),
    "levels in a table": ("salience.levels", np.zeros((2, 2), np.float32)),
    "falling levels": ("salience.levels", np.array([1, 0], np.float32)),
}


@pytest.mark.parametrize("what", WRONG)
def test_other_arrays_are_refused(what: str) -> None:
    name, array = WRONG[what]
    arrays = {**made_outlet()[0].arrays(), name: array}
    with pytest.raises(ValueError):  # noqa: PT011 - numpy's own text where words are no numbers
        Outlet.from_arrays(arrays)


def test_an_empty_reference_is_refused() -> None:
    arrays = made_outlet()[0].salience.arrays()
    arrays |= {"reference": np.zeros((0, 6), np.float32), "at": np.zeros(0, np.int64)}
    with pytest.raises(ValueError, match="reference"):
        Salience.from_arrays(arrays)
    with pytest.raises(KeyError):
        Salience.from_arrays({})
