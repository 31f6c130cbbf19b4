"""What went wrong, in one shape: {"error": a sentence}."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.core.exceptions import ValidationError as InvalidRow
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError

from ml.refusal import Refusal

MEANINGS = {
    400: "The request cannot be read",
    401: "No token, or one that is not valid",
    403: "The token's scope or the account's role does not allow this",
    404: "Not there, or not for this account",
    422: "The request makes no sense; the sentence says why",
    429: "Too many requests in this minute; Retry-After says when to come back",
}
PROBLEM = {
    "type": "object",
    "properties": {"error": {"type": "string", "description": "What is wrong, in a sentence"}},
    "required": ["error"],
}
RESPONSES: dict[int, Any] = {
    status: {
        "description": meaning,
        "content": {"application/json": {"schema": PROBLEM}},
        **({"headers": {"Retry-After": {"schema": {"type": "integer"}}}} if status == 429 else {}),
    }
    for status, meaning in MEANINGS.items()
}
NOT_THERE = "There is nothing at this address for this account."


def problem(status: int, sentence: str, **headers: str) -> JsonResponse:
    """Return an answer that says what is wrong."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JsonResponse({"error": sentence}, status=status, headers=named)


def refused(request: HttpRequest, error: Refusal) -> HttpResponse:
    """Say why something cannot be done."""
    return problem(422, error.sentence)


def invalid_row(request: HttpRequest, error: InvalidRow) -> HttpResponse:
    """Say why a row cannot be so."""
    return problem(422, " ".join(error.messages))


def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Say what of the request makes no sense: the first complaint, with the field's name."""
    first = error.errors[0]
    # The first of a place is where the value stood, and of a body the second the argument's name.
    place = [str(part) for part in first["loc"][1:]]
    if first["loc"][0] == "body":
        place = place[1:]
    said = str(first.get("ctx", {}).get("error") or first["msg"]).rstrip(".")
    return problem(422, f"{'.'.join(place) or 'The body'}: {said}.")


def missing(request: HttpRequest, error: Http404) -> HttpResponse:
    """Say that nothing is there; whether something is there for others is not told."""
    return problem(404, NOT_THERE)


def denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    """Say that the account's role does not allow this."""
    return problem(403, str(error) or "The account's role does not allow this.")


def unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    """Ask for a token."""
    sentence = "Send a token that is valid: Authorization: Bearer TOKEN."
    return problem(401, sentence, WWW_Authenticate="Bearer")


def throttled(request: HttpRequest, error: Throttled) -> HttpResponse:
    """Say when to come back."""
    wait = str(error.wait or 1)
    sentence = f"This token was used too often in this minute; try again in {wait} s."
    return problem(429, sentence, Retry_After=wait)


def failed(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Say what else is wrong, such as a body that is no JSON."""
    if error.status_code == 400:
        return problem(400, "The body cannot be read; send JSON in UTF-8.")
    return problem(error.status_code, error.message)


def unreadable(request: HttpRequest, error: Exception) -> HttpResponse:
    """Say that the request is no request."""
    return problem(400, "The request cannot be read.")


def handle(api: NinjaAPI) -> None:
    """Let an API answer every error that is the caller's in this shape; ours stay errors."""
    handlers: dict[type[Exception], Callable[..., HttpResponse]] = {
        Refusal: refused,
        InvalidRow: invalid_row,
        ValidationError: invalid,
        Http404: missing,
        PermissionDenied: denied,
        AuthenticationError: unknown,
        Throttled: throttled,
        HttpError: failed,
        BadRequest: unreadable,
        SuspiciousOperation: unreadable,
        MultiPartParserError: unreadable,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)
