"""What people see of events and labels. Every read starts from the account's role."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from django.db.models import Count, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse

from indexing.encoders.switching import OPEN
from indexing.events import labels, locations
from indexing.events.labels import last_change
from indexing.events.locations import EventError
from indexing.events.probabilities import Interval, Located, locate, locate_everywhere
from indexing.models import Camera, Label, LabelChange, Location, Recording
from searchapp.selectors import Viewer, cameras_for, recording_for, recordings_for

# What one page shows; a table that is exported has all of it.
MOST_LABELS = 300
MOST_INTERVALS = 100
MOST_ELSEWHERE = 24
# A strip has as many bins as a wide screen has pixels, each its most probable second.
BINS = 1200
HEIGHT = 40


def locations_for(user: Viewer) -> QuerySet[Location]:
    """Return the events of the cameras this account may see."""
    rows = Location.objects.select_related("camera__encoder", "job", "encoder")
    return rows.filter(camera__in=cameras_for(user))


def location_for(user: Viewer, pk: int) -> Location:
    """Return one event; Http404 where it is unknown or not for this account."""
    return get_object_or_404(locations_for(user), pk=pk)


def label_for(user: Viewer, pk: int) -> Label:
    """Return one label that stands; Http404 where it is unknown or not for this account."""
    rows = labels.standing().filter(recording__in=recordings_for(user))
    return get_object_or_404(rows, pk=pk)


def labels_for(
    user: Viewer, *, camera: str = "", recording: int | None = None, event: str = ""
) -> QuerySet[Label]:
    """Return the labels that stand, in the order of time; Http404 where there is no such recording.

    Args:
        user: whose account.
        camera: its name, to see its labels alone.
        recording: its number, likewise.
        event: its name, likewise.
    """
    found = labels.standing(event=event).filter(recording__in=recordings_for(user))
    if camera:
        found = found.filter(recording__camera__name=camera)
    if recording is None:
        return found
    return found.filter(recording=recording_for(user, recording))


def changes_for(user: Viewer) -> QuerySet[LabelChange]:
    """Return what was done to labels of the cameras this account may see, the newest first."""
    return LabelChange.objects.select_related("camera").filter(camera__in=cameras_for(user))


def change_for(user: Viewer, pk: int) -> LabelChange:
    """Return one change to labels; Http404 where it is unknown or not for this account."""
    return get_object_or_404(changes_for(user), pk=pk)


@dataclass(frozen=True)
class Row:
    """An event as a list shows it: how many labels say that it happens, and that it does not."""

    location: Location
    present: int
    absent: int

    @property
    def state(self) -> str:
        """Where it stands in a word: few, waiting, running, failed or located."""
        return locations.state(self.location)

    @property
    def sentence(self) -> str:
        """What is in the way of locating it."""
        return locations.sentence(self.location)

    @property
    def moving(self) -> bool:
        """Whether it is being learnt."""
        return self.location.job is not None and self.location.job.state in OPEN

    @property
    def told(self) -> bool:
        """Whether it is known how well it is located."""
        return self.location.quality.get("average_precision") is not None


@dataclass(frozen=True)
class Panel:
    """A camera with its events, and the last change to its labels."""

    camera: Camera
    rows: tuple[Row, ...]
    change: LabelChange | None
    recordings: tuple[Recording, ...]

    @property
    def moving(self) -> bool:
        """Whether an event of it is being learnt."""
        return any(row.moving for row in self.rows)


def panels(user: Viewer, camera: str = "") -> list[Panel]:
    """Return the cameras with their events; one alone where it is named."""
    cameras = cameras_for(user).filter(recordings__isnull=False).distinct().order_by("name")
    if camera:
        cameras = cameras.filter(name=camera)
    seen = recordings_for(user).filter(duration_s__gt=0)
    return [
        Panel(
            camera=each,
            rows=tuple(rows(locations_for(user).filter(camera=each))),
            change=last_change(each),
            recordings=tuple(seen.filter(camera=each)),
        )
        for each in cameras
    ]


def rows(locations: QuerySet[Location]) -> Iterator[Row]:
    """Yield events with the number of their labels."""
    for location in locations.order_by("event"):
        standing = labels.standing(camera=location.camera, event=location.event)
        counted = standing.order_by().aggregate(
            present=Count("pk", filter=Q(absent=False)), absent=Count("pk", filter=Q(absent=True))
        )
        yield Row(location, counted["present"], counted["absent"])


def row(location: Location) -> Row:
    """Return one event with the number of its labels."""
    return next(rows(Location.objects.filter(pk=location.pk).select_related("camera", "job")))


@dataclass(frozen=True)
class Place:
    """A run of seconds of a recording that somebody may label: start <= second < end."""

    recording: Recording
    start: int
    end: int
    second: int
    probability: float


@dataclass(frozen=True)
class Book:
    """One event: its labels, where it happens besides, and what is best labelled next."""

    user: Viewer
    location: Location

    @cached_property
    def row(self) -> Row:
        """How many labels it has and where it stands."""
        return row(self.location)

    @cached_property
    def labels(self) -> list[Label]:
        """The newest labels of it."""
        standing = labels.standing(camera=self.location.camera, event=self.location.event)
        return list(standing.order_by("-pk")[:MOST_LABELS])

    @cached_property
    def _recordings(self) -> dict[int, Recording]:
        return recordings_for(self.user).filter(camera=self.location.camera).in_bulk()

    @cached_property
    def proposals(self) -> list[Place]:
        """The seconds most worth a label that nobody has labelled since."""
        return [
            Place(self._recordings[number], second, second + 1, second, probability)
            for number, second, probability in self.location.proposals
            if number in self._recordings and not self._labelled(number, second, second + 1)
        ]

    @cached_property
    def elsewhere(self) -> list[Place]:
        """The most probable intervals without a label, over all recordings."""
        located = locate_everywhere(self.location.camera, self.location.event)
        found = [
            Place(self._recordings[one.recording.pk], run.start, run.end, run.peak, run.score)
            for one in located
            if one.recording.pk in self._recordings
            for run in one.intervals
            if not self._labelled(one.recording.pk, run.start, run.end)
        ]
        return sorted(found, key=lambda place: -place.probability)[:MOST_ELSEWHERE]

    @cached_property
    def _spans(self) -> dict[int, list[tuple[int, int]]]:
        spans: dict[int, list[tuple[int, int]]] = {}
        standing = labels.standing(camera=self.location.camera, event=self.location.event)
        for number, start, end in standing.values_list("recording_id", "start_s", "end_s"):
            spans.setdefault(number, []).append((start, end))
        return spans

    def _labelled(self, number: int, start: int, end: int) -> bool:
        return any(a < end and start < b for a, b in self._spans.get(number, ()))


@dataclass(frozen=True)
class Strip:
    """What an event's probability looks like along a recording, in the units of an SVG.

    It is as wide as the recording has seconds and HEIGHT high; `path` is the area below the curve.
    """

    width: int
    path: str
    intervals: tuple[Interval, ...]
    more: int


def strip(located: Located) -> Strip:
    """Draw a strip; each bin shows its most probable second, so that none is lost."""
    told = np.array([0.0 if p is None else p for p in located.probabilities])
    edges = np.linspace(0, len(told), min(BINS, len(told)) + 1).round().astype(int)
    most = np.maximum.reduceat(told, edges[:-1])
    points = [
        f"L{start} {HEIGHT * (1 - top):.1f}L{end} {HEIGHT * (1 - top):.1f}"
        for start, end, top in zip(edges, edges[1:], most, strict=False)
    ]
    path = f"M0 {HEIGHT}{''.join(points)}L{len(told)} {HEIGHT}Z"
    strongest = sorted(located.intervals, key=lambda one: -one.score)[:MOST_INTERVALS]
    shown = tuple(sorted(strongest, key=lambda one: one.start))
    return Strip(len(told), path, shown, len(located.intervals) - len(shown))


@dataclass(frozen=True)
class Desk:
    """A recording's labels, and one of its camera's events located in it."""

    recording: Recording
    events: Sequence[Row]
    chosen: Row | None
    located: Located | None
    problem: str
    labels: tuple[Label, ...]

    @cached_property
    def strip(self) -> Strip | None:
        """The event's probability along the recording."""
        return strip(self.located) if self.located else None

    @property
    def marked(self) -> list[Label]:
        """The labels of the chosen event."""
        event = self.chosen.location.event if self.chosen else ""
        return [label for label in self.labels if label.event == event]


def desk(user: Viewer, recording: Recording, event: str) -> Desk:
    """Return a recording's labels, with the event that is asked for or the first there is."""
    known = list(rows(locations_for(user).filter(camera=recording.camera)))
    chosen = next((one for one in known if one.location.event == event), None)
    chosen = chosen or (known[0] if known else None)
    located, problem = None, ""
    if chosen:
        try:
            located = locate(recording, chosen.location.event)
        except EventError as error:
            problem = error.sentence
    standing = tuple(labels.standing(recording=recording)[:MOST_LABELS])
    return Desk(recording, known, chosen, located, problem, standing)


def page_of(camera: Camera) -> str:
    """Return the address of a camera's events."""
    return f"{reverse('events')}#camera-{camera.pk}"
