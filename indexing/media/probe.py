"""What a file is, and whether it can be searched: streams, timeline, gaps, or a plain refusal."""

from collections.abc import Callable
from pathlib import Path

from indexing.media.errors import MediaError
from indexing.media.header import (
    Header,
    Stream,
    created,
    first_stream,
    has_cover_only,
    read_header,
    rotation,
)
from indexing.media.info import AudioStream, Gap, MediaInfo, VideoStream, merge_gaps
from indexing.media.playable import browser_playable
from indexing.media.scan import StreamScan, scan
from indexing.media.timeline import Timeline, absences, measure, start
from indexing.media.trial import Obstacle, try_stream

LONGEST_S = 100 * 86_400
# Reading the packets is bound by the disk; this is what the slowest sane one gives.
SLOWEST_BYTES_PER_S = 4 << 20
SCAN_WALL_S = 120

Progress = Callable[[float], None]


def probe(path: Path, on_progress: Progress | None = None) -> MediaInfo:
    """Read a file's streams and its true timeline without decoding it.

    Every packet's time is read, so a big file takes about as long as reading it from disk;
    `on_progress` hears the fraction done. Raises MediaError with one sentence where nothing of the
    file can be used.
    """
    header = read_header(path)
    found = [stream for kind in ("video", "audio") if (stream := first_stream(header, kind))]
    if not found:
        raise _nothing_there(header)
    scans = _scan(path, header, found, on_progress)
    tried = [(stream, try_stream(path, stream, scans[stream["index"]])) for stream in found]
    obstacles = [first for _, first in tried if isinstance(first, Obstacle)]
    if len(obstacles) == len(tried):
        raise _nothing_usable(obstacles)
    usable = []
    for stream, first in tried:
        if isinstance(first, float):
            scans[stream["index"]].shift_to(first)
            usable.append(stream)
    timeline = measure(header, usable, scans)
    _refuse_length(timeline)
    gaps = [gap for each in usable for gap in absences(timeline, each, scans[each["index"]])]
    gaps += [Gap(0, timeline.clips, failed.what) for failed in obstacles]
    return _describe(path, header, usable, scans, timeline, merge_gaps(gaps))


def _describe(
    path: Path,
    header: Header,
    streams: list[Stream],
    scans: dict[int, StreamScan],
    timeline: Timeline,
    gaps: list[Gap],
) -> MediaInfo:
    video, audio = None, None
    for stream in streams:
        if stream["codec_type"] == "video":
            video = _video(stream, scans[stream["index"]], timeline)
        else:
            audio = _audio(stream, scans[stream["index"]], timeline)
    return MediaInfo(
        container=header["format"]["format_name"],
        duration_s=timeline.clips,
        start_time=timeline.zero,
        video=video,
        audio=audio,
        gaps=tuple(gaps),
        browser_playable=browser_playable(path, header, timeline.zero, video, audio, gaps),
        created=created(header),
    )


def _video(stream: Stream, scan: StreamScan, timeline: Timeline) -> VideoStream:
    return VideoStream(
        index=stream["index"],
        codec=stream["codec_name"],
        width=int(stream.get("width", 0)),
        height=int(stream.get("height", 0)),
        pix_fmt=stream.get("pix_fmt", "unknown"),
        pixel_aspect=_ratio(stream.get("sample_aspect_ratio", "1:1")),
        rotation=rotation(stream),
        fps=round(1 / scan.mean_interval, 3),
        variable_rate=scan.irregular,
        keyframe_interval_s=round(scan.keyframe_interval, 3),
        copyable=not scan.mostly_untimed and not scan.open_groups,
        start_s=timeline.place(start(stream, scan)),
        end_s=timeline.place(scan.end),
    )


def _audio(stream: Stream, scan: StreamScan, timeline: Timeline) -> AudioStream:
    return AudioStream(
        index=stream["index"],
        codec=stream["codec_name"],
        sample_rate=int(stream.get("sample_rate", 0)),
        channels=int(stream.get("channels", 0)),
        start_s=timeline.place(start(stream, scan)),
        end_s=timeline.place(scan.end),
    )


def _ratio(text: str) -> float:
    """A pixel's width over its height; files that state none, or nonsense, mean square."""
    width, _, height = text.partition(":")
    ratio = float(width) / float(height) if width.isdigit() and height.strip("0") else 1.0
    return ratio if 0.1 <= ratio <= 10 else 1.0


def _scan(
    path: Path, header: Header, streams: list[Stream], on_progress: Progress | None
) -> dict[int, StreamScan]:
    stated = header["format"].get("duration")
    first = float(header["format"].get("start_time", 0.0))

    def on_time(time: float) -> None:
        if on_progress and stated and float(stated) > 0:
            on_progress(min(1.0, max(0.0, (time - first) / float(stated))))

    wall_s = SCAN_WALL_S + path.stat().st_size / SLOWEST_BYTES_PER_S
    return scan(path, [stream["index"] for stream in streams], wall_s=wall_s, on_time=on_time)


def _refuse_length(timeline: Timeline) -> None:
    if timeline.end - timeline.zero > LONGEST_S:
        days = (timeline.end - timeline.zero) / 86_400
        raise MediaError(
            f"The recording claims to last {days:,.0f} days, so its time stamps are damaged: "
            "write it anew with 'ffmpeg -i FILE -c copy NEW.mkv' and use the new file."
        )


def _nothing_usable(obstacles: list[Obstacle]) -> MediaError:
    what = " and ".join(each.what for each in obstacles)
    if len(obstacles) == 2 and obstacles[0].state == obstacles[1].state:
        what = f"both picture and sound are {obstacles[0].state}"
    return MediaError(f"The recording cannot be used: {what}; {obstacles[0].advice}.")


def _nothing_there(header: Header) -> MediaError:
    if has_cover_only(header):
        return MediaError("The file holds a still picture, but neither video nor sound.")
    return MediaError("The file holds neither video nor sound: choose another one.")
