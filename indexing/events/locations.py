"""The door to events: how probable one is in every second, learnt from a handful of labels.

A location is a row and a file, one linear layer (ml.locating); what it says of a second is derived
from the second's embedding whenever somebody asks, so new footage is located at once. It is learnt
by a job, again whenever its labels or the encoder in use change (indexing.events.locator does it).
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import QuerySet
from safetensors.numpy import load_file, save_file

from indexing.arrays import Longs, Mask
from indexing.encoders import snapshots
from indexing.encoders.switching import OPEN, unlink
from indexing.files import FileDamaged, Published, checked, publish
from indexing.models import Camera, Encoder, Job, Label, Location, Recording, Work
from indexing.vectors.snapshot import Snapshot
from indexing.work import jobs
from ml.localization import Classifier, Floats, joint_rows
from ml.locating import Quality, Truth
from ml.refusal import Refusal

# With fewer there is no telling what they have in common.
LEAST_LABELS = 5
# From here on a second is one of the event's; shorter pauses do not end an interval.
PROBABLE = 0.5
PAUSE_S = 2
RECORDING_BITS = 32


class EventError(Refusal):
    """A question about an event that cannot be answered, with a sentence that says why."""


@dataclass(frozen=True)
class Interval:
    """A run of probable seconds, start <= second < end; `peak` is the most probable one."""

    start: int
    end: int
    peak: int
    at: datetime
    score: float

    @property
    def length(self) -> int:
        """How many seconds it lasts."""
        return self.end - self.start


@dataclass(frozen=True)
class Located:
    """The probability of an event in every second of a recording, and its intervals.

    A probability is None where a second is not embedded or lacks what the event is told by.
    quality is what ml.locating measured on labels left out, None where they are too few to tell;
    examples counts the labels that were learnt from. notes are sentences for the user.
    """

    location: Location
    recording: Recording
    probabilities: tuple[float | None, ...]
    intervals: tuple[Interval, ...]
    quality: Quality | None
    examples: int
    notes: tuple[str, ...]


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
    if _labels(camera).filter(event=event).exists():
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


def _labels(camera: Camera) -> QuerySet[Label]:
    return Label.objects.filter(recording__camera=camera, ended=None)


def positives(location: Location) -> int:
    """Return how many labels say that the event happens."""
    return _labels(location.camera).filter(event=location.event, absent=False).count()


def basis(location: Location, encoder: Encoder) -> str:
    """Return what names an event's labels, the encoder and by what it is told: 64 hex digits."""
    labels = _labels(location.camera).filter(event=location.event)
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


def locate(recording: Recording, event: str) -> Located:
    """Tell how probable an event is in every second of a recording.

    Raises:
        EventError: it is not known, or not learnt yet, with the reason.
    """
    location = find(recording.camera, event)
    encoder = location.encoder
    if not location.file or encoder is None:
        raise EventError(sentence(location) or f"{event} is not learnt yet.")
    layer = _read(location)
    snapshot = snapshots.current(encoder)
    rows = np.flatnonzero(snapshot.recording == recording.pk)
    if not len(rows):
        raise EventError(f"Nothing of {recording.name} has been embedded yet.")
    # The row may ask for another modality by now than the layer has learnt.
    modality = location.quality["with"]
    seconds = vectors(snapshot, rows, modality)
    told = np.full(recording.duration_s, np.nan)
    told[snapshot.second[rows]] = layer.probabilities(seconds)[:, 0]
    told[snapshot.second[rows][~present(snapshot, rows, modality)]] = np.nan
    measured = location.quality.get("average_precision") is not None
    return Located(
        location=location,
        recording=recording,
        probabilities=tuple(None if np.isnan(one) else round(one, 4) for one in told.tolist()),
        intervals=tuple(_intervals(recording, told)),
        quality=_quality(location.quality) if measured else None,
        examples=int(location.quality.get("examples", 0)),
        notes=tuple(_notes(location, told)),
    )


def locate_everywhere(camera: Camera, event: str) -> Iterator[Located]:
    """Yield what `locate` says of each recording of a camera, where it can say anything.

    Raises:
        EventError: the camera has no such event.
    """
    find(camera, event)
    for recording in camera.recordings.filter(duration_s__gt=0):
        try:
            yield locate(recording, event)
        except EventError:
            continue


def _read(location: Location) -> Classifier:
    """Return the layer; a damaged file is made anew from the labels."""
    try:
        return _layer(location.file, location.sha256)
    except FileDamaged:
        learn_again(location)
        raise EventError(
            f"What was learnt of {location.event} is damaged; it is being learnt again."
        ) from None


def learn_again(location: Location) -> None:
    """Have an event learnt from the labels it was learnt from before."""
    Location.objects.filter(pk=location.pk).update(basis="")
    request(location)


@lru_cache(maxsize=64)
def _layer(file: str, sha256: str) -> Classifier:
    return Classifier(**load_file(checked(file, sha256)))


def store(layer: Classifier) -> Published:
    """Write a layer to a file of its own."""
    arrays = {name: np.ascontiguousarray(array) for name, array in vars(layer).items()}
    return publish("locations", ".safetensors", lambda path: save_file(arrays, path))


def vectors(snapshot: Snapshot, rows: Longs, modality: str) -> Floats:
    """Return what an event is told by, of rows (n,) of a snapshot: (n, d), NaN where absent."""
    both = joint_rows(
        snapshot.video.rows[rows],
        snapshot.audio.rows[rows],
        has_video=snapshot.has_video[rows],
        has_audio=snapshot.has_audio[rows],
    )
    width = snapshot.video.rows.shape[1]
    parts = {"video": both[:, :width], "audio": both[:, width:]}
    return parts.get(modality, both)


def present(snapshot: Snapshot, rows: Longs, modality: str) -> Mask:
    """Tell which rows (n,) have anything of what an event is told by."""
    video, audio = snapshot.has_video[rows], snapshot.has_audio[rows]
    return {"video": video, "audio": audio}.get(modality, video | audio)


def truth(snapshot: Snapshot, rows: Longs, location: Location) -> Truth:
    """Return what labels say of rows (n,): 1 it happens, -1 it does not, 0 nobody said.

    Where another event was labelled, somebody looked and saw that one. Of labels that contradict
    each other the newest counts.
    """
    keys = (snapshot.recording[rows] << RECORDING_BITS) | snapshot.second[rows]
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    said: Truth = np.zeros(len(rows), np.int8)
    labels = _labels(location.camera).order_by("pk")
    others = labels.exclude(event=location.event).filter(absent=False)
    for label in [*others, *labels.filter(event=location.event)]:
        first = label.recording_id << RECORDING_BITS
        start, end = np.searchsorted(keys, [first | label.start_s, first | label.end_s])
        here = label.event == location.event and not label.absent
        said[order[start:end]] = 1 if here else -1
    return said


def _intervals(recording: Recording, told: np.ndarray[Any, Any]) -> Iterator[Interval]:
    """Group the probable seconds (n,), NaN where unknown."""
    seconds = np.flatnonzero(np.nan_to_num(told) >= PROBABLE)
    if not len(seconds):
        return
    for run in np.split(seconds, np.flatnonzero(np.diff(seconds) > PAUSE_S + 1) + 1):
        peak = int(run[np.argmax(told[run])])
        start, end = int(run[0]), int(run[-1]) + 1
        yield Interval(start, end, peak, recording.at(peak), round(float(told[peak]), 4))


def _quality(stored: dict[str, Any]) -> Quality:
    return Quality(stored["average_precision"], stored["balanced_accuracy"], stored["moments"])


def measured(quality: Quality | None, examples: int, modality: str) -> dict[str, Any]:
    """Return what is known of a layer for its row, by what modality it tells the event as well.

    average_precision is None where labels are too few to tell.
    """
    empty = {"average_precision": None, "balanced_accuracy": None}
    return {**(asdict(quality) if quality else empty), "examples": examples, "with": modality}


def _notes(location: Location, told: np.ndarray[Any, Any]) -> Iterator[str]:
    """Yield the sentences that belong beside the probabilities."""
    if location.job:
        yield f"{sentence(location)} What is shown was learnt before that."
    elif location.encoder_id != location.camera.encoder_id:
        yield "The camera uses another encoder by now; the event is learnt by it soon."
    yield from location.notes
    lacking = int(np.isnan(told).sum())
    if lacking:
        yield (
            f"{lacking:,} seconds have no probability: they are not embedded yet, or have no "
            f"{Location.Modality(location.quality['with']).label}."
        )
