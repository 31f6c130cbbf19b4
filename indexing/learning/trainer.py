"""What a worker does of a training: epochs, a turn at a time, then the gate. Workers only.

After every epoch the checkpoint is published with the row, so a worker that dies loses an epoch at
most, and who goes on comes to the very weights an uninterrupted training gives.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction
from django.utils import timezone
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from indexing.encoders import material, switching
from indexing.encoders.embedding import store
from indexing.files import FileDamaged, Published, checked, publish
from indexing.footage.weights import WeightsUnavailableError, is_pretrained, trunk_weights
from indexing.learning.gate import Judgement, judge, labelled
from indexing.learning.training import drop_checkpoint
from indexing.models import Chunk, Encoder, Job, Training
from indexing.models.json_numbers import finite
from indexing.work import jobs
from ml.corpus import Corpus
from ml.method import Method
from ml.trained import TrainedEncoder

if TYPE_CHECKING:
    from ml.encoders import VideoHead
    from ml.training import EpochReport
    from ml.training import Training as Session

HELD_BACK = 0.2
REPORT_EVERY_S = 1.0
CHANGED = (
    "The footage that it was trained on has been made anew or deleted since it began; "
    "start a new training."
)
DAMAGED = (
    "What was kept of some of its footage is damaged and is being made anew; "
    "resume it when that is done."
)
UNFIT = "Its checkpoint is damaged or of another shape; start a new training."

log = logging.getLogger(__name__)


class Over(jobs.Hopeless):
    """A training that can never go on from its checkpoint, with the reason."""


def train(job: Job) -> None:
    """Train for a turn; after the last epoch, judge the encoder and let it be built.

    Raises:
        Hopeless: it cannot go on, with the reason.
        LeaseLost: it was paused, cancelled or taken over; nothing more was written.
    """
    try:
        _turn(job)
    except Over:
        with transaction.atomic():
            training = _locked(job)
            drop_checkpoint(training)
            training.save()
        raise


def _turn(job: Job) -> None:
    training = _locked(job)
    began = time.monotonic()
    train_part, held_back = read(training)
    with _sentences():
        session = _session(training, train_part)
        while not session.finished:
            report = session.run_epoch(_reporting(job, training))
            _keep(job, session, report, len(train_part))
            if not session.finished and switching.turn_is_over(job, began):
                jobs.again(job)
                return
        encoder = session.encoder()
    _conclude(job, encoder, train_part, held_back)


def _locked(job: Job) -> Training:
    """Return the training of a job, locked where a transaction is open.

    Raises:
        LeaseLost: there is none any more: it was paused or cancelled.
    """
    rows = Training.objects.select_related("camera__encoder")
    if transaction.get_connection().in_atomic_block:
        rows = rows.select_for_update(of=("self",))
    training = rows.filter(job=job).first()
    if training is None:
        raise jobs.LeaseLost
    return training


def read(training: Training) -> tuple[Corpus, Corpus]:
    """Read what the training was begun on: what it is trained on, and what is held back.

    Raises:
        Hopeless: it is not what it was.
    """
    found = Chunk.objects.select_related("recording").in_bulk([pk for pk, _ in training.chunks])
    if any(pk not in found or found[pk].features_sha256 != sha for pk, sha in training.chunks):
        raise Over(CHANGED)
    try:
        whole = material.read_corpus(found[pk] for pk, _ in training.chunks)
    except FileDamaged as error:
        raise jobs.Hopeless(DAMAGED) from error
    return whole.split(HELD_BACK)


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn what ml says of a training that cannot go on into the end of its job."""
    from ml.training import TrainingError

    try:
        yield
    except TrainingError as error:
        raise Over(error.sentence) from error


def _session(training: Training, corpus: Corpus) -> "Session":
    """Begin, or go on from the checkpoint."""
    from ml.training import Training as Session

    if not training.checkpoint:
        method = Method.from_json(training.settings)
        head = _head(training.trunk)
        session = Session(
            corpus, method, training.seed, pretrained=is_pretrained(training.trunk), head=head
        )
    else:
        try:
            arrays = load_file(checked(training.checkpoint, training.checkpoint_sha256))
            session = Session.resume(corpus, arrays)
        except (FileDamaged, SafetensorError, ValueError, KeyError) as error:
            raise Over(UNFIT) from error
    return session


def _head(trunk: str) -> "VideoHead | None":
    """Return what followed the trunk where its weights were learnt, to begin E_v's head with."""
    from ml.encoders import split
    from ml.weights import WeightsError, load_trunk_weights, pretrained_encoder

    try:
        path = trunk_weights(trunk)
        return split(pretrained_encoder(load_trunk_weights(path)))[1] if path else None
    except (WeightsError, WeightsUnavailableError) as error:
        raise jobs.Hopeless(error.sentence) from error


def _reporting(job: Job, training: Training) -> Callable[[float], None]:
    """Return what the epoch tells its progress to: not more than once a second to the database."""
    told = time.monotonic()

    def tell(part: float) -> None:
        nonlocal told
        if time.monotonic() - told >= REPORT_EVERY_S:
            told = time.monotonic()
            jobs.report(job, (training.epochs_done + part) / training.epochs_planned)

    return tell


def _keep(job: Job, session: "Session", report: "EpochReport", clips: int) -> None:
    """Publish the checkpoint together with what the epoch did with so many clips."""
    arrays = {name: np.asarray(array, order="C") for name, array in session.checkpoint().items()}
    file = publish("checkpoints", ".safetensors", lambda path: save_file(arrays, path))
    with transaction.atomic():
        training = _locked(job)
        jobs.report(job, session.epochs_done / session.epochs_total)
        drop_checkpoint(training)
        training.checkpoint, training.checkpoint_size = file.file, file.size
        training.checkpoint_sha256 = file.sha256
        training.epochs_done, training.epochs_planned = session.epochs_done, session.epochs_total
        training.curves = [*training.curves, finite({**asdict(report), "clips": clips})]
        training.stage = f"Epoch {session.epochs_done} of {session.epochs_total}: {report.stage}."
        notes = [*session.notes, report.warning] if report.warning else list(session.notes)
        training.notes = list(dict.fromkeys([*training.notes, *notes]))
        training.save()


def _conclude(job: Job, encoder: TrainedEncoder, train_part: Corpus, held_back: Corpus) -> None:
    """Judge the encoder on held-back footage, enter it in the registry, and have it built."""
    training = _locked(job)
    old = training.camera.encoder
    rate = training.curves[-1].get("positive_rate") if training.curves else None
    labels = labelled(training.camera, held_back)
    judged = judge(old, encoder, held_back, positive_rate=rate, labels=labels)
    file = store(encoder)
    with transaction.atomic():
        camera = switching.locked(job.camera_id)
        training = _locked(job)
        jobs.finish(job)
        row = _entered(training, encoder, file, judged, train_part, held_back)
        row.version = camera.next_version()
        row.save()
        if old:  # what was measured on the same footage can be put side by side
            Encoder.objects.filter(pk=old.pk).update(metrics=finite(judged.old))
        training.encoder, training.verdict = row, finite(judged.verdict)
        training.sentence = row.note
        drop_checkpoint(training)
        if training.activate and judged.activate:
            training.state = Training.State.BUILDING
            training.stage = "The footage is embedded by the new encoder."
            training.job = Job.objects.create(
                kind=Job.Kind.BUILD, camera=camera, encoder=row, switch=True
            )
        else:
            training.state, training.stage = Training.State.DONE, ""
            training.job, training.finished_at = None, timezone.now()
        training.save()
    if training.job:
        jobs.wake([training.job])


def _entered(
    training: Training,
    encoder: TrainedEncoder,
    file: Published,
    judged: Judgement,
    train_part: Corpus,
    held_back: Corpus,
) -> Encoder:
    """Return the encoder's row for the registry, without its version."""
    has_video, has_audio = bool(train_part.has_video.any()), bool(train_part.has_audio.any())
    counts = {"trained_on": len(train_part), "held_back": len(held_back)}
    return Encoder(
        camera=training.camera,
        kind=Encoder.Kind.EPG,
        state=Encoder.State.BUILT,
        trunk=training.trunk,
        method=training.method,
        settings=training.settings,
        seed=training.seed,
        data={**training.data, **counts},
        metrics=finite(judged.new),
        curves=training.curves,
        note=_note(training, judged),
        fitted_on=len(train_part),
        settled=True,
        crossable=has_video and has_audio and encoder.shared > 0 and judged.crosses,
        shared=encoder.shared,
        has_video=has_video,
        has_audio=has_audio,
        file=file.file,
        size=file.size,
        sha256=file.sha256,
    )


def _note(training: Training, judged: Judgement) -> str:
    """Say why the encoder is in use, or why it is not."""
    if not training.activate:
        return f"It was not put in use, as asked. {judged.sentence}".strip()
    return judged.sentence
