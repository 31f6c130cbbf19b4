"""Two encoders of a camera side by side, on the same moment too."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from indexing.encoders import registry
from indexing.encoders.registry import Entry, RegistryError
from indexing.models import Encoder, Recording
from indexing.search import comparison
from indexing.search.comparison import Comparison
from indexing.search.query import SearchError, SearchQuery
from indexing.search.ranking import Hit, SearchResult
from searchapp import encoders as reads
from searchapp import selectors
from searchapp.forms import first_error, search_form
from searchapp.numbers import whole
from searchapp.ways import WAYS

# What a search may have chosen that the form of this page does not show.
CARRIED = ("weight", "exclusion", "k", "since", "until")


@dataclass(frozen=True)
class Pick:
    """A hit of one encoder, and its rank among the hits of the other; None where it has none."""

    hit: Hit
    recording: Recording
    other: int | None


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Show two encoders with their numbers, curves and, for a moment, their hits."""
    left = _encoder(request, "left")
    right = _encoder(request, "right", default=reads.rival(left))
    context: dict[str, object] = {
        "left": left,
        "right": right,
        "offered": left.camera.encoders.order_by("-version"),
        "recordings": selectors.recordings_for(request.user).filter(
            camera=left.camera, duration_s__gt=0
        ),
        "ways": WAYS,
        "carried": [(name, request.GET[name]) for name in CARRIED if request.GET.get(name)],
        "trains": selectors.may_train(request.user),
    }
    query, problem = _query(request, left)
    behind = _behind(left, right)
    try:
        context |= _compared(request, comparison.compare(left, right))
        if query and not behind:
            context |= _compared(request, comparison.compare(left, right, query))
    except (RegistryError, SearchError) as error:
        problem = error.sentence
    context |= {"problem": problem, "behind": behind if query else []}
    return render(request, "encoders/compare.html", context, status=422 if problem else 200)


def _behind(left: Encoder, right: Encoder) -> list[Entry]:
    """Return those of the two whose embeddings are not all there: their hits would mislead."""
    entries = (registry.entry(each) for each in (left, right))
    return [entry for entry in entries if entry.clips_embedded < entry.clips_total]


def _encoder(request: HttpRequest, side: str, default: Encoder | None = None) -> Encoder:
    """Return the encoder that the link names for a side."""
    number = request.GET.get(side, "")
    if not number and default:
        number = str(default.pk)
    return reads.encoder_for(request.user, whole(number))


def _query(request: HttpRequest, left: Encoder) -> tuple[SearchQuery | None, str]:
    """Return the moment of the link as a query, None without one, and what is wrong with it."""
    if not request.GET.get("recording") or not request.GET.get("second"):
        return None, ""
    form = search_form(request.user, request.GET, left.camera, beside=False)
    if not form.is_valid():
        return None, first_error(form)
    query = form.query()
    selectors.recording_for(request.user, query.recording_id)
    return query, ""


def _compared(request: HttpRequest, found: Comparison) -> dict[str, object]:
    """Return the numbers of both encoders, and their hits where a moment was searched for."""
    if found.results is None:
        return {"comparison": found}
    left, right = found.results
    ids = {hit.recording_id for result in found.results for hit in result.hits}
    seen = selectors.recordings_for(request.user).in_bulk(list(ids))
    columns = (_picks(left, right, seen), _picks(right, left, seen))
    return {
        "comparison": found,
        "columns": columns,
        "common": sum(pick.other is not None for pick in columns[0]),
    }


def _picks(own: SearchResult, other: SearchResult, seen: dict[int, Recording]) -> list[Pick]:
    """Return the hits of one encoder, each with its rank in the other's list."""
    pairs = [(hit, comparison.counterpart(hit, other)) for hit in own.hits]
    return [
        Pick(hit, seen[hit.recording_id], found.rank if found else None)
        for hit, found in pairs
        if hit.recording_id in seen
    ]
