"""Search: a moment, and every other time something like it happened."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from indexing.events.labels import LabelError
from indexing.footage.intake import LONGEST_SAMPLE_S, IntakeError
from indexing.models import Recording
from indexing.search import ranking
from indexing.search.query import Clip, SearchError, SearchQuery, With
from indexing.search.ranking import Hit, Neighbour, SearchResult
from searchapp import selectors, services
from searchapp.encoders import encoder_for, rival
from searchapp.forms import first_error, moment, search_form
from searchapp.marks import adding, kept, marks, written
from searchapp.numbers import whole
from searchapp.recurrence import recurrence
from searchapp.templatetags.words import count
from searchapp.views.events import EVENT
from searchapp.ways import crossable, ways_of

EXCLUSIONS = (0, 10, 30, 60, 120, 300, 900, 3600)
HITS = (10, 20, 50, 100)
UNFOLDED = 24
NEAREST = 2.0  # the share of seconds that the calendar begins with: one in 10 ** 2


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
    this: str
    unwanted: str
    also: str


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Show the hits for the query of the link; htmx asks for the results alone."""
    fragment = request.headers.get("HX-Request") == "true"
    if not request.GET.get("recording"):
        return render(request, "search/start.html", _recent(request))
    recording = selectors.recording_for(request.user, whole(request.GET["recording"]))
    form = search_form(request.user, request.GET, recording.camera)
    context = _controls(request, recording)
    status = 200
    if form.is_valid():
        query = form.query()
        context |= {"query": query, "second": query.second}
        try:
            result = ranking.search(query)
            context |= _answer(request, result) | _used(request, result)
            if form.cleaned_data["view"]:
                context |= _when(request, result, form.cleaned_data["near"])
        except SearchError as error:
            context["problem"], status = error.sentence, 422
    else:
        context["problem"], status = first_error(form), 422
    template = "search/_results.html" if fragment else "search/page.html"
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _recent(request: HttpRequest) -> dict[str, object]:
    """Return the newest recordings and the account's own files, to begin a search from."""
    recent = selectors.footage_for(request.user).order_by("-created_at")
    return {
        "cards": selectors.cards(recent.exclude(state=Recording.State.REFUSED)[:6]),
        "samples": selectors.cards(selectors.samples_for(request.user)[:6]),
        "longest": LONGEST_SAMPLE_S,
        "alone": selectors.work_waits_alone(),
    }


@require_POST
def take_sample(request: HttpRequest) -> HttpResponse:
    """Keep a file to search with, and go to where its moment is chosen.

    A script that shows how far the file has come asks for JSON: where to go, or what is wrong.
    """
    scripted = request.headers.get("Accept") == "application/json"
    try:
        place = _sample_place(request)
    except IntakeError as error:
        if scripted:
            return JsonResponse({"problem": error.sentence}, status=422)
        messages.error(request, error.sentence)
        place = reverse("search")
    return JsonResponse({"place": place}) if scripted else redirect(place)


def _sample_place(request: HttpRequest) -> str:
    """Keep the file of a form and return where its moment is chosen; may raise IntakeError."""
    file = request.FILES.get("file")
    if file is None:
        raise IntakeError("Choose a file to search with first.")
    name, size = file.name or "", file.size or 0
    taken = services.take_sample(user=request.user, stream=file, name=name, size=size)
    if taken.known and not taken.recording.camera.samples:
        messages.info(
            request,
            f"This file is in the library already, as {taken.recording.name} of "
            f"{taken.recording.camera}; choose the moment there.",
        )
    return reverse("recording", args=[taken.recording.pk])


def _controls(request: HttpRequest, recording: Recording) -> dict[str, object]:
    """Return what the form of the page offers and what the link has chosen."""
    return {
        "recording": recording,
        "second": None,
        "defaults": SearchQuery(recording_id=recording.pk, second=0),
        "ways": ways_of(recording),
        "closed": recording.has_video and recording.has_audio and not crossable(recording),
        "exclusions": _with_chosen(EXCLUSIONS, request.GET.get("exclusion", "")),
        "hit_counts": _with_chosen(HITS, request.GET.get("k", "")),
        "cameras": selectors.cameras_for(request.user),
        "recordings": selectors.footage_for(request.user).filter(
            duration_s__gt=0,
            camera__name__in=[recording.camera.name, *request.GET.getlist("camera")],
        ),
        "chosen": _chosen(request.GET, recording.camera.tzinfo),
    }


def _with_chosen(offered: Iterable[int], chosen: str) -> list[int]:
    """Return what a menu offers, with the link's own number among it."""
    number = whole(chosen, default=-1)
    return sorted({*offered, number} if number >= 0 else offered)


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
    query = result.query
    folds = [result.around_query, *(hit.suppressed for hit in result.hits)]
    ids = {hit.recording_id for hit in result.hits}
    ids |= {each.recording_id for fold in folds for each in fold[:UNFOLDED]}
    ids |= {clip.recording_id for clip in (*query.also, *query.this, *query.not_this)}
    seen = selectors.recordings_for(request.user).in_bulk(list(ids))
    return {
        "result": result,
        "found": [
            _found(request.GET, hit, seen) for hit in result.hits if hit.recording_id in seen
        ],
        "around": _folded(result.around_query, seen),
        "marks": marks(request.GET, query, seen),
        "when_link": written([*kept(request.GET, but=("view", "near")), ("view", "when")]),
        "hits_link": written(kept(request.GET, but=("view", "near"))),
        "carried": kept(request.GET),
        "view": request.GET.get("view"),
        "near": None,
    }


def _found(data: QueryDict, hit: Hit, seen: Mapping[int, Recording]) -> Found:
    clip = Clip(hit.recording_id, hit.second)
    this, unwanted, also = (adding(data, kind, clip) for kind in ("this", "not", "also"))
    suppressed = _folded(hit.suppressed, seen)
    return Found(hit, seen[hit.recording_id], suppressed, _link(data, clip), this, unwanted, also)


def _when(request: HttpRequest, result: SearchResult, near: float | None) -> dict[str, object]:
    """Return the calendar: of the hits, or of every second that is among the nearest share."""
    found = recurrence(request.user, result, near, request.GET)
    return {
        "calendar": found.calendar,
        "near": near,
        "nearest": NEAREST,
        "share": 100 * (1 - 10**-near) if near is not None else None,
        "complete": found.complete,
        "every_link": written([*kept(request.GET, but=("near",)), ("near", NEAREST)]),
    }


@require_POST
def make_event(request: HttpRequest) -> HttpResponse:
    """Make an event of what a search has marked: its labels, and where it does not happen."""
    recording = selectors.recording_for(request.user, whole(request.POST.get("recording", "")))
    back = reverse("search") + written(kept(request.POST, but=("csrfmiddlewaretoken", "event")))
    form = search_form(request.user, request.POST, recording.camera)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect(back)
    try:
        made = services.make_event(
            user=request.user, event=request.POST.get("event", ""), query=form.query()
        )
    except (LabelError, SearchError) as error:
        messages.error(request, error.sentence)
        return redirect(back)
    request.session[EVENT] = made.event
    query = form.query()
    counter = f", and {count(len(query.not_this), 'moment')} without it" if query.not_this else ""
    labels = count(len(query.asked) + len(query.this), "moment")
    messages.success(request, f"{made.event} is labelled at {labels}{counter}.")
    return redirect("event", pk=made.pk)


def _used(request: HttpRequest, result: SearchResult) -> dict[str, object]:
    """Return the encoder that answered, and another to compare it with."""
    encoder = encoder_for(request.user, result.encoder_id)
    return {
        "encoder": encoder,
        "rival": rival(encoder),
        "trains": selectors.may_train(request.user),
        "this_search": urlencode(
            kept(request.GET, but=("camera", "also", "this", "not", "view", "near"))
        ),
    }


def _folded(clips: Sequence[Neighbour], seen: Mapping[int, Recording]) -> Folded:
    shown = ((each, seen.get(each.recording_id)) for each in clips[:UNFOLDED])
    return Folded(tuple((each, owner) for each, owner in shown if owner), len(clips))


def _link(data: QueryDict, clip: Clip) -> str:
    """Return the link of a new search from another moment, compared in the same way."""
    others = kept(data, but=("recording", "second", "also", "this", "not", "view", "near"))
    return written([("recording", clip.recording_id), ("second", clip.second), *others])
