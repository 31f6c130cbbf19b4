"""A file's header as ffprobe reads it, or a refusal in one sentence."""

import json
import stat
from pathlib import Path
from typing import Any

from indexing.media import sandbox
from indexing.media.errors import MediaError, file_gone

WALL_S = 60

# Tags that say when a file was recorded; other writers than Apple's say "date" in Matroska.
CREATED = ("com.apple.quicktime.creationdate", "creation_time", "date")

Header = dict[str, Any]
Stream = dict[str, Any]

# How files of the known formats begin: (offset, bytes).
SIGNATURES = (
    (4, b"ftyp"),
    (4, b"moov"),
    (4, b"mdat"),
    (0, b"\x1a\x45\xdf\xa3"),
    (0, b"RIFF"),
    (0, b"FLV"),
    (0, b"OggS"),
    (0, b"fLaC"),
    (0, b"ID3"),
    (0, b"\x00\x00\x01\xba"),
    (0, b"\x30\x26\xb2\x75"),
)


def read_header(path: Path) -> Header:
    """Return ffprobe's `format` and `streams`. Raises MediaError where there are none."""
    _refuse_unreadable(path)
    options = ["-show_format", "-show_streams", "-of", "json"]
    arguments = sandbox.ffprobe_arguments(path, options, log="warning")
    with sandbox.Child("ffprobe", arguments, wall_s=WALL_S) as child:
        text = child.stdout.read()
        outcome = child.finish()
    if outcome.status != 0:
        raise _unrecognised(path, outcome.log)
    header: Header = json.loads(text.decode("utf-8", "replace"), strict=False)
    return header


def first_stream(header: Header, kind: str) -> Stream | None:
    """Return the first stream of a kind, "video" or "audio"; a cover picture is no video."""
    for stream in header["streams"]:
        if stream.get("codec_type") == kind and not _is_picture(stream):
            return dict(stream)
    return None


def created(header: Header) -> str:
    """Return when a file says it was recorded, in its own words; empty where it says nothing.

    Apple's own tag comes first, since it has the offset of the place where it was recorded.
    """
    parts = [header.get("format", {}), *header.get("streams", [])]
    tags = [{key.lower(): text for key, text in part.get("tags", {}).items()} for part in parts]
    told = (each[name] for name in CREATED for each in tags if each.get(name))
    return str(next(told, ""))


def rotation(stream: Stream) -> int:
    """Degrees clockwise, to the nearest quarter turn, by which a picture is turned for display."""
    for data in stream.get("side_data_list", []):
        if "rotation" in data:
            return round(-float(data["rotation"]) / 90) * 90 % 360
    return 0


def has_cover_only(header: Header) -> bool:
    """Whether all the file shows is an attached picture."""
    return any(_is_picture(stream) for stream in header["streams"])


def _is_picture(stream: Stream) -> bool:
    disposition = stream.get("disposition", {})
    return bool(disposition.get("attached_pic") or disposition.get("still_image"))


def _refuse_unreadable(path: Path) -> None:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MediaError("This is not a file but a folder or a device: choose a video file.")
        if status.st_size == 0:
            raise MediaError("The file is empty (0 bytes): copy it again from where it came from.")
        path.open("rb").close()
    except FileNotFoundError as error:
        raise file_gone() from error
    except OSError as error:
        raise MediaError(f"The file cannot be opened ({error.strerror}).") from error


def _unrecognised(path: Path, log: str) -> MediaError:
    with path.open("rb") as file:
        start = file.read(16)
    if not any(start[offset:].startswith(signature) for offset, signature in SIGNATURES):
        return MediaError(
            "The file is not a video or a sound recording, whatever its name says: nothing in it "
            "has a format that Reprise knows, such as MP4, MOV, MKV, WebM, AVI, MPEG-TS, MP3, WAV."
        )
    if "moov atom not found" in log:
        return MediaError(
            "The file has no index (its 'moov' part is missing), because the recording was cut off "
            "or only partly copied: copy it again, or mend it with a repair tool such as untrunc."
        )
    if "Could not open codec" in log:
        return MediaError(
            "The file has a stream in a format that this ffmpeg cannot decode: convert it to H.264 "
            "and AAC first."
        )
    return MediaError(
        "The file's header is damaged and cannot be read: copy it again from where it came "
        "from, or mend it with a repair tool."
    )
