"""What truly happens in a rendered recording: one row an event, and masks of seconds from it."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]
COLUMNS = (
    "event",
    "start_s",
    "end_s",
    "seen_from_s",
    "seen_to_s",
    "heard_from_s",
    "heard_to_s",
    "trajectory",
    "light",
)


@dataclass(frozen=True)
class Occurrence:
    """One event as a row of the truth; times in seconds from the recording's start."""

    event: str
    seen: Interval | None
    heard: Interval | None
    trajectory: str
    light: str

    @property
    def start_s(self) -> float:
        """When it is first seen or heard."""
        return min(interval[0] for interval in (self.seen, self.heard) if interval)

    @property
    def end_s(self) -> float:
        """When it was last seen or heard."""
        return max(interval[1] for interval in (self.seen, self.heard) if interval)

    def within(self, start_s: float, end_s: float) -> "Occurrence | None":
        """The part between two seconds, timed from the first of them, or None."""
        seen, heard = (_clip(i, start_s, end_s) for i in (self.seen, self.heard))
        if seen is None and heard is None:
            return None
        return Occurrence(self.event, seen, heard, self.trajectory, self.light)


def _clip(interval: Interval | None, start_s: float, end_s: float) -> Interval | None:
    if interval is None or interval[1] <= start_s or interval[0] >= end_s:
        return None
    return (
        round(max(interval[0], start_s) - start_s, 1),
        round(min(interval[1], end_s) - start_s, 1),
    )


def _cells(interval: Interval | None) -> tuple[str, str]:
    return (f"{interval[0]:.1f}", f"{interval[1]:.1f}") if interval else ("", "")


def _interval(start: str, end: str) -> Interval | None:
    return (float(start), float(end)) if start and end else None


def write(occurrences: Iterable[Occurrence]) -> str:
    """The truth as CSV, sorted by time."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for o in sorted(occurrences, key=lambda o: (o.start_s, o.event)):
        whole = _cells((o.start_s, o.end_s))
        writer.writerow([o.event, *whole, *_cells(o.seen), *_cells(o.heard), o.trajectory, o.light])
    return out.getvalue()


def read(text: str) -> list[Occurrence]:
    """The occurrences of a truth CSV."""
    return [
        Occurrence(
            row["event"],
            _interval(row["seen_from_s"], row["seen_to_s"]),
            _interval(row["heard_from_s"], row["heard_to_s"]),
            row["trajectory"],
            row["light"],
        )
        for row in csv.DictReader(io.StringIO(text))
    ]


def seconds(
    occurrences: Iterable[Occurrence], kind: str, clips: int, modality: str = "any"
) -> NDArray[np.bool_]:
    """Mask (clips,) of the clips in which a kind is `seen`, `heard` or `any` of the two.

    A clip counts when the event fills at least half of it, or when the whole event is shorter than
    that and the clip holds its middle.
    """
    mask = np.zeros(clips, dtype=np.bool_)
    for o in occurrences:
        if o.event != kind:
            continue
        wanted = {"seen": [o.seen], "heard": [o.heard], "any": [o.seen, o.heard]}[modality]
        for interval in wanted:
            if interval is not None:
                _mark(mask, interval)
    return mask


def _mark(mask: NDArray[np.bool_], interval: Interval) -> None:
    start, end = interval
    first, last = round(start + 1e-6), round(end - 1e-6)
    if first >= last:
        first = int((start + end) / 2)
        last = first + 1
    mask[max(first, 0) : last] = True
