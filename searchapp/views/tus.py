"""The tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload): uploads that can be resumed.

Core, and the extensions creation, checksum, expiration and termination. Every error is one sentence
as plain text, which the page shows.
"""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import http_date

from indexing.arrivals import uploads
from indexing.arrivals.uploads import Checksum
from indexing.footage.intake import IntakeError, NoRoom
from indexing.models import Upload
from ml.refusal import Refusal
from searchapp import selectors, services
from searchapp.numbers import whole

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,checksum,termination"
OCTETS = "application/offset+octet-stream"
# A connection that says nothing for so long is dead, as that of a laptop that was closed is. It is
# let go of, so that the next one can go on with the file.
SILENCE_S = 30.0
# A browser learns of a refusal only after it has sent what it was sending; small requests are read
# to their end, so that it sees the sentence and not a broken connection.
DRAIN_BYTES = 16_000_000
DIGITS = 18  # of the largest number that is believed

STATUS: dict[type[Refusal], int] = {
    uploads.WrongOffset: 409,
    uploads.Gone: 410,
    uploads.TooLarge: 413,
    uploads.Locked: 423,
    uploads.Mismatch: 460,
    uploads.DiskFull: 507,
    NoRoom: 507,
    IntakeError: 400,
}


class BadRequest(Refusal):
    """A request that the protocol does not allow, with its status."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


View = Callable[..., HttpResponse]


def protocol(view: View) -> View:
    """Speak tus around a view: its version, who may, and every refusal as a status and sentence.

    Who is not signed in gets a status and no redirection, which a script could not follow.
    """

    @login_not_required
    @wraps(view)
    def answer(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if request.method == "GET":
            return _not_for_people(request)
        method = _method(request)
        try:
            response = (
                _options() if method == "OPTIONS" else _checked(view, request, method, arguments)
            )
        except Refusal as refusal:
            _drain(request)
            status = getattr(refusal, "status", None) or STATUS[type(refusal)]
            response = HttpResponse(refusal.sentence, status=status, content_type="text/plain")
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Tus-Resumable"] = VERSION
        if response.status_code == 412:
            response.headers["Tus-Version"] = VERSION
        return response

    return answer


def _not_for_people(request: HttpRequest) -> HttpResponse:
    """Send a person who opens such an address to where uploads are shown."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    return HttpResponse(status=405, headers={"Allow": "OPTIONS, HEAD, POST, PATCH, DELETE"})


def _method(request: HttpRequest) -> str:
    """Return what is asked for; a POST may stand for another method, as the protocol has it.

    Only a POST, because that of a GET would go past the check for forged requests.
    """
    method = request.method or ""
    wanted = request.headers.get("X-HTTP-Method-Override", "")
    return wanted.upper() if method == "POST" and wanted else method


def _options() -> HttpResponse:
    """Say what this server can do."""
    return HttpResponse(
        status=204,
        headers={
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(settings.UPLOAD_BYTES),
            "Tus-Checksum-Algorithm": ",".join(uploads.ALGORITHMS),
        },
    )


def _checked(
    view: View, request: HttpRequest, method: str, arguments: dict[str, Any]
) -> HttpResponse:
    """Answer a request of this version from somebody who may upload."""
    if not request.user.is_authenticated:
        raise BadRequest("You were signed out. Sign in again to go on.", 401)
    if request.headers.get("Tus-Resumable") != VERSION:
        raise BadRequest(f"Speak tus {VERSION}: send Tus-Resumable: {VERSION}.", 412)
    if not selectors.may_manage(request.user):
        raise BadRequest("Only an admin may add recordings.", 403)
    return view(request, method, **arguments)


@protocol
def collection(request: HttpRequest, method: str) -> HttpResponse:
    """Begin an upload (POST)."""
    if method != "POST":
        raise BadRequest("An upload is begun by POST.", 405)
    if "Upload-Length" not in request.headers:
        raise BadRequest("Say how many bytes will come: Upload-Length is missing.")
    raw = request.headers.get("Upload-Metadata", "")
    told = read_metadata(raw)
    upload = services.begin_upload(
        user=request.user,
        name=told.get("filename") or "recording",
        size=_number(request, "Upload-Length"),
        metadata=raw,
        modified=whole(told.get("modified", "")),
        camera=told.get("camera", ""),
    )
    response = HttpResponse(status=201, headers=_expires(upload))
    response.headers["Location"] = reverse("tus-upload", args=[upload.key])
    return response


@protocol
def upload(request: HttpRequest, method: str, key: UUID) -> HttpResponse:
    """Tell how far an upload is (HEAD), add to it (PATCH), or cancel it (DELETE)."""
    answers = {"HEAD": _tell, "PATCH": _append, "DELETE": _cancel}
    if method not in answers:
        raise BadRequest(f"An upload does not know {method}.", 405)
    found = selectors.uploads_for(request.user).filter(key=key).first()
    if found is None:
        raise BadRequest("There is no such upload; begin anew.", 404)
    if found.state == Upload.EXPIRED:
        raise uploads.gone()
    return answers[method](request, found)


def _tell(request: HttpRequest, found: Upload) -> HttpResponse:
    headers = {"Upload-Offset": str(found.offset), "Upload-Length": str(found.size)}
    if found.metadata:
        headers["Upload-Metadata"] = found.metadata
    return HttpResponse(status=200, headers=headers | _expires(found))


def _append(request: HttpRequest, found: Upload) -> HttpResponse:
    if request.headers.get("Content-Type") != OCTETS:
        raise BadRequest(f"Send bytes as {OCTETS}.", 415)
    if "Content-Length" not in request.headers:
        raise BadRequest("Say how many bytes come: Content-Length is missing.", 411)
    with _not_forever(request):
        services.append_upload(
            user=request.user,
            upload=found,
            stream=request,
            length=_number(request, "Content-Length"),
            offset=_number(request, "Upload-Offset"),
            checksum=_checksum(request),
        )
    headers = {"Upload-Offset": str(found.offset)}
    return HttpResponse(status=204, headers=headers | _expires(found))


def _cancel(request: HttpRequest, found: Upload) -> HttpResponse:
    services.remove_upload(user=request.user, upload=found)
    return HttpResponse(status=204)


def _expires(found: Upload) -> dict[str, str]:
    return {"Upload-Expires": http_date(found.expires_at.timestamp())}


def read_metadata(text: str) -> dict[str, str]:
    """Read the pairs of Upload-Metadata: a key, and its value in base64.

    Raises:
        BadRequest: it is not written like that.
    """
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, _, value = pair.partition(" ")
        try:
            decoded = base64.b64decode(value, validate=True).decode()
        except ValueError:
            raise BadRequest("Upload-Metadata is not written as keys and base64.") from None
        if key in found or not key.isascii():
            raise BadRequest("Upload-Metadata names a key twice, or not in ASCII.")
        found[key] = decoded.replace("\0", "")
    return found


def _checksum(request: HttpRequest) -> Checksum | None:
    """Read Upload-Checksum: an algorithm, and the digest in base64."""
    text = request.headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _, digest = text.partition(" ")
    if algorithm not in uploads.ALGORITHMS:
        known = ", ".join(uploads.ALGORITHMS)
        raise BadRequest(f"No checksum but these is understood: {known}.")
    try:
        return Checksum(algorithm, base64.b64decode(digest, validate=True))
    except ValueError:
        raise BadRequest("Upload-Checksum is not in base64.") from None


def _number(request: HttpRequest, header: str) -> int:
    text = request.headers.get(header, "")
    if not _is_number(text):
        raise BadRequest(f"{header} must be a whole number.")
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= DIGITS


@contextmanager
def _not_forever(request: HttpRequest) -> Iterator[None]:
    """Give up reading from a connection that says nothing; only gunicorn hands its socket over."""
    socket = request.META.get("gunicorn.socket")
    if socket is None:
        yield
        return
    socket.settimeout(SILENCE_S)
    try:
        yield
    finally:
        socket.settimeout(None)


def _drain(request: HttpRequest) -> None:
    """Read a small body that was refused to its end."""
    length = request.headers.get("Content-Length", "")
    if not _is_number(length) or int(length) > DRAIN_BYTES:
        return
    try:
        with _not_forever(request):
            while request.read(256 * 1024):
                pass
    except OSError:
        return
