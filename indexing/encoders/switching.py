"""Going over to another encoder with no gap in search (rules 3 and 4 of the design).

Every chunk is embedded by it from kept features, in the background; what comes in meanwhile is
embedded by the encoder in use and then by this one too. The camera is switched in one transaction
in which nothing is missing any more; searches use the old encoder until then.
"""

import logging
import time

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from indexing.encoders.embedding import intact
from indexing.encoders.publishing import publish_shard, read_features, record_shard
from indexing.files import FileDamaged, absolute
from indexing.footage.weights import current_trunk_weights, trunk_name
from indexing.models import Camera, Chunk, Encoder, Job, Recording, Shard, Training, Work
from indexing.work import jobs

# Background work ends its turn after so long where other work waits, ingest above all.
TURN_S = 30.0
BEING_REMADE = "What was kept of some footage is damaged; it is being made anew first."
OPEN = (Work.State.WAITING, Work.State.RUNNING)

log = logging.getLogger(__name__)


def missing(camera: Camera, encoder: Encoder) -> QuerySet[Chunk]:
    """Return the chunks with features that this encoder has not embedded yet."""
    described = Chunk.objects.filter(recording__camera=camera).exclude(features="")
    usable = described.exclude(state=Work.State.FAILED).exclude(
        recording__state=Recording.State.REFUSED
    )
    return usable.exclude(shards__encoder=encoder).order_by("pk")


def embedded(encoder: Encoder) -> int:
    """Return how many clips this encoder has embedded."""
    return Shard.objects.filter(encoder=encoder).aggregate(clips=Sum("clips"))["clips"] or 0


def turn_is_over(job: Job, began: float) -> bool:
    """Tell whether long work that began then (time.monotonic) should let other work go on."""
    return time.monotonic() - began > TURN_S and jobs.others_wait(job)


def embed_missing(job: Job, encoder: Encoder, *, in_turns: bool = False) -> None:
    """Embed, from kept features, what is missing; in turns, until the job's is over.

    Raises:
        LeaseLost: the job was taken away.
        FileDamaged: some features, or the encoder's file, are not what was recorded; the others
            have been embedded.
    """
    chunks = list(missing(job.camera, encoder).select_related("recording"))
    done = embedded(encoder)
    total = done + sum(chunk.clips for chunk in chunks)
    damaged: FileDamaged | None = None
    began = time.monotonic()
    for chunk in chunks:
        try:
            features = read_features(chunk, mel=encoder.needs_mel)
        except FileDamaged as error:
            damaged = error
            continue
        shard = publish_shard(encoder, chunk, features)
        done += chunk.clips
        with transaction.atomic():
            jobs.report(job, done / total)
            record_shard(chunk, encoder, shard)
        if in_turns and turn_is_over(job, began):
            break
    if damaged:
        raise damaged


def build(job: Job) -> None:
    """Embed everything by the job's encoder, a turn at a time; then switch where that was asked.

    Raises:
        LeaseLost: the job was taken away.
        FileDamaged: the encoder's own file is not what was recorded.
    """
    encoder = job.encoder
    if encoder is None:
        return
    try:
        embed_missing(job, encoder, in_turns=True)
    except FileDamaged:
        if not intact(encoder):
            raise
        jobs.postpone(job, BEING_REMADE)
        return
    if not completed(job, encoder):
        jobs.again(job)


def completed(job: Job, encoder: Encoder) -> bool:
    """Finish a job that built an encoder, and put that in use; False where something is missing.

    A starter that was only settling does not take the place of a trained encoder.

    Raises:
        LeaseLost: the job was taken away; nothing has changed.
    """
    with transaction.atomic():
        camera = locked(job.camera_id)
        # Locked before its job, as everywhere: who cancels it must not wait for who waits for him.
        training = Training.objects.select_for_update(of=("self",)).filter(job=job).first()
        if missing(camera, encoder).exists():
            return False
        jobs.finish(job)
        Encoder.objects.filter(pk=encoder.pk).update(state=Encoder.State.BUILT)
        trained = camera.encoder is not None and camera.encoder.kind != Encoder.Kind.STARTER
        if job.switch if job.kind == Job.Kind.BUILD else not trained:
            put_in_use(camera, encoder)
        if training:
            training.state, training.stage = Training.State.DONE, ""
            training.finished_at = timezone.now()
            training.save(update_fields=["state", "stage", "finished_at"])
    return True


def locked(camera_id: int) -> Camera:
    """Return a camera whose row nobody else can change until this transaction ends."""
    cameras = Camera.objects.select_for_update(of=("self",)).select_related("encoder")
    return cameras.get(pk=camera_id)


def put_in_use(camera: Camera, encoder: Encoder) -> None:
    """Switch a locked camera; it keeps the embeddings of the encoder before, to go back to.

    Those of the newest starter stay as well; those of older encoders are dropped, and made again
    should one of them be wanted.
    """
    before, camera.encoder = camera.encoder, encoder
    camera.save(update_fields=["encoder"])
    log.info("%s now uses %s", camera, encoder)
    if before and before.kind != Encoder.Kind.STARTER and encoder.kind == Encoder.Kind.STARTER:
        _describe_anew(camera)
    starters = camera.encoders.filter(kind=Encoder.Kind.STARTER, state=Encoder.State.BUILT)
    newest = starters.order_by("-version").first()
    kept = {one.pk for one in (encoder, before, newest) if one}
    older = camera.encoders.filter(state=Encoder.State.BUILT, shards__isnull=False)
    for one in older.exclude(pk__in=kept).exclude(jobs__state__in=OPEN).distinct():
        retire(one)


def _describe_anew(camera: Camera) -> None:
    """Queue what other trunk weights have seen than those in use, for a trained encoder's sake."""
    done = Chunk.objects.filter(recording__camera=camera, state=Work.State.DONE)
    others = list(done.exclude(trunk=trunk_name(current_trunk_weights())))

    def queue() -> None:
        for chunk in others:
            jobs.do_again(chunk)

    transaction.on_commit(queue)


def retire(encoder: Encoder) -> None:
    """Drop an encoder's embeddings: the rows now, the files once that is certain."""
    shards = Shard.objects.filter(encoder=encoder)
    files = list(shards.values_list("file", flat=True))
    shards.delete()
    Encoder.objects.filter(pk=encoder.pk).update(state=Encoder.State.RETIRED)
    transaction.on_commit(lambda: unlink(files))


def unlink(files: list[str]) -> None:
    """Delete files that no row publishes any more."""
    for file in files:
        absolute(file).unlink(missing_ok=True)
