"""Whether a stream can be decoded at all, found out by decoding its first picture or sample."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from indexing.media import sandbox
from indexing.media.header import Stream
from indexing.media.scan import StreamScan

WALL_S = 120
KINDS = {"video": "picture", "audio": "sound"}
TARGETS: dict[str, dict[str, Any]] = {
    "video": {"vf": "scale=2:2", "frames:v": 1, "fps_mode": "passthrough"},
    "audio": {"ac": 1, "frames:a": 1},
}
ENCRYPTED_TAGS = {"encv", "enca", "drmi", "drms", "p608"}


@dataclass(frozen=True)
class Obstacle:
    """Why nothing of a stream can be used, and what to do about it."""

    kind: str
    state: str
    advice: str

    @property
    def what(self) -> str:
        """The obstacle as a clause."""
        return f"the {self.kind} is {self.state}"


def try_stream(path: Path, stream: Stream, scan: StreamScan) -> float | Obstacle:
    """Return the time in seconds of the first picture or sound that decodes, by the file's clock.

    Where nothing can be decoded, return what the obstacle is.
    """
    kind = KINDS[stream["codec_type"]]
    # Asked before decoding, since a decoder may well make pictures of what it cannot read.
    if scan.encrypted or _is_encrypted(stream):
        return Obstacle(kind, "encrypted", "export it without copy protection")
    if not scan.packets:
        return Obstacle(kind, "announced but not there, not one second of it", "copy it again")
    first, log = _decode_first(path, stream)
    if first is not None:
        return first
    if _has_no_decoder(stream, log):
        return Obstacle(
            kind,
            f"in a format this ffmpeg cannot decode ({_codec(stream)})",
            "convert it to H.264 and AAC first",
        )
    if stream.get("width") == 0:
        return Obstacle(kind, "of an impossible size", "copy it again")
    return Obstacle(kind, "damaged beyond decoding", "copy it again")


def _is_encrypted(stream: Stream) -> bool:
    side_data = [str(data.get("side_data_type", "")) for data in stream.get("side_data_list", [])]
    tag = str(stream.get("codec_tag_string", "")).lower()
    return tag in ENCRYPTED_TAGS or any("ncryption" in text for text in side_data)


def _decode_first(path: Path, stream: Stream) -> tuple[float | None, str]:
    source = ffmpeg.input(sandbox.url(path), threads=1, **sandbox.input_options())
    target = TARGETS[stream["codec_type"]]
    output = ffmpeg.output(
        source[str(stream["index"])], "pipe:1", format="framecrc", enc_time_base=-1, **target
    )
    arguments = sandbox.ffmpeg_arguments(output.global_args("-copyts"))
    with sandbox.Child("ffmpeg", arguments, wall_s=WALL_S) as child:
        report = child.stdout.read().decode("ascii", "replace")
        outcome = child.finish()
    return _first_time(report), outcome.log


def _first_time(report: str) -> float | None:
    """Read a frame's time from framecrc's lines: "#tb 0: 1/25", "0, dts, pts, duration, ..."."""
    base = re.search(r"^#tb 0: (\d+)/(\d+)", report, re.MULTILINE)
    frame = re.search(r"^0, +-?\d+, +(-?\d+)", report, re.MULTILINE)
    return int(frame[1]) * int(base[1]) / int(base[2]) if base and frame else None


def _has_no_decoder(stream: Stream, log: str) -> bool:
    unknown = stream.get("codec_name", "unknown") in {"unknown", "none"}
    return unknown or "no decoder found" in log.lower() or "not found for input stream" in log


def _codec(stream: Stream) -> str:
    name = stream.get("codec_name", "unknown")
    return name if name != "unknown" else f"tag '{stream.get('codec_tag_string', '?')}'"
