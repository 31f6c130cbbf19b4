"""What standing searches have found: the bell with its count, the list, and what was read."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from searchapp import keeping
from searchapp.numbers import whole

MOST = 200


@require_safe
def notifications(request: HttpRequest) -> HttpResponse:
    """List what the account's standing searches have found, the newest first."""
    user = keeping.person(request.user)
    found = keeping.notifications_for(user)
    context = {
        "notifications": found[:MOST],
        "more": max(0, found.count() - MOST),
        "unread": keeping.unread(user),
    }
    return render(request, "saved/notifications.html", context)


@require_safe
def bell(request: HttpRequest) -> HttpResponse:
    """Show the bell again, with as many as are unread now."""
    return render(request, "saved/_bell.html")


@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """Mark one notification, or all, as read."""
    number = request.POST.get("number", "")
    named = [whole(number)] if number else []
    keeping.mark_read(request.user, named)
    return redirect("notifications")
