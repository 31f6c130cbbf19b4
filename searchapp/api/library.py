"""Cameras, their recordings, files to search with, and how far each has come."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import File, Query
from ninja.files import UploadedFile
from pydantic import BaseModel

from indexing.models import Camera, Recording
from indexing.work.status import Stage, recording_status
from searchapp import selectors, services
from searchapp.api.desk import Desk
from searchapp.api.values import Body, Number, Page, Text, Window, choices
from searchapp.models import Scope

desk = Desk("library")

RecordingState = Annotated[Recording.State, choices(Recording.State)]


class CameraOut(BaseModel):
    """A camera; `encoder` is the number of the one in use."""

    id: int
    name: str
    zone: str
    encoder: int | None
    recordings: int

    @classmethod
    def of(cls, row: Camera) -> "CameraOut":
        """Return a camera with the number of its recordings."""
        return cls(
            id=row.pk,
            name=row.name,
            zone=row.zone,
            encoder=row.encoder_id,
            recordings=row.recordings.count(),
        )


class ZoneIn(Body):
    """The time zone in which a camera's times are shown, such as Europe/Brussels."""

    zone: Text


class SpanOut(BaseModel):
    """Seconds start <= second < end: searchable, pending, failed or gap, with the reason."""

    start: int
    end: int
    state: str
    reason: str


class RecordingOut(BaseModel):
    """A recording; `reason` says why it was refused."""

    id: int
    name: str
    camera: int
    camera_name: str
    state: RecordingState
    reason: str
    start: datetime
    start_known: bool
    end: datetime
    duration_s: int
    has_video: bool
    has_audio: bool
    size: int
    sha256: str
    created_at: datetime

    @classmethod
    def of(cls, row: Recording) -> "RecordingOut":
        """Return a recording, its times on its camera's clock."""
        return cls(
            id=row.pk,
            name=row.name,
            camera=row.camera_id,
            camera_name=row.camera.name,
            state=Recording.State(row.state),
            reason=row.reason,
            start=row.at(0),
            start_known=row.start_known,
            end=row.at(row.duration_s),
            duration_s=row.duration_s,
            has_video=row.has_video,
            has_audio=row.has_audio,
            size=row.size,
            sha256=row.sha256,
            created_at=row.created_at,
        )


class SampleOut(BaseModel):
    """A file to search with; once it is ready its number and a second make a query.

    Where `known`, the library held the same bytes, and the number is that recording's.
    """

    recording: RecordingOut
    known: bool


class StageOut(BaseModel):
    """One part of the way; rate is in units a second."""

    name: str
    done: float
    total: float
    unit: str
    rate: float | None
    seconds_left: float | None
    state: str

    @classmethod
    def of(cls, stage: Stage) -> "StageOut":
        """Return a stage."""
        return cls(**vars(stage))


class ProgressOut(BaseModel):
    """How far a recording is."""

    recording: int
    state: RecordingState
    finished: bool
    sentence: str
    clips_searchable: int
    clips_total: int
    stages: list[StageOut]


class RetriedOut(BaseModel):
    """How many pieces of work were put back."""

    pieces: int


class RecordingFilter(Window):
    """Which recordings: of a camera, by its name; in a state."""

    camera: Text = ""
    state: RecordingState | None = None


@desk.on("GET", "/cameras", Scope.READ)
def cameras(request: HttpRequest, window: Query[Window]) -> Page[CameraOut]:
    """List the cameras by name."""
    rows = selectors.cameras_for(request.user).order_by("name", "pk")
    return Page.of(request, rows, window, CameraOut.of)


@desk.on("GET", "/cameras/{number}", Scope.READ)
def camera(request: HttpRequest, number: Number) -> CameraOut:
    """Tell of one camera."""
    found = selectors.camera_for(request.user, number)
    return CameraOut.of(found)


@desk.on("PATCH", "/cameras/{number}", Scope.MANAGE)
def set_zone(request: HttpRequest, number: Number, data: ZoneIn) -> CameraOut:
    """Show a camera's times in another zone; admins only."""
    found = selectors.camera_for(request.user, number)
    services.set_zone(user=request.user, camera=found, zone=data.zone)
    return CameraOut.of(found)


@desk.on("GET", "/recordings", Scope.READ)
def recordings(request: HttpRequest, wanted: Query[RecordingFilter]) -> Page[RecordingOut]:
    """List the recordings, the newest first."""
    rows = selectors.footage_for(request.user)
    if wanted.camera:
        rows = rows.filter(camera__name=wanted.camera)
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    return Page.of(request, rows.order_by("-start", "-pk"), wanted, RecordingOut.of)


@desk.on("GET", "/recordings/{number}", Scope.READ)
def recording(request: HttpRequest, number: Number) -> RecordingOut:
    """Tell of one recording."""
    return RecordingOut.of(selectors.recording_for(request.user, number))


@desk.on("GET", "/recordings/{number}/progress", Scope.READ)
def progress(request: HttpRequest, number: Number) -> ProgressOut:
    """Tell how far a recording is, by stage, with the time left."""
    found = selectors.recording_for(request.user, number)
    status = recording_status(found)
    return ProgressOut(
        recording=found.pk,
        state=Recording.State(found.state),
        finished=status.finished,
        sentence=status.sentence,
        clips_searchable=status.clips_searchable,
        clips_total=status.clips_total,
        stages=[StageOut.of(stage) for stage in status.stages],
    )


@desk.on("GET", "/recordings/{number}/coverage", Scope.READ)
def coverage(request: HttpRequest, number: Number, window: Query[Window]) -> Page[SpanOut]:
    """List what of a recording is searchable, pending or failed, and then its gaps."""
    spans = selectors.coverage(selectors.recording_for(request.user, number))
    return Page.of(request, spans, window, lambda span: SpanOut(**vars(span)))


@desk.on("POST", "/recordings/{number}/retry", Scope.MANAGE)
def retry(request: HttpRequest, number: Number) -> RetriedOut:
    """Put the quarantined work of a recording back; admins only."""
    found = selectors.recording_for(request.user, number)
    return RetriedOut(pieces=services.retry(user=request.user, recording=found))


@desk.on("DELETE", "/recordings/{number}", Scope.MANAGE)
def delete(request: HttpRequest, number: Number) -> None:
    """Delete a recording for good; admins only, but for one's own files to search with."""
    found = selectors.recording_for(request.user, number)
    services.delete_recording(user=request.user, recording=found)


@desk.on("GET", "/samples", Scope.READ)
def samples(request: HttpRequest, window: Query[Window]) -> Page[RecordingOut]:
    """List the account's own files to search with, the newest first."""
    return Page.of(request, selectors.samples_for(request.user), window, RecordingOut.of)


@desk.on("POST", "/samples", Scope.WRITE, status=201)
def take_sample(request: HttpRequest, file: File[UploadedFile]) -> SampleOut:
    """Send a video or a sound of up to 60 seconds to search with; its progress tells when it is."""
    name, size = file.name or "", file.size or 0
    taken = services.take_sample(user=request.user, stream=file, name=name, size=size)
    return SampleOut(recording=RecordingOut.of(taken.recording), known=taken.known)
