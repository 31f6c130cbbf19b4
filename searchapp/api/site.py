"""The API as a whole: its desks, its description, and its addresses."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.renderers import JSONRenderer

from indexing.models.json_numbers import finite
from searchapp.api import (
    account,
    anomalies,
    cases,
    encoders,
    events,
    labels,
    library,
    problems,
    saved,
    search,
)
from searchapp.api.reference import Reference

DESKS = (account, library, search, anomalies, labels, events, saved, cases, encoders)
ABOUT = """What the pages do, as JSON.

Send a token with every request, `Authorization: Bearer TOKEN`; tokens are made on the tokens page.
Lists come in parts of `limit` items from `offset` on, with `count` and the address of the `next`
part. Seconds are whole seconds from a recording's start. Moments are ISO 8601; sent without an
offset, one is on the camera's clock. What goes wrong is one sentence, `{"error": "..."}`."""


class Numbers(JSONRenderer):
    """Answers JSON that every reader takes: what is no number is null."""

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> Any:
        """Return the text."""
        return super().render(request, finite(data), response_status=response_status)


api = NinjaAPI(
    title="Reprise",
    version="1",
    description=ABOUT,
    urls_namespace="api-1",
    docs=Reference(),
    renderer=Numbers(),
)
problems.handle(api)
for each in DESKS:
    api.add_router("", each.desk)


def addresses() -> tuple[list[URLPattern | URLResolver], str, str]:
    """Return the API's addresses; a token stands in for the session that pages ask for."""
    patterns, app, namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern) and pattern.name != "openapi-view":
            pattern.callback = login_not_required(_answered(pattern.callback))
    return patterns, app, namespace


def _answered(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let a method that an address does not have be refused in the shape of all errors."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer = view(request, *args, **kwargs)
        if answer.status_code != 405:
            return answer
        sentence = f"This address does not take {request.method}; see Allow."
        return problems.problem(405, sentence, Allow=answer.headers["Allow"])

    return answered
