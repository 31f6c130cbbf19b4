"""Search by example: the other times, when they were, and events made of what was marked."""

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest, QueryDict
from pydantic import BaseModel, Field

from indexing.casework.saved import written
from indexing.models import Encoder
from indexing.search import ranking as door
from indexing.search.query import (
    LONGEST_EXCLUSION_S,
    MOST_HITS,
    MOST_MARKS,
    Clip,
    SearchQuery,
    With,
)
from indexing.search.ranking import Hit
from searchapp import events as event_reads
from searchapp import selectors, services
from searchapp.api.desk import Desk
from searchapp.api.events import EventOut
from searchapp.api.values import Body, ClipText, Moment, Number, Second, Text, choices
from searchapp.models import Scope
from searchapp.questions import check, on_clock
from searchapp.recurrence import LEAST_NEAR, MOST_NEAR, recurrence
from searchapp.selectors import Viewer

desk = Desk("search")

MOST_NAMED = 1000
EncoderKind = Annotated[Encoder.Kind, choices(Encoder.Kind)]


class Query(Body):
    """A search: which clip, compared how, among which others.

    Without `cameras` the query's own camera is searched, or all where the query is a sample. `also`
    are further clips of the query; `this` and `not` are hits that were judged, by which all others
    are ranked anew.
    """

    recording: Number
    second: Second
    modality: With = Field(With.JOINT, alias="with")
    weight: float = Field(
        0.5,
        ge=0,
        le=1,
        description="The slider from picture to sound in joint; each counts besides by how far the "
        "moment stands out in it",
    )
    k: int = Field(20, ge=1, le=MOST_HITS)
    exclusion: int = Field(
        60, ge=0, le=LONGEST_EXCLUSION_S, description="Seconds around a hit without another"
    )
    cameras: list[Text] = Field([], max_length=MOST_NAMED)
    recordings: list[Number] = Field([], max_length=MOST_NAMED)
    since: Moment | None = None
    until: Moment | None = None
    encoder: Number | None = None
    also: list[ClipText] = Field([], max_length=MOST_MARKS)
    this: list[ClipText] = Field([], max_length=MOST_MARKS)
    not_this: list[ClipText] = Field([], alias="not", max_length=MOST_MARKS)

    def read(self, user: Viewer) -> SearchQuery:
        """Return the query, on the clock of its camera.

        Raises:
            Http404: its recording or encoder is not there for the account.
            SearchError: something else that it names is not.
        """
        own = selectors.recording_for(user, self.recording).camera
        query = SearchQuery(
            recording_id=self.recording,
            second=self.second,
            modality=self.modality,
            audio_weight=self.weight,
            k=self.k,
            exclusion_s=self.exclusion,
            cameras=tuple(self.cameras),
            recordings=tuple(self.recordings),
            since=on_clock(self.since, own),
            until=on_clock(self.until, own),
            encoder_id=self.encoder,
            also=_clips(self.also),
            this=_clips(self.this),
            not_this=_clips(self.not_this),
        )
        check(user, query)
        return query

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "Query":
        """Return a query that was kept as JSON."""
        return cls.model_validate(kept)


class RecurrenceIn(Query):
    """With `near`, not the hits are counted but the nearest one in 10 ** near of all seconds."""

    near: float | None = Field(None, ge=LEAST_NEAR, le=MOST_NEAR)


class EventOf(Query):
    """What was searched and marked becomes labels of this event."""

    event: Text


class Ranked(BaseModel):
    """Another time, and how it compares."""

    rank: int
    recording: int
    camera: str
    second: int
    at: datetime
    distance: float
    video_distance: float | None
    audio_distance: float | None
    percentile: float
    chance: float | None


class HitOut(Ranked):
    """A hit; `suppressed` counts the clips within its exclusion window."""

    suppressed: int

    @classmethod
    def of(cls, hit: Hit) -> "HitOut":
        """Return a hit."""
        return cls(**hit.to_json())


class SearchOut(BaseModel):
    """The hits, and what one must know to judge them."""

    query: Query
    encoder: int
    encoder_kind: EncoderKind
    crossable: bool
    clips_searched: int
    clips_pending: int
    audio_weight: float | None = Field(description="How much the sound counted in the end")
    hits: list[HitOut]
    notes: list[str]


class DayOut(BaseModel):
    """How often in each hour of a day, on the clock of the query's camera."""

    day: date
    hours: list[int]
    count: int


class CameraCount(BaseModel):
    """How often at a camera."""

    camera: str
    count: int


class RecurrenceOut(BaseModel):
    """How often by day and hour, and by camera.

    Days with nothing are left out, and `earlier` days with something beyond the last sixty. Not
    complete, there are too many seconds to count all of them.
    """

    days: list[DayOut]
    hours: list[int]
    cameras: list[CameraCount]
    total: int
    earlier: int
    complete: bool


def _clips(texts: list[str]) -> tuple[Clip, ...]:
    return tuple(dict.fromkeys(map(Clip.read, texts)))


@desk.on("POST", "/search", Scope.READ)
def search(request: HttpRequest, data: Query) -> SearchOut:
    """Find every other time something like the query happened."""
    result = door.search(data.read(request.user))
    numbers = {hit.recording_id for hit in result.hits}
    seen = set(
        selectors.recordings_for(request.user).filter(pk__in=numbers).values_list("pk", flat=True)
    )
    return SearchOut(
        query=Query.of(written(result.query)),
        encoder=result.encoder_id,
        encoder_kind=Encoder.Kind(result.encoder_kind),
        crossable=result.crossable,
        clips_searched=result.clips_searched,
        clips_pending=result.clips_pending,
        audio_weight=result.audio_weight,
        hits=[HitOut.of(hit) for hit in result.hits if hit.recording_id in seen],
        notes=list(result.notes),
    )


@desk.on("POST", "/search/recurrence", Scope.READ)
def when(request: HttpRequest, data: RecurrenceIn) -> RecurrenceOut:
    """Count by day and hour when something like the query happened."""
    result = door.search(data.read(request.user))
    found = recurrence(request.user, result, data.near, QueryDict())
    calendar = found.calendar
    return RecurrenceOut(
        days=[
            DayOut(day=day.day, hours=[cell.count for cell in day.cells], count=day.count)
            for day in calendar.days
            if day.count
        ],
        hours=[cell.count for cell in calendar.hours],
        cameras=[CameraCount(camera=strip.camera, count=strip.count) for strip in calendar.cameras],
        total=calendar.total,
        earlier=calendar.earlier,
        complete=found.complete,
    )


@desk.on("POST", "/search/event", Scope.WRITE, status=201)
def make_event(request: HttpRequest, data: EventOf) -> EventOut:
    """Label the query and what was marked "this" with an event; "not" says it is absent there."""
    query = data.read(request.user)
    made = services.make_event(user=request.user, event=data.event, query=query)
    return EventOut.of(event_reads.row(made))
