"""From scanned packets to a recording's clips: its zero, its length, and where streams are absent.

The presence rules here foretell what `decode` finds, so both give the same gaps on sound files.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from indexing.media.header import Header, Stream
from indexing.media.info import CUT_OFF, FPS, JUMPS_BACK, NO_PICTURE, NO_SOUND, SHORTEST_GAP_S, Gap
from indexing.media.scan import StreamScan

# An encoder's preroll lies a little before the zero of the file's clock and is not presented.
PREROLL_S = 0.2
# A trailing part shorter than this is dropped; anything longer is a clip with its end filled.
SHORTEST_CLIP_S = 0.5

# How much of a second must be missing at its start for the whole second to be absent: up to the
# last of its frames; all of its samples.
ABSENCE = {"video": (NO_PICTURE, (FPS - 1) / FPS), "audio": (NO_SOUND, 1 - 1e-6)}


@dataclass(frozen=True)
class Timeline:
    """Times in seconds by the file's own clock."""

    zero: float
    end: float
    tail: str | None = None
    """Why nothing can be shown at the end, where that is not a stream's own affair."""

    @property
    def clips(self) -> int:
        """Whole seconds; a recording shorter than the shortest clip still has one."""
        return max(1, math.floor(self.end - self.zero + SHORTEST_CLIP_S))

    def place(self, time: float) -> float:
        """Return a time as seconds from the zero."""
        return round(time - self.zero, 6)


def measure(header: Header, streams: list[Stream], scans: dict[int, StreamScan]) -> Timeline:
    """Find the zero and the end over all streams that are used."""
    starts = [start(stream, scans[stream["index"]]) for stream in streams]
    zero = min(starts)
    end = max(scans[stream["index"]].end for stream in streams)
    promised = max(_promised_end(header, each, scans[each["index"]]) for each in streams)
    lost = max(scans[stream["index"]].lost for stream in streams)
    if promised > end:
        return Timeline(round(zero, 6), promised, CUT_OFF)
    if lost > SHORTEST_GAP_S:
        return Timeline(round(zero, 6), end + lost, JUMPS_BACK)
    return Timeline(round(zero, 6), end)


def start(stream: Stream, scan: StreamScan) -> float:
    """When a stream's presentation begins, its encoder's preroll left out."""
    first = scan.start or 0.0
    stated = _number(stream.get("start_time"))
    if stated is not None and first < stated < first + PREROLL_S:
        first = stated
    return 0.0 if -PREROLL_S < first < 0 else first


def absences(timeline: Timeline, stream: Stream, scan: StreamScan) -> Iterator[Gap]:
    """The whole seconds of the recording in which a stream has nothing to show."""
    reason, least_s = ABSENCE[stream["codec_type"]]
    for before, after in [(timeline.zero, start(stream, scan)), *scan.holes()]:
        first = math.ceil(timeline.place(before))
        last = math.ceil(timeline.place(after) - least_s)
        if first < last:
            yield Gap(first, last, reason)
    ended = math.ceil(timeline.place(scan.end))
    if ended < timeline.clips:
        yield Gap(ended, timeline.clips, timeline.tail or reason)


def _promised_end(header: Header, stream: Stream, scan: StreamScan) -> float:
    """The end that an MP4's sample table states, where samples of it are missing in the file."""
    stated, duration = _number(stream.get("nb_frames")), _number(stream.get("duration"))
    if "mp4" not in header["format"]["format_name"] or not stated or not duration:
        return scan.end
    missing = (stated - scan.packets) * scan.interval
    return max(scan.end, start(stream, scan) + duration) if missing > SHORTEST_CLIP_S else scan.end


def _number(text: object) -> float | None:
    try:
        return float(str(text))
    except ValueError:
        return None
