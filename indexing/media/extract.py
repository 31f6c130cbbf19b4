"""Run the ffmpeg child that decodes a chunk, and collect what it gives, with its time stamps."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import ffmpeg
import numpy as np
import numpy.typing as npt

from indexing.media import sandbox
from indexing.media.info import FPS, SAMPLE_RATE, MediaInfo, VideoStream

SHORT_SIDE = 224
LONGEST_SIDE = 448
WALL_S = 120.0
# A slow core decodes the heaviest video at a tenth of its speed.
WALL_S_PER_S = 10.0

Micros = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Extract:
    """What the child gave, times in microseconds from the recording's zero.

    `frames` uint8 (m, H, W, 3) are those of the slots 0 to m - 1 of the chunk, m <= 5n, or None
    without video; `picture_us` are the times of all pictures that were decoded, from a little
    before the chunk on. `samples` float32 (k,) begin with the chunk, k <= 44100 n; `sound_us` are
    the times at which decoded stretches of sound begin, each `sound_step_us` long or less.
    """

    frames: npt.NDArray[np.uint8] | None
    picture_us: Micros
    samples: npt.NDArray[np.float32] | None
    sound_us: Micros
    cpu_s: float


def frame_size(video: VideoStream) -> tuple[int, int]:
    """Return the (width, height) of decoded frames: short side 224, long side even and <= 448."""
    width, height = video.display_size
    ratio = max(width, height, 1.0) / max(min(width, height), 1.0)
    long_side = min(LONGEST_SIDE, 2 * round(SHORT_SIDE * ratio / 2))
    return (long_side, SHORT_SIDE) if width >= height else (SHORT_SIDE, long_side)


def extract(
    path: Path,
    info: MediaInfo,
    start_s: int,
    clips: int,
    *,
    preroll_s: float | None,
    threads: int,
) -> Extract:
    """Decode the chunk, seeking to `preroll_s` before it, or not at all where that is None."""
    with _memory() as picture_log, _memory() as sound, _memory() as sound_log:
        zero_us = round(info.start_time * 1e6)
        source = _source(path, info, start_s, preroll_s, threads)
        outputs = []
        if info.video and _has(info.video.start_s, info.video.end_s, start_s, clips):
            options = _video_options(info.video, zero_us, start_s, clips, picture_log.fileno())
            outputs.append(ffmpeg.output(source[str(info.video.index)], "pipe:1", **options))
        if info.audio and _has(info.audio.start_s, info.audio.end_s, start_s, clips):
            options = _audio_options(zero_us, start_s, clips, sound_log.fileno())
            target = f"pipe:{sound.fileno()}"
            outputs.append(ffmpeg.output(source[str(info.audio.index)], target, **options))
        if not outputs:
            return _nothing()
        output = ffmpeg.merge_outputs(*outputs).global_args("-copyts")
        ...
