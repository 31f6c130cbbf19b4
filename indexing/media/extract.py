"""Run the ffmpeg child that decodes a chunk, and collect what it gives, with its time stamps."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import ffmpeg
import numpy as np
import numpy.typing as npt

from indexing.media import sandbox
from indexing.media.info import (
    FPS,
    NO_PICTURE,
    NO_SOUND,
    SAMPLE_RATE,
    AudioStream,
    MediaInfo,
    VideoStream,
)

SHORT_SIDE = 224
LONGEST_SIDE = 448
WALL_S = 120.0
# A slow core decodes the heaviest video at a tenth of its speed.
WALL_S_PER_S = 10.0
# How much sound before the chunk is resampled, so that the chunk's first samples are in full swing.
SOUND_LEAD_S = 1
# Enough to fill half a second at the highest rate a header can claim.
CLONES = 50_000
# Sound may stray this far from its time stamps, which jitter, before it is put back in its place.
DRIFT_S = 0.04

Micros = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Span:
    """Which seconds to decode, and how far before them to seek; None reads from the beginning."""

    start_s: int
    clips: int
    preroll_s: float | None

    @property
    def end_s(self) -> int:
        """The first second that is not wanted."""
        return self.start_s + self.clips


@dataclass(frozen=True)
class Extract:
    """What the child gave; times in microseconds from the recording's zero, ascending.

    `frames`, uint8 (5n, H, W, 3), hold `frame_count` frames from the chunk's first slot on; None
    where there is no picture to expect. `picture_us` are the times of the pictures decoded, from a
    little before the chunk on. `samples`, float32 (k,) with k <= 44100 n, begin with the chunk;
    None where there is no sound to expect. `sound_us` are the times at which the decoded pieces of
    sound begin. `decode_errors` counts the packets that could not be decoded.
    """

    frames: npt.NDArray[np.uint8] | None
    frame_count: int
    picture_us: Micros
    samples: npt.NDArray[np.float32] | None
    sound_us: Micros
    decode_errors: int
    cpu_s: float


def frame_size(video: VideoStream) -> tuple[int, int]:
    """Return the (width, height) of decoded frames: short side 224, long side even and <= 448."""
    width, height = video.display_size
    ratio = max(width, height, 1.0) / max(min(width, height), 1.0)
    long_side = min(LONGEST_SIDE, 2 * round(SHORT_SIDE * ratio / 2))
    return (long_side, SHORT_SIDE) if width >= height else (SHORT_SIDE, long_side)


def extract(path: Path, info: MediaInfo, span: Span, threads: int) -> Extract:
    """Decode a span of a recording with one child."""
    video = info.video if _expected(info, info.video, NO_PICTURE, span) else None
    audio = info.audio if _expected(info, info.audio, NO_SOUND, span) else None
    frames, frame_count, outcome = None, 0, None
    if video:
        width, height = frame_size(video)
        frames = np.zeros((FPS * span.clips, height, width, 3), np.uint8)
    with _memory() as picture_log, _memory() as sound, _memory() as sound_log:
        source = _source(path, info, span, threads)
        outputs = []
        if video:
            options = _video_options(info, video, span, picture_log.fileno())
            outputs.append(ffmpeg.output(source[str(video.index)], "pipe:1", **options))
        if audio:
            options = _audio_options(info, span, sound_log.fileno())
            outputs.append(
                ffmpeg.output(source[str(audio.index)], f"pipe:{sound.fileno()}", **options)
            )
        if outputs:
            files = [file.fileno() for file in (picture_log, sound, sound_log)]
            frame_count, outcome = _run(ffmpeg.merge_outputs(*outputs), span, files, frames)
        return Extract(
            frames=frames,
            frame_count=frame_count,
            picture_us=_times(picture_log),
            samples=np.frombuffer(_content(sound), np.float32) if audio else None,
            sound_us=_times(sound_log),
            decode_errors=outcome.decode_errors if outcome else 0,
            cpu_s=outcome.cpu_s if outcome else 0.0,
        )


def _expected(
    info: MediaInfo, stream: VideoStream | AudioStream | None, absence: str, span: Span
) -> bool:
    if stream is None or stream.start_s >= span.end_s or stream.end_s <= span.start_s:
        return False
    return not any(
        gap.reason == absence and gap.start <= span.start_s and span.end_s <= gap.end
        for gap in info.gaps
    )


def _source(path: Path, info: MediaInfo, span: Span, threads: int) -> Any:
    options: dict[str, Any] = {
        **sandbox.input_options(),
        "threads": threads,
        # A picture that changes size midway must not restart the filters and their clock.
        "reinit_filter:v": 0,
    }
    if span.preroll_s is not None:
        options["ss"] = f"{info.start_time + span.start_s - span.preroll_s:.6f}"
        options["seek_timestamp"] = 1
    return ffmpeg.input(sandbox.url(path), noaccurate_seek=None, **options)


def _video_options(info: MediaInfo, video: VideoStream, span: Span, log: int) -> dict[str, Any]:
    width, height = frame_size(video)
    filters = [
        "settb=AVTB",
        f"setpts=PTS-{_zero_us(info)}",
        f"trim=start={max(0.0, span.start_s - video.hold_s):.6f}",
        *_note_times("", log),
        # The fps filter forgets the stream's last picture unless another follows it.
        f"tpad=stop_mode=clone:stop={CLONES}",
        # Rounding a picture's time up to the next slot makes each slot show the last picture at or
        # before it.
        f"fps=fps={FPS}:start_time={span.start_s}:round=up",
        f"scale={width}:{height}:flags=bilinear",
    ]
    return {
        "vf": ",".join(filters),
        "fps_mode": "passthrough",
        "frames:v": FPS * span.clips,
        "pix_fmt": "rgb24",
        "format": "rawvideo",
    }


def _audio_options(info: MediaInfo, span: Span, log: int) -> dict[str, Any]:
    filters = [
        "asettb=AVTB",
        f"asetpts=PTS-{_zero_us(info)}",
        # Cut before the resampler, which would fill a gap of hours after the chunk with silence.
        f"atrim=start={max(0, span.start_s - SOUND_LEAD_S)}:end={span.end_s}",
        *_note_times("a", log),
        "aformat=sample_fmts=fltp:channel_layouts=mono",
        # Two steps, since first_pts counts samples of the rate before resampling, which may change.
        f"aresample={SAMPLE_RATE}",
        f"aresample=async=1:min_hard_comp={DRIFT_S}:first_pts={span.start_s * SAMPLE_RATE}",
        f"atrim=end_sample={span.clips * SAMPLE_RATE}",
    ]
    return {"af": ",".join(filters), "format": "f32le"}


def _zero_us(info: MediaInfo) -> int:
    return round(info.start_time * 1e6)


def _note_times(kind: str, log: int) -> list[str]:
    """Filters that write the time of each picture or piece of sound to an open file.

    The metadata filter prints only what carries an entry, hence the first of the two.
    """
    return [
        f"{kind}metadata=mode=add:key=t:value=0",
        f"{kind}metadata=mode=print:file='pipe\\:{log}'",
    ]


def _run(
    output: Any, span: Span, files: list[int], frames: npt.NDArray[np.uint8] | None
) -> tuple[int, sandbox.Outcome]:
    decoded_s = span.clips + (span.start_s if span.preroll_s is None else span.preroll_s)
    arguments = sandbox.ffmpeg_arguments(output.global_args("-copyts"))
    wall_s = WALL_S + WALL_S_PER_S * decoded_s
    with sandbox.Child("ffmpeg", arguments, wall_s=wall_s, pass_fds=files) as child:
        filled = 0
        if frames is not None:
            buffer = frames.reshape(-1).data
            while filled < len(buffer) and (count := _read_into(child.stdout, buffer[filled:])):
                filled += count
        child.stdout.read()
        outcome = child.finish()
    size = frames[0].size if frames is not None else 1
    return filled // size, outcome


def _read_into(stream: IO[bytes], buffer: memoryview) -> int:
    return int(stream.readinto(buffer))  # type: ignore[attr-defined]


@contextmanager
def _memory() -> Iterator[IO[bytes]]:
    """Open a file in memory: a child fills it at its own pace, so nobody waits for a reader."""
    with os.fdopen(os.memfd_create("reprise"), "rb") as file:
        yield file


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _times(file: IO[bytes]) -> Micros:
    """Read the times noted by the filters: lines such as "frame:0 pts:40000 pts_time:0.04"."""
    marks = re.findall(rb"^frame:\d+ +pts:(-?\d+)", _content(file), re.MULTILINE)
    return np.unique(np.array(marks, dtype="S").astype(np.int64))
