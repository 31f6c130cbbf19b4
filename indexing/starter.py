"""The starter encoder of a camera: in use from its first minute, and settled as footage comes in.

The first chunk's own clips standardise the first version. With more footage a new version is
fitted in the background, every chunk is embedded again from its kept features, and the camera is
switched in one transaction (rule 4); searches use the old version until then.
"""

import logging
import math

import numpy as np
from django.db import transaction
from django.db.models import Max, QuerySet, Sum

from indexing import jobs
from indexing.embedding import fit_starter, intact, store
from indexing.features import Features, joined
from indexing.files import absolute
from indexing.models import Camera, Chunk, Encoder, Job, Shard, Work
from indexing.publishing import publish_shard, read_features, record_shard
from indexing.weights import is_pretrained

# An encoder is fitted anew when the footage has grown this many times, or by a good part once
# nothing more is coming in, up to an hour; then it stays.
GROWTH = 5
GROWTH_AT_REST = 1.2
SETTLED_CLIPS = 3600

log = logging.getLogger(__name__)


def in_use(camera_id: int, features: Features, trunk: str) -> Encoder:
    """Return the camera's encoder, made from these clips where it has none or a damaged one.

    What is made from one chunk is soon fitted anew on the rest, which embeds that again too.
    """
    camera = Camera.objects.select_related("encoder").get(pk=camera_id)
    if camera.encoder and intact(camera.encoder):
        return camera.encoder
    fitted = _fitted(camera, features, trunk, settled=False)
    with transaction.atomic():
        locked = (
            Camera.objects.select_for_update(of=("self",))
            .select_related("encoder")
            .get(pk=camera_id)
        )
        if locked.encoder and intact(locked.encoder):  # another worker was first
            return locked.encoder
        fitted.version = _next_version(locked)
        fitted.state = Encoder.State.BUILT
        fitted.save()
        locked.encoder = fitted
        locked.save(update_fields=["encoder"])
    return fitted


def _fitted(camera: Camera, features: Features, trunk: str, *, settled: bool) -> Encoder:
    """Return an encoder fitted on these clips, with its file written but not yet a row."""
    pretrained = is_pretrained(trunk)
    file = store(fit_starter(features, pretrained=pretrained))
    return Encoder(
        camera=camera,
        kind=Encoder.Kind.STARTER,
        trunk=trunk if pretrained else "",
        fitted_on=len(features),
        settled=settled,
        has_video=bool(features.has_video.any()),
        has_audio=bool(features.has_audio.any()),
        file=file.file,
        size=file.size,
        sha256=file.sha256,
    )


def _next_version(camera: Camera) -> int:
    last = camera.encoders.aggregate(last=Max("version"))["last"]
    return (last or 0) + 1


def request(camera: Camera) -> None:
    """Queue the settling of a camera's starter encoder where it is due and not queued yet."""
    if not _due(camera):
        return
    with transaction.atomic():
        Camera.objects.select_for_update().get(pk=camera.pk)
        open_states = (Work.State.WAITING, Work.State.RUNNING)
        settling = Job.objects.filter(camera=camera, kind=Job.Kind.SETTLE)
        if settling.filter(state__in=open_states).exists() or _failed_on_this(camera, settling):
            return
        job = Job.objects.create(kind=Job.Kind.SETTLE, camera=camera)
    jobs.wake([job])


def _failed_on_this(camera: Camera, settling: QuerySet[Job]) -> bool:
    """Tell whether settling was given up on the footage that is there now."""
    failed = settling.filter(state=Work.State.FAILED).order_by("-finished_at").first()
    if failed is None:
        return False
    chunks = Chunk.objects.filter(recording__camera=camera, state=Work.State.DONE)
    return not chunks.filter(finished_at__gt=failed.finished_at).exists()


def _due(camera: Camera) -> bool:
    """Tell whether enough footage has come in to fit the encoder anew."""
    encoder = Encoder.objects.filter(serving=camera, kind=Encoder.Kind.STARTER).first()
    if encoder is None:
        return False
    chunks = Chunk.objects.filter(recording__camera=camera)
    done = chunks.filter(state=Work.State.DONE)
    clips = done.aggregate(clips=Sum("clips"))["clips"] or 0
    recordings = camera.recordings
    if recordings.filter(has_audio=True).exists() and not encoder.has_audio:
        return True
    if recordings.filter(has_video=True).exists() and not encoder.has_video:
        return True
    everything = not chunks.filter(state__in=(Work.State.WAITING, Work.State.RUNNING)).exists()
    if everything and _better_trunk(encoder, done):
        return True
    if encoder.settled:
        return False
    if clips >= SETTLED_CLIPS or clips >= GROWTH * encoder.fitted_on:
        return True
    return everything and clips >= GROWTH_AT_REST * encoder.fitted_on


def _better_trunk(encoder: Encoder, done: QuerySet[Chunk]) -> bool:
    """Tell whether every chunk has features of one pretrained trunk that the encoder lacks."""
    trunks = list(done.values_list("trunk", flat=True).distinct().order_by()[:2])
    return len(trunks) == 1 and is_pretrained(trunks[0]) and trunks[0] != encoder.trunk


def settle(job: Job) -> None:
    """Fit a new version on up to an hour of footage, embed everything by it, and switch.

    Raises:
        LeaseLost: another worker took over.
    """
    camera = job.camera
    features, trunk = _sample(camera)
    encoder = _fitted(camera, features, trunk, settled=len(features) >= SETTLED_CLIPS)
    with transaction.atomic():
        locked = Camera.objects.select_for_update().get(pk=camera.pk)
        old = locked.encoder
        camera.encoders.filter(state=Encoder.State.BUILDING).delete()  # of a worker that died
        encoder.version = _next_version(camera)
        encoder.save()
    while not _switched(job, encoder):
        _embed_missing(job, encoder)
    if old:
        _retire(camera, keep=(encoder.pk, old.pk))


def _sample(camera: Camera) -> tuple[Features, str]:
    """Return the features of about an hour of clips, from chunks spread over all the footage."""
    done = list(
        Chunk.objects.filter(recording__camera=camera, state=Work.State.DONE).order_by(
            "recording__start", "start_s"
        )
    )
    count = math.ceil(len(done) * min(1.0, SETTLED_CLIPS / _clips(done)))
    while count < len(done) and _clips(_spread(done, count)) < SETTLED_CLIPS:
        count += 1
    chosen = _spread(done, count)
    trunks = {chunk.trunk for chunk in done}
    trunk = trunks.pop() if len(trunks) == 1 else ""
    return joined([read_features(chunk) for chunk in chosen]), trunk


def _spread(chunks: list[Chunk], count: int) -> list[Chunk]:
    """Return ``count`` of the chunks, evenly spread from the first to the last."""
    return [chunks[i] for i in np.linspace(0, len(chunks) - 1, count).round().astype(int)]


def _clips(chunks: list[Chunk]) -> int:
    return sum(chunk.clips for chunk in chunks)


def _missing(camera: Camera, encoder: Encoder) -> QuerySet[Chunk]:
    """Return the chunks that are searchable by the encoder in use but not yet by this one."""
    published = Chunk.objects.filter(recording__camera=camera).exclude(features="")
    return published.exclude(shards__encoder=encoder).order_by("pk")


def _embed_missing(job: Job, encoder: Encoder) -> None:
    """Embed, from kept features, every chunk that this encoder has not embedded yet."""
    chunks = list(_missing(job.camera, encoder))
    for done, chunk in enumerate(chunks):
        shard = publish_shard(encoder, read_features(chunk))
        with transaction.atomic():
            jobs.report(job, done / len(chunks))
            record_shard(chunk, encoder, shard)


def _switched(job: Job, encoder: Encoder) -> bool:
    """Put the encoder in use where it has embedded everything; the fence of the job."""
    with transaction.atomic():
        camera = Camera.objects.select_for_update().get(pk=job.camera_id)
        if _missing(camera, encoder).exists():
            return False
        jobs.finish(job)
        camera.encoder = encoder
        camera.save(update_fields=["encoder"])
        Encoder.objects.filter(pk=encoder.pk).update(state=Encoder.State.BUILT)
    log.info("%s now uses %s, fitted on %d clips", camera, encoder, encoder.fitted_on)
    return True


def _retire(camera: Camera, keep: tuple[int, int]) -> None:
    """Keep the version before, to switch back to; drop the shards of older starters."""
    older = camera.encoders.filter(kind=Encoder.Kind.STARTER).exclude(pk__in=keep)
    shards = Shard.objects.filter(encoder__in=older)
    files = list(shards.values_list("file", flat=True))
    shards.delete()
    older.update(state=Encoder.State.RETIRED)
    for file in files:
        absolute(file).unlink(missing_ok=True)
