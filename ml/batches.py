"""Which clips meet in a batch: all clips once an epoch, in an order drawn anew. No labels."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Sampling = Literal["random", "pairs", "seconds", "partners"]


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
    runs of `run` neighbouring clips together; without a graph "pairs" is "random". "partners"
    instead fills half of each batch with clips and the other half with a partner of each, by even
    chance one of its neighbours or a clip up to `run` - 1 away, once where two are the same.
    """
    order = random.permutation(clips)
    if sampling == "partners":
        halves = np.array_split(order, max(1, -(-clips // (size // 2))))
        return [np.union1d(half, _partners(half, clips, random, graph, run)) for half in halves]
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


def _partners(
    some: Integers, clips: int, random: np.random.Generator, graph: Any, run: int
) -> Integers:
    steps = random.integers(1 - run, run, len(some))
    partners: Integers = np.clip(some + steps, 0, clips - 1)
    if graph is None:
        return partners
    starts, ends = graph.indptr[some], graph.indptr[some + 1]
    paired = (ends > starts) & (random.random(len(some)) < 0.5)
    chosen = starts + (random.random(len(some)) * (ends - starts)).astype(np.int64)
    partners[paired] = graph.indices[chosen[paired]]
    return partners


def _in_runs(clips: int, run: int, random: np.random.Generator) -> Integers:
    # Where the runs begin differs from epoch to epoch, so that all neighbours meet in time.
    edges = np.arange(int(random.integers(run)), clips, run)
    runs = np.split(np.arange(clips), edges)
    return np.concatenate([runs[number] for number in random.permutation(len(runs))])
