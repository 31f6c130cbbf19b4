"""Events: where each stands, how probable it is in every second, and what to label next."""

from datetime import datetime

from django.db import transaction
from django.http import HttpRequest
from ninja import Query
from pydantic import BaseModel, Field

from indexing.events.locations import EventError
from indexing.events.probabilities import locate
from indexing.models import Location
from searchapp import events as reads
from searchapp import selectors, services
from searchapp.api.desk import Desk
from searchapp.api.labels import CameraFilter, ChangeOut
from searchapp.api.values import Body, Number, Page, Text, Window
from searchapp.models import Scope

desk = Desk("events")


class EventIn(Body):
    """An event without labels yet."""

    name: Text


class EventChange(Body):
    """Another name, or by what it is told; what is left out stays."""

    name: Text | None = None
    modality: Location.Modality | None = Field(None, alias="with")


class QualityOut(BaseModel):
    """How well it is located, measured on labels left out; null where they are too few."""

    average_precision: float | None
    balanced_accuracy: float | None
    examples: int


class EventOut(BaseModel):
    """An event of a camera; `state` is few, waiting, running, failed or located."""

    id: int
    camera: int
    event: str
    told_by: Location.Modality
    state: str
    sentence: str
    present: int
    absent: int
    encoder: int | None
    quality: QualityOut | None
    located_at: datetime | None

    @classmethod
    def of(cls, row: reads.Row) -> "EventOut":
        """Return an event with the number of its labels."""
        location = row.location
        return cls(
            id=location.pk,
            camera=location.camera_id,
            event=location.event,
            told_by=Location.Modality(location.modality),
            state=row.state,
            sentence=row.sentence,
            present=row.present,
            absent=row.absent,
            encoder=location.encoder_id,
            quality=QualityOut.model_validate(location.quality) if location.quality else None,
            located_at=location.located_at,
        )


class IntervalOut(BaseModel):
    """A run of probable seconds start <= second < end; `peak` is the most probable one."""

    start: int
    end: int
    peak: int
    at: datetime
    score: float


class LocatedOut(BaseModel):
    """The probability of an event in every second of a recording, and its intervals."""

    event: int
    recording: int
    probabilities: list[float | None]
    intervals: list[IntervalOut]
    quality: QualityOut | None
    notes: list[str]


class PlaceOut(BaseModel):
    """Seconds start <= second < end that somebody may label."""

    recording: int
    start: int
    end: int
    peak: int
    at: datetime
    probability: float

    @classmethod
    def of(cls, place: reads.Place) -> "PlaceOut":
        """Return a place."""
        return cls(
            recording=place.recording.pk,
            start=place.start,
            end=place.end,
            peak=place.second,
            at=place.recording.at(place.second),
            probability=place.probability,
        )


@desk.on("GET", "/events", Scope.READ)
def events(request: HttpRequest, wanted: Query[CameraFilter]) -> Page[EventOut]:
    """List the events by camera and name."""
    rows = reads.locations_for(request.user).order_by("camera__name", "event")
    if wanted.camera:
        rows = rows.filter(camera__name=wanted.camera)
    return Page.of(request, rows, wanted, lambda row: EventOut.of(reads.row(row)))


@desk.on("POST", "/cameras/{number}/events", Scope.WRITE, status=201)
def create(request: HttpRequest, number: Number, data: EventIn) -> EventOut:
    """Make an event of a camera; label it five times and it is located."""
    camera = selectors.camera_for(request.user, number)
    made = services.create_event(user=request.user, camera=camera, name=data.name)
    return EventOut.of(reads.row(made))


@desk.on("GET", "/events/{number}", Scope.READ)
def event(request: HttpRequest, number: Number) -> EventOut:
    """Tell where an event stands, and how well it is located."""
    return EventOut.of(reads.row(reads.location_for(request.user, number)))


@desk.on("PATCH", "/events/{number}", Scope.WRITE)
def change(request: HttpRequest, number: Number, data: EventChange) -> EventOut:
    """Rename an event, or say by what it is told.

    Where the camera has one of that name, the two are merged, and that one is returned.
    """
    found = reads.location_for(request.user, number)
    with transaction.atomic():
        if data.name is not None:
            found = services.rename_event(user=request.user, location=found, name=data.name)
        if data.modality is not None:
            services.tell_event_by(user=request.user, location=found, modality=data.modality)
    return EventOut.of(reads.row(found))


@desk.on("DELETE", "/events/{number}", Scope.WRITE)
def delete(request: HttpRequest, number: Number) -> ChangeOut | None:
    """Delete an event with its labels; where it had any, the change can be taken back."""
    found = reads.location_for(request.user, number)
    made = services.delete_event(user=request.user, location=found)
    return ChangeOut.of(made) if made else None


@desk.on("POST", "/events/{number}/learn", Scope.WRITE)
def learn(request: HttpRequest, number: Number) -> EventOut:
    """Try again to learn an event."""
    found = reads.location_for(request.user, number)
    services.learn_event_again(user=request.user, location=found)
    return EventOut.of(reads.row(found))


@desk.on("GET", "/events/{number}/recordings/{recording}", Scope.READ)
def located(request: HttpRequest, number: Number, recording: Number) -> LocatedOut:
    """Tell how probable an event is in every second of a recording of its camera."""
    found = reads.location_for(request.user, number)
    owner = selectors.recording_for(request.user, recording)
    if owner.camera_id != found.camera_id:
        raise EventError(f"{owner.name} is not of {found.camera}, whose event this is.")
    result = locate(owner, found.event)
    return LocatedOut(
        event=found.pk,
        recording=owner.pk,
        probabilities=list(result.probabilities),
        intervals=[IntervalOut(**vars(each)) for each in result.intervals],
        quality=QualityOut.model_validate(found.quality) if found.quality else None,
        notes=list(result.notes),
    )


@desk.on("GET", "/events/{number}/proposals", Scope.READ)
def proposals(request: HttpRequest, number: Number, window: Query[Window]) -> Page[PlaceOut]:
    """List the seconds that are most worth a label."""
    book = reads.Book(request.user, reads.location_for(request.user, number))
    return Page.of(request, book.proposals, window, PlaceOut.of)


@desk.on("GET", "/events/{number}/elsewhere", Scope.READ)
def elsewhere(request: HttpRequest, number: Number, window: Query[Window]) -> Page[PlaceOut]:
    """List the most probable intervals that nobody has labelled."""
    book = reads.Book(request.user, reads.location_for(request.user, number))
    return Page.of(request, book.elsewhere, window, PlaceOut.of)
