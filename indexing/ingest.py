"""One recording's journey, from the file that came in to clips that can be searched.

prepare -> chunks, each decoded, described, embedded and published on its own -> closed. Every step
is claimed, fenced and may run twice (indexing.work.jobs); search works on whatever is published.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict
from itertools import count, pairwise

from django.db import transaction
from django.utils import timezone

from indexing.arrivals.times import told
from indexing.casework import checking
from indexing.encoders import starter, switching
from indexing.encoders.publishing import publish_shard, record_shard
from indexing.events import locations, locator
from indexing.files import publish
from indexing.footage import features as kept
from indexing.footage.features import Features
from indexing.footage.intake import LONGEST_SAMPLE_S, is_free
from indexing.footage.weights import WeightsUnavailableError
from indexing.learning import trainer, training
from indexing.media.errors import MediaError
from indexing.media.info import Gap, MediaInfo, merge_gaps
from indexing.media.preview import make_preview
from indexing.media.probe import probe
from indexing.media.thumbnails import pack
from indexing.models import Camera, Chunk, Encoder, Job, Recording, Shard, Work
from indexing.work import jobs

CHUNK_S = 60
# Clips between two reports of a chunk's progress (ml.runtime, which this module must not import).
BATCH_CLIPS = 8

log = logging.getLogger(__name__)


def run_job(pk: int) -> None:
    """Run one job, whatever its kind, and see to what follows from it."""
    bodies = {
        Job.Kind.PREPARE: prepare,
        Job.Kind.PREVIEW: preview,
        Job.Kind.SETTLE: starter.settle,
        Job.Kind.TRAIN: trainer.train,
        Job.Kind.BUILD: switching.build,
        Job.Kind.LOCATE: locator.locate,
    }
    job = jobs.attempt(Job, pk, lambda job: bodies[Job.Kind(job.kind)](job))
    if job and job.recording:
        close(job.recording)
    if job and job.kind in (Job.Kind.TRAIN, Job.Kind.BUILD):
        training.close()
    if job and job.kind == Job.Kind.LOCATE:
        locations.catch_up(job.camera)  # labels made meanwhile


def run_chunk(pk: int) -> None:
    """Decode, describe, embed and publish one chunk."""
    chunk = jobs.attempt(Chunk, pk, embed_chunk)
    if chunk:
        close(chunk.recording)
        starter.request(chunk.recording.camera)


def prepare(job: Job) -> None:
    """Probe a recording and plan its chunks, in one transaction that publishes both.

    Raises:
        MediaError: it cannot be used, with the reason.
        LeaseLost: another worker took over.
    """
    recording = job.recording
    if recording is None:
        return
    info = probe(recording.original_path, on_progress=lambda done: jobs.report(job, done))
    if recording.camera.samples and info.duration_s > LONGEST_SAMPLE_S:
        raise MediaError(
            f"A file to search with lasts up to {LONGEST_SAMPLE_S} seconds, and this one lasts "
            f"{info.duration_s:,}. Cut out the part around the moment, or have an admin upload all "
            "of it as a recording."
        )
    with transaction.atomic():
        jobs.finish(job)
        _describe(recording, info)
        recording.chunks.all().delete()
        chunks = Chunk.objects.bulk_create(
            Chunk(recording=recording, start_s=start, clips=clips)
            for start, clips in plan(info.duration_s)
        )
        follow: list[Work] = []
        if not recording.playable:
            follow.append(
                Job.objects.create(
                    kind=Job.Kind.PREVIEW, camera=recording.camera, recording=recording
                )
            )
    jobs.wake([*follow, *chunks])


def plan(duration_s: int) -> list[tuple[int, int]]:
    """Cut a recording into (start second, clips): as few chunks of at most 60 s as will do.

    They are nearly equal, so that none is too short to tell its background from what moves.
    """
    count = max(1, -(-duration_s // CHUNK_S))
    edges = [duration_s * part // count for part in range(count + 1)]
    return [(start, end - start) for start, end in pairwise(edges)]


def _describe(recording: Recording, info: MediaInfo) -> None:
    """Write what the probe found into the recording's row."""
    recording.duration_s = info.duration_s
    recording.media = info.to_json()
    recording.gaps = [asdict(gap) for gap in info.gaps]
    recording.has_video = recording.has_audio = False  # until a clip has shown it
    recording.playable = recording.original if info.browser_playable else ""
    recording.state = Recording.State.INGESTING
    recording.reason = ""
    starts = [] if recording.start_known else told(info.created, recording.name)
    for start in (each.on(recording.camera.tzinfo) for each in starts):
        if is_free(recording, start):
            recording.start, recording.start_known = start, True
            break
    recording.save()


def embed_chunk(chunk: Chunk) -> None:
    """Turn one chunk into features, thumbnails and embeddings, and publish them at once.

    Raises:
        MediaError: none of it can be decoded.
        Hopeless: the camera's encoder needs trunk weights that are gone.
        LeaseLost: another worker took over; nothing was published.
    """
    # Torch and OpenVINO come with this import: only a worker's child may load them.
    from indexing.footage.extraction import extract

    recording = chunk.recording
    try:
        made = extract(
            recording.original_path,
            MediaInfo.from_json(recording.media),
            chunk.start_s,
            chunk.clips,
            on_batch=_reporting(chunk),
            trunk_name=needed_trunk(recording.camera),
        )
    except WeightsUnavailableError as error:
        raise jobs.Hopeless(error.sentence) from error
    folder = str(recording.pk)
    features = publish(
        f"features/{folder}", ".safetensors", lambda path: kept.save(made.features, path)
    )
    thumbnails = publish(f"thumbnails/{folder}", ".zip", lambda path: pack(path, made.thumbnails))
    columns = {
        "features": features.file,
        "features_size": features.size,
        "features_sha256": features.sha256,
        "thumbnails": thumbnails.file,
        "trunk": made.trunk,
        "damaged": made.damaged,
        "gaps": made.gaps,
    }
    while not publish_chunk(chunk, made.features, columns):
        log.info("%s is embedded again, by the encoder that its camera uses now", chunk)


def needed_trunk(camera: Camera) -> str:
    """Return the trunk that a trained encoder in use sees through; empty where any will do."""
    encoder = camera.encoder
    return encoder.trunk if encoder and encoder.kind != Encoder.Kind.STARTER else ""


def _reporting(chunk: Chunk) -> Callable[[], None]:
    """Return what the trunk calls after every batch: progress for people, and a longer lease."""
    batches = count(1)
    return lambda: jobs.report(chunk, min(1.0, next(batches) * BATCH_CLIPS / chunk.clips))


def publish_chunk(chunk: Chunk, features: Features, columns: dict[str, object]) -> bool:
    """Publish a chunk with its shard; False where its camera changed encoders meanwhile.

    One of a sample has none: each encoder that is searched embeds it when it is asked for.
    """
    if chunk.recording.camera.samples:
        with transaction.atomic():
            jobs.finish(chunk, **columns)
            _tell_modalities(chunk, features)
        return True
    encoder = starter.in_use(chunk.recording.camera_id, features, str(columns["trunk"]))
    if encoder.kind != Encoder.Kind.STARTER and encoder.trunk != columns["trunk"]:
        jobs.fail(chunk, "Its camera went over to an encoder with another trunk.", final=False)
        return True
    shard = publish_shard(encoder, chunk, features)
    with transaction.atomic():
        camera = Camera.objects.select_for_update().get(pk=chunk.recording.camera_id)
        if camera.encoder_id != encoder.pk:
            return False
        jobs.finish(chunk, **columns)
        record_shard(chunk, encoder, shard)
        if not chunk.features:  # embedded for the first time
            checking.begin(chunk)
        _tell_modalities(chunk, features)
    return True


def _tell_modalities(chunk: Chunk, features: Features) -> None:
    """Write into the recording's row that a clip of it has been seen or heard."""
    seen = {"has_video": True} if features.has_video.any() else {}
    heard = {"has_audio": True} if features.has_audio.any() else {}
    if seen or heard:
        Recording.objects.filter(pk=chunk.recording_id).update(**seen, **heard)


def describe_again(trunk: str) -> int:
    """Queue every chunk that another trunk has seen; return how many clips that are.

    What is published stays searchable until its successor is there. Where a trained encoder is in
    use, what it sees through stays too, until the camera goes back to a starter (switching).
    """
    trained = Camera.objects.exclude(encoder=None).exclude(encoder__kind=Encoder.Kind.STARTER)
    others = Chunk.objects.filter(state=Work.State.DONE).exclude(trunk=trunk)
    chunks = list(others.exclude(recording__camera__in=trained))
    for chunk in chunks:
        jobs.do_again(chunk)
    return sum(chunk.clips for chunk in chunks)


def preview(job: Job) -> None:
    """Make the copy that a browser can play and seek, where the original is not one.

    Raises:
        MediaError: ffmpeg could not make it.
        LeaseLost: another worker took over.
    """
    recording = job.recording
    if recording is None:
        return
    info = MediaInfo.from_json(recording.media)
    copy = publish(
        "previews",
        ".mp4",
        lambda path: make_preview(
            recording.original_path,
            info,
            path,
            on_progress=lambda done: jobs.report(job, done),
            # A browser's player stops at what a decoder only stumbles over.
            encode=recording.chunks.filter(damaged=True).exists(),
        ),
    )
    with transaction.atomic():
        jobs.finish(job)
        Recording.objects.filter(pk=recording.pk).update(playable=copy.file)


def close_recordings() -> None:
    """Close every recording whose work has ended, however its last worker ended."""
    for recording in Recording.objects.filter(
        state__in=(Recording.State.WAITING, Recording.State.INGESTING)
    ):
        close(recording)
    training.close()
    for camera in Camera.objects.all():
        starter.request(camera)
        locations.catch_up(camera)


def close(recording: Recording) -> None:
    """Make a recording ready, or refuse it, once nothing of it is waiting or running."""
    with transaction.atomic():
        row = Recording.objects.select_for_update().get(pk=recording.pk)
        if row.state == Recording.State.WAITING:
            failed = row.jobs.filter(kind=Job.Kind.PREPARE, state=Work.State.FAILED).first()
            if failed:
                _refuse(row, failed.error)
        elif row.state == Recording.State.INGESTING:
            _close_ingest(row)


def _close_ingest(recording: Recording) -> None:
    """Settle an ingest whose chunks have all ended."""
    chunks = list(recording.chunks.all())
    if any(chunk.state in {Work.State.WAITING, Work.State.RUNNING} for chunk in chunks):
        return
    failed = [chunk for chunk in chunks if chunk.state == Work.State.FAILED]
    if len(failed) == len(chunks):
        _refuse(recording, failed[0].error if failed else "It holds no whole second.")
        return
    if not recording.has_video and not recording.has_audio:
        _refuse(recording, _nothing_in_it(recording))
        return
    stored = [*recording.media["gaps"], *(gap for chunk in chunks for gap in chunk.gaps)]
    found = [Gap(**gap) for gap in stored]
    lost = [Gap(chunk.start_s, chunk.start_s + chunk.clips, chunk.error) for chunk in failed]
    recording.gaps = [asdict(gap) for gap in merge_gaps(found + lost)]
    recording.state = Recording.State.READY
    recording.ready_at = timezone.now()
    recording.save(update_fields=["gaps", "state", "ready_at"])
    if any(chunk.damaged for chunk in chunks):
        Job.objects.create(kind=Job.Kind.PREVIEW, camera=recording.camera, recording=recording)


def _nothing_in_it(recording: Recording) -> str:
    """Say why not one clip has a picture or a sound."""
    if recording.media["audio"] and not recording.media["video"]:
        return "It has no picture, and its sound is digital silence from beginning to end."
    return "Neither a picture nor a sound could be decoded from it."


def _refuse(recording: Recording, reason: str) -> None:
    """Refuse a recording; what was published of it is not searched any more."""
    Shard.objects.filter(chunk__recording=recording).delete()
    recording.state = Recording.State.REFUSED
    recording.reason = reason
    recording.save(update_fields=["state", "reason"])
