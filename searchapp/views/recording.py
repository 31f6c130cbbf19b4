"""One recording: played, scrubbed through, and searched from."""

import json
from dataclasses import asdict

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from indexing.models import Recording
from indexing.work.status import recording_status
from searchapp import selectors, services
from searchapp.forms import seconds
from searchapp.marks import added_to
from searchapp.templatetags.words import count


@require_safe
def recording(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a recording at the second of the link, or only its progress where that is asked for."""
    found = selectors.recording_for(request.user, pk)
    status = recording_status(found)
    spans = selectors.coverage(found)
    context = {
        "recording": found,
        "status": status,
        "live": not status.finished and found.state != Recording.State.REFUSED,
        "card": selectors.cards([found])[0],
        "spans": spans,
        "spans_json": json.dumps([asdict(span) for span in spans]),
        "gaps": selectors.gaps(found),
        "second": _second(request.GET.get("t", ""), found),
        "alone": selectors.work_waits_alone(),
        "encoder": found.camera.encoder,
        "manages": selectors.may_manage(request.user),
        "deletes": selectors.may_delete(request.user, found),
        "trains": selectors.may_train(request.user),
        "add_link": added_to(request.GET.get("search", ""), found.pk),
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "recording/_live.html", context)
    return render(request, "recording/page.html", context)


def _second(text: str, found: Recording) -> int:
    """Return the second of the link, moved inside the recording where it lies outside."""
    try:
        wanted = seconds(text) if text else 0
    except ValidationError:
        wanted = 0
    return max(0, min(wanted, found.duration_s - 1))


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the quarantined work of a recording back."""
    found = selectors.recording_for(request.user, pk)
    pieces = services.retry(user=request.user, recording=found)
    if pieces:
        messages.success(request, f"{count(pieces, 'piece')} of work will be tried again.")
    else:
        messages.info(request, "Nothing of this recording waits for another try.")
    return redirect("recording", pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask before deleting a recording; delete it where the answer is yes."""
    found = selectors.recording_for(request.user, pk)
    if not selectors.may_delete(request.user, found):
        raise PermissionDenied("Only an admin may delete a recording.")
    if request.method != "POST":
        return render(request, "recording/delete.html", {"recording": found})
    services.delete_recording(user=request.user, recording=found)
    messages.success(request, f"{found.name} was deleted.")
    return redirect("search" if found.camera.samples else "library")
