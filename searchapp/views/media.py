"""Recordings, originals and thumbnails as bytes, with HTTP ranges (RFC 9110, section 14)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.utils.http import content_disposition_header
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from indexing.media import thumbnails
from indexing.media.errors import MediaError
from searchapp.selectors import recording_for

BLOCK = 256 * 1024
TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/mp4",  # browsers play the QuickTime files they can under this name only
    ".webm": "video/webm",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Span:
    """The bytes from start up to end, the end not included."""

    start: int
    end: int


class RangeError(Exception):
    """The range lies outside the file."""


def parse_range(header: str, size: int) -> Span | None:
    """Return the one range that is asked for; None where the header is to be ignored.

    Several ranges are answered with the whole file, as the RFC allows: no player asks for them.

    Raises:
        RangeError: the range begins after the end of the file.
    """
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if first == "":
        if int(last) == 0 or size == 0:
            raise RangeError
        return Span(max(0, size - int(last)), size)
    start, end = int(first), min(int(last) + 1 if last else size, size)
    if last and int(last) < start:
        return None
    if start >= size:
        raise RangeError
    return Span(start, end)


def blocks(path: Path, span: Span) -> Iterator[bytes]:
    """Read a span of a file in blocks, so that memory does not grow with the file."""
    with path.open("rb") as file:
        file.seek(span.start)
        left = span.end - span.start
        while left > 0 and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block


@require_safe
def playable(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send what a browser can play of a recording: the original or its copy."""
    recording = recording_for(request.user, pk)
    path = recording.playable_path
    if path is None:
        raise Http404
    tag = recording.sha256 if recording.playable == recording.original else f"{recording.sha256}-p"
    return send(request, path, tag)


@require_safe
def original(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send the original, byte for byte as it came, as a download."""
    recording = recording_for(request.user, pk)
    response = send(request, recording.original_path, recording.sha256)
    disposition = content_disposition_header(as_attachment=True, filename=recording.name)
    response.headers["Content-Disposition"] = disposition or "attachment"
    return response


def send(request: HttpRequest, path: Path, tag: str) -> HttpResponseBase:
    """Send a file with ranges, or let nginx send it; ``tag`` names these very bytes."""
    kind = TYPES.get(path.suffix.lower(), "application/octet-stream")
    if settings.MEDIA_ACCEL_PREFIX:
        return _accelerated(path, kind)
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise Http404 from None
    etag = f'"{tag}"'
    try:
        span = _wanted(request, size, etag)
    except RangeError:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    response = _body(request, path, span or Span(0, size), kind)
    if span is not None:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{size}"
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, max-age=0"
    return response


def _wanted(request: HttpRequest, size: int, etag: str) -> Span | None:
    """Return the range to send; a part of another version is never mixed into this one."""
    header = request.headers.get("Range", "")
    if not header or request.headers.get("If-Range", etag) != etag:
        return None
    return parse_range(header, size)


def _body(request: HttpRequest, path: Path, span: Span, kind: str) -> HttpResponseBase:
    length = {"Content-Length": str(span.end - span.start)}
    if request.method == "HEAD":
        return HttpResponse(content_type=kind, headers=length)
    return StreamingHttpResponse(blocks(path, span), content_type=kind, headers=length)


def _accelerated(path: Path, kind: str) -> HttpResponse:
    """Let nginx send the file; it answers ranges itself."""
    inside = path.relative_to(settings.REPRISE_DATA).as_posix()
    target = f"{settings.MEDIA_ACCEL_PREFIX.rstrip('/')}/{quote(inside)}"
    return HttpResponse(content_type=kind, headers={"X-Accel-Redirect": target})


@require_safe
@cache_control(private=True, max_age=31_536_000, immutable=True)
def thumbnail(request: HttpRequest, pk: int, second: int) -> HttpResponse:
    """Send the thumbnail of a clip, which never changes once it is there."""
    recording = recording_for(request.user, pk)
    chunks = recording.chunks.filter(start_s__lte=second).exclude(thumbnails="")
    chunk = chunks.order_by("-start_s").first()
    if chunk is None:
        raise Http404
    try:
        picture = thumbnails.read_thumbnail(settings.REPRISE_DATA / chunk.thumbnails, second)
    except (KeyError, MediaError):
        raise Http404 from None
    return HttpResponse(picture, content_type="image/jpeg")
