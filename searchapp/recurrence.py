"""The calendar of a search: how often by day and hour, and by camera, counted on one clock."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.http import QueryDict

from indexing.models import Recording
from indexing.search.query import searched
from indexing.search.ranking import SearchResult
from indexing.search.recurrence import nearest_share
from searchapp.marks import kept, written
from searchapp.selectors import Viewer, recording_for, recordings_for

HOURS = range(24)
# How near a second may be asked to be to count: one in 10 ** this.
LEAST_NEAR, MOST_NEAR = 0.5, 4.0
SHADES = 5
# Longer stretches of days without anything are one line.
MOST_EMPTY_DAYS = 2
# More days would not be read; the newest are shown.
MOST_DAYS = 60

Moment = tuple[str, int]  # camera, seconds since 1970


@dataclass(frozen=True)
class Cell:
    """An hour of a day: how often, how dark (0 to 5), whether there is footage, and its link."""

    hour: int
    count: int
    shade: int
    recorded: bool
    link: str


@dataclass(frozen=True)
class Day:
    """A line of the calendar, or where `skipped` is above 0 so many days without anything."""

    day: date
    cells: tuple[Cell, ...] = ()
    skipped: int = 0

    @property
    def count(self) -> int:
        """How often on that day."""
        return sum(cell.count for cell in self.cells)


@dataclass(frozen=True)
class Strip:
    """A camera: how often, as part of the most frequent one's (0 to 100), and its link."""

    camera: str
    count: int
    part: int
    link: str


@dataclass(frozen=True)
class Calendar:
    """All that the page shows; `earlier` days with something are left out."""

    days: tuple[Day, ...]
    hours: tuple[Cell, ...]
    cameras: tuple[Strip, ...]
    total: int
    most: int
    earlier: int


@dataclass(frozen=True)
class Recurrence:
    """When something like the query happened; not complete where there are too many to count."""

    calendar: Calendar
    complete: bool


def recurrence(
    user: Viewer, result: SearchResult, near: float | None, data: QueryDict
) -> Recurrence:
    """Count the hits, or every second that is the nearest one in 10 ** near, by day and hour.

    Raises:
        SearchError: the query cannot be answered.
    """
    query = result.query
    own = recording_for(user, query.recording_id).camera
    cameras = searched(query, own)
    seen = recordings_for(user).filter(camera__name__in=cameras)
    if query.recordings:
        seen = seen.filter(pk__in=query.recordings)
    moments: list[Moment] = [(hit.camera, round(hit.at.timestamp())) for hit in result.hits]
    complete = True
    if near is not None:
        times = nearest_share(query, 10**-near)
        moments, complete = list(times.moments), times.complete
    return Recurrence(calendar(moments, seen, cameras, own.tzinfo, data), complete)


def calendar(
    moments: Iterable[Moment],
    recordings: Iterable[Recording],
    cameras: Iterable[str],
    zone: ZoneInfo,
    data: QueryDict,
) -> Calendar:
    """Count moments by day and hour on a zone's clock, and by camera.

    recordings tell in which hours there is footage at all; data is the link, of which every cell's
    link is a part.
    """
    found = list(moments)
    counts = Counter(_hour(at, zone) for _, at in found)
    recorded = {hour for recording in recordings for hour in _hours(recording, zone)}
    most = max(counts.values(), default=0)
    hours = Counter(hour for _, hour in counts.elements())
    links = _Links(data)

    def cell(day: date, hour: int) -> Cell:
        count = counts[day, hour]
        there = (day, hour) in recorded
        return Cell(hour, count, _shade(count, most), there, links.hour(day, hour))

    days = sorted({day for day, _ in counts})
    shown = days[-MOST_DAYS:]
    busiest = max(hours.values(), default=0)
    return Calendar(
        tuple(
            line if line.skipped else Day(line.day, tuple(cell(line.day, hour) for hour in HOURS))
            for line in _lines(shown)
        ),
        tuple(Cell(h, hours[h], _shade(hours[h], busiest), True, "") for h in HOURS),
        _strips(found, cameras, links),
        len(found),
        most,
        len(days) - len(shown),
    )


def _hour(at: int, zone: ZoneInfo) -> tuple[date, int]:
    moment = datetime.fromtimestamp(at, UTC).astimezone(zone)
    return moment.date(), moment.hour


def _hours(recording: Recording, zone: ZoneInfo) -> Iterator[tuple[date, int]]:
    """Yield the hours in which a recording has footage."""
    at = round(recording.start.timestamp())
    end = at + (recording.duration_s or 0)
    for second in range(at, end, 900):  # no zone's hours begin elsewhere than at a quarter
        yield _hour(second, zone)
    if end > at:
        yield _hour(end - 1, zone)


def _lines(days: list[date]) -> Iterator[Day]:
    """Yield the days with something and the few between them; long pauses as one line."""
    if days:
        yield Day(days[0])
    for before, after in pairwise(days):
        empty = (after - before).days - 1
        if empty > MOST_EMPTY_DAYS:
            yield Day(before, skipped=empty)
        else:
            yield from (Day(before + timedelta(days=n)) for n in range(1, empty + 1))
        yield Day(after)


def _shade(count: int, most: int) -> int:
    """Return how dark a count is: 0 for none, then by its square root, since few are the rule."""
    return math.ceil(SHADES * math.sqrt(count / most)) if count else 0


def _strips(found: list[Moment], cameras: Iterable[str], links: "_Links") -> tuple[Strip, ...]:
    counts = Counter(camera for camera, _ in found)
    names = sorted({*cameras, *counts}, key=lambda name: (-counts[name], name))
    most = max(counts.values(), default=1)
    return tuple(
        Strip(name, counts[name], round(100 * counts[name] / most), links.camera(name))
        for name in names
    )


class _Links:
    """Links to the hits of one hour or of one camera of the same search."""

    def __init__(self, data: QueryDict) -> None:
        self.hits = kept(data, but=("view", "near"))

    def hour(self, day: date, hour: int) -> str:
        begin = datetime.combine(day, time(hour))  # without a zone: on the query camera's clock
        span = [("since", begin), ("until", begin + timedelta(hours=1))]
        others = [pair for pair in self.hits if pair[0] not in {"since", "until"}]
        return written([*others, *((name, at.isoformat()) for name, at in span)])

    def camera(self, name: str) -> str:
        return written([*(pair for pair in self.hits if pair[0] != "camera"), ("camera", name)])
