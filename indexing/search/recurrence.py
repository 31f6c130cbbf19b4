"""Has this happened before, and when? Every second that is near enough, not the hits alone."""

from dataclasses import dataclass
from itertools import islice

from indexing.search.query import SearchQuery
from indexing.search.ranking import ask

# A calendar tells no more from more of them, and a page has to come at once.
MOST_SECONDS = 50_000


@dataclass(frozen=True)
class Times:
    """Moments in whole seconds since 1970 by camera, and whether they are all there are."""

    moments: tuple[tuple[str, int], ...]
    complete: bool


def nearest_share(query: SearchQuery, share: float) -> Times:
    """Return when the nearest part of all searched seconds is, those around the query too.

    The share (0 to 1) is taken of each encoder's clips, since their distances do not compare.

    Raises:
        SearchError: the query cannot be answered.
    """
    moments: list[tuple[str, int]] = []
    complete = True
    for field in ask(query).fields().values():
        ranking, snapshot = field.ranking(), field.snapshot
        wanted = round(ranking.count * share)
        complete &= wanted <= MOST_SECONDS
        for ranked in islice(ranking, min(wanted, MOST_SECONDS)):
            camera = snapshot.cameras[snapshot.camera[ranked.row]]
            moments.append((camera, int(snapshot.at[ranked.row])))
    return Times(tuple(moments), complete)
