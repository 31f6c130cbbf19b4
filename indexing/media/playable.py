"""Whether Chromium plays a file as it is, with the same second 0 as ours and with quick seeking.

Conservative on purpose: a copy costs some disk, a player that shows the wrong second costs trust.
"""

import struct
from pathlib import Path

from indexing.media.header import Header
from indexing.media.info import AudioStream, Gap, VideoStream

PICTURES_8_BIT = {"yuv420p", "yuvj420p"}
MP4_VIDEO = {"h264", "vp9", "av1"}
MP4_AUDIO = {"aac", "mp3", "opus"}
WEBM_VIDEO = {"vp8", "vp9", "av1"}
WEBM_AUDIO = {"opus", "vorbis"}
# A player decodes from the keyframe before the wanted second; beyond this one sees it wait.
KEYFRAME_INTERVAL_S = 12.0
LARGEST_SIDE = 4096
# A player puts the earliest presentation time at 0; a file's clock this close to 0 agrees with it.
ZERO_S = 0.05


def browser_playable(
    path: Path,
    header: Header,
    zero: float,
    video: VideoStream | None,
    audio: AudioStream | None,
    gaps: list[Gap],
) -> bool:
    """Whether the original can be played and sought in Chromium with our clock."""
    if gaps or abs(zero) > ZERO_S or "duration" not in header["format"]:
        return False
    container = header["format"]["format_name"].split(",")
    if "mp4" in container:
        quicktime = str(header["format"].get("tags", {}).get("major_brand", "")).startswith("qt")
        plays = _plays(video, MP4_VIDEO, audio, MP4_AUDIO)
        return plays and not quicktime and not _is_fragmented(path)
    if "webm" in container:
        return path.suffix.lower() != ".mkv" and _plays(video, WEBM_VIDEO, audio, WEBM_AUDIO)
    plain = audio is not None and audio.codec == "pcm_s16le" and audio.channels <= 2
    return container == ["wav"] and plain


def video_plays(video: VideoStream, codecs: set[str]) -> bool:
    """Whether a video stream is of a kind that every browser build decodes and seeks in quickly."""
    return (
        video.copyable
        and video.codec in codecs
        and video.pix_fmt in PICTURES_8_BIT
        and video.keyframe_interval_s <= KEYFRAME_INTERVAL_S
        and max(video.width, video.height) <= LARGEST_SIDE
    )


def _plays(
    video: VideoStream | None,
    video_codecs: set[str],
    audio: AudioStream | None,
    audio_codecs: set[str],
) -> bool:
    return (video is None or video_plays(video, video_codecs)) and (
        audio is None or audio.codec in audio_codecs
    )


def _is_fragmented(path: Path) -> bool:
    """Whether an MP4 is fragmented: a browser cannot seek in it without its index.

    The file's top-level boxes are walked through: ISO/IEC 14496-12, section 4.2.
    """
    size = path.stat().st_size
    position = 0
    with path.open("rb") as file:
        while position + 16 <= size:
            file.seek(position)
            length, kind, long_length = struct.unpack(">I4sQ", file.read(16))
            if kind == b"moof":
                return True
            length = long_length if length == 1 else length
            if length < 8:
                return False
            position += length
    return False
