"""What people see of encoders and trainings. Every read starts from the account's role."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from indexing.encoders import registry
from indexing.encoders.registry import Entry
from indexing.learning import training
from indexing.learning.training import Footage, TrainingStatus
from indexing.models import Camera, Encoder, Training
from searchapp.selectors import Viewer, cameras_for

EARLIER = 10


def encoders_for(user: Viewer) -> QuerySet[Encoder]:
    """Return the encoders of the cameras this account may see."""
    seen = Encoder.objects.select_related("camera__encoder")
    return seen.filter(camera__in=cameras_for(user))


def encoder_for(user: Viewer, pk: int) -> Encoder:
    """Return one encoder; Http404 where it is unknown or not for this account."""
    return get_object_or_404(encoders_for(user), pk=pk)


def trainings_for(user: Viewer) -> QuerySet[Training]:
    """Return the trainings of the cameras this account may see, without their lists of chunks."""
    seen = Training.objects.select_related("camera__encoder", "encoder__camera", "job")
    seen = seen.defer("chunks")
    return seen.filter(camera__in=cameras_for(user))


def training_for(user: Viewer, pk: int) -> Training:
    """Return one training; Http404 where it is unknown or not for this account."""
    return get_object_or_404(trainings_for(user), pk=pk)


@dataclass(frozen=True)
class Course:
    """A training and how far it has come."""

    training: Training
    status: TrainingStatus

    @property
    def open(self) -> bool:
        """Whether it can still come to a result."""
        return self.training.state in Training.OPEN


def course(found: Training) -> Course:
    """Return a training with how far it has come."""
    return Course(found, training.training_status(found))


@dataclass(frozen=True)
class Panel:
    """A camera with its encoders, its trainings, and whether another can begin."""

    camera: Camera
    entries: tuple[Entry, ...]
    course: Course | None
    trainings: tuple[Training, ...]

    @cached_property
    def footage(self) -> Footage:
        """What it could be trained on; read where it is shown, so not to poll a list."""
        return training.available(self.camera)

    @property
    def in_use(self) -> Entry | None:
        """The encoder that answers searches now."""
        return next((entry for entry in self.entries if entry.in_use), None)

    @property
    def shown(self) -> tuple[Entry, ...]:
        """The encoders worth a line: a starter that settled further has taken another's place."""
        return tuple(entry for entry in self.entries if not _outdated(entry))

    @property
    def outdated(self) -> tuple[Entry, ...]:
        """The other encoders."""
        return tuple(entry for entry in self.entries if _outdated(entry))

    @property
    def last(self) -> Training | None:
        """The newest training that is over."""
        return next((each for each in self.trainings if each.state not in Training.OPEN), None)

    @property
    def earlier(self) -> tuple[Training, ...]:
        """The trainings that are over, without the newest."""
        over = [each for each in self.trainings if each.state not in Training.OPEN]
        return tuple(over[1:EARLIER])

    @property
    def building(self) -> bool:
        """Whether an encoder is being made ready, so that the list changes by itself."""
        return any(entry.job for entry in self.entries)


def _outdated(entry: Entry) -> bool:
    """Tell whether an encoder is a starter whose embeddings are no longer kept."""
    encoder = entry.encoder
    retired = encoder.state == Encoder.State.RETIRED and not (entry.in_use or entry.job)
    return retired and encoder.kind == Encoder.Kind.STARTER


def panels(user: Viewer, *, camera: str = "") -> list[Panel]:
    """Return the cameras with their encoders; one alone where it is named."""
    cameras = cameras_for(user).select_related("encoder").order_by("name")
    if camera:
        cameras = cameras.filter(name=camera)
    return [panel(user, each) for each in cameras]


def panel(user: Viewer, camera: Camera) -> Panel:
    """Return one camera with its encoders and trainings."""
    found = training.current(camera)
    return Panel(
        camera=camera,
        entries=tuple(registry.entries(camera)),
        course=course(found) if found else None,
        trainings=tuple(trainings_for(user).filter(camera=camera)[: EARLIER + 1]),
    )


def rivals(encoder: Encoder) -> QuerySet[Encoder]:
    """Return the other encoders of the same camera, newest first."""
    return encoder.camera.encoders.exclude(pk=encoder.pk).order_by("-version")


def rival(encoder: Encoder) -> Encoder | None:
    """Return what an encoder is best compared with: the one in use, else the newest embedded."""
    others = rivals(encoder)
    in_use = others.filter(serving=encoder.camera).first()
    return in_use or others.filter(state=Encoder.State.BUILT).first() or others.first()


def training_of(encoder: Encoder) -> Training | None:
    """Return the training that made an encoder."""
    return encoder.trainings.select_related("camera", "job").first()


@dataclass(frozen=True)
class Check:
    """One measure of the gate: by the encoder in use, by the new one, and whether that is fine."""

    name: str
    before: Any
    after: Any
    fine: bool


def checks(verdict: dict[str, Any]) -> list[Check]:
    """Return the numbers on which the gate's decision rests, in its order."""
    return [
        Check(each["name"], each["old"], each["new"], each["fine"])
        for each in verdict.get("checks", [])
    ]


def numbers(measured: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Return nested measures as a flat list of names and values."""
    if not isinstance(measured, dict):
        return [(prefix, measured)]
    found: list[tuple[str, Any]] = []
    for name, value in measured.items():
        found += numbers(value, f"{prefix}.{name}" if prefix else str(name))
    return found
