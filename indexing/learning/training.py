"""The trainings of a camera: begin, pause, go on, cancel, and how far one is.

A training is a row and, while anything is to be done for it, a job. Only the holder of that job may
write to it, so a training is paused or cancelled by taking the job away: the worker notices at its
next step, and what it had done of the epoch is lost. indexing.learning.trainer does the work.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from indexing.encoders import material
from indexing.encoders.switching import embedded, missing, unlink
from indexing.models import Camera, Chunk, Encoder, Job, Training, Work
from indexing.work import jobs
from indexing.work.progress import duration
from indexing.work.status import Stage
from ml.method import METHODS, Method
from ml.refusal import Refusal

# After the fifth that is held back, and a minute or two beside it, this leaves ml.training enough.
LEAST_CLIPS = 600
# More is spread over all the footage: a training holds its clips in memory, 18 kB each.
MOST_CLIPS = 8 * 3600
MOST_SEED = 2**32 - 1
RECENT_EPOCHS = 3
# What the stage of the epochs is called while no worker may be at them.
STAGES = {
    Training.State.RUNNING: "waiting",
    Training.State.PAUSED: "paused",
    Training.State.BUILDING: "done",
    Training.State.DONE: "done",
    Training.State.CANCELLED: "failed",
    Training.State.FAILED: "failed",
}

Settings = Mapping[str, Any]


class TrainingRefused(Refusal):
    """A training that cannot begin, go on or be stopped, with a sentence that says why."""


@dataclass(frozen=True)
class Footage:
    """What a camera could be trained on: clips, how many it takes, and what is in the way.

    sentence says why it cannot be trained yet; it is empty where it can.
    """

    clips: int
    needed: int
    sentence: str


@dataclass(frozen=True)
class TrainingStatus:
    """How far a training is, in the stages of a page, and a sentence that says so.

    share is of all epochs, 0 to 1; the last epoch's loss, positive_rate and alignment are None
    before there is one, or where they say nothing.
    """

    stages: tuple[Stage, ...]
    share: float
    seconds_left: float | None
    loss: float | None
    positive_rate: float | None
    alignment: float | None
    finished: bool
    sentence: str


def start(
    camera: Camera,
    *,
    method: str = "consensus",
    epochs: int | None = None,
    seed: int = 0,
    activate: bool = True,
    settings: Settings | None = None,
    requested_by: str = "",
) -> Training:
    """Begin training a camera's encoder, in the background.

    Args:
        camera: whose footage.
        method: a name in ml.method.METHODS.
        epochs: how many instead of the method's own.
        seed: the same seed, footage and settings give the same weights.
        activate: put it in use where it is found to be no worse than the one in use.
        settings: other settings of ml.method.Method in place of the method's own.
        requested_by: the name of whoever asked.

    Raises:
        TrainingRefused: it cannot begin, with the reason; nothing has changed.
    """
    chosen = _method(method, epochs, settings or {})
    if not 0 <= seed <= MOST_SEED:
        raise TrainingRefused(f"A seed is a whole number from 0 to {MOST_SEED}, not {seed}.")
    with transaction.atomic():
        Camera.objects.select_for_update().get(pk=camera.pk)
        _refuse_second(camera)
        if reason := available(camera).sentence:
            raise TrainingRefused(reason)
        chunks = _chosen(camera)
        training = Training.objects.create(
            camera=camera,
            job=Job.objects.create(kind=Job.Kind.TRAIN, camera=camera),
            method=method,
            settings=chosen.to_json(),
            seed=seed,
            activate=activate,
            chunks=[[chunk.pk, chunk.features_sha256] for chunk in chunks],
            data=_data(chunks),
            trunk=chunks[0].trunk,
            epochs_planned=chosen.epochs_total,
            stage="It waits for a worker.",
            requested_by=requested_by,
        )
    _wake(training)
    return training


def _method(name: str, epochs: int | None, settings: Settings) -> Method:
    """Return a method by name, with other settings in place of its own."""
    if name not in METHODS:
        known = ", ".join(METHODS)
        raise TrainingRefused(f"There is no method named {name}; choose one of {known}.")
    changed = {**METHODS[name].to_json(), **settings}
    try:
        method = Method.from_json(changed)
        return method if epochs is None else replace(method, epochs=epochs)
    except ValueError as error:
        raise TrainingRefused(str(error)) from error


def _refuse_second(camera: Camera) -> None:
    """Refuse to train a camera on which another training has not ended."""
    if other := current(camera):
        paused = other.state == Training.State.PAUSED
        raise TrainingRefused(
            f"{camera} has a training that is {'paused' if paused else 'running'} already, "
            f"number {other.pk}; {'resume' if paused else 'wait for'} it or cancel it first."
        )


def available(camera: Camera) -> Footage:
    """Tell how much footage a camera could be trained on, and what is in the way of that."""
    clips = material.clips_without_overlaps(camera)
    trunks = material.described(camera).order_by().values("trunk").distinct()
    sentence = ""
    if clips < LEAST_CLIPS:
        sentence = (
            f"{camera} has {duration(clips)} of footage; training takes at least "
            f"{duration(LEAST_CLIPS)}, so {duration(LEAST_CLIPS - clips)} more are needed."
        )
    elif trunks.count() > 1:
        sentence = (
            f"The footage of {camera} is still being seen anew with other trunk weights; "
            "train it when that is done."
        )
    return Footage(clips, LEAST_CLIPS, sentence)


def _chosen(camera: Camera) -> list[Chunk]:
    """Return what is trained on: all of it, or hours spread over all of it."""
    chunks = material.without_overlaps(material.described(camera))
    return material.spread(chunks, MOST_CLIPS)


def _data(chunks: list[Chunk]) -> dict[str, Any]:
    """Return which recordings these chunks are of, and how many clips of each, for the registry."""
    recordings: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        one = recordings.setdefault(
            chunk.recording_id,
            {"id": chunk.recording_id, "name": chunk.recording.name, "clips": 0},
        )
        one["clips"] += chunk.clips
    return {"recordings": list(recordings.values()), "clips": material.clips_of(chunks)}


def current(camera: Camera) -> Training | None:
    """Return the camera's training that has not ended, if any."""
    return camera.trainings.filter(state__in=Training.OPEN).first()


def pause(training: Training) -> None:
    """Let the worker stop at its next step; the epochs done so far are kept.

    Raises:
        TrainingRefused: it is not running.
    """
    with _changing(training, Training.State.RUNNING) as row:
        _stop(row, Training.State.PAUSED)
        row.stage = f"Paused after {row.epochs_done} of {row.epochs_planned} epochs."
        row.save()


def resume(training: Training) -> None:
    """Go on with a paused training, or with one that failed, where its last epoch ended.

    Raises:
        TrainingRefused: it is neither, it has failed for good, or the camera has another training
            by now.
    """
    with _changing(training, Training.State.PAUSED, Training.State.FAILED) as row:
        if row.state == Training.State.FAILED:
            _refuse_second(row.camera)
            if row.epochs_done and not row.checkpoint:
                raise TrainingRefused(f"Training {row.pk} cannot go on; start a new one.")
        row.state, row.error, row.finished_at = Training.State.RUNNING, "", None
        row.job = Job.objects.create(kind=Job.Kind.TRAIN, camera=row.camera)
        row.stage = "It waits for a worker."
        row.save()
    _wake(row)


def cancel(training: Training) -> None:
    """End a training for good; an encoder that came of it already stays in the registry.

    Raises:
        TrainingRefused: it has ended.
    """
    with _changing(training, *Training.OPEN) as row:
        _stop(row, Training.State.CANCELLED)
        row.stage = ""
        row.finished_at = timezone.now()
        drop_checkpoint(row)
        row.save()


@contextmanager
def _changing(training: Training, *states: str) -> Iterator[Training]:
    """Give the locked row of a training that is in one of these states."""
    with transaction.atomic():
        row = Training.objects.select_for_update(of=("self",)).get(pk=training.pk)
        if row.state not in states:
            raise TrainingRefused(
                f"Training {row.pk} of {row.camera} is {row.get_state_display().lower()}, "
                "so that cannot be done to it."
            )
        yield row
    training.refresh_from_db()


def _stop(training: Training, state: Training.State) -> None:
    """Take the job away: whoever holds it can no longer write (jobs.LeaseLost)."""
    job, training.job, training.state = training.job, None, state
    if job:
        job.delete()


def drop_checkpoint(training: Training) -> None:
    """Forget the checkpoint, and delete its file once that is certain."""
    file = training.checkpoint
    training.checkpoint, training.checkpoint_size, training.checkpoint_sha256 = "", 0, ""
    if file:
        transaction.on_commit(lambda: unlink([file]))


def _wake(training: Training) -> None:
    if training.job:
        jobs.wake([training.job])


def close() -> None:
    """End every training whose job was given up, with the job's reason."""
    given_up = Training.objects.filter(
        state__in=(Training.State.RUNNING, Training.State.BUILDING), job__state=Work.State.FAILED
    )
    for training in given_up.select_related("job"):
        error = training.job.error if training.job else ""
        Training.objects.filter(pk=training.pk, job=training.job).update(
            state=Training.State.FAILED, error=error, stage="", finished_at=timezone.now()
        )


def training_status(training: Training) -> TrainingStatus:
    """Read how far a training is from its row and its job's."""
    job = training.job
    done = training.epochs_done / training.epochs_planned
    if training.state == Training.State.RUNNING and job:
        done = max(done, min(job.progress, 1.0))
    stages = tuple(_stages(training, job, done))
    last = training.curves[-1] if training.curves else {}
    return TrainingStatus(
        stages=stages,
        share=done,
        seconds_left=next((s.seconds_left for s in stages if s.state == "running"), None),
        loss=last.get("loss"),
        positive_rate=last.get("positive_rate"),
        alignment=last.get("alignment"),
        finished=training.state not in Training.OPEN,
        sentence=_sentence(training, job),
    )


def _stages(training: Training, job: Job | None, done: float) -> Iterator[Stage]:
    """Yield the epochs, and then the embedding of the footage by the new encoder."""
    planned = training.epochs_planned
    recent = [report["seconds"] for report in training.curves[-RECENT_EPOCHS:]]
    pace = sum(recent) / len(recent) if recent else None
    running = training.state == Training.State.RUNNING
    yield Stage(
        name="Training",
        done=done * planned,
        total=planned,
        unit="epochs",
        rate=1 / pace if running and pace else None,
        seconds_left=pace * planned * (1 - done) if running and pace else None,
        state=job.state if running and job else STAGES[Training.State(training.state)],
    )
    encoder = training.encoder
    if encoder and training.state == Training.State.BUILDING:
        clips = embedded(encoder)
        left = missing(training.camera, encoder).aggregate(clips=Sum("clips"))["clips"] or 0
        rate, seconds = None, None
        if job and job.started_at and job.state == Work.State.RUNNING:
            rate, seconds = _pace(encoder, job.started_at, left)
        state = job.state if job else Work.State.WAITING
        yield Stage("Embedding clips", clips, clips + left, "clips", rate, seconds, state)


def _pace(encoder: Encoder, since: datetime, left: int) -> tuple[float | None, float | None]:
    """Return clips a second embedded in this turn, and the seconds that the rest takes."""
    made = encoder.shards.filter(created_at__gte=since).aggregate(clips=Sum("clips"))["clips"] or 0
    span = (timezone.now() - since).total_seconds()
    rate = made / span if made and span > 0 else None
    return rate, left / rate if rate else None


def _sentence(training: Training, job: Job | None) -> str:
    """Say in a sentence where a training stands."""
    if training.state == Training.State.FAILED:
        return training.error
    if training.state == Training.State.CANCELLED:
        return "It was cancelled."
    if training.state == Training.State.DONE:
        return training.sentence
    if job and job.state == Work.State.WAITING and job.error:
        return job.error
    if job and job.state == Work.State.WAITING and job.started_at:
        return "It lets other work have its turn, and goes on by itself."
    if job and job.state == Work.State.RUNNING and job.kind == Job.Kind.TRAIN:
        if training.epochs_done == training.epochs_planned:
            return "The new encoder is compared with the one in use, on footage held back."
        return f"Epoch {training.epochs_done + 1} of {training.epochs_planned} is being trained."
    return training.stage
