"""Bookmarks, cases with their hits and notes, and evidence of them as one ZIP."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from ninja import Query
from pydantic import BaseModel, Field

from indexing.casework import cases as door
from indexing.casework import evidence
from indexing.casework.evidence import MOST_CONTEXT_S, Options
from indexing.models import Bookmark, Case, CaseMoment, Export
from searchapp import keeping, selectors
from searchapp.api.desk import Desk
from searchapp.api.values import Body, Number, Page, Second, Text, Window, choices
from searchapp.models import Scope
from searchapp.views import evidence as pages

desk = Desk("cases")

MomentKind = Annotated[CaseMoment.Kind, choices(CaseMoment.Kind)]
Context = Annotated[int, Field(ge=0, le=MOST_CONTEXT_S)]


class BookmarkIn(Body):
    """A second to be found again."""

    recording: Number
    second: Second
    note: Text = ""


class BookmarkOut(BaseModel):
    """A second that somebody wants to find again; removed, it can be put back."""

    id: int
    recording: int
    second: int
    at: datetime
    note: str
    created_at: datetime

    @classmethod
    def of(cls, row: Bookmark) -> "BookmarkOut":
        """Return a bookmark."""
        return cls(
            id=row.pk,
            recording=row.recording_id,
            second=row.second,
            at=row.recording.at(row.second),
            note=row.note,
            created_at=row.created_at,
        )


class CaseIn(Body):
    """A case to begin."""

    title: Text
    note: Text = ""


class CaseChange(Body):
    """Another title or note; what is left out stays."""

    title: Text | None = None
    note: Text | None = None


class CaseOut(BaseModel):
    """A case of the account, and how many moments it holds."""

    id: int
    title: str
    note: str
    moments: int
    created_at: datetime

    @classmethod
    def of(cls, row: Case) -> "CaseOut":
        """Return a case."""
        return cls(
            id=row.pk,
            title=row.title,
            note=row.note,
            moments=door.moments_of(row).count(),
            created_at=row.created_at,
        )


class ScoresIn(Body):
    """What was known of a hit or a peak."""

    rank: int | None = None
    distance: float | None = None
    video_distance: float | None = None
    audio_distance: float | None = None
    percentile: float | None = None
    score: float | None = None


class MomentIn(Body):
    """Seconds start <= second < end of a recording to put into a case, and where they come from."""

    recording: Number
    start: Second
    end: Second
    kind: MomentKind = CaseMoment.Kind.MOMENT
    note: Text = ""
    scores: ScoresIn = ScoresIn()


class MomentChange(Body):
    """Another note, or another place among its neighbours; what is left out stays."""

    note: Text | None = None
    move: Literal["up", "down"] | None = None


class MomentOut(BaseModel):
    """A moment of a case; `source` names its recording after that was deleted."""

    id: int
    case: int
    kind: MomentKind
    recording: int | None
    start: int
    end: int
    at: datetime
    note: str
    source: dict[str, Any]
    scores: dict[str, Any]
    encoder: dict[str, Any]
    removed: bool

    @classmethod
    def of(cls, row: CaseMoment) -> "MomentOut":
        """Return a moment."""
        return cls(
            id=row.pk,
            case=row.case_id,
            kind=CaseMoment.Kind(row.kind),
            recording=row.recording_id,
            start=row.start_s,
            end=row.end_s,
            at=row.at,
            note=row.note,
            source=row.source,
            scores=row.scores,
            encoder=row.encoder,
            removed=row.removed_at is not None,
        )


class OptionsIn(Body):
    """How much around each moment in seconds, and whether time and camera are written in."""

    before: Context = Options.before_s
    after: Context = Options.after_s
    burn: bool = Options.burn

    def options(self) -> Options:
        """Return the options."""
        return Options(self.before, self.after, self.burn)


class MomentExportIn(OptionsIn):
    """One moment of a recording as evidence."""

    start: Second
    end: Second


class ExportOut(BaseModel):
    """An export: how far it is, and where to download it until it expires."""

    id: int
    case: int | None
    title: str
    state: Annotated[Export.State, choices(Export.State)]
    progress: float
    error: str
    size: int
    sha256: str
    created_at: datetime
    expires_at: datetime | None
    file: str | None

    @classmethod
    def of(cls, row: Export) -> "ExportOut":
        """Return an export."""
        return cls(
            id=row.pk,
            case=row.case_id,
            title=row.title,
            state=Export.State(row.state),
            progress=row.progress,
            error=row.error,
            size=row.size,
            sha256=row.sha256,
            created_at=row.created_at,
            expires_at=row.expires_at,
            file=reverse("api-1:cases_download", args=[row.pk]) if row.file else None,
        )


@desk.on("GET", "/bookmarks", Scope.READ)
def bookmarks(request: HttpRequest, window: Query[Window]) -> Page[BookmarkOut]:
    """List the account's bookmarks, the newest first."""
    return Page.of(request, keeping.bookmarks_for(request.user), window, BookmarkOut.of)


@desk.on("POST", "/bookmarks", Scope.WRITE, status=201)
def bookmark(request: HttpRequest, data: BookmarkIn) -> BookmarkOut:
    """Bookmark a second."""
    recording = selectors.recording_for(request.user, data.recording)
    user = keeping.person(request.user)
    return BookmarkOut.of(door.bookmark(user, recording, data.second, data.note))


@desk.on("DELETE", "/bookmarks/{number}", Scope.WRITE)
def remove_bookmark(request: HttpRequest, number: Number) -> None:
    """Remove a bookmark; it can be put back."""
    door.remove(keeping.bookmark_for(request.user, number))


@desk.on("POST", "/bookmarks/{number}/restore", Scope.WRITE)
def restore_bookmark(request: HttpRequest, number: Number) -> BookmarkOut:
    """Put a removed bookmark back."""
    found = keeping.bookmark_for(request.user, number)
    door.put_back(found)
    return BookmarkOut.of(found)


@desk.on("GET", "/cases", Scope.READ)
def cases(request: HttpRequest, window: Query[Window]) -> Page[CaseOut]:
    """List the account's cases, the newest first."""
    return Page.of(request, door.cases_of(keeping.person(request.user)), window, CaseOut.of)


@desk.on("POST", "/cases", Scope.WRITE, status=201)
def begin(request: HttpRequest, data: CaseIn) -> CaseOut:
    """Begin a case."""
    return CaseOut.of(door.open_case(keeping.person(request.user), data.title, data.note))


@desk.on("GET", "/cases/{number}", Scope.READ)
def case(request: HttpRequest, number: Number) -> CaseOut:
    """Tell of one case."""
    return CaseOut.of(keeping.case_for(request.user, number))


@desk.on("PATCH", "/cases/{number}", Scope.WRITE)
def change(request: HttpRequest, number: Number, data: CaseChange) -> CaseOut:
    """Give a case another title or note."""
    found = keeping.case_for(request.user, number)
    title = found.title if data.title is None else data.title
    door.change_case(found, title, found.note if data.note is None else data.note)
    return CaseOut.of(found)


@desk.on("DELETE", "/cases/{number}", Scope.WRITE)
def delete(request: HttpRequest, number: Number) -> None:
    """Delete a case; its recordings stay as they are."""
    keeping.case_for(request.user, number).delete()


@desk.on("GET", "/cases/{number}/moments", Scope.READ)
def moments(request: HttpRequest, number: Number, window: Query[Window]) -> Page[MomentOut]:
    """List the moments of a case in order."""
    found = keeping.moments_for(request.user, keeping.case_for(request.user, number))
    return Page.of(request, found, window, MomentOut.of)


@desk.on("POST", "/cases/{number}/moments", Scope.WRITE, status=201)
def collect(request: HttpRequest, number: Number, data: MomentIn) -> MomentOut:
    """Put a moment into a case, behind the others."""
    made = door.collect(
        keeping.case_for(request.user, number),
        selectors.recording_for(request.user, data.recording),
        data.start,
        data.end,
        kind=data.kind,
        note=data.note,
        scores=data.scores.model_dump(exclude_none=True),
    )
    return MomentOut.of(made)


@desk.on("PATCH", "/moments/{number}", Scope.WRITE)
def change_moment(request: HttpRequest, number: Number, data: MomentChange) -> MomentOut:
    """Give a moment of a case another note, or let it change places with its neighbour."""
    found = keeping.moment_for(request.user, number)
    if data.note is not None:
        door.change_moment(found, data.note)
    if data.move is not None:
        door.move(found, -1 if data.move == "up" else 1)
    return MomentOut.of(found)


@desk.on("DELETE", "/moments/{number}", Scope.WRITE)
def remove_moment(request: HttpRequest, number: Number) -> None:
    """Take a moment out of its case; it can be put back."""
    door.remove(keeping.moment_for(request.user, number))


@desk.on("POST", "/moments/{number}/restore", Scope.WRITE)
def restore_moment(request: HttpRequest, number: Number) -> MomentOut:
    """Put a removed moment back where it was."""
    found = keeping.moment_for(request.user, number)
    door.put_back(found)
    return MomentOut.of(found)


@desk.on("GET", "/exports", Scope.READ)
def exports(request: HttpRequest, window: Query[Window]) -> Page[ExportOut]:
    """List what the account has exported, the newest first."""
    found = evidence.exports_of(keeping.person(request.user))
    return Page.of(request, found, window, ExportOut.of)


@desk.on("POST", "/cases/{number}/exports", Scope.WRITE, status=202)
def export_case(request: HttpRequest, number: Number, data: OptionsIn) -> ExportOut:
    """Ask for a case as evidence; a worker makes the ZIP."""
    found = keeping.case_for(request.user, number)
    return ExportOut.of(keeping.export_case(request.user, found, data.options()))


@desk.on("POST", "/recordings/{number}/exports", Scope.WRITE, status=202)
def export_moment(request: HttpRequest, number: Number, data: MomentExportIn) -> ExportOut:
    """Ask for one moment of a recording as evidence; a worker makes the ZIP."""
    recording = selectors.recording_for(request.user, number)
    made = keeping.export_moment(request.user, recording, data.start, data.end, data.options())
    return ExportOut.of(made)


@desk.on("GET", "/exports/{number}", Scope.READ)
def export(request: HttpRequest, number: Number) -> ExportOut:
    """Tell how far an export is."""
    return ExportOut.of(keeping.export_for(request.user, number))


@desk.on("GET", "/exports/{number}/file", Scope.READ, kinds=("application/zip",))
def download(request: HttpRequest, number: Number) -> HttpResponseBase:
    """Download the ZIP of an export."""
    return pages.file(request, number)
