"""Which clips meet in a batch: all clips once an epoch, in an order drawn anew. No labels."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Sampling = Literal["random", "pairs", "seconds"]


def batches(
    clips: int,
    size: int,
    random: np.random.Generator,
    *,
    sampling: Sampling = "random",
    graph: Any = None,
    run: int = 3,
) -> list[Integers]:
    """Split clips 0..n-1 into batches of nearly equal length, at most `size`, each in some order.

    "pairs" lets a clip be followed by its neighbours in `graph` (csr, (n, n)), "seconds" keeps
    runs of `run` neighbouring clips together; without a graph "pairs" is "random".
    """
    order = random.permutation(clips)
    if sampling == "pairs" and graph is not None:
        order = _with_neighbours(order, graph)
    elif sampling == "seconds":
        order = _in_runs(clips, run, random)
    return np.array_split(order, max(1, -(-clips // size)))


def _with_neighbours(order: Integers, graph: Any) -> Integers:
    taken = np.zeros(len(order), bool)
    following: list[Integers] = []
    for clip in order:
        if not taken[clip]:
            taken[clip] = True
            neighbours = graph.indices[graph.indptr[clip] : graph.indptr[clip + 1]]
            free = neighbours[~taken[neighbours]].astype(np.int64)
            taken[free] = True
            following += [np.array([clip], np.int64), free]
    return np.concatenate(following)


def _in_runs(clips: int, run: int, random: np.random.Generator) -> Integers:
    # Where the runs begin differs from epoch to epoch, so that all neighbours meet in time.
    edges = np.arange(int(random.integers(run)), clips, run)
    runs = np.split(np.arange(clips), edges)
    return np.concatenate([runs[number] for number in random.permutation(len(runs))])
