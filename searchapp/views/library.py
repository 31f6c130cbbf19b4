"""The library: cameras, their recordings, and how far each has come."""

import zoneinfo
from functools import cache
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from searchapp import selectors, services
from searchapp.numbers import whole

SHOWN_PER_CAMERA = 12


@cache
def zones() -> list[str]:
    """Return the time zones that a camera can be in, places first."""
    names = zoneinfo.available_timezones()
    places = sorted(name for name in names if "/" in name and not name.startswith("Etc/"))
    return ["UTC", *places]


@require_safe
def library(request: HttpRequest) -> HttpResponse:
    """Show the library, or only what changes by itself where the page asks for that."""
    if "live" in request.GET:
        return _live(request)
    camera = request.GET.get("camera", "")
    shelves = selectors.shelves(request.user, limit=SHOWN_PER_CAMERA, camera=camera)
    if camera and not shelves:
        raise Http404
    context = {
        "shelves": shelves,
        "camera": camera,
        "live": [card.recording.pk for shelf in shelves for card in shelf.cards if card.live],
        "newest": selectors.newest(request.user),
        "alone": selectors.work_waits_alone(),
        "manages": selectors.may_manage(request.user),
        "cameras": selectors.cameras_for(request.user),
        "zones": zones(),
    }
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, "library/_shelves.html" if fragment else "library/page.html", context)


@require_POST
def zone(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the zone in which a camera's times are shown."""
    camera = get_object_or_404(selectors.cameras_for(request.user), pk=pk)
    try:
        services.set_zone(user=request.user, camera=camera, zone=request.POST.get("zone", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, f"The times of {camera.name} are now shown in {camera.zone}.")
    return redirect(f"{reverse('library')}?{urlencode({'camera': camera.name})}")


def _live(request: HttpRequest) -> HttpResponse:
    """Show the named cards anew; the ones that have come to rest are not asked for again."""
    wanted = [whole(pk) for pk in request.GET["live"].split(",")]
    cards = selectors.cards(selectors.recordings_for(request.user).filter(pk__in=wanted))
    newest = selectors.newest(request.user)
    context = {
        "newest": newest,
        "cards": cards,
        "live": [card.recording.pk for card in cards if card.live],
        "alone": selectors.work_waits_alone(),
        "manages": selectors.may_manage(request.user),
    }
    response = render(request, "library/_live.html", context)
    if str(newest) != request.GET.get("newest", str(newest)):
        # Something has come in by another way since: the page is to fetch its shelves anew.
        response.headers["HX-Trigger"] = "refresh"
    return response
