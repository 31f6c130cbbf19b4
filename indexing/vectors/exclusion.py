"""The exclusion window: hits that are truly different moments (Wang et al. 2025, section 4).

Greedy in exact order: a clip is a hit unless it lies within the window of a clip of the query, of
one that is known already or of a higher-ranked hit of its camera, on the camera's clock and across
its recordings.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from indexing.vectors.exact import Ranked
from indexing.vectors.snapshot import Snapshot


@dataclass
class Kept:
    """A hit, its place among all clips by distance (the nearest is 1), and what it suppressed."""

    hit: Ranked
    place: int
    suppressed: list[Ranked] = field(default_factory=list)


@dataclass
class Selection:
    """Hits in order, and the clips that the query itself suppressed."""

    hits: list[Kept]
    around_query: list[Ranked]


class Timeline:
    """The moments taken on one camera's clock, in whole seconds."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.taken: list[tuple[int, int]] = []

    def taker(self, at: int) -> int | None:
        """Return the rank of the best-ranked moment within the window; None where it is free."""
        low = bisect_left(self.taken, (at - self.window, -1))
        near = islice(self.taken, low, None)
        ranks = []
        for moment, rank in near:
            if moment > at + self.window:
                break
            ranks.append(rank)
        return min(ranks, default=None)

    def take(self, at: int, rank: int) -> None:
        """Take a moment for the hit of this rank; what is no hit has rank 0."""
        insort(self.taken, (at, rank))


def select(
    ranking: Iterable[Ranked],
    snapshot: Snapshot,
    *,
    origins: Iterable[tuple[str, int]],
    hits: int,
    window: int,
) -> Selection:
    """Return the first ``hits`` clips that are more than ``window`` seconds from each other.

    Args:
        ranking: clips in exact order.
        snapshot: where the clips lie.
        origins: the camera and the moment of each clip of the query, and of those known already:
            around none of them anything is a hit.
        hits: how many to return; fewer only where no more exist.
        window: seconds; clips this far away or nearer are suppressed, and a clip is never its own
            hit even with a window of 0.
    """
    timelines: dict[str, Timeline] = defaultdict(lambda: Timeline(window))
    for camera, at in origins:
        timelines[camera].take(at, 0)
    selection = Selection([], [])
    if hits < 1:
        return selection
    for place, ranked in enumerate(ranking, start=1):
        camera = snapshot.cameras[snapshot.camera[ranked.row]]
        at = int(snapshot.at[ranked.row])
        rank = timelines[camera].taker(at)
        if rank is None:
            selection.hits.append(Kept(ranked, place))
            timelines[camera].take(at, len(selection.hits))
            if len(selection.hits) == hits:
                break
        elif rank == 0:
            selection.around_query.append(ranked)
        else:
            selection.hits[rank - 1].suppressed.append(ranked)
    return selection
