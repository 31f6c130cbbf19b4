"""A stretch of a recording as a clip of its own, exact to the frame.

The streams are copied where the clip can begin and end there: at key frames, or at the end of the
recording. Otherwise its pictures are encoded anew, which is told. The same recording, stretch and
ffmpeg give the same bytes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ffmpeg

from indexing.media import sandbox
from indexing.media.errors import MediaError, file_gone
from indexing.media.info import MediaInfo, VideoStream
from indexing.media.playable import MP4_AUDIO

COPIED_VIDEO = {"h264", "hevc", "vp9", "av1", "mpeg4"}
CRF = 18
CLOCK = 90_000
WALL_S = 120.0
WALL_S_PER_S = 20.0
# A copy begins at the first key frame at or after the time asked for, so it is asked a bit earlier.
EARLIER_S = 0.0005


@dataclass(frozen=True)
class Cut:
    """The frames of seconds start_s <= t < end_s, whether they can be copied, and why not.

    first_s is when the first of them is shown; all by the recording's own clock.
    """

    start_s: int
    end_s: int
    frames: int
    first_s: float
    copied: bool
    why: str


@dataclass(frozen=True)
class Clock:
    """From second since_s of a clip on, its wall clock: Unix time + offset at 0 s, and its name."""

    since_s: float
    unix_s: int
    label: str


@dataclass(frozen=True)
class Burn:
    """What is written into the picture: a line of text and a running clock."""

    text: str
    clocks: Sequence[Clock]
    font: Path


def plan(path: Path, info: MediaInfo, start_s: int, end_s: int, *, burn: bool = False) -> Cut:
    """Find the frames of a stretch, and whether they can be copied.

    Raises:
        MediaError: the file cannot be read, or has nothing there.
    """
    if not path.is_file():
        raise file_gone()
    video = info.video
    if video is None:
        return Cut(start_s, end_s, 0, start_s, True, "It has no picture; its sound is copied.")
    packets = _packets(path, info, video, start_s, end_s)
    inside = [packet for packet in packets if start_s * 10**6 <= packet[0] < end_s * 10**6]
    if not inside:
        raise MediaError("There is no picture in this stretch of the recording.")
    after = next((packet for packet in packets if packet[0] >= end_s * 10**6), None)
    why = _why_not(video, inside[0][1], after is None or after[1], burn=burn)
    return Cut(start_s, end_s, len(inside), inside[0][0] / 1e6, not why, why)


def _why_not(video: VideoStream, key_at_start: bool, key_at_end: bool, *, burn: bool) -> str:
    """Say why pictures have to be encoded anew; empty where they can be copied."""
    if burn:
        return "Time and camera were to be written into the picture."
    if video.codec not in COPIED_VIDEO:
        return f"An MP4 does not hold {video.codec}."
    if not video.copyable:
        return "Its pictures refer to each other across key frames."
    if not key_at_start:
        return "The cut does not begin at a key frame."
    return "" if key_at_end else "The cut does not end at a key frame."


def _packets(
    path: Path, info: MediaInfo, video: VideoStream, start_s: int, end_s: int
) -> list[tuple[int, bool]]:
    """Return when each picture from the key frame before to the one after is shown, in
    microseconds from the recording's zero, and whether it is a key frame; by time.
    """
    since = info.start_time + start_s
    until = info.start_time + end_s + video.keyframe_interval_s + 1
    options = ("-select_streams", str(video.index), "-read_intervals", f"{since:.6f}%{until:.6f}")
    shown = ("-show_entries", "packet=pts_time,flags", "-of", "csv=p=0")
    arguments = sandbox.ffprobe_arguments(path, [*options, *shown])
    with sandbox.Child("ffprobe", arguments, wall_s=WALL_S) as child:
        rows = [line.decode("ascii", "replace").strip().split(",") for line in child.stdout]
        child.finish()
    timed = [row for row in rows if len(row) > 1 and re.fullmatch(r"-?[\d.]+", row[0])]
    zero = round(info.start_time * 10**6)
    return sorted((round(float(row[0]) * 1e6) - zero, "K" in row[1]) for row in timed)


def make(
    path: Path, info: MediaInfo, cut: Cut, out: Path, burn: Burn | None = None, *, threads: int = 1
) -> Cut:
    """Write a clip as an MP4 and return the cut as it was made.

    A copy that does not hold exactly its frames is replaced by one encoded anew.

    Raises:
        MediaError: ffmpeg could not make it.
    """
    if cut.copied:
        _run(_copied(path, info, cut, out), path, cut)
        if info.video is None or _count(out) == cut.frames:
            return cut
        why = "A copy of its streams did not hold exactly these frames."
        cut = replace(cut, copied=False, why=why)
    _run(_encoded(path, info, cut, out, burn, threads), path, cut)
    return replace(cut, frames=_count(out), copied=False)


def _run(output: Any, path: Path, cut: Cut) -> None:
    with sandbox.Child(
        "ffmpeg",
        sandbox.ffmpeg_arguments(output.global_args("-y")),
        wall_s=WALL_S + WALL_S_PER_S * (cut.end_s - cut.start_s),
        file_bytes=max(sandbox.FILE_BYTES, 3 * path.stat().st_size),
    ) as child:
        child.stdout.read()
        outcome = child.finish()
    if outcome.status:
        raise MediaError(f"The clip could not be cut; ffmpeg said: {outcome.log[-200:]}")


def _count(path: Path) -> int:
    """Return how many pictures a clip holds."""
    options = ("-select_streams", "v:0", "-count_packets", "-show_entries")
    arguments = sandbox.ffprobe_arguments(
        path, [*options, "stream=nb_read_packets", "-of", "csv=p=0"]
    )
    with sandbox.Child("ffprobe", arguments, wall_s=WALL_S) as child:
        text = child.stdout.read().decode("ascii", "replace").strip().strip(",")
        child.finish()
    return int(text) if text.isdecimal() else 0


def _container() -> dict[str, Any]:
    """Options by which the same streams give the same bytes."""
    return {
        "format": "mp4",
        "movflags": "+faststart",
        "map_metadata": -1,
        "map_chapters": -1,
        "fflags": "+bitexact",
        "flags": "+bitexact",
    }


def _copied(path: Path, info: MediaInfo, cut: Cut, out: Path) -> Any:
    since = cut.first_s - EARLIER_S
    source = ffmpeg.input(
        sandbox.url(path),
        ss=f"{info.start_time + since:.6f}",
        seek_timestamp=1,
        **sandbox.input_options(),
    )
    streams, options = [], {"t": f"{cut.end_s - since:.6f}", "copypriorss": 0}
    if info.video:
        streams.append(source[str(info.video.index)])
        # ffmpeg ends a copy by decoding time, a few pictures late where they are reordered.
        options |= {"c:v": "copy", "bsf:v": f"noise=drop='gte(n,{cut.frames})'"}
    if info.audio:
        streams.append(source[str(info.audio.index)])
        held = info.audio.codec in MP4_AUDIO
        options |= {"c:a": "copy"} if held else {"c:a": "aac", "b:a": "160k"}
    return ffmpeg.output(*streams, sandbox.url(out), **options, **_container())


def _encoded(
    path: Path, info: MediaInfo, cut: Cut, out: Path, burn: Burn | None, threads: int
) -> Any:
    options: dict[str, Any] = {"threads": threads, "reinit_filter:v": 0, **sandbox.input_options()}
    preroll = 1 + (info.video.keyframe_interval_s if info.video else 0)
    if cut.start_s > preroll:
        options |= {"ss": f"{info.start_time + cut.start_s - preroll:.6f}", "seek_timestamp": 1}
    source = ffmpeg.input(sandbox.url(path), noaccurate_seek=None, **options)
    zero = round(info.start_time * 1e6)
    kept = f"start={cut.start_s}:end={cut.end_s}"
    streams: list[Any] = []
    coded: dict[str, Any] = {"threads": threads}
    if info.video:
        streams.append(source[str(info.video.index)])
        filters = [
            *("settb=AVTB", f"setpts=PTS-{zero}", f"trim={kept}"),
            *(f"setpts=PTS-{cut.start_s * 10**6}", "scale=trunc(iw/2)*2:trunc(ih/2)*2"),
            *("format=yuv420p", *(_drawn(burn, out) if burn else ())),
        ]
        coded |= {"vf": ",".join(filters), "c:v": "libx264", "preset": "veryfast", "crf": CRF}
        coded |= {"bf": 0, "fps_mode": "passthrough", "enc_time_base:v": f"1:{CLOCK}"}
        coded |= {"video_track_timescale": CLOCK}
    if info.audio:
        streams.append(source[str(info.audio.index)])
        shift = f"asetpts=PTS-{cut.start_s * 10**6}"
        coded |= {"af": f"asettb=AVTB,asetpts=PTS-{zero},atrim={kept},{shift}"}
        coded |= {"c:a": "aac", "b:a": "160k"}
    output = ffmpeg.output(*streams, sandbox.url(out), **coded, **_container())
    return output.global_args("-copyts")


def _drawn(burn: Burn, out: Path) -> list[str]:
    """Return the filters that write a line of text and the running clock below it."""
    said = out.with_suffix(".txt")
    said.write_text(burn.text, encoding="utf-8")
    style = f"fontfile={_quoted(str(burn.font))}:fontcolor=white:box=1:boxcolor=black@0.6"
    style += ":boxborderw=6:fontsize=max(12\\,h/28):x=12"
    filters = [f"drawtext={style}:expansion=none:textfile={_quoted(str(said))}:y=12"]
    ends = [clock.since_s for clock in burn.clocks[1:]] + [1e9]
    for clock, end in zip(burn.clocks, ends, strict=True):
        form = "%Y-%m-%d %H\\:%M\\:%S"
        text = f"%{{pts:gmtime:{clock.unix_s}:{form}}} {clock.label}"
        when = f"enable=gte(t\\,{clock.since_s})*lt(t\\,{end})"
        filters.append(f"drawtext={style}:text={_quoted(text)}:y=12+2*max(12\\,h/28):{when}")
    return filters


def _quoted(text: str) -> str:
    """Escape a value for a filter's option, and that for the list of filters."""
    return re.sub(r"([\\'\[\],;])", r"\\\1", re.sub(r"([\\':])", r"\\\1", text))
