"""Bookmarks and cases: moments kept from anywhere, in order, with notes; removed and put back."""

import math
from contextlib import suppress

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from indexing.casework import cases as door
from indexing.casework.cases import CaseError
from indexing.models import CaseMoment, Recording
from searchapp import keeping, selectors
from searchapp.numbers import whole

SCORES = ("rank", "distance", "video_distance", "audio_distance", "percentile", "score")


@require_http_methods(["GET", "HEAD", "POST"])
def cases(request: HttpRequest) -> HttpResponse:
    """List the account's cases and bookmarks; begin a case."""
    user = keeping.person(request.user)
    if request.method == "POST":
        try:
            found = door.open_case(user, request.POST.get("title", ""))
        except CaseError as error:
            messages.error(request, error.sentence)
            return redirect("cases")
        return redirect("case", pk=found.pk)
    rows = [(each, keeping.moments_for(user, each)) for each in door.cases_of(user)]
    context = {
        "rows": rows,
        "bookmarks": keeping.bookmarks_for(user),
        "removed": _number(request, "removed"),
    }
    return render(request, "cases/page.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def case(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a case with its moments; change its title and note."""
    found = keeping.case_for(request.user, pk)
    if request.method == "POST":
        try:
            door.change_case(found, request.POST.get("title", ""), request.POST.get("note", ""))
        except CaseError as error:
            messages.error(request, error.sentence)
        return redirect("case", pk=pk)
    context = {
        "case": found,
        "moments": keeping.moments_for(request.user, found),
        "exports": found.exports.all()[:10],
        "removed": _number(request, "removed"),
    }
    return render(request, "cases/case.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask before deleting a case; delete it where the answer is yes."""
    found = keeping.case_for(request.user, pk)
    if request.method != "POST":
        return render(request, "cases/delete.html", {"case": found})
    found.delete()
    messages.success(request, f"{found.title} was deleted. Its recordings stay as they are.")
    return redirect("cases")


@require_http_methods(["GET", "HEAD", "POST"])
def collect(request: HttpRequest, pk: int) -> HttpResponse:
    """Bookmark a moment of a recording, or put it into a case, which may be a new one.

    The form is asked for only where somebody opens it, since a page may have a hundred hits.
    """
    recording = selectors.recording_for(request.user, pk)
    if request.method != "POST":
        start = _number(request, "start")
        context = {
            "recording": recording,
            "second": start,
            "end": _number(request, "end") or start + 1,
            "kind": request.GET.get("kind") or CaseMoment.Kind.MOMENT,
            "scores": _scores(request.GET),
            "cases": door.cases_of(keeping.person(request.user)),
        }
        return render(request, "cases/_keep.html", context)
    return _collect(request, recording)


def _collect(request: HttpRequest, recording: Recording) -> HttpResponse:
    """Keep a moment, and answer in the form that asked for it."""
    context: dict[str, object] = {"recording": recording, "second": _number(request, "start")}
    try:
        context |= _collected(request, recording)
    except CaseError as error:
        context["refused"] = error.sentence
    if request.headers.get("HX-Request") == "true":
        status = 422 if "refused" in context else 200
        return render(request, "cases/_said.html", context, status=status)
    if "refused" in context:
        messages.error(request, str(context["refused"]))
    page = reverse("recording", args=[recording.pk])
    return redirect(f"{page}?t={_number(request, 'start')}")


def _collected(request: HttpRequest, recording: Recording) -> dict[str, object]:
    """Keep the moment as the form says, and return what was made of it."""
    user, data = keeping.person(request.user), request.POST
    start = _number(request, "start")
    note = data.get("note", "")
    if data.get("to", "bookmark") == "bookmark":
        return {"bookmark": door.bookmark(user, recording, start, note)}
    if data["to"] == "new":
        found = door.open_case(user, data.get("title", ""))
    else:
        found = keeping.case_for(user, whole(data["to"]))
    end = _number(request, "end") or start + 1
    kind = data.get("kind") or CaseMoment.Kind.MOMENT
    made = door.collect(found, recording, start, end, kind=kind, note=note, scores=_scores(data))
    return {"moment": made}


def _number(request: HttpRequest, name: str) -> int:
    return whole(request.POST.get(name) or request.GET.get(name, ""))


def _scores(data: QueryDict) -> dict[str, float]:
    """Return the scores that came with a hit or a peak."""
    found = {}
    for name in SCORES:
        with suppress(ValueError):
            found[name] = float(data.get(name, ""))
    return {name: score for name, score in found.items() if math.isfinite(score)}


@require_POST
def moment(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a moment of a case: its note or place; remove it, or put it back."""
    found = keeping.moment_for(request.user, pk)
    try:
        _change(request, found)
    except CaseError as error:
        messages.error(request, error.sentence)
    page = reverse("case", args=[found.case_id])
    return redirect(f"{page}?removed={pk}" if request.POST.get("do") == "remove" else page)


def _change(request: HttpRequest, found: CaseMoment) -> None:
    do = request.POST.get("do", "")
    if do in ("up", "down"):
        door.move(found, -1 if do == "up" else 1)
    elif do == "remove":
        door.remove(found)
    elif do == "back":
        door.put_back(found)
    else:
        door.change_moment(found, request.POST.get("note", ""))


@require_POST
def bookmark(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a bookmark, or put it back."""
    found = keeping.bookmark_for(request.user, pk)
    page = reverse("cases")
    if request.POST.get("do") == "back":
        door.put_back(found)
        return redirect(page)
    door.remove(found)
    return redirect(f"{page}?removed={pk}")
