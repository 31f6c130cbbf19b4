"""Whether a stream can be decoded at all, found out by decoding its first picture or sample."""

from pathlib import Path

import ffmpeg

from indexing.media import sandbox
from indexing.media.header import Stream

WALL_S = 120
KINDS = {"video": "picture", "audio": "sound"}
ENCRYPTED_TAGS = {"encv", "enca", "drmi", "drms", "p608"}


def obstacle(path: Path, stream: Stream) -> str | None:
    """Return why nothing of a stream can be used, as a clause, or None where something can."""
    kind = KINDS[stream["codec_type"]]
    if _is_encrypted(stream):
        return f"the {kind} is encrypted (export the recording without copy protection)"
    if not _has_packet(path, stream):
        return f"there is a description of the {kind} but not one second of it"
    if _is_absurd(stream):
        return f"the {kind} claims a size of {stream['width']}x{stream['height']}, beyond all sense"
    decoded, log = _decode_first(path, stream)
    if decoded:
        return None
    if _has_no_decoder(stream, log):
        return (
            f"the {kind} is in a format this ffmpeg cannot decode, {_codec(stream)} "
            "(convert it to H.264 and AAC first)"
        )
    return f"the {kind} is damaged and nothing of it can be decoded"


def _is_encrypted(stream: Stream) -> bool:
    side_data = [str(data.get("side_data_type", "")) for data in stream.get("side_data_list", [])]
    tag = str(stream.get("codec_tag_string", "")).lower()
    return tag in ENCRYPTED_TAGS or any("ncryption" in kind for kind in side_data)


def _is_absurd(stream: Stream) -> bool:
    return int(stream.get("width", 0)) * int(stream.get("height", 0)) > sandbox.MAX_PIXELS


def _has_packet(path: Path, stream: Stream) -> bool:
    selection = ["-select_streams", str(stream["index"]), "-read_intervals", "%+#1"]
    entries = ["-show_entries", "packet=stream_index", "-of", "csv=p=0"]
    arguments = sandbox.ffprobe_arguments(path, selection + entries)
    with sandbox.Child("ffprobe", arguments, wall_s=WALL_S) as child:
        found = bool(child.stdout.read().strip())
        child.finish()
    return found


def _decode_first(path: Path, stream: Stream) -> tuple[bool, str]:
    source = ffmpeg.input(sandbox.url(path), threads=1, **sandbox.input_options())
    target = {
        "video": {"vf": "scale=2:2", "pix_fmt": "gray", "format": "rawvideo", "frames:v": 1},
        "audio": {"ac": 1, "format": "s16le", "frames:a": 1},
    }[stream["codec_type"]]
    output = ffmpeg.output(source[str(stream["index"])], "pipe:1", **target)
    with sandbox.Child("ffmpeg", sandbox.ffmpeg_arguments(output), wall_s=WALL_S) as child:
        decoded = bool(child.stdout.read())
        outcome = child.finish()
    return decoded, outcome.log


def _has_no_decoder(stream: Stream, log: str) -> bool:
    unknown = stream.get("codec_name", "unknown") in {"unknown", "none"}
    return unknown or "no decoder found" in log.lower() or "not found for input stream" in log


def _codec(stream: Stream) -> str:
    name = stream.get("codec_name", "unknown")
    return name if name != "unknown" else f"tag '{stream.get('codec_tag_string', '?')}'"
