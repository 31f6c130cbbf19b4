"""Two encoders side by side: their numbers, and what each finds for the same query."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from indexing.encoders.registry import RegistryError, document, entry
from indexing.encoders.switching import missing
from indexing.models import Encoder
from indexing.search.query import SearchQuery
from indexing.search.ranking import Hit, SearchResult, search

# Two encoders may choose neighbouring seconds of one event. The window of the search would be too
# wide: twenty hits a minute apart cover 40 minutes, so that every hit would be in common.
SAME_MOMENT_S = 5


@dataclass(frozen=True)
class Row:
    """A metric of two encoders; None where one was not measured."""

    name: str
    left: float | None
    right: float | None


@dataclass(frozen=True)
class Comparison:
    """Two encoders side by side, and what each finds for the same query, if one was given.

    shared_hits counts the hits of the left that the right found as well (`counterpart`).
    """

    left: dict[str, Any]
    right: dict[str, Any]
    metrics: tuple[Row, ...]
    results: tuple[SearchResult, SearchResult] | None
    shared_hits: int


def compare(left: Encoder, right: Encoder, query: SearchQuery | None = None) -> Comparison:
    """Put two encoders side by side; with a query also what each of them finds.

    Raises:
        RegistryError: they belong to different cameras, or one has not embedded all of the footage
            that the query searches.
        SearchError: the query cannot be answered by one of them.
    """
    if left.camera_id != right.camera_id:
        raise RegistryError(
            f"Encoders {left.pk} and {right.pk} belong to different cameras, {left.camera} and "
            f"{right.camera}; choose two of one camera."
        )
    results = None
    if query:
        for encoder in (left, right):
            _refuse_incomplete(encoder)
        results = (
            search(replace(query, encoder_id=left.pk)),
            search(replace(query, encoder_id=right.pk)),
        )
    names = dict.fromkeys([*left.metrics, *right.metrics])
    return Comparison(
        left=document(left),
        right=document(right),
        metrics=tuple(Row(n, left.metrics.get(n), right.metrics.get(n)) for n in names),
        results=results,
        shared_hits=_shared_hits(*results) if results else 0,
    )


def _refuse_incomplete(encoder: Encoder) -> None:
    if missing(encoder.camera, encoder).exists():
        listed = entry(encoder)
        raise RegistryError(
            f"Encoder {encoder.pk} has embedded {listed.clips_embedded:,} of "
            f"{listed.clips_total:,} clips; compare searches when all of them are embedded."
        )


def counterpart(hit: Hit, other: SearchResult) -> Hit | None:
    """Return the best hit of another encoder that is the same moment; None where it has none."""
    window = timedelta(seconds=min(SAME_MOMENT_S, other.query.exclusion_s))
    return next((each for each in other.hits if abs(each.at - hit.at) <= window), None)


def _shared_hits(left: SearchResult, right: SearchResult) -> int:
    return sum(counterpart(hit, right) is not None for hit in left.hits)
