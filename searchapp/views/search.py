"""Search: a moment, and every other time something like it happened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from indexing import search as door
from indexing.models import Recording
from indexing.search import Hit, Neighbour, SearchError, SearchQuery, SearchResult, With
from searchapp import selectors
from searchapp.encoders import encoder_for, rival
from searchapp.forms import SearchForm, first_error, moment

EXCLUSIONS = (0, 10, 30, 60, 120, 300, 900, 3600)
HITS = (10, 20, 50, 100)
UNFOLDED = 24
WAYS = {
    With.JOINT: "Picture and sound",
    With.VIDEO: "Picture",
    With.AUDIO: "Sound",
    With.VIDEO_TO_AUDIO: "Picture finds sound",
    With.AUDIO_TO_VIDEO: "Sound finds picture",
}


@dataclass(frozen=True)
class Folded:
    """The clips left out beside a hit, nearest first, as many as a page can carry."""

    clips: tuple[tuple[Neighbour, Recording], ...]
    total: int

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.total - len(self.clips)


@dataclass(frozen=True)
class Found:
    """A hit with what the page needs to show and play it."""

    hit: Hit
    recording: Recording
    suppressed: Folded
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
            result = door.search(query)
            context |= _answer(request, result) | _used(request, result)
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
    return {
        "recording": recording,
        "second": None,
        "defaults": SearchQuery(recording_id=recording.pk, second=0),
        "ways": _ways(recording),
        "exclusions": _with_chosen(EXCLUSIONS, request.GET.get("exclusion", "")),
        "hit_counts": _with_chosen(HITS, request.GET.get("k", "")),
        "cameras": selectors.cameras_for(request.user),
        "recordings": selectors.recordings_for(request.user).filter(
            duration_s__gt=0,
            camera__name__in=[recording.camera.name, *request.GET.getlist("camera")],
        ),
        "chosen": _chosen(request.GET, recording.camera.tzinfo),
    }


def _ways(recording: Recording) -> list[tuple[With, str]]:
    """Return the ways to compare that this recording and its camera's encoder allow."""
    if not (recording.has_video and recording.has_audio):
        return [(With.JOINT, WAYS[With.VIDEO if recording.has_video else With.AUDIO])]
    encoder = recording.camera.encoder
    crossable = encoder is not None and encoder.crossable
    return [(way, label) for way, label in WAYS.items() if crossable or not way.crossing]


def _with_chosen(offered: Iterable[int], chosen: str) -> list[int]:
    """Return what a menu offers, with the link's own number among it."""
    return sorted({*offered, int(chosen)} if chosen.isdecimal() and len(chosen) < 9 else offered)


def _chosen(data: QueryDict, zone: ZoneInfo) -> dict[str, object]:
    """Return the controls as the link has them, also where they are wrong."""
    return {
        "way": data.get("with") or With.JOINT.value,
        "weight": data.get("weight") or "0.5",
        "k": data.get("k") or "20",
        "exclusion": data.get("exclusion") or "60",
        "camera": data.getlist("camera"),
        "within": data.getlist("within"),
        "since": _on_clock(data.get("since", ""), zone),
        "until": _on_clock(data.get("until", ""), zone),
        "narrowed": any(data.get(key) for key in ("camera", "within", "since", "until")),
    }


def _on_clock(text: str, zone: ZoneInfo) -> str:
    """Return a time of the link as the field for it takes it: on the camera's clock, no offset."""
    try:
        return f"{moment(text, zone).astimezone(zone):%Y-%m-%dT%H:%M:%S}" if text else ""
    except ValidationError:
        return ""


def _answer(request: HttpRequest, result: SearchResult) -> dict[str, object]:
    """Return the hits with their recordings; one that this account may not see is left out."""
    folds = [result.around_query, *(hit.suppressed for hit in result.hits)]
    ids = {hit.recording_id for hit in result.hits}
    ids |= {each.recording_id for fold in folds for each in fold[:UNFOLDED]}
    seen = selectors.recordings_for(request.user).in_bulk(list(ids))
    found = [
        Found(
            hit,
            seen[hit.recording_id],
            _folded(hit.suppressed, seen),
            _link(request.GET, hit.recording_id, hit.second),
        )
        for hit in result.hits
        if hit.recording_id in seen
    ]
    return {"result": result, "found": found, "around": _folded(result.around_query, seen)}


def _used(request: HttpRequest, result: SearchResult) -> dict[str, object]:
    """Return the encoder that answered, and another to compare it with."""
    encoder = encoder_for(request.user, result.encoder_id)
    return {
        "encoder": encoder,
        "rival": rival(encoder),
        "trains": selectors.may_train(request.user),
        "this_search": urlencode(_kept(request.GET, but=("camera",))),
    }


def _folded(clips: Sequence[Neighbour], seen: dict[int, Recording]) -> Folded:
    shown = ((each, seen.get(each.recording_id)) for each in clips[:UNFOLDED])
    return Folded(tuple((each, owner) for each, owner in shown if owner), len(clips))


def _link(data: QueryDict, recording: int, second: int) -> str:
    """Return the link of the same search from another moment."""
    kept = _kept(data, but=("recording", "second"))
    return "?" + urlencode([("recording", recording), ("second", second), *kept])


def _kept(data: QueryDict, *, but: Sequence[str]) -> list[tuple[str, str]]:
    """Return what the link chose, without the blanks and without some of it."""
    pairs = ((key, value) for key, values in data.lists() for value in values)
    return [(key, value) for key, value in pairs if value and key not in but]
