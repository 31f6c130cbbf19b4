"""The starter encoder of a camera: in use from its first minute, and settled as footage comes in.

The first chunk's own clips standardise the first version. With more footage a new version is
fitted in the background, every chunk is embedded again from its kept features, and the camera is
switched in one transaction (rule 4); searches use the old version until then.
"""

import logging

from django.db import transaction
from django.db.models import QuerySet, Sum

from indexing.encoders import material, switching
from indexing.encoders.embedding import fit_starter, intact, readable, store
from indexing.encoders.publishing import read_features
from indexing.footage.features import Features, joined
from indexing.footage.weights import is_pretrained
from indexing.models import Camera, Chunk, Encoder, Job, Work
from indexing.work import jobs

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
        locked = switching.locked(camera_id)
        if locked.encoder and intact(locked.encoder):  # another worker was first
            return locked.encoder
        fitted.version = locked.next_version()
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
        trunk=_learnt(trunk),
        fitted_on=len(features),
        settled=settled,
        has_video=bool(features.has_video.any()),
        has_audio=bool(features.has_audio.any()),
        file=file.file,
        size=file.size,
        sha256=file.sha256,
    )


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
    if everything and _other_trunk(encoder, done):
        return True
    if clips and not readable(encoder):
        return True
    if encoder.settled:
        return False
    if clips >= SETTLED_CLIPS or clips >= GROWTH * encoder.fitted_on:
        return True
    return everything and clips >= GROWTH_AT_REST * encoder.fitted_on


def _other_trunk(encoder: Encoder, done: QuerySet[Chunk]) -> bool:
    """Tell whether every chunk has features of one trunk, and not the one the encoder uses.

    An encoder uses no trunk of random weights, and names none then.
    """
    trunks = list(done.values_list("trunk", flat=True).distinct().order_by()[:2])
    return len(trunks) == 1 and _learnt(trunks[0]) != encoder.trunk


def _learnt(trunk: str) -> str:
    """Return the name of a trunk that has learnt, and nothing for one of random weights."""
    return trunk if is_pretrained(trunk) else ""


def settle(job: Job) -> None:
    """Fit a new version on up to an hour of footage, embed everything by it, and switch to it.

    Where a trained encoder has come into use meanwhile, the new version stays beside it.

    Raises:
        LeaseLost: another worker took over.
    """
    camera = job.camera
    features, trunk = _sample(camera)
    encoder = _fitted(camera, features, trunk, settled=len(features) >= SETTLED_CLIPS)
    with transaction.atomic():
        switching.locked(camera.pk)
        camera.encoders.filter(state=Encoder.State.BUILDING).delete()  # of a worker that died
        encoder.version = camera.next_version()
        encoder.save()
    while not switching.completed(job, encoder):
        switching.embed_missing(job, encoder)


def _sample(camera: Camera) -> tuple[Features, str]:
    """Return the features of about an hour of clips, from chunks spread over all the footage."""
    done = list(material.described(camera))
    trunks = {chunk.trunk for chunk in done}
    trunk = trunks.pop() if len(trunks) == 1 else ""
    return joined([read_features(chunk) for chunk in material.spread(done, SETTLED_CLIPS)]), trunk
