"""What is known of a recording before it is decoded."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

FPS = 5
SAMPLE_RATE = 44100
# A hole in a stream shorter than this is a slow camera or a dropped frame, no gap.
SHORTEST_GAP_S = 2.0

NO_PICTURE = "no picture in the file"
NO_SOUND = "no sound in the file"
CUT_OFF = "the file is cut off here"
JUMPS_BACK = "the file's clock jumps back, and what follows cannot be placed"


@dataclass(frozen=True, order=True)
class Gap:
    """The seconds start <= s < end in which a recording has no picture or no sound, and why."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True)
class VideoStream:
    """The first video stream; sizes in pixels as coded, times in seconds from the zero."""

    index: int
    codec: str
    width: int
    height: int
    pix_fmt: str
    pixel_aspect: float
    rotation: int
    """Degrees clockwise by which the coded picture is turned for display: 0, 90, 180 or 270."""
    fps: float
    """One over the typical interval between frames."""
    variable_rate: bool
    keyframe_interval_s: float
    """The longest stretch between two pictures at which decoding can begin."""
    copyable: bool
    """Whether the packets say when each is shown and no picture refers back across a keyframe."""
    start_s: float
    end_s: float

    @property
    def display_size(self) -> tuple[float, float]:
        """Width and height as shown: square pixels, turned upright."""
        width, height = self.width * self.pixel_aspect, float(self.height)
        return (height, width) if self.rotation in (90, 270) else (width, height)

    @property
    def hold_s(self) -> float:
        """How long a picture stays on screen at most before its successor counts as missing."""
        return hold_s(1 / self.fps)


@dataclass(frozen=True)
class AudioStream:
    """The first audio stream; times in seconds from the zero."""

    index: int
    codec: str
    sample_rate: int
    channels: int
    start_s: float
    end_s: float


@dataclass(frozen=True)
class MediaInfo:
    """A recording's timeline and streams.

    `duration_s` is the number of clips; second 0 begins at `start_time`, the earliest time (s, by
    the file's own clock) at which a picture or a sample of the two streams is presented.
    """

    container: str
    duration_s: int
    start_time: float
    video: VideoStream | None
    audio: AudioStream | None
    gaps: tuple[Gap, ...]
    browser_playable: bool
    created: str = ""
    """When the file says it was recorded, in its own words; empty where it says nothing."""

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON column."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read back what `to_json` gave."""
        return cls(
            container=data["container"],
            duration_s=data["duration_s"],
            start_time=data["start_time"],
            video=VideoStream(**data["video"]) if data["video"] else None,
            audio=AudioStream(**data["audio"]) if data["audio"] else None,
            gaps=tuple(Gap(**gap) for gap in data["gaps"]),
            browser_playable=data["browser_playable"],
            created=data.get("created", ""),
        )


def hold_s(interval_s: float) -> float:
    """How far apart two neighbours in a stream may be before the stretch between them is a hole."""
    return max(SHORTEST_GAP_S, 3 * interval_s)


def merge_gaps(gaps: Iterable[Gap]) -> list[Gap]:
    """Join gaps with the same reason that touch or overlap; sorted by their start."""
    merged: dict[str, list[Gap]] = {}
    for gap in sorted(gaps):
        same = merged.setdefault(gap.reason, [])
        if same and gap.start <= same[-1].end:
            same[-1] = replace(same[-1], end=max(same[-1].end, gap.end))
        else:
            same.append(gap)
    return sorted(gap for same in merged.values() for gap in same)
