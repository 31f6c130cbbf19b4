"""What people change: accounts, uploads, retries, deletions. Every write checks the role."""

import secrets
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import transaction

from indexing.anomalies import reviews
from indexing.anomalies.camera_scores import Found
from indexing.arrivals import uploads
from indexing.encoders import exchange, registry
from indexing.events import label_tables, labels, locations
from indexing.footage import intake
from indexing.learning import training
from indexing.models import (
    Camera,
    Chunk,
    Encoder,
    Job,
    Label,
    LabelChange,
    Location,
    Recording,
    Review,
    Shard,
    Training,
    Upload,
)
from indexing.search.probes import known
from indexing.search.query import SearchQuery
from indexing.work import jobs
from searchapp.selectors import ROLES, Viewer, may_delete, may_manage, may_see, may_train


def _require_manager(user: Viewer) -> None:
    if not may_manage(user):
        raise PermissionDenied("Only an admin may change what the library holds.")


def _require_trainer(user: Viewer) -> None:
    if not may_train(user):
        raise PermissionDenied("Only an admin or an operator may train encoders and switch them.")


def ensure_roles() -> None:
    """Create the groups that are missing; the ones that exist keep their members."""
    for role in ROLES:
        Group.objects.get_or_create(name=role)


@transaction.atomic
def create_account(*, name: str, role: str) -> tuple[User, str]:
    """Create an account in a role and return it with its password, which is kept nowhere else."""
    ensure_roles()
    password = secrets.token_urlsafe(12)
    user = User(username=name)
    user.set_password(password)
    user.full_clean()
    user.save()
    user.groups.add(Group.objects.get(name=role))
    return user, password


def reset_password(*, user: User) -> str:
    """Give an account a new random password and return it."""
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.save(update_fields=["password"])
    return password


def begin_upload(
    *, user: Viewer, name: str, size: int, metadata: str, modified: int, camera: str
) -> Upload:
    """Begin an upload; raise IntakeError or UploadError where it cannot succeed."""
    _require_manager(user)
    return uploads.create(
        user=user, name=name, size=size, metadata=metadata, modified=modified, camera=camera
    )


def append_upload(
    *,
    user: Viewer,
    upload: Upload,
    stream: intake.Readable,
    length: int,
    offset: int,
    checksum: uploads.Checksum | None,
) -> None:
    """Add a request's bytes to an upload; raise UploadError with the reason."""
    _require_manager(user)
    uploads.append(upload, stream, length, offset=offset, checksum=checksum)


def remove_upload(*, user: Viewer, upload: Upload) -> None:
    """Cancel an upload, or forget one that came to nothing."""
    _require_manager(user)
    uploads.remove(upload)


def confirm_upload(
    *, user: Viewer, upload: Upload, camera: str, zone: str, start: datetime | None
) -> intake.Intake:
    """Make a recording of an upload; raise IntakeError with the reason."""
    _require_manager(user)
    return uploads.confirm(upload, camera=camera, zone=zone, start=start)


def set_zone(*, user: Viewer, camera: Camera, zone: str) -> None:
    """Show a camera's times in another zone; the moments themselves stay what they are."""
    _require_manager(user)
    camera.zone = zone
    camera.full_clean()
    camera.save(update_fields=["zone"])


def retry(*, user: Viewer, recording: Recording) -> int:
    """Put the quarantined work of a recording back and return how many pieces that were."""
    _require_manager(user)
    return jobs.retry_recording(recording)


def take_sample(*, user: Viewer, stream: intake.Readable, name: str, size: int) -> intake.Intake:
    """Keep a file to search with; raise IntakeError with the reason."""
    if not (isinstance(user, User) and may_see(user)):
        raise PermissionDenied("Ask an admin for a role to search.")
    return intake.take_sample(stream, name=name, size=size, sent_by=user)


def delete_recording(*, user: Viewer, recording: Recording) -> None:
    """Delete a recording for good: the rows at once, then the files nothing points at any more."""
    if not may_delete(user, recording):
        raise PermissionDenied("Only an admin may change what the library holds.")
    files = _files_of(recording)
    with transaction.atomic():
        recording.delete()
        transaction.on_commit(lambda: _unlink(files))


def _files_of(recording: Recording) -> set[Path]:
    names = {recording.original, recording.playable}
    for features, thumbnails in Chunk.objects.filter(recording=recording).values_list(
        "features", "thumbnails"
    ):
        names |= {features, thumbnails}
    names |= set(Shard.objects.filter(chunk__recording=recording).values_list("file", flat=True))
    return {settings.REPRISE_DATA / name for name in names if name}


def _unlink(files: set[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)


def start_training(
    *, user: Viewer, camera: Camera, method: str, epochs: int | None, seed: int, activate: bool
) -> Training:
    """Begin to train an encoder for a camera; raise TrainingRefused with the reason."""
    _require_trainer(user)
    return training.start(
        camera,
        method=method,
        epochs=epochs,
        seed=seed,
        activate=activate,
        requested_by=user.get_username(),
    )


def pause_training(*, user: Viewer, found: Training) -> None:
    """Pause a training at its next step; raise TrainingRefused where it does not run."""
    _require_trainer(user)
    training.pause(found)


def resume_training(*, user: Viewer, found: Training) -> None:
    """Go on with a paused training; raise TrainingRefused where it is not paused."""
    _require_trainer(user)
    training.resume(found)


def cancel_training(*, user: Viewer, found: Training) -> None:
    """End a training without a result; raise TrainingRefused where it is over already."""
    _require_trainer(user)
    training.cancel(found)


def activate_encoder(*, user: Viewer, encoder: Encoder) -> Job | None:
    """Put an encoder in use, at once or by the job that is returned; may raise RegistryError."""
    _require_trainer(user)
    return registry.activate(encoder)


def build_encoder(*, user: Viewer, encoder: Encoder) -> Job | None:
    """Embed what an encoder lacks, so that it can be compared; may raise RegistryError."""
    _require_trainer(user)
    return registry.build(encoder)


def delete_encoder(*, user: Viewer, encoder: Encoder) -> None:
    """Delete an encoder for good; raise RegistryError where something needs it."""
    _require_manager(user)
    registry.delete(encoder)


def review(*, user: Viewer, found: Found, verdict: str, note: str, event: str) -> Review:
    """Keep what an account made of a peak; with an event's name, label its seconds too.

    Raises ReviewError or LabelError, and then keeps nothing.
    """
    if not (isinstance(user, User) and may_see(user)):
        raise PermissionDenied("Ask an admin for a role to judge moments.")
    recording, peak = found.recording, found.peak
    with transaction.atomic():
        kept = reviews.record(user, recording, peak, verdict=verdict, note=note)
        if event:
            names = {"note": note, "made_by": user.get_username()}
            labels.make(recording, event, peak.start, peak.end, **names)
    return kept


def undo_review(*, user: Viewer, number: int) -> Review:
    """Take an account's own review back; raise ReviewError where it has no such one."""
    if not isinstance(user, User):
        raise PermissionDenied("Sign in to take a judgement back.")
    return reviews.undo(user, number)


def import_encoder(*, user: Viewer, camera: Camera, stream: BinaryIO, name: str) -> Encoder:
    """Take in an encoder's file for a camera; raise RegistryError where it cannot be one."""
    _require_manager(user)
    return exchange.read_encoder(stream, camera=camera, name=name)


def _labeller(user: Viewer) -> str:
    """Return the name to keep with a change to labels, which every role may make."""
    if not may_see(user):
        raise PermissionDenied("Ask an admin for a role to label recordings.")
    return user.get_username()


def make_label(
    *, user: Viewer, recording: Recording, event: str, start: int, end: int, note: str = ""
) -> Label:
    """Label seconds of a recording; raise LabelError with the reason."""
    return labels.make(recording, event, start, end, note=note, made_by=_labeller(user))


def edit_label(*, user: Viewer, label: Label, event: str, start: int, end: int, note: str) -> Label:
    """Change a label; raise LabelError with the reason."""
    made_by = _labeller(user)
    return labels.edit(label, name=event, start_s=start, end_s=end, note=note, made_by=made_by)


def delete_label(*, user: Viewer, label: Label) -> LabelChange:
    """Delete a label; raise LabelError where somebody was faster."""
    return labels.delete([label], made_by=_labeller(user))


def undo_labels(*, user: Viewer, change: LabelChange) -> None:
    """Take a change to labels back; raise LabelError where others rest on it."""
    _labeller(user)
    labels.undo(change)


def create_event(*, user: Viewer, camera: Camera, name: str) -> Location:
    """Make an event without labels yet; raise LabelError where the name is none."""
    _labeller(user)
    event, absent = labels.read_name(name)
    if absent:
        raise labels.LabelError("An event's name cannot begin with “not”.")
    return locations.create(camera, event)


@transaction.atomic
def make_event(*, user: Viewer, event: str, query: SearchQuery) -> Location:
    """Label what a search asked for and had marked; return the event of the first one's camera.

    Its clips and those marked "this" are labels, those marked "not this" say it is absent there;
    each is one second. Samples are no footage and are left out. Raises LabelError or SearchError
    with the reason, and then makes nothing.
    """
    made_by = _labeller(user)
    name, absent = labels.read_name(event)
    if absent:
        raise labels.LabelError("An event's name cannot begin with “not”.")
    wanted = [
        (clip, name)
        for clip in known((*query.asked, *query.this))
        if not clip.recording.camera.samples
    ]
    if not wanted:
        raise labels.LabelError("Mark at least one hit as “this” to make an event of it.")
    unwanted = [(clip, labels.ABSENT + name) for clip in known(query.not_this)]
    drafts: dict[Camera, list[labels.Draft]] = {}
    for clip, said in (*wanted, *unwanted):
        draft = labels.Draft(clip.recording, said, clip.second, clip.second + 1)
        drafts.setdefault(clip.recording.camera, []).append(draft)
    for some in drafts.values():
        labels.make_all(some, made_by=made_by, sentence=f"{name} was labelled from a search.")
    return locations.create(wanted[0][0].recording.camera, name)


def rename_event(*, user: Viewer, location: Location, name: str) -> Location:
    """Rename an event, or merge it into the one of that name, and return what it is now.

    Raises LabelError with the reason.
    """
    labels.rename(location.camera, location.event, name, made_by=_labeller(user))
    return locations.create(location.camera, labels.read_name(name)[0])


def delete_event(*, user: Viewer, location: Location) -> LabelChange | None:
    """Delete an event with its labels, which the change that is returned brings back."""
    return labels.delete_event(location.camera, location.event, made_by=_labeller(user))


def tell_event_by(*, user: Viewer, location: Location, modality: str) -> None:
    """Let an event be told by picture, sound or both; raise EventError with the reason."""
    _labeller(user)
    locations.tell_by(location, modality)


def learn_event_again(*, user: Viewer, location: Location) -> None:
    """Try again to learn an event."""
    _labeller(user)
    locations.learn_again(location)


def import_labels(
    *, user: Viewer, data: bytes, name: str, recording: Recording | None
) -> label_tables.Imported:
    """Take in a CSV, or a label track where a recording is named; raise LabelError."""
    made_by = _labeller(user)
    if recording:
        return label_tables.import_audacity(data, recording, name=name, made_by=made_by)
    return label_tables.import_csv(data, name=name, made_by=made_by)
