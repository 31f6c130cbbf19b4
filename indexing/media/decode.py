"""One chunk of a recording as arrays: pictures and sound by the recording's own clock.

One ffmpeg child seeks once, to a safe point before the chunk, and decodes straight through. Every
picture and sample is placed by its own time stamp, so a seek that lands early costs a little time
and nothing else; one that lands late is noticed and repeated from farther back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from indexing.media.errors import file_gone
from indexing.media.extract import Extract, Micros, Span, extract
from indexing.media.info import (
    CUT_OFF,
    FPS,
    JUMPS_BACK,
    NO_PICTURE,
    NO_SOUND,
    SAMPLE_RATE,
    Gap,
    MediaInfo,
    VideoStream,
    merge_gaps,
)

DAMAGED_PICTURE = "the picture is damaged"
DAMAGED_SOUND = "the sound is damaged"
ABSENCES = (NO_PICTURE, NO_SOUND, CUT_OFF, JUMPS_BACK)
# -80 dBFS: a second without one louder sample is digital silence, which says nothing.
SILENCE_PEAK = 1e-4
SECOND_US = 1_000_000
# Sound decoders need a moment before their samples are right (bit reservoirs, overlaps).
PREROLL_S = 2.0
# In containers without an index a seek lands anywhere, so it goes back by a keyframe interval.
UNINDEXED = {"mpegts", "mpeg", "mpegvideo", "h264", "hevc", "m4v", "dv", "rm", "asf"}
LONGEST_PREROLL_S = 300.0

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class DecodedChunk:
    """The n clips of a chunk.

    `frames` is uint8 RGB (5n, H, W, 3), at offsets 0, .2, .4, .6 and .8 s of each second, with
    min(H, W) = 224; None where the chunk has no picture at all. `samples` is float32 (n * 44100,),
    mono; None where it has no sound at all. The masks, bool (n,), say which seconds have picture
    and sound; what is missing is zero, but a second with at least one picture repeats it. `gaps`,
    in seconds of the recording, say why; digital silence counts as no sound and is no gap.
    `damaged` tells that the decoder met data it could not read, even if nothing is missing: a
    browser stops at such a place. `cpu_s` are the processor seconds the decoder took.
    """

    frames: npt.NDArray[np.uint8] | None
    samples: npt.NDArray[np.float32] | None
    has_video: Mask
    has_audio: Mask
    gaps: list[Gap]
    damaged: bool
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
        raise file_gone()
    cpu_s = 0.0
    for preroll_s in _prerolls(info, start_s):
        span = Span(start_s, clips, preroll_s)
        raw = extract(path, info, span, threads)
        cpu_s += raw.cpu_s
        if not _landed_late(info, raw, start_s):
            break
    return _assemble(info, replace(raw, cpu_s=cpu_s), span)


def _prerolls(info: MediaInfo, start_s: int) -> Iterator[float | None]:
    """How far before the chunk to seek, ever farther; None reads from the file's beginning."""
    preroll_s = PREROLL_S
    if info.video and _unindexed(info):
        preroll_s += min(info.video.keyframe_interval_s, LONGEST_PREROLL_S)
    for factor in (1, 5, 25):
        if start_s > preroll_s * factor:
            yield preroll_s * factor
    yield None


def _unindexed(info: MediaInfo) -> bool:
    return bool(UNINDEXED & set(info.container.split(",")))


def _landed_late(info: MediaInfo, raw: Extract, start_s: int) -> bool:
    """Whether a stream that should be running when the chunk begins was not yet decoded then."""
    known = {gap.reason for gap in info.gaps if gap.start <= start_s <= gap.end}
    streams = (
        (info.video, raw.picture_us, NO_PICTURE),
        (info.audio, raw.sound_us, NO_SOUND),
    )
    return any(
        stream is not None
        and stream.start_s <= start_s < stream.end_s
        and absence not in known
        and not (times[:1] <= start_s * SECOND_US).any()
        for stream, times, absence in streams
    )


def _assemble(info: MediaInfo, raw: Extract, span: Span) -> DecodedChunk:
    has_video: Mask = np.zeros(span.clips, np.bool_)
    has_audio: Mask = np.zeros(span.clips, np.bool_)
    sounding: Mask = np.zeros(span.clips, np.bool_)
    frames, samples = None, None
    if info.video and raw.frames is not None and raw.frame_count:
        shown = _shown(raw.picture_us, info.video, span)
        has_video = np.asarray(shown.any(axis=1), np.bool_)
        frames = _fill(raw, shown, span) if has_video.any() else None
    if raw.samples is not None and raw.samples.size:
        samples = _whole(raw.samples, span.clips)
        sounding = _sounding(raw.sound_us, span)
        peaks = np.abs(samples).reshape(span.clips, SAMPLE_RATE).max(axis=1)
        has_audio = sounding & (peaks >= SILENCE_PEAK)
    gaps = [gap for gap in _known(info, span) if gap.reason not in ABSENCES]
    if info.video:
        gaps += _absences(info, ~has_video, span, NO_PICTURE, DAMAGED_PICTURE)
    if info.audio:
        gaps += _absences(info, ~sounding, span, NO_SOUND, DAMAGED_SOUND)
    damaged = any(gap.reason in (DAMAGED_PICTURE, DAMAGED_SOUND) for gap in gaps)
    # A seek between keyframes leaves packets without what they refer to: no damage to the file.
    errors = raw.decode_errors and not _unindexed(info)
    return DecodedChunk(
        frames=frames,
        samples=samples if has_audio.any() else None,
        has_video=has_video,
        has_audio=has_audio,
        gaps=merge_gaps(gaps),
        damaged=bool(damaged or errors),
        cpu_s=raw.cpu_s,
    )


def _slots_us(span: Span) -> Micros:
    return span.start_s * SECOND_US + np.arange(FPS * span.clips) * (SECOND_US // FPS)


def _shown(picture_us: Micros, video: VideoStream, span: Span) -> Mask:
    """Which slots, bool (n, 5), show a picture: one stays until the next, but not across a hole."""
    slots = _slots_us(span)
    last = np.searchsorted(picture_us, slots, side="right") - 1
    far = np.iinfo(np.int64).max // 2
    since = np.append(picture_us, far)[last]
    until = np.append(picture_us, [far, far])[last + 1]
    unbroken = until - since <= video.hold_s * SECOND_US
    fresh = slots - since < SECOND_US / video.fps
    shown = (last >= 0) & (unbroken | fresh)
    return np.asarray(shown.reshape(span.clips, FPS), np.bool_)


def _fill(raw: Extract, shown: Mask, span: Span) -> npt.NDArray[np.uint8] | None:
    """Blank the seconds without a picture; leave no other slot empty.

    A slot after the last picture repeats it; one at the end of a hole has the first one after it.
    """
    frames = raw.frames
    if frames is None:
        return None
    frames[raw.frame_count :] = frames[raw.frame_count - 1]
    early = _slots_us(span).reshape(shown.shape) < raw.picture_us[0]
    for second, start in enumerate(range(0, len(frames), FPS)):
        if not shown[second].any():
            frames[start : start + FPS] = 0
        elif not early[second, 0]:
            first = start + int(shown[second].argmax())
            frames[start:first] = frames[first]
    return frames


def _whole(samples: npt.NDArray[np.float32], clips: int) -> npt.NDArray[np.float32]:
    whole = np.zeros(clips * SAMPLE_RATE, np.float32)
    whole[: samples.size] = samples[: whole.size]
    return np.nan_to_num(whole, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def _sounding(sound_us: Micros, span: Span) -> Mask:
    """Which seconds a decoded piece of sound reaches into, silent or not."""
    step = int(np.median(np.diff(sound_us))) if sound_us.size > 1 else SECOND_US
    starts = (span.start_s + np.arange(span.clips)) * SECOND_US
    first = np.searchsorted(sound_us, starts - min(step, SECOND_US), side="right")
    last = np.searchsorted(sound_us, starts + SECOND_US, side="left")
    return np.asarray(last > first, np.bool_)


def _known(info: MediaInfo, span: Span) -> Iterator[Gap]:
    for gap in info.gaps:
        start, end = max(gap.start, span.start_s), min(gap.end, span.end_s)
        if start < end:
            yield Gap(start, end, gap.reason)


def _absences(info: MediaInfo, absent: Mask, span: Span, known: str, damaged: str) -> Iterator[Gap]:
    """Name the seconds that gave nothing: known to be missing, or promised and not decodable."""
    for offset in np.flatnonzero(absent):
        second = span.start_s + int(offset)
        reasons = {gap.reason for gap in info.gaps if gap.start <= second < gap.end}
        reason = next((each for each in (CUT_OFF, JUMPS_BACK, known) if each in reasons), damaged)
        yield Gap(second, second + 1, reason)
