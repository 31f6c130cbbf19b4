"""The true timeline of a recording, read from its packets.

Headers lie: durations are estimates, streams start late, a camera loses its network for an hour.
The packets' own times are read once from end to end, without decoding, in memory that does not
grow with the recording.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from indexing.media import sandbox
from indexing.media.info import SHORTEST_GAP_S, hold_s

# H.264 and HEVC let a picture be shown at most 16 pictures after its place in the file.
REORDER = 20
# Later intervals say nothing of the frame rate; this bounds the table of intervals.
LONGEST_INTERVAL_S = 60
# Intervals are counted in steps of this many to the second.
STEPS = 10_000
MOST_HOLES = 4096
# The share of intervals that may differ from the typical one in a stream of constant rate: the
# clocks of 29.97 and the like round to neighbouring steps.
IRREGULAR_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of a stream: when it is shown and for how long, in seconds, and its flags.

    Where it does not say when it is shown (`timed` false), the time is that of its decoding.
    """

    stream: int
    time: float
    duration: float
    flags: str
    timed: bool
    encrypted: bool


@dataclass
class StreamScan:
    """One stream's presentation, fed packet by packet in the file's order. Times in seconds."""

    start: float | None = None
    packets: int = 0
    untimed: int = 0
    """Packets that say when they are decoded but not when they are shown, as AVI has them."""
    keyframe_interval: float = 0.0
    encrypted: bool = False
    open_groups: bool = False
    """Whether pictures shown before a keyframe come after it: they refer to the group before."""
    lost: float = 0.0
    """Seconds of packets whose time has passed already, as in files joined without care."""
    _behind: bool = False
    _last: float = 0.0
    _last_duration: float = 0.0
    _keyframe: float | None = None
    _waiting: list[tuple[float, float]] = field(default_factory=list)
    _intervals: Counter[int] = field(default_factory=Counter)
    _holes: list[tuple[float, float]] = field(default_factory=list)

    def feed(self, packet: Packet) -> None:
        """Take the next packet. Those that are decoded but never shown only count."""
        self.packets += 1
        self.untimed += not packet.timed
        self.encrypted |= packet.encrypted
        if "D" in packet.flags:
            return
        self._follow_groups(packet)
        if len(self._waiting) < REORDER:
            heapq.heappush(self._waiting, (packet.time, packet.duration))
        else:
            self._show(*heapq.heappushpop(self._waiting, (packet.time, packet.duration)))

    def _follow_groups(self, packet: Packet) -> None:
        if "K" in packet.flags:
            if self._keyframe is not None:
                self.keyframe_interval = max(self.keyframe_interval, packet.time - self._keyframe)
            self._keyframe = packet.time
        elif self._keyframe is not None and packet.timed and packet.time < self._keyframe:
            self.open_groups = True

    def finish(self) -> None:
        """Take what still waits for its turn."""
        while self._waiting:
            self._show(*heapq.heappop(self._waiting))
        if self._keyframe is not None:
            self.keyframe_interval = max(self.keyframe_interval, self._last - self._keyframe)

    def shift_to(self, first: float) -> None:
        """Move the times to where the decoder showed its first picture, where packets do not say.

        Pictures that are decoded out of order come out late by as many as are held back.
        """
        delay = first - (self.start or 0.0)
        if self.mostly_untimed and 0 < delay < REORDER * self.interval:
            self.start = first
            self._last += delay
            self._holes = [(before + delay, after + delay) for before, after in self._holes]

    @property
    def mostly_untimed(self) -> bool:
        """Whether the times are mostly those of decoding, since the packets state no others."""
        return self.untimed > self.packets / 3

    def _show(self, time: float, duration: float) -> None:
        if self.start is None:
            self.start = time
        elif time <= self._last:
            self._behind |= time < self._last - SHORTEST_GAP_S
            self.lost += (duration or self.interval) if self._behind else 0.0
            return
        else:
            interval = time - self._last
            self._intervals[round(min(interval, LONGEST_INTERVAL_S) * STEPS)] += 1
            if interval > SHORTEST_GAP_S:
                self._remember(self._last, time)
        self._behind = False
        self._last, self._last_duration = time, duration

    def _remember(self, before: float, after: float) -> None:
        self._holes.append((before, after))
        if len(self._holes) > MOST_HOLES:
            self._holes = self._long_enough()[-MOST_HOLES:]

    def _long_enough(self) -> list[tuple[float, float]]:
        limit = hold_s(self.interval)
        return [hole for hole in self._holes if hole[1] - hole[0] > limit]

    @property
    def interval(self) -> float:
        """The median time between two packets as shown; a lone packet's own duration."""
        rest = sum(self._intervals.values()) / 2
        for steps in sorted(self._intervals):
            rest -= self._intervals[steps]
            if rest <= 0:
                return max(steps, 1) / STEPS
        return min(self._last_duration, LONGEST_INTERVAL_S) or 1.0

    @property
    def mean_interval(self) -> float:
        """The mean where the rate is constant, since clocks of whole milliseconds blur the median;
        otherwise the median.
        """
        count = sum(self._intervals.values())
        if self.start is None or not count or self.irregular:
            return self.interval
        return (self._last - self.start) / count

    @property
    def irregular(self) -> bool:
        """Whether the stream has a variable rate."""
        total = sum(self._intervals.values())
        return total - sum(self._ordinary().values()) > IRREGULAR_SHARE * total

    def _ordinary(self) -> dict[int, int]:
        typical = self.interval * STEPS
        near = 0.2 * typical + 0.001 * STEPS
        return {steps: n for steps, n in self._intervals.items() if abs(steps - typical) <= near}

    @property
    def end(self) -> float:
        """When the last packet's presentation ends; absurd durations are cut to a sane one."""
        longest = hold_s(self.interval)
        duration = self._last_duration if 0 < self._last_duration <= longest else self.interval
        return self._last + duration

    def holes(self) -> Iterator[tuple[float, float]]:
        """The stretches in which nothing is shown, between the stream's start and its end."""
        for before, after in self._long_enough():
            yield before + self.interval, after


def scan(
    path: Path, streams: list[int], *, wall_s: float, on_time: Callable[[float], None]
) -> dict[int, StreamScan]:
    """Read the packets of some streams, by index; `on_time` hears the file's clock as it goes.

    A damaged file gives what comes before, between and after the damage. Raises MediaError where
    the time runs out.
    """
    scans = {index: StreamScan() for index in streams}
    with sandbox.Child("ffprobe", _arguments(path), wall_s=wall_s) as child:
        for packet in _packets(child, set(streams)):
            scans[packet.stream].feed(packet)
            if not scans[packet.stream].packets % 1000:
                on_time(packet.time)
        child.finish()
    for each in scans.values():
        each.finish()
    return scans


def _arguments(path: Path) -> list[str]:
    entries = (
        "packet=stream_index,pts_time,dts_time,duration_time,flags:packet_side_data=side_data_type"
    )
    return sandbox.ffprobe_arguments(path, ["-show_entries", entries, "-of", "csv=p=0"])


def _packets(child: sandbox.Child, streams: set[int]) -> Iterator[Packet]:
    """Parse ffprobe's lines; a packet without a time is given the end of the one before it."""
    ends: dict[int, float] = {}
    for line in child.stdout:
        fields = line.decode("ascii", "replace").strip().split(",")
        # Side data leave blank lines and trailing commas.
        if len(fields) < 5 or not fields[0].isdigit() or int(fields[0]) not in streams:
            continue
        index = int(fields[0])
        duration = _seconds(fields[3]) or 0.0
        shown, decoded = _seconds(fields[1]), _seconds(fields[2])
        time = next((t for t in (shown, decoded) if t is not None), ends.get(index, 0.0))
        ends[index] = time + duration
        encrypted = any("Encryption" in each for each in fields[5:])
        yield Packet(index, time, duration, fields[4], shown is not None, encrypted)


def _seconds(text: str) -> float | None:
    return None if text == "N/A" else float(text)
