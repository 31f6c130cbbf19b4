"""The events of a camera, each to be learnt from a handful of labels: made, renamed, asked for.

A location is a row and a file, one linear layer (ml.locating); what it says of a second is derived
from the second's embedding whenever somebody asks, so new footage is located at once. It is learnt
by a job, again whenever its labels or the encoder in use change (indexing.events.locator does it).
"""

import hashlib
import json

from django.db import transaction
from django.db.models import QuerySet

from indexing.encoders.switching import OPEN, unlink
from indexing.models import Camera, Encoder, Job, Label, Location, Work
from indexing.work import jobs
from ml.refusal import Refusal

# With fewer there is no telling what they have in common.
LEAST_LABELS = 5


class EventError(Refusal):
    """A question about an event that cannot be answered, with a sentence that says why."""


def create(camera: Camera, event: str, modality: str = Location.Modality.JOINT) -> Location:
    """Return a camera's event, made where there is none of that name yet."""
    return Location.objects.get_or_create(
        camera=camera, event=event, defaults={"modality": modality}
    )[0]


def find(camera: Camera, event: str) -> Location:
    """Return a camera's event by its name.

    Raises:
        EventError: there is none; says which there are.
    """
    found = camera.locations.filter(event=event).select_related("camera__encoder", "job").first()
    if found is None:
        known = ", ".join(camera.locations.values_list("event", flat=True)[:10])
        there = f"; there are: {known}." if known else "; label it five times first."
        raise EventError(f"{camera} has no event named {event}{there}")
    return found


def tell_by(location: Location, modality: str) -> None:
    """Let an event be told by picture, by sound or by both, and have it learnt anew.

    Raises:
        EventError: the camera's encoder has no such embeddings.
    """
    if modality not in Location.Modality.values:
        raise EventError(f"An event is told by joint, video or audio, not by {modality}.")
    encoder = location.camera.encoder
    lacks = {"video": encoder and not encoder.has_video, "audio": encoder and not encoder.has_audio}
    if lacks.get(modality):
        what = Location.Modality(modality).label
        raise EventError(f"{location.camera} has no {what} to tell an event by.")
    Location.objects.filter(pk=location.pk).update(modality=modality)
    location.modality = modality
    request(location)


def changed(camera: Camera, event: str) -> None:
    """Have an event learnt again once the change to its labels is certain."""
    if labels_of(camera).filter(event=event).exists():
        location: Location | None = create(camera, event)
    else:
        location = camera.locations.filter(event=event).first()
    if location:
        known = location
        transaction.on_commit(lambda: request(known))


def forget(camera: Camera, event: str, *, into: str = "") -> None:
    """Drop an event of a camera, or give it another name where no event has that one yet."""
    location = camera.locations.filter(event=event).first()
    if location is None:
        return
    if into and not camera.locations.filter(event=into).exists():
        Location.objects.filter(pk=location.pk).update(event=into)
        return
    if location.job:
        location.job.delete()
    location.delete()
    _unlink_later(location.file)


def catch_up(camera: Camera) -> None:
    """Have every event of a camera learnt again whose labels or encoder are others by now."""
    for location in camera.locations.all():
        request(location)


def request(location: Location) -> Job | None:
    """Have an event learnt where its labels or the encoder changed since it was last asked for.

    Returns the job that will do it, or None where nothing is to be done or there are too few
    labels, in which case what was learnt is dropped.
    """
    with transaction.atomic():
        rows = Location.objects.select_for_update(of=("self",)).select_related("camera__encoder")
        row = rows.filter(pk=location.pk).first()
        if row is None or row.camera.encoder is None:
            return None
        if row.job and row.job.state in OPEN:
            return row.job
        if positives(row) < LEAST_LABELS:
            _drop(row)
            return None
        now = basis(row, row.camera.encoder)
        if row.basis == now:
            return None
        _clear_done(row.camera)
        row.job = Job.objects.create(kind=Job.Kind.LOCATE, camera=row.camera)
        row.basis = now
        row.save(update_fields=["job", "basis"])
    jobs.wake([row.job])
    return row.job


def _drop(row: Location) -> None:
    """Forget what was learnt from labels that are no longer there."""
    if not (row.file or row.basis):
        return
    _unlink_later(row.file)
    row.file, row.size, row.sha256, row.basis = "", 0, "", ""
    row.quality, row.proposals, row.notes, row.encoder = {}, [], [], None
    row.job = None
    row.save()


def _unlink_later(file: str) -> None:
    if file:
        transaction.on_commit(lambda: unlink([file]))


def _clear_done(camera: Camera) -> None:
    """Delete the jobs that made earlier layers: every label makes another one."""
    over = Job.objects.filter(kind=Job.Kind.LOCATE, camera=camera, location=None)
    over.exclude(state__in=OPEN).delete()


def labels_of(camera: Camera) -> QuerySet[Label]:
    """Return the labels that stand at a camera, of every event."""
    return Label.objects.filter(recording__camera=camera, ended=None)


def positives(location: Location) -> int:
    """Return how many labels say that the event happens."""
    return labels_of(location.camera).filter(event=location.event, absent=False).count()


def basis(location: Location, encoder: Encoder) -> str:
    """Return what names an event's labels, the encoder and by what it is told: 64 hex digits."""
    labels = labels_of(location.camera).filter(event=location.event)
    places = labels.values_list("recording_id", "start_s", "end_s", "absent")
    known = [encoder.sha256, encoder.pk, location.modality, sorted(map(list, places))]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def state(location: Location) -> str:
    """Say in one word where an event stands: few, waiting, running, failed or located."""
    if location.job:
        return str(location.job.state)
    return "located" if location.file else "few"


def sentence(location: Location) -> str:
    """Say what is in the way of locating an event, or that it is under way; else nothing."""
    job = location.job
    if job and job.state == Work.State.FAILED:
        return f"{location.event} could not be learnt: {job.error}"
    if job and job.state == Work.State.RUNNING:
        return f"{location.event} is being learnt, {job.progress:.0%} so far."
    if job and job.state in OPEN:
        return job.error or f"{location.event} waits for a worker to learn it."
    if location.file:
        return ""
    labels = positives(location)
    if labels < LEAST_LABELS:
        more = LEAST_LABELS - labels
        return (
            f"{location.event} has {labels or 'no'} label{'' if labels == 1 else 's'} at "
            f"{location.camera}; it can be located from {LEAST_LABELS} on, so {more} more "
            f"{'is' if more == 1 else 'are'} needed."
        )
    return f"{location.event} is learnt as soon as footage of {location.camera} is embedded."


def learn_again(location: Location) -> None:
    """Have an event learnt from the labels it was learnt from before."""
    Location.objects.filter(pk=location.pk).update(basis="")
    request(location)
