"""Saved searches: listed, asked again and compared with their answer of then, renamed, deleted."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from indexing import saved as door
from indexing.casework import SavedSearch
from indexing.models import Camera
from indexing.saved import Replay, SavedError
from indexing.search import SearchError, SearchQuery
from searchapp import keeping, selectors
from searchapp.encoders import rival
from searchapp.forms import SearchForm, first_error


@require_http_methods(["GET", "HEAD", "POST"])
def saved_searches(request: HttpRequest) -> HttpResponse:
    """List the account's saved searches; save the search of a link under a name."""
    user = keeping.person(request.user)
    if request.method == "POST":
        return _save(request)
    rows = list(door.saved_of(user))
    return render(request, "saved/page.html", {"rows": rows, "unread": keeping.unread(user)})


def _save(request: HttpRequest) -> HttpResponse:
    """Save a search, and answer in the place of the form that asked for it."""
    found, problem = None, ""
    data = QueryDict(request.POST.get("query", ""))
    try:
        query = _query(request, data)
        found = door.save(keeping.person(request.user), request.POST.get("name", ""), query)
    except (SavedError, SearchError) as error:
        problem = error.sentence
    if request.headers.get("HX-Request") == "true":
        context = {"saved": found, "refused": problem, "asked": data.urlencode()}
        status = 422 if problem else 200
        return render(request, "saved/_save.html", context, status=status)
    if found is None:
        messages.error(request, problem)
        return redirect(f"{reverse('search')}?{data.urlencode()}")
    return redirect("saved-search", pk=found.pk)


def _query(request: HttpRequest, data: QueryDict) -> SearchQuery:
    """Return the query of a search page's link.

    Raises:
        SavedError: the link is not one.
    """
    number = data.get("recording", "")
    seen = selectors.recordings_for(request.user)
    recording = seen.filter(pk=int(number)).first() if _whole(number) else None
    if recording is None:
        raise SavedError("The recording of this search is not there any more.")
    form = SearchForm(
        data,
        zone=recording.camera.tzinfo,
        cameras=list(selectors.cameras_for(request.user).values_list("name", flat=True)),
        within=list(seen.values_list("pk", flat=True)),
    )
    if not form.is_valid():
        raise SavedError(first_error(form))
    return form.query()


def _whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


@require_safe
def saved_search(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a saved search again, and show what has changed since it was saved."""
    found = keeping.saved_for(request.user, pk)
    by_now = request.GET.get("by") == "now"
    replay = door.replay(found, now=by_now)
    query = door.question(found)
    context = {
        "saved": found,
        "replay": replay,
        "lines": keeping.lines(request.user, replay),
        "terms": keeping.terms(found),
        "link": keeping.link(query),
        "by_now": by_now,
        "cameras": Camera.objects.in_bulk(query.cameras, field_name="name"),
        "compare": _comparison(found, replay, query),
    }
    return render(request, "saved/search.html", context)


def _comparison(found: SavedSearch, replay: Replay, query: SearchQuery) -> str:
    """Return the link that shows this query under two encoders; empty where there is one alone."""
    if replay.encoder is None:
        return ""
    other = found.encoder if found.encoder != replay.encoder else None
    other = other or rival(replay.encoder)
    if other is None or other.camera_id != replay.encoder.camera_id:
        return ""
    left, right = sorted((other.pk, replay.encoder.pk))
    return f"{reverse('compare')}?left={left}&right={right}&{keeping.link(query)}"


@require_POST
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a saved search another name."""
    found = keeping.saved_for(request.user, pk)
    try:
        door.rename(found, request.POST.get("name", ""))
    except SavedError as error:
        messages.error(request, error.sentence)
    return redirect("saved-search", pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask before deleting a saved search with its notifications; delete it on a yes."""
    found = keeping.saved_for(request.user, pk)
    if request.method != "POST":
        return render(request, "saved/delete.html", {"saved": found})
    found.delete()
    messages.success(request, f"{found.name} was deleted.")
    return redirect("saved-searches")
