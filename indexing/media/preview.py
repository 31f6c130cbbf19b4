"""The copy of a recording that a browser plays, where it does not play the original well.

Its clock is ours: second s in the player is clip s. Streams that a browser plays are copied as they
are; others are encoded anew, to H.264 with a keyframe every two seconds and to AAC.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ffmpeg

from indexing.media import sandbox
from indexing.media.errors import MediaError, file_gone
from indexing.media.info import NO_SOUND, AudioStream, MediaInfo, VideoStream
from indexing.media.playable import MP4_AUDIO, MP4_VIDEO, video_plays

LONGEST_SIDE = 1280
SHORTEST_SIDE = 32
KEYFRAME_S = 2
CRF = 26
CLOCK = 90_000
# MP4 has no standard way to hold MP3 of lower rates.
LOWEST_COPIED_RATE = 16_000
WALL_S = 600.0
# The heaviest video is decoded and encoded at a tenth of its speed.
WALL_S_PER_S = 10.0

Progress = Callable[[float], None]


def make_preview(
    path: Path,
    info: MediaInfo,
    out: Path,
    on_progress: Progress | None = None,
    *,
    encode: bool = False,
    threads: int = 2,
) -> None:
    """Write the browser's copy of a recording to `out`, an MP4 that is there only when whole.

    `encode` encodes the streams anew even where they could be copied, which heals a recording whose
    data are damaged in places. `on_progress` hears the fraction done. Raises MediaError.
    """
    if not path.is_file():
        raise file_gone()
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        if encode or not _write(path, info, draft, on_progress, copy=True, threads=threads):
            encoded = _write(path, info, draft, on_progress, copy=False, threads=threads)
            if not encoded:
                raise MediaError(
                    "A copy for the browser could not be made of this recording; it can be "
                    "searched, but not played here."
                )
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def _write(
    path: Path,
    info: MediaInfo,
    out: Path,
    on_progress: Progress | None,
    *,
    copy: bool,
    threads: int,
) -> bool:
    source = ffmpeg.input(
        sandbox.url(path),
        threads=threads,
        itsoffset=f"{-info.start_time:.6f}",
        **{"reinit_filter:v": 0},
        **sandbox.input_options(),
    )
    streams, options = [], _container_options(threads)
    if info.video:
        streams.append(source[str(info.video.index)])
        copied = copy and video_plays(info.video, MP4_VIDEO)
        options |= {"c:v": "copy"} if copied else _video_options(info.video)
    if info.audio:
        streams.append(source[str(info.audio.index)])
        copied = copy and _audio_plays(info, info.audio)
        options |= {"c:a": "copy"} if copied else _audio_options(info.audio)
    output = ffmpeg.output(*streams, sandbox.url(out), **options).global_args("-copyts", "-y")
    return _run(output, path, info, on_progress)


def _run(output: Any, path: Path, info: MediaInfo, on_progress: Progress | None) -> bool:
    with sandbox.Child(
        "ffmpeg",
        ["-progress", "pipe:1", *sandbox.ffmpeg_arguments(output)],
        wall_s=WALL_S + WALL_S_PER_S * info.duration_s,
        file_bytes=max(sandbox.FILE_BYTES, 3 * path.stat().st_size),
    ) as child:
        for line in child.stdout:
            name, _, value = line.decode("ascii", "replace").strip().partition("=")
            if on_progress and name == "out_time_us" and value.lstrip("-").isdigit():
                on_progress(min(1.0, max(0.0, int(value) / 1e6 / info.duration_s)))
        return child.finish().status == 0


def _container_options(threads: int) -> dict[str, Any]:
    return {
        "format": "mp4",
        "movflags": "+faststart",
        "avoid_negative_ts": "disabled",
        "map_metadata": -1,
        "map_chapters": -1,
        "threads": threads,
    }


def _video_options(video: VideoStream) -> dict[str, Any]:
    width, height = _size(video)
    return {
        "vf": f"scale={width}:{height}:flags=bicubic,setsar=1,format=yuv420p",
        "c:v": "libx264",
        "preset": "veryfast",
        "crf": CRF,
        # With B-frames an MP4 cannot tell that the picture before a hole stays on screen.
        "bf": 0,
        "fps_mode": "vfr",
        "enc_time_base:v": f"1:{CLOCK}",
        "video_track_timescale": CLOCK,
        "force_key_frames": f"expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+{KEYFRAME_S}))",
    }


def _size(video: VideoStream) -> tuple[int, int]:
    """Square pixels, upright, both sides even, no side above 1280."""
    width, height = video.display_size
    factor = min(1.0, LONGEST_SIDE / max(width, height, 1.0))
    width, height = (max(SHORTEST_SIDE, 2 * round(side * factor / 2)) for side in (width, height))
    return int(width), int(height)


def _audio_plays(info: MediaInfo, audio: AudioStream) -> bool:
    holes = any(gap.reason == NO_SOUND for gap in info.gaps)
    return not holes and audio.codec in MP4_AUDIO and audio.sample_rate >= LOWEST_COPIED_RATE


def _audio_options(audio: AudioStream) -> dict[str, Any]:
    return {
        # Players count samples rather than read time stamps, so holes are filled with silence.
        "af": "aresample=async=1:first_pts=0",
        "c:a": "aac",
        "b:a": "128k",
        "ar": max(LOWEST_COPIED_RATE, min(audio.sample_rate, 48_000)),
        "ac": min(audio.channels, 2),
    }
