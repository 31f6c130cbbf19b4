"""Saved searches: kept, asked again, compared, standing; and what standing ones have found."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query as Asked
from pydantic import BaseModel, Field

from indexing.casework import saved as door
from indexing.casework import standing
from indexing.casework.saved import Row, question
from indexing.casework.standing import Past, Terms
from indexing.models import Notification, SavedSearch
from searchapp import keeping
from searchapp.api.desk import Desk
from searchapp.api.search import Query, Ranked
from searchapp.api.values import MOST_ITEMS, Body, Number, Page, Second, Text, Window
from searchapp.models import Scope

desk = Desk("saved")

Threshold = Annotated[float, Field(allow_inf_nan=False)]


class SearchToSave(Body):
    """A search and the name to keep it under."""

    name: Text
    query: Query


class NameIn(Body):
    """Another name."""

    name: Text


class TermsIn(Body):
    """How near is near enough, how often somebody is told, and how."""

    measure: SavedSearch.Measure = SavedSearch.Measure.PERCENTILE
    threshold: Threshold = 99.9
    cool_down_s: Second = 600
    webhook: Text = ""
    email: Text = ""


class PastIn(BaseModel):
    """A threshold to be tried on the past."""

    measure: SavedSearch.Measure = SavedSearch.Measure.PERCENTILE
    threshold: Threshold = 99.9
    cool_down_s: Second = 600


class StandingOut(BaseModel):
    """On which terms a search stands, how often it notified, and what keeps it from working."""

    measure: SavedSearch.Measure
    threshold: float
    cool_down_s: int
    webhook: str
    email: str
    stood_at: datetime | None
    notified: int
    stuck: str


class SavedOut(BaseModel):
    """A saved search, and how many hits it had; `standing` is null where it does not stand."""

    id: int
    name: str
    recording: int | None
    encoder: int | None
    query: Query
    hits: int
    created_at: datetime
    standing: StandingOut | None

    @classmethod
    def of(cls, row: SavedSearch) -> "SavedOut":
        """Return a saved search."""
        return cls(
            id=row.pk,
            name=row.name,
            recording=row.recording_id,
            encoder=row.encoder_id,
            query=Query.of(row.query),
            hits=len(row.hits),
            created_at=row.created_at,
            standing=_standing(row) if row.standing else None,
        )


class StoodOut(SavedOut):
    """A search that stands, with the secret that signs its webhooks."""

    secret: str


class KeptHit(Ranked):
    """A hit of a ranking that was kept, with what names its recording once that is deleted."""

    name: str


class RowOut(BaseModel):
    """A moment of either ranking, and what became of it; null where it is in one only."""

    then: KeptHit | None
    now: KeptHit | None
    said: str

    @classmethod
    def of(cls, row: Row) -> "RowOut":
        """Return a row of a replay."""
        return cls.model_validate({"then": row.then, "now": row.now, "said": row.said})


class ReplayOut(BaseModel):
    """A saved search asked again; `problem` says why where it cannot be asked any more."""

    same: bool
    changes: list[str]
    encoder: int | None
    problem: str
    rows: list[RowOut]


class ReplayBy(BaseModel):
    """By the encoder of then, or with `now` by the one in use."""

    now: bool = False


class PastOut(BaseModel):
    """What a threshold would have given: notifications over so many clips."""

    notifications: int
    clips: int
    limit: float | None
    more: bool

    @classmethod
    def of(cls, past: Past) -> "PastOut":
        """Return what was counted."""
        return cls(**vars(past))


class NotificationOut(BaseModel):
    """A clip that came near enough; `more` counts those within the cool-down."""

    id: int
    saved: int
    name: str
    recording: int
    second: int
    at: datetime
    distance: float
    limit: float
    more: int
    created_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, row: Notification) -> "NotificationOut":
        """Return a notification."""
        return cls(
            id=row.pk,
            saved=row.saved_id,
            name=row.saved.name,
            recording=row.recording_id,
            second=row.second,
            at=row.recording.at(row.second),
            distance=row.distance,
            limit=row.limit,
            more=row.more,
            created_at=row.created_at,
            read_at=row.read_at,
        )


class NotificationFilter(Window):
    """All notifications, or those that were not read."""

    unread: bool = False


class ReadIn(Body):
    """Which notifications were read; all where none is named."""

    notifications: list[Number] = Field([], max_length=MOST_ITEMS)


class ReadOut(BaseModel):
    """How many were marked as read."""

    read: int


def _standing(row: SavedSearch) -> StandingOut:
    return StandingOut(
        measure=SavedSearch.Measure(row.measure),
        threshold=row.threshold,
        cool_down_s=row.cool_down_s,
        webhook=row.webhook,
        email=row.email,
        stood_at=row.stood_at,
        notified=row.notifications.count(),
        stuck=standing.stuck(row),
    )


def _terms(data: Any) -> Terms:
    return Terms(**data.model_dump())


@desk.on("GET", "/saved-searches", Scope.READ)
def searches(request: HttpRequest, window: Asked[Window]) -> Page[SavedOut]:
    """List the account's saved searches by name."""
    rows = door.saved_of(keeping.person(request.user))
    return Page.of(request, rows.order_by("name", "pk"), window, SavedOut.of)


@desk.on("POST", "/saved-searches", Scope.WRITE, status=201)
def save(request: HttpRequest, data: SearchToSave) -> SavedOut:
    """Ask a search and keep it with its answer under a name."""
    user = keeping.person(request.user)
    return SavedOut.of(door.save(user, data.name, data.query.read(user)))


@desk.on("GET", "/saved-searches/{number}", Scope.READ)
def search(request: HttpRequest, number: Number) -> SavedOut:
    """Tell of one saved search."""
    return SavedOut.of(keeping.saved_for(request.user, number))


@desk.on("PATCH", "/saved-searches/{number}", Scope.WRITE)
def rename(request: HttpRequest, number: Number, data: NameIn) -> SavedOut:
    """Give a saved search another name."""
    found = keeping.saved_for(request.user, number)
    door.rename(found, data.name)
    return SavedOut.of(found)


@desk.on("DELETE", "/saved-searches/{number}", Scope.WRITE)
def delete(request: HttpRequest, number: Number) -> None:
    """Delete a saved search with its notifications."""
    keeping.saved_for(request.user, number).delete()


@desk.on("GET", "/saved-searches/{number}/replay", Scope.READ)
def replay(request: HttpRequest, number: Number, by: Asked[ReplayBy]) -> ReplayOut:
    """Ask a saved search again, and compare with its answer of then."""
    found = door.replay(keeping.saved_for(request.user, number), now=by.now)
    return ReplayOut(
        same=found.same,
        changes=list(found.changes),
        encoder=found.encoder.pk if found.encoder else None,
        problem=found.problem,
        rows=[RowOut.of(row) for row in found.rows],
    )


@desk.on("GET", "/saved-searches/{number}/past", Scope.READ)
def past(request: HttpRequest, number: Number, terms: Asked[PastIn]) -> PastOut:
    """Tell what a threshold would have given of all that can be searched now."""
    found = keeping.saved_for(request.user, number)
    return PastOut.of(standing.past(question(found), _terms(terms)))


@desk.on("PUT", "/saved-searches/{number}/standing", Scope.WRITE)
def stand(request: HttpRequest, number: Number, data: TermsIn) -> StoodOut:
    """Let a saved search stand: every newly embedded chunk is held against it."""
    found = keeping.saved_for(request.user, number)
    standing.stand(found, _terms(data))
    return StoodOut(**SavedOut.of(found).__dict__, secret=found.secret)


@desk.on("DELETE", "/saved-searches/{number}/standing", Scope.WRITE)
def stop(request: HttpRequest, number: Number) -> None:
    """Let a search stand no longer; what it found stays."""
    standing.stop(keeping.saved_for(request.user, number))


@desk.on("POST", "/saved-searches/{number}/standing/retry", Scope.WRITE)
def retry(request: HttpRequest, number: Number) -> SavedOut:
    """Try again what failed of a standing search."""
    found = keeping.saved_for(request.user, number)
    standing.retry(found)
    return SavedOut.of(found)


@desk.on("GET", "/notifications", Scope.READ)
def notifications(request: HttpRequest, wanted: Asked[NotificationFilter]) -> Page[NotificationOut]:
    """List what the account's standing searches have found, the newest first."""
    found = keeping.notifications_for(request.user)
    if wanted.unread:
        found = found.filter(read_at=None)
    return Page.of(request, found, wanted, NotificationOut.of)


@desk.on("POST", "/notifications/read", Scope.WRITE)
def read(request: HttpRequest, data: ReadIn) -> ReadOut:
    """Mark notifications as read."""
    return ReadOut(read=keeping.mark_read(request.user, data.notifications))
