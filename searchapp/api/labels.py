"""Labels: who said which seconds hold an event; as tables too, and every change taken back."""

from datetime import datetime
from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import File, Form, Query
from ninja.files import UploadedFile
from pydantic import BaseModel

from indexing.events import labels as door
from indexing.events.label_tables import MOST_BYTES, export_audacity, export_csv
from indexing.models import Label, LabelChange
from searchapp import events as reads
from searchapp import selectors, services
from searchapp.api.desk import Desk
from searchapp.api.values import Body, Number, Page, Second, Text, Window
from searchapp.models import Scope

desk = Desk("labels")


class LabelIn(Body):
    """An event in seconds start <= second < end; `not siren` says that there is no siren."""

    event: Text
    start: Second
    end: Second
    note: Text = ""


class LabelOut(BaseModel):
    """A label that stands; `absent` says that the event does not happen in these seconds."""

    id: int
    recording: int
    camera: int
    event: str
    absent: bool
    start: int
    end: int
    note: str
    made_by: str
    created_at: datetime

    @classmethod
    def of(cls, row: Label) -> "LabelOut":
        """Return a label."""
        return cls(
            id=row.pk,
            recording=row.recording_id,
            camera=row.recording.camera_id,
            event=row.event,
            absent=row.absent,
            start=row.start_s,
            end=row.end_s,
            note=row.note,
            made_by=row.made_by,
            created_at=row.created_at,
        )


class ChangeOut(BaseModel):
    """One thing that was done to labels, which can be taken back as a whole."""

    id: int
    camera: int
    sentence: str
    made_by: str
    made_at: datetime

    @classmethod
    def of(cls, row: LabelChange) -> "ChangeOut":
        """Return a change."""
        return cls(
            id=row.pk,
            camera=row.camera_id,
            sentence=row.sentence,
            made_by=row.made_by,
            made_at=row.made_at,
        )


class ImportedOut(BaseModel):
    """How many labels are new, how many stood already, and the changes that take it back."""

    labels: int
    known: int
    changes: list[ChangeOut]


class LabelFilter(BaseModel):
    """Which labels: of a camera by its name, a recording by its number, an event by its name."""

    camera: Text = ""
    recording: Number | None = None
    event: Text = ""


class LabelList(LabelFilter, Window):
    """Which labels, and which part of them."""


class TableFilter(LabelFilter):
    """Which labels, and in which form; Audacity's holds those of one recording."""

    form: Literal["csv", "audacity"] = "csv"


class CameraFilter(Window):
    """Of which camera, by its name."""

    camera: Text = ""


@desk.on("GET", "/labels", Scope.READ)
def labels(request: HttpRequest, wanted: Query[LabelList]) -> Page[LabelOut]:
    """List the labels in the order of time."""
    found = reads.labels_for(
        request.user, camera=wanted.camera, recording=wanted.recording, event=wanted.event
    )
    return Page.of(request, found, wanted, LabelOut.of)


@desk.on("POST", "/recordings/{number}/labels", Scope.WRITE, status=201)
def make(request: HttpRequest, number: Number, data: LabelIn) -> LabelOut:
    """Label seconds of a recording."""
    recording = selectors.recording_for(request.user, number)
    made = services.make_label(user=request.user, recording=recording, **data.model_dump())
    return LabelOut.of(made)


@desk.on("GET", "/labels/{number}", Scope.READ)
def label(request: HttpRequest, number: Number) -> LabelOut:
    """Tell of one label."""
    return LabelOut.of(reads.label_for(request.user, number))


@desk.on("PUT", "/labels/{number}", Scope.WRITE)
def edit(request: HttpRequest, number: Number, data: LabelIn) -> LabelOut:
    """Change a label: another takes its place, by the same author."""
    found = reads.label_for(request.user, number)
    return LabelOut.of(services.edit_label(user=request.user, label=found, **data.model_dump()))


@desk.on("DELETE", "/labels/{number}", Scope.WRITE)
def delete(request: HttpRequest, number: Number) -> ChangeOut:
    """Delete a label; the change that is returned can be taken back."""
    found = reads.label_for(request.user, number)
    return ChangeOut.of(services.delete_label(user=request.user, label=found))


@desk.on("GET", "/label-changes", Scope.READ)
def changes(request: HttpRequest, wanted: Query[CameraFilter]) -> Page[ChangeOut]:
    """List what was done to labels, the newest first."""
    found = reads.changes_for(request.user)
    if wanted.camera:
        found = found.filter(camera__name=wanted.camera)
    return Page.of(request, found, wanted, ChangeOut.of)


@desk.on("POST", "/label-changes/{number}/undo", Scope.WRITE)
def undo(request: HttpRequest, number: Number) -> None:
    """Take a change back: what it made is gone, what it ended stands again."""
    services.undo_labels(user=request.user, change=reads.change_for(request.user, number))


@desk.on("GET", "/label-table", Scope.READ, kinds=("text/csv", "text/plain"))
def export(request: HttpRequest, wanted: Query[TableFilter]) -> HttpResponse:
    """Return labels as a table: CSV, or a label track of Audacity for one recording."""
    found = reads.labels_for(
        request.user, camera=wanted.camera, recording=wanted.recording, event=wanted.event
    )
    if wanted.form == "csv":
        return HttpResponse(export_csv(found), content_type="text/csv; charset=utf-8")
    if wanted.recording is None:
        raise door.LabelError("A label track holds one recording's labels; say which.")
    return HttpResponse(export_audacity(found), content_type="text/plain; charset=utf-8")


@desk.on("POST", "/label-table", Scope.WRITE, status=201)
def take_in(
    request: HttpRequest, file: File[UploadedFile], recording: Form[Number | None] = None
) -> ImportedOut:
    """Take in a CSV, or where a recording is named a label track of Audacity: all rows or none."""
    owner = selectors.recording_for(request.user, recording) if recording else None
    found = services.import_labels(
        user=request.user,
        data=file.read(MOST_BYTES + 1),
        name=file.name or "The file",
        recording=owner,
    )
    return ImportedOut(
        labels=found.labels,
        known=found.known,
        changes=[ChangeOut.of(change) for change in found.changes],
    )
