from typing import Any

import numpy as np
import pytest
from scipy import sparse

from ml.batches import batches


def graph_of(edges: list[tuple[int, int]], n: int) -> Any:
    i, j = np.array(edges).T
    return sparse.csr_array((np.ones(len(i), bool), (i, j)), shape=(n, n))


@pytest.mark.parametrize("sampling", ["random", "pairs", "seconds"])
def test_every_clip_comes_once_in_even_batches(sampling: Any) -> None:
    graph = graph_of([(0, 50), (50, 0), (3, 9), (3, 10)], 101)
    made = batches(101, 20, np.random.default_rng(0), sampling=sampling, graph=graph)
    assert sorted(np.concatenate(made)) == list(range(101))
    assert {len(batch) for batch in made} == {16, 17}


def test_pairs_meet_in_a_batch() -> None:
    graph = graph_of([(i, i ^ 1) for i in range(400)], 400)
    made = batches(400, 40, np.random.default_rng(0), sampling="pairs", graph=graph)
    together = sum(len(set(batch) & {i ^ 1 for i in batch}) for batch in made)
    assert together > 380


def test_seconds_stay_beside_each_other_and_runs_begin_elsewhere_each_time() -> None:
    random = np.random.default_rng(0)
    first, second = (
        np.concatenate(batches(90, 90, random, sampling="seconds", run=3)) for _ in range(2)
    )
    assert (np.diff(first) == 1).sum() >= 58
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("size", [2, 9, 20, 500])
def test_with_partners_each_clip_comes_once_and_once_more_as_a_partner_at_most(size: int) -> None:
    graph = graph_of([(i, (i + 200) % 400) for i in range(400)], 400)
    made = batches(400, size, np.random.default_rng(0), sampling="partners", graph=graph, run=4)
    assert set(np.concatenate(made)) == set(range(400))
    assert max(len(batch) for batch in made) <= size
    assert all(len(set(batch)) == len(batch) for batch in made)
    assert 400 < sum(len(batch) for batch in made) <= 800


def test_half_a_batch_has_partners_by_even_chance_in_the_graph_or_in_time() -> None:
    n, run = 4000, 4
    # Partners far away in time, and none for every second clip.
    graph = graph_of([(i, (i + n // 2) % n) for i in range(0, n, 2)], n)
    made = batches(n, 80, np.random.default_rng(0), sampling="partners", graph=graph, run=run)
    assert len(made) == 100
    paired = near = 0
    for batch in made:
        clips = set(batch)
        paired += sum((i + n // 2) % n in clips for i in clips if i % 2 == 0)
        near += sum(any(i + step in clips for step in range(1, run)) for i in clips)
    # Half of the 2,000 that have one meet it and are seen from both ends; of the 3,000 others a
    # seventh are their own partner, and the rest are seen, but for the last of a pair, once.
    assert paired == pytest.approx(2000, rel=0.15)
    assert near == pytest.approx(3000 * 6 / 7, rel=0.15)


def test_without_a_graph_all_partners_are_near_in_time() -> None:
    made = batches(4000, 40, np.random.default_rng(0), sampling="partners", run=3)
    lonely = sum(not set(range(i - 2, i + 3)) - {i} & set(batch) for batch in made for i in batch)
    # A fifth of the clips are drawn as their own partner.
    assert lonely == pytest.approx(4000 / 5, rel=0.15)
    assert all(batch.min() >= 0 and batch.max() < 4000 for batch in made)


@pytest.mark.parametrize("sampling", ["random", "partners"])
def test_the_generator_alone_decides(sampling: Any) -> None:
    graph = graph_of([(i, 49 - i) for i in range(50)], 50)
    one, again, other = (
        batches(50, 9, np.random.default_rng(s), sampling=sampling, graph=graph) for s in (1, 1, 2)
    )
    assert len(one) == len(again)
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
