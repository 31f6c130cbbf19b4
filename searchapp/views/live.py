"""Pages of which a part is asked for again while something moves."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def page_or_part(
    request: HttpRequest, page: str, part: str, context: Mapping[str, object], *, moving: bool
) -> HttpResponse:
    """Render a page, or for htmx only the part of it that changes.

    Once nothing moves any more the browser is told to load the whole page, which says more then.
    """
    if request.headers.get("HX-Request") != "true":
        return render(request, page, dict(context))
    response = render(request, part, dict(context))
    if not moving:
        response.headers["HX-Refresh"] = "true"
    return response
