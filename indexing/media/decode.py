"""One chunk of a recording as arrays: one ffmpeg child, pictures and sound side by side.

The child seeks once, to a safe point before the chunk, and decodes straight through. The file's own
time stamps are kept and every picture and sample is placed by its stamp, so a seek that lands early
costs a little time and nothing else; one that lands late is noticed and repeated from farther back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from indexing.media.errors import MediaError
from indexing.media.extract import Extract, extract
from indexing.media.info import FPS, SAMPLE_RATE, Gap, MediaInfo, merge_gaps
from indexing.media.timeline import NO_PICTURE, NO_SOUND

DAMAGED_PICTURE = "the picture is damaged"
DAMAGED_SOUND = "the sound is damaged"
# -80 dBFS: a second without one louder sample is digital silence, which says nothing.
SILENCE_PEAK = 1e-4
SECOND_US = 1_000_000
SLOT_US = SECOND_US // FPS
# Sound decoders need a moment before their samples are right (bit reservoirs, overlaps).
PREROLL_S = 2.0
# Containers without an index: a seek may land between keyframes, so go back by a whole interval.
UNINDEXED = {"mpegts", "mpeg", "mpegvideo", "h264", "hevc", "m4v", "dv", "rm", "asf"}
LONGEST_PREROLL_S = 300.0

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class DecodedChunk:
    """The clips of a chunk, n seconds from `start_s` on.

    `frames` is uint8 RGB (5n, H, W, 3), at offsets 0, .2, .4, .6 and .8 s of each second, with
    min(H, W) = 224; None where the chunk has no picture at all. `samples` is float32 (n * 44100,),
    mono; None where it has no sound at all. The masks, bool (n,), say which seconds have picture
    and sound; the rows of those that have not hold zeros. `gaps`, in seconds of the recording, say
    why; digital silence has no sound and is no gap.
    """

    frames: npt.NDArray[np.uint8] | None
    samples: npt.NDArray[np.float32] | None
    has_video: Mask
    has_audio: Mask
    gaps: list[Gap]
    cpu_s: float


def decode_chunk(
    path: Path, info: MediaInfo, start_s: int, clips: int, *, threads: int = 1
) -> DecodedChunk:
    """Decode the seconds start_s <= s < start_s + clips.

    What can be decoded of a damaged file is given. Raises MediaError where ffmpeg is missing, the
    file is gone or the time runs out, and ValueError for seconds outside the recording.
    """
    if start_s < 0 or clips < 1 or start_s + clips > info.duration_s:
        raise ValueError(f"seconds {start_s} to {start_s + clips} are not in the recording")
    if not path.is_file():
        raise MediaError("The file is not there (any more): its media cannot be read.")
    cpu_s = 0.0
    for preroll_s in _prerolls(info, start_s):
        raw = extract(path, info, start_s, clips, preroll_s=preroll_s, threads=threads)
        cpu_s += raw.cpu_s
        if preroll_s is None or not _landed_late(info, raw, start_s):
            break
    return _assemble(info, raw, start_s, clips, cpu_s)


def _prerolls(info: MediaInfo, start_s: int) -> Iterator[float | None]:
    """How far before the chunk to seek, ever farther; None decodes from the file's beginning."""
    preroll_s = PREROLL_S
    if info.video and UNINDEXED & set(info.container.split(",")):
        preroll_s += min(info.video.keyframe_interval_s, LONGEST_PREROLL_S)
    for factor in (1, 5, 25):
        if start_s > preroll_s * factor:
            yield preroll_s * factor
    yield None


def _landed_late(info: MediaInfo, raw: Extract, start_s: int) -> bool:
    """Whether a stream that should be running when the chunk begins was not yet decoded then."""
    known = {gap.reason for gap in info.gaps if gap.start <= start_s <= gap.end}
    start_us = start_s * SECOND_US
    for stream, times, reason in (
        (info.video, raw.picture_us, NO_PICTURE),
        (info.audio, raw.sound_us, NO_SOUND),
    ):
        expected = stream is not None and stream.start_s <= start_s < stream.end_s
        if expected and reason not in known and not (times[:1] <= start_us).any():
            return True
    return False
