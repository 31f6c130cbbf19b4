"""Saved searches: listed, asked again and compared with their answer of then, renamed, deleted."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from indexing.casework import saved as door
from indexing.casework import standing
from indexing.casework.saved import Replay, SavedError
from indexing.casework.standing import Terms
from indexing.casework.webhooks import WebhookRefused
from indexing.models import SavedSearch
from indexing.search.query import SearchError, SearchQuery
from searchapp import keeping, selectors
from searchapp.encoders import rival
from searchapp.forms import first_error, search_form
from searchapp.numbers import whole
from searchapp.standing_forms import COOL_DOWNS, StandingForm


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
    recording = selectors.recordings_for(request.user).filter(pk=whole(number)).first()
    if recording is None:
        raise SavedError("The recording of this search is not there any more.")
    form = search_form(request.user, data, recording.camera)
    if not form.is_valid():
        raise SavedError(first_error(form))
    return form.query()


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
        "compare": _comparison(found, replay, query),
        **_standing(found),
    }
    return render(request, "saved/search.html", context)


def _standing(found: SavedSearch) -> dict[str, object]:
    """Return what the form of a standing search shows, and what it would have given."""
    encoder = found.recording.camera.encoder if found.recording else None
    return {
        "cool_downs": COOL_DOWNS,
        "emails": bool(settings.EMAIL_HOST),
        "stuck": standing.stuck(found),
        "limit": found.limits.get(str(encoder.pk)) if encoder else None,
        "notified": found.notifications.count(),
        **_past(found, keeping.terms_of(found)),
    }


def _past(found: SavedSearch, terms: Terms) -> dict[str, object]:
    """Return what a threshold would have given of the past, or why that cannot be told."""
    try:
        return {"past": standing.past(door.question(found), terms), "past_problem": ""}
    except (SavedError, SearchError) as error:
        return {"past": None, "past_problem": error.sentence}


@require_safe
def past(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what the threshold in the form would have given of the past."""
    found = keeping.saved_for(request.user, pk)
    form = StandingForm(request.GET)
    if form.is_valid():
        context = _past(found, form.terms())
    else:
        context = {"past": None, "past_problem": first_error(form)}
    return render(request, "saved/_past.html", context)


@require_POST
def stand(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a saved search stand on the terms of the form."""
    found = keeping.saved_for(request.user, pk)
    form = StandingForm(request.POST)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect("saved-search", pk=pk)
    try:
        standing.stand(found, form.terms())
    except (SavedError, SearchError, WebhookRefused) as error:
        messages.error(request, error.sentence)
    else:
        messages.success(request, f"{found.name} stands: new footage is held against it.")
    return redirect("saved-search", pk=pk)


@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a search stand no longer."""
    found = keeping.saved_for(request.user, pk)
    standing.stop(found)
    messages.success(request, f"{found.name} does not stand any more. What it found stays.")
    return redirect("saved-search", pk=pk)


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try again what failed of a standing search."""
    found = keeping.saved_for(request.user, pk)
    standing.retry(found)
    messages.success(request, "What failed will be tried again.")
    return redirect("saved-search", pk=pk)


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
