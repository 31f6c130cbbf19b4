"""The events of every camera: how well each is located, where else it happens, what to label."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from indexing.events.labels import LabelError
from indexing.events.locations import LEAST_LABELS, EventError
from indexing.models import Location
from searchapp import events as reads
from searchapp import selectors, services
from searchapp.views.live import page_or_part

EVENT = "event"  # what the session calls the event that was labelled last


@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """Show the events by camera, or only one camera's list where the page asks for that."""
    camera = request.GET.get("camera", "")
    panels = reads.panels(request.user, camera)
    if camera and not panels:
        raise Http404
    context = {
        "panels": panels,
        "panel": panels[0] if panels else None,
        "least": LEAST_LABELS,
        "alone": selectors.work_waits_alone(),
    }
    moving = bool(panels and panels[0].moving)
    return page_or_part(request, "events/page.html", "events/_list.html", context, moving=moving)


@require_POST
def create(request: HttpRequest, pk: int) -> HttpResponse:
    """Make an event, and remember it as the one that is labelled next."""
    camera = get_object_or_404(selectors.cameras_for(request.user), pk=pk)
    try:
        name = request.POST.get("name", "")
        location = services.create_event(user=request.user, camera=camera, name=name)
    except LabelError as error:
        messages.error(request, error.sentence)
        return redirect(reads.page_of(camera))
    request.session[EVENT] = location.event
    return redirect("event", pk=location.pk)


@require_safe
def event(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one event, or only where it stands while it is being learnt."""
    found = reads.location_for(request.user, pk)
    book = reads.Book(request.user, found)
    context = {
        "book": book,
        "location": found,
        "recordings": selectors.recordings_for(request.user).filter(
            camera=found.camera, duration_s__gt=0
        ),
        "others": reads.locations_for(request.user).filter(camera=found.camera).exclude(pk=pk),
        "modalities": Location.Modality.choices,
        "alone": selectors.work_waits_alone(),
    }
    if request.headers.get("HX-Request") == "true":
        # Not the whole page anew: somebody may be in the middle of answering.
        return render(request, "events/_state.html", {**context, "asked": True})
    return render(request, "events/event.html", context)


@require_POST
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename an event, or merge it into another of its camera."""
    found = reads.location_for(request.user, pk)
    try:
        known = services.rename_event(
            user=request.user, location=found, name=request.POST.get("name", "")
        )
    except LabelError as error:
        messages.error(request, error.sentence)
        return redirect("event", pk=pk)
    messages.success(request, f"{found.event} is called {known.event} now.")
    return redirect("event", pk=known.pk)


@require_POST
def tell(request: HttpRequest, pk: int) -> HttpResponse:
    """Let an event be told by picture, by sound or by both."""
    found = reads.location_for(request.user, pk)
    try:
        services.tell_event_by(
            user=request.user, location=found, modality=request.POST.get("with", "")
        )
    except EventError as error:
        messages.error(request, error.sentence)
    return redirect("event", pk=pk)


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Try again to learn an event."""
    found = reads.location_for(request.user, pk)
    services.learn_event_again(user=request.user, location=found)
    return redirect("event", pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask before deleting an event with its labels; delete it where the answer is yes."""
    found = reads.location_for(request.user, pk)
    if not selectors.may_see(request.user):
        raise PermissionDenied
    if request.method != "POST":
        return render(request, "events/delete.html", {"row": reads.row(found)})
    services.delete_event(user=request.user, location=found)
    messages.success(request, f"{found.event} was deleted with its labels. It can be undone here.")
    return redirect(reads.page_of(found.camera))
