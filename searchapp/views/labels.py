"""Labels: made on a recording, from a hit or a proposal; changed, taken back; as tables."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from indexing.events.label_tables import MOST_BYTES, export_audacity, export_csv
from indexing.events.labels import LabelError
from indexing.models import Label, LabelChange, Recording
from searchapp import events as reads
from searchapp import selectors, services
from searchapp.label_forms import LabelForm
from searchapp.numbers import whole
from searchapp.templatetags.words import count
from searchapp.views.events import EVENT

DESK = "events"  # the part of the recording page that holds its labels


@require_safe
def desk(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a recording's labels and an event located in it: the part of its page."""
    recording = selectors.recording_for(request.user, pk)
    return _desk(request, recording, request.GET.get("event", ""))


def _desk(
    request: HttpRequest,
    recording: Recording,
    event: str = "",
    *,
    problem: str = "",
    change: LabelChange | None = None,
) -> HttpResponse:
    named = event or request.session.get(EVENT, "")
    found = reads.desk(request.user, recording, named)
    context = {"desk": found, "event": named, "problem": problem, "change": change}
    return render(request, "recording/_events.html", context, status=422 if problem else 200)


@require_POST
def make(request: HttpRequest, pk: int) -> HttpResponse:
    """Label seconds of a recording, and remember the event for the next label."""
    recording = selectors.recording_for(request.user, pk)
    try:
        values = LabelForm(request.POST).read()
        made = services.make_label(user=request.user, recording=recording, **values)
    except LabelError as error:
        return _answered(request, recording, problem=error.sentence)
    request.session[EVENT] = made.event
    return _answered(request, recording, made)


def _answered(
    request: HttpRequest, recording: Recording, made: Label | None = None, problem: str = ""
) -> HttpResponse:
    """Answer where the label was made: the recording's part, one button, or without htmx a page."""
    change = made.began if made else None
    if request.headers.get("HX-Target") == DESK:
        event = made.event if made else ""
        return _desk(request, recording, event, problem=problem, change=change)
    if request.headers.get("HX-Request") == "true":
        return _said(request, {"made": made, "change": change, "problem": problem})
    if made:
        messages.success(request, f"{made.recording.name} is labelled {made.name}.")
    else:
        messages.error(request, problem)
    return redirect(_page(recording, made.start_s if made else 0))


def _said(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    """Answer in the place of a button, and let the page know that labels have changed."""
    status = 422 if context["problem"] else 200
    response = render(request, "events/_said.html", context, status=status)
    response.headers["HX-Trigger"] = "labelled"
    return response


def _page(recording: Recording, second: int) -> str:
    return f"{reverse('recording', args=[recording.pk])}?t={second}"


@require_http_methods(["GET", "HEAD", "POST"])
def label(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one label to be changed; change it."""
    found = reads.label_for(request.user, pk)
    problem, status = "", 200
    if request.method == "POST":
        try:
            values = LabelForm(request.POST).read()
            made = services.edit_label(user=request.user, label=found, **values)
        except LabelError as error:
            problem, status = error.sentence, 422
        else:
            messages.success(request, "The label was changed.")
            return redirect(_page(found.recording, made.start_s))
    context = {"label": found, "problem": problem, "given": request.POST}
    return render(request, "events/label.html", context, status=status)


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a label; it can be undone."""
    found = reads.label_for(request.user, pk)
    try:
        change = services.delete_label(user=request.user, label=found)
    except LabelError as error:
        return _answered(request, found.recording, problem=error.sentence)
    if request.headers.get("HX-Target") == DESK:
        return _desk(request, found.recording, found.event, change=change)
    if request.headers.get("HX-Request") == "true":
        return _said(request, {"change": change, "deleted": True, "problem": ""})
    messages.success(request, "The label was deleted.")
    return redirect(_page(found.recording, found.start_s))


@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a change to labels back."""
    change = reads.change_for(request.user, pk)
    problem = ""
    try:
        services.undo_labels(user=request.user, change=change)
    except LabelError as error:
        problem = error.sentence
    if request.headers.get("HX-Target") == DESK:
        number = request.POST.get("recording", "")
        recording = selectors.recording_for(request.user, whole(number))
        return _desk(request, recording, problem=problem)
    if request.headers.get("HX-Request") == "true":
        return _said(request, {"problem": problem, "undone": True})
    if problem:
        messages.error(request, problem)
    else:
        messages.success(request, f"Taken back: {change.sentence}")
    return redirect(reads.page_of(change.camera))


@require_POST
def take_in(request: HttpRequest) -> HttpResponse:
    """Import labels from a CSV file, or a label track for the recording that is chosen."""
    back = HttpResponseRedirect(reverse("events"))
    file = request.FILES.get("file")
    if file is None:
        messages.error(request, "Choose a CSV file or a label track, then import it.")
        return back
    number = request.POST.get("recording", "")
    recording = None
    if number:
        seen = selectors.recordings_for(request.user)
        recording = get_object_or_404(seen, pk=whole(number))
    try:
        found = services.import_labels(
            user=request.user,
            data=file.read(MOST_BYTES + 1),
            name=file.name or "The file",
            recording=recording,
        )
    except LabelError as error:
        messages.error(request, error.sentence)
        return back
    known = f"; {count(found.known, 'label')} of it stood already" if found.known else ""
    messages.success(request, f"{count(found.labels, 'label')} came from {file.name}{known}.")
    return back


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """Send labels as a table: all, a camera's, an event's or a recording's."""
    camera, event = request.GET.get("camera", ""), request.GET.get("event", "")
    number = request.GET.get("recording", "")
    recording = whole(number) if number else None
    found = reads.labels_for(request.user, camera=camera, recording=recording, event=event)
    name = slugify(" ".join(["labels", camera, event, number]))
    if number and request.GET.get("form") == "audacity":
        return _sent(export_audacity(found), f"{name}.txt", "text/plain")
    return _sent(export_csv(found), f"{name}.csv", "text/csv")


def _sent(text: str, name: str, kind: str) -> HttpResponse:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type=f"{kind}; charset=utf-8", headers=disposition)
