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


def test_the_generator_alone_decides() -> None:
    one, again, other = (batches(50, 9, np.random.default_rng(s)) for s in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
