"""Search: a moment, and every other time something like it happened."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from indexing import search as door
from indexing.models import Recording
from indexing.search import Hit, Neighbour, SearchError, SearchQuery, SearchResult, With
from searchapp import selectors
from searchapp.forms import SearchForm, first_error

EXCLUSIONS = (0, 10, 30, 60, 120, 300, 900, 3600)
HITS = (10, 20, 50, 100)
WAYS = {
    With.JOINT: "Picture and sound",
    With.VIDEO: "Picture",
    With.AUDIO: "Sound",
    With.VIDEO_TO_AUDIO: "Picture finds sound",
    With.AUDIO_TO_VIDEO: "Sound finds picture",
}


@dataclass(frozen=True)
class Found:
    """A hit with what the page needs to show and play it."""

    hit: Hit
    recording: Recording
    suppressed: tuple[tuple[Neighbour, Recording], ...]
    link: str


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Show the hits for the query of the link; htmx asks for the results alone."""
    fragment = request.headers.get("HX-Request") == "true"
    if not request.GET.get("recording"):
        return render(request, "search/start.html", _recent(request))
    recording = _recording(request)
    form = SearchForm(
        request.GET,
        zone=recording.camera.tzinfo,
        cameras=list(selectors.cameras_for(request.user).values_list("name", flat=True)),
        within=list(selectors.recordings_for(request.user).values_list("pk", flat=True)),
    )
    context = _controls(request, recording)
    status = 200
    if form.is_valid():
        query = form.query()
        context |= {"query": query, "second": query.second}
        try:
            context |= _answer(request, door.search(query))
        except SearchError as error:
            context["problem"], status = error.sentence, 422
    else:
        context["problem"], status = first_error(form), 422
    template = "search/_results.html" if fragment else "search/page.html"
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _recording(request: HttpRequest) -> Recording:
    number = request.GET["recording"]
    if not number.isdecimal() or len(number) > 18:
        raise Http404
    return selectors.recording_for(request.user, int(number))


def _recent(request: HttpRequest) -> dict[str, object]:
    """Return the newest recordings, to begin a search from."""
    recent = selectors.recordings_for(request.user).order_by("-created_at")
    return {"cards": selectors.cards(recent.exclude(state=Recording.State.REFUSED)[:6])}


def _controls(request: HttpRequest, recording: Recording) -> dict[str, object]:
    """Return what the form of the page offers and what the link has chosen."""
    encoder = recording.camera.encoder
    crossable = encoder is not None and encoder.crossable
    return {
        "recording": recording,
        "second": None,
        "defaults": SearchQuery(recording_id=recording.pk, second=0),
        "ways": [(way, label) for way, label in WAYS.items() if crossable or not way.crossing],
        "exclusions": EXCLUSIONS,
        "hit_counts": HITS,
        "cameras": selectors.cameras_for(request.user),
        "recordings": selectors.recordings_for(request.user).filter(
            camera=recording.camera, state__in=(Recording.State.READY, Recording.State.INGESTING)
        ),
        "chosen": _chosen(request.GET),
    }


def _chosen(data: QueryDict) -> dict[str, object]:
    """Return the controls as the link has them, also where they are wrong."""
    return {
        "way": data.get("with") or With.JOINT.value,
        "weight": data.get("weight") or "0.5",
        "k": data.get("k") or "20",
        "exclusion": data.get("exclusion") or "60",
        "camera": data.getlist("camera"),
        "within": data.getlist("within"),
        "since": data.get("since", ""),
        "until": data.get("until", ""),
        "narrowed": any(data.get(key) for key in ("camera", "within", "since", "until")),
    }


def _answer(request: HttpRequest, result: SearchResult) -> dict[str, object]:
    """Return the hits with their recordings; one that this account may not see is left out."""
    ids = {hit.recording_id for hit in result.hits}
    ids |= {each.recording_id for hit in result.hits for each in hit.suppressed}
    ids |= {each.recording_id for each in result.around_query}
    seen = selectors.recordings_for(request.user).in_bulk(list(ids))
    found = [
        Found(
            hit,
            seen[hit.recording_id],
            _paired(hit.suppressed, seen),
            _link(request.GET, hit.recording_id, hit.second),
        )
        for hit in result.hits
        if hit.recording_id in seen
    ]
    return {"result": result, "found": found, "around": _paired(result.around_query, seen)}


def _paired(
    clips: Iterable[Neighbour], seen: dict[int, Recording]
) -> tuple[tuple[Neighbour, Recording], ...]:
    return tuple((each, seen[each.recording_id]) for each in clips if each.recording_id in seen)


def _link(data: QueryDict, recording: int, second: int) -> str:
    """Return the link of the same search from another moment."""
    kept = [
        (key, value)
        for key, values in data.lists()
        if key not in ("recording", "second")
        for value in values
        if value
    ]
    return "?" + urlencode([("recording", recording), ("second", second), *kept])
