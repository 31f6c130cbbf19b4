"""Encoders side by side and taking turns, and the trainings that make them."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query as Asked
from pydantic import BaseModel, Field

from indexing.encoders import registry
from indexing.encoders.registry import Entry
from indexing.learning.training import MOST_SEED
from indexing.models import Camera, Encoder, Training
from indexing.search import comparison
from ml.method import RANGES, Method
from searchapp import encoders as reads
from searchapp import selectors, services
from searchapp.api.desk import Desk
from searchapp.api.labels import CameraFilter
from searchapp.api.library import StageOut
from searchapp.api.search import EncoderKind, HitOut, Query
from searchapp.api.values import Body, Number, Page, Text, choices
from searchapp.models import Scope

desk = Desk("encoders")


class EncoderOut(BaseModel):
    """An encoder, and how much of its camera's footage it has embedded."""

    id: int
    camera: int
    version: int
    kind: EncoderKind
    state: Annotated[Encoder.State, choices(Encoder.State)]
    in_use: bool
    clips_embedded: int
    clips_total: int
    method: str
    trunk: str
    has_video: bool
    has_audio: bool
    crossable: bool
    note: str
    created_at: datetime

    @classmethod
    def of(cls, entry: Entry) -> "EncoderOut":
        """Return an encoder."""
        row = entry.encoder
        return cls(
            id=row.pk,
            camera=row.camera_id,
            version=row.version,
            kind=Encoder.Kind(row.kind),
            state=Encoder.State(row.state),
            in_use=entry.in_use,
            clips_embedded=entry.clips_embedded,
            clips_total=entry.clips_total,
            method=row.method,
            trunk=row.trunk,
            has_video=row.has_video,
            has_audio=row.has_audio,
            crossable=row.crossable,
            note=row.note,
            created_at=row.created_at,
        )


class EncoderDetail(EncoderOut):
    """All that is known of an encoder: settings, seed, data, metrics and the curves of training."""

    settings: dict[str, Any]
    seed: int | None
    data: dict[str, Any]
    metrics: dict[str, Any]
    curves: list[dict[str, Any]]
    sha256: str
    size: int
    origin: str

    @classmethod
    def detailed(cls, row: Encoder) -> "EncoderDetail":
        """Return everything of an encoder."""
        return cls(
            **vars(EncoderOut.of(registry.entry(row))),
            settings=row.settings,
            seed=row.seed,
            data=row.data,
            metrics=row.metrics,
            curves=row.curves,
            sha256=row.sha256,
            size=row.size,
            origin=row.origin,
        )


class PairIn(Body):
    """Two encoders of one camera; with a query, what each of them finds is compared too."""

    left: Number
    right: Number
    query: Query | None = None


class MetricOut(BaseModel):
    """A metric of two encoders; null where one was not measured."""

    name: str
    left: Any
    right: Any


class HitsOut(BaseModel):
    """What each of two encoders finds; a hit of the left is shared where the right has it too."""

    left: list[HitOut]
    right: list[HitOut]
    shared: int


class ComparisonOut(BaseModel):
    """Two encoders side by side."""

    left: EncoderDetail
    right: EncoderDetail
    metrics: list[MetricOut]
    hits: HitsOut | None


class TrainingIn(Body):
    """How to train; what is left out takes the method's own settings."""

    method: Text = Method().name
    epochs: Annotated[int, Field(ge=RANGES["epochs"][0], le=RANGES["epochs"][1])] | None = None
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)] = 0
    activate: bool = True


class TrainingOut(BaseModel):
    """A training and how far it is; share is of all epochs, 0 to 1."""

    id: int
    camera: int
    encoder: int | None
    state: Annotated[Training.State, choices(Training.State)]
    method: str
    seed: int
    activate: bool
    epochs_planned: int
    epochs_done: int
    share: float
    seconds_left: float | None
    loss: float | None
    positive_rate: float | None
    alignment: float | None
    finished: bool
    sentence: str
    requested_by: str
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, row: Training) -> "TrainingOut":
        """Return a training."""
        status = reads.course(row).status
        return cls(
            id=row.pk,
            camera=row.camera_id,
            encoder=row.encoder_id,
            state=Training.State(row.state),
            method=row.method,
            seed=row.seed,
            activate=row.activate,
            epochs_planned=row.epochs_planned,
            epochs_done=row.epochs_done,
            share=status.share,
            seconds_left=status.seconds_left,
            loss=status.loss,
            positive_rate=status.positive_rate,
            alignment=status.alignment,
            finished=status.finished,
            sentence=status.sentence,
            requested_by=row.requested_by,
            created_at=row.created_at,
            finished_at=row.finished_at,
        )


class TrainingDetail(TrainingOut):
    """A training with its stages, settings, curves, and what the gate decided."""

    stages: list[StageOut]
    settings: dict[str, Any]
    curves: list[dict[str, Any]]
    verdict: dict[str, Any]

    @classmethod
    def detailed(cls, row: Training) -> "TrainingDetail":
        """Return everything of a training."""
        return cls(
            **vars(TrainingOut.of(row)),
            stages=[StageOut.of(stage) for stage in reads.course(row).status.stages],
            settings=row.settings,
            curves=row.curves,
            verdict=row.verdict,
        )


@desk.on("GET", "/encoders", Scope.READ)
def encoders(request: HttpRequest, wanted: Asked[CameraFilter]) -> Page[EncoderOut]:
    """List the encoders by camera, the newest first."""
    rows = reads.encoders_for(request.user).exclude(state=Encoder.State.BUILDING)
    if wanted.camera:
        rows = rows.filter(camera__name=wanted.camera)
    rows = rows.order_by("camera__name", "-version")
    return Page.of(request, rows, wanted, lambda row: EncoderOut.of(registry.entry(row)))


@desk.on("GET", "/encoders/{number}", Scope.READ)
def encoder(request: HttpRequest, number: Number) -> EncoderDetail:
    """Tell everything known of one encoder."""
    return EncoderDetail.detailed(reads.encoder_for(request.user, number))


@desk.on("POST", "/encoder-comparison", Scope.READ)
def compare(request: HttpRequest, data: PairIn) -> ComparisonOut:
    """Put two encoders of one camera side by side, also with what each finds for one query."""
    left = reads.encoder_for(request.user, data.left)
    right = reads.encoder_for(request.user, data.right)
    query = data.query.read(request.user) if data.query else None
    found = comparison.compare(left, right, query)
    hits = None
    if found.results:
        one, other = found.results
        hits = HitsOut(
            left=[HitOut.of(hit) for hit in one.hits],
            right=[HitOut.of(hit) for hit in other.hits],
            shared=found.shared_hits,
        )
    return ComparisonOut(
        left=EncoderDetail.detailed(left),
        right=EncoderDetail.detailed(right),
        metrics=[MetricOut(**vars(row)) for row in found.metrics],
        hits=hits,
    )


@desk.on("POST", "/encoders/{number}/activate", Scope.TRAIN, status=202)
def activate(request: HttpRequest, number: Number) -> EncoderOut:
    """Put an encoder in use, at once or when all is embedded by it; searches go on meanwhile."""
    found = reads.encoder_for(request.user, number)
    services.activate_encoder(user=request.user, encoder=found)
    return EncoderOut.of(registry.entry(reads.encoder_for(request.user, number)))


@desk.on("POST", "/encoders/{number}/build", Scope.TRAIN, status=202)
def build(request: HttpRequest, number: Number) -> EncoderOut:
    """Embed what an encoder lacks, so that it can be compared."""
    found = reads.encoder_for(request.user, number)
    services.build_encoder(user=request.user, encoder=found)
    return EncoderOut.of(registry.entry(found))


@desk.on("DELETE", "/encoders/{number}", Scope.MANAGE)
def delete(request: HttpRequest, number: Number) -> None:
    """Delete an encoder with its embeddings; admins only."""
    services.delete_encoder(user=request.user, encoder=reads.encoder_for(request.user, number))


@desk.on("GET", "/trainings", Scope.READ)
def trainings(request: HttpRequest, wanted: Asked[CameraFilter]) -> Page[TrainingOut]:
    """List the trainings, the newest first."""
    rows = reads.trainings_for(request.user)
    if wanted.camera:
        rows = rows.filter(camera__name=wanted.camera)
    return Page.of(request, rows.order_by("-pk"), wanted, TrainingOut.of)


@desk.on("POST", "/cameras/{number}/trainings", Scope.TRAIN, status=202)
def train(request: HttpRequest, number: Number, data: TrainingIn) -> TrainingOut:
    """Begin to train a camera's encoder in the background."""
    camera: Camera = selectors.camera_for(request.user, number)
    made = services.start_training(user=request.user, camera=camera, **data.model_dump())
    return TrainingOut.of(made)


@desk.on("GET", "/trainings/{number}", Scope.READ)
def training(request: HttpRequest, number: Number) -> TrainingDetail:
    """Tell how far a training is, with its curves."""
    return TrainingDetail.detailed(reads.training_for(request.user, number))


@desk.on("POST", "/trainings/{number}/pause", Scope.TRAIN)
def pause(request: HttpRequest, number: Number) -> TrainingOut:
    """Pause a training at its next step; its last finished epoch is kept."""
    found = reads.training_for(request.user, number)
    services.pause_training(user=request.user, found=found)
    return TrainingOut.of(found)


@desk.on("POST", "/trainings/{number}/resume", Scope.TRAIN)
def resume(request: HttpRequest, number: Number) -> TrainingOut:
    """Go on with a paused training."""
    found = reads.training_for(request.user, number)
    services.resume_training(user=request.user, found=found)
    return TrainingOut.of(found)


@desk.on("POST", "/trainings/{number}/cancel", Scope.TRAIN)
def cancel(request: HttpRequest, number: Number) -> TrainingOut:
    """End a training without a result."""
    found = reads.training_for(request.user, number)
    services.cancel_training(user=request.user, found=found)
    return TrainingOut.of(found)
