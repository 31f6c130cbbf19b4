"""The encoders of every camera: what they are, put in use, deleted.

An encoder that is there can be put in use at any time, the starter included: what it has not
embedded yet is embedded first, in the background, while searches use the one before.
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet, Sum

from indexing.encoders.embedding import intact
from indexing.encoders.switching import OPEN, embedded, locked, missing, put_in_use, unlink
from indexing.models import Camera, Chunk, Encoder, Job, Recording, Training
from indexing.work import jobs
from ml.refusal import Refusal


class RegistryError(Refusal):
    """What cannot be done with an encoder, with a sentence that says why."""


@dataclass(frozen=True)
class Entry:
    """An encoder as a list shows it; job is the work on it that waits or runs, if any."""

    encoder: Encoder
    in_use: bool
    clips_embedded: int
    clips_total: int
    job: Job | None


def find(number: int) -> Encoder:
    """Return an encoder by its number.

    Raises:
        RegistryError: there is none.
    """
    encoder = Encoder.objects.select_related("camera").filter(pk=number).first()
    if encoder is None:
        raise RegistryError(f"There is no encoder {number}.")
    return encoder


def entries(camera: Camera | None = None) -> list[Entry]:
    """Return all encoders, or one camera's: by camera, the newest first."""
    encoders = Encoder.objects.exclude(state=Encoder.State.BUILDING).select_related("camera")
    if camera:
        encoders = encoders.filter(camera=camera)
    return [entry(one) for one in encoders.order_by("camera__name", "-version")]


def entry(encoder: Encoder) -> Entry:
    """Return an encoder as a list shows it."""
    described = Chunk.objects.filter(recording__camera=encoder.camera).exclude(features="")
    usable = described.exclude(recording__state=Recording.State.REFUSED)
    return Entry(
        encoder=encoder,
        in_use=encoder.camera.encoder_id == encoder.pk,
        clips_embedded=embedded(encoder),
        clips_total=usable.aggregate(clips=Sum("clips"))["clips"] or 0,
        job=_open_jobs(encoder).first(),
    )


def document(encoder: Encoder) -> dict[str, Any]:
    """Return everything that is known of an encoder, for JSON."""
    listed = entry(encoder)
    return {
        "encoder": encoder.pk,
        "camera": encoder.camera.name,
        "version": encoder.version,
        "kind": encoder.get_kind_display(),
        "active": listed.in_use,
        "state": encoder.state,
        "clips_embedded": listed.clips_embedded,
        "clips_total": listed.clips_total,
        **described(encoder),
        "file": {"size": encoder.size, "sha256": encoder.sha256},
        "origin": encoder.origin,
        "created_at": encoder.created_at.isoformat(),
    }


def described(encoder: Encoder) -> dict[str, Any]:
    """Return what stays true of an encoder wherever its file goes, for JSON."""
    return {
        "method": encoder.method,
        "settings": encoder.settings,
        "seed": encoder.seed,
        "trunk": encoder.trunk,
        "data": encoder.data,
        "fitted_on": encoder.fitted_on,
        "has_video": encoder.has_video,
        "has_audio": encoder.has_audio,
        "crossable": encoder.crossable,
        "shared": encoder.shared,
        "metrics": encoder.metrics,
        "curves": encoder.curves,
        "note": encoder.note,
    }


def activate(encoder: Encoder) -> Job | None:
    """Put an encoder in use: at once, or by the job that is returned, when all is embedded by it.

    The last wish counts: another encoder on its way into use stays where it is.

    Raises:
        RegistryError: it cannot be used; nothing has changed.
    """
    with transaction.atomic():
        camera = locked(encoder.camera_id)
        _refuse_unusable(encoder)
        if camera.encoder_id != encoder.pk and missing(camera, encoder).exists():
            _refuse_other_trunk(camera, encoder)
            _call_off(camera, keep=encoder)
            job = _build_job(encoder, switch=True)
        else:
            _call_off(camera, keep=encoder)
            job = None
            if camera.encoder_id != encoder.pk:
                Encoder.objects.filter(pk=encoder.pk).update(state=Encoder.State.BUILT)
                put_in_use(camera, encoder)
    if job:
        jobs.wake([job])
    return job


def build(encoder: Encoder) -> Job | None:
    """Have everything embedded by an encoder without using it, so that it can be compared.

    Returns the job, or None where nothing is missing.

    Raises:
        RegistryError: it cannot embed this footage.
    """
    with transaction.atomic():
        camera = locked(encoder.camera_id)
        _refuse_unusable(encoder)
        if not missing(camera, encoder).exists():
            return None
        _refuse_other_trunk(camera, encoder)
        job = _build_job(encoder, switch=False)
    jobs.wake([job])
    return job


def _open_jobs(encoder: Encoder) -> QuerySet[Job]:
    return encoder.jobs.filter(kind=Job.Kind.BUILD, state__in=OPEN)


def _build_job(encoder: Encoder, *, switch: bool) -> Job:
    """Return the job that builds an encoder, a new one or the one there is."""
    job = _open_jobs(encoder).first()
    if job is None:
        return Job.objects.create(
            kind=Job.Kind.BUILD, camera=encoder.camera, encoder=encoder, switch=switch
        )
    if switch and not job.switch:
        Job.objects.filter(pk=job.pk).update(switch=True)
    return job


def _refuse_unusable(encoder: Encoder) -> None:
    if encoder.state == Encoder.State.BUILDING:
        raise RegistryError(f"Encoder {encoder.pk} is still being made.")
    if not intact(encoder):
        raise RegistryError(
            f"The file of encoder {encoder.pk} is damaged or missing, so it cannot be used; "
            "import it again or train a new one."
        )


def _refuse_other_trunk(camera: Camera, encoder: Encoder) -> None:
    """Refuse to embed footage that was seen with other trunk weights than the encoder's."""
    if not encoder.trunk:
        return
    others = missing(camera, encoder).exclude(trunk=encoder.trunk)
    names = list(others.order_by().values_list("trunk", flat=True).distinct()[:1])
    if names:
        raise RegistryError(
            f"Encoder {encoder.pk} was trained with the trunk weights “{encoder.trunk}”, but the "
            f"footage of {camera} has been seen with “{names[0]}”; train a new one."
        )


def _call_off(camera: Camera, *, keep: Encoder) -> None:
    """Take other encoders' switches away, and end the trainings that waited for them."""
    others = Job.objects.filter(
        kind=Job.Kind.BUILD, camera=camera, switch=True, state__in=OPEN
    ).exclude(encoder=keep)
    for training in Training.objects.select_for_update(of=("self",)).filter(job__in=others):
        training.state, training.stage, training.job = Training.State.DONE, "", None
        training.sentence += " Another encoder was chosen before it came into use."
        training.save()
    others.delete()


def delete(encoder: Encoder) -> None:
    """Delete an encoder with its embeddings and files.

    Raises:
        RegistryError: it is in use, about to be, or the camera's last starter.
    """
    with transaction.atomic():
        camera = locked(encoder.camera_id)
        if camera.encoder_id == encoder.pk:
            raise RegistryError(
                f"Encoder {encoder.pk} is in use at {camera}; put another in use first."
            )
        if encoder.state == Encoder.State.BUILDING or _open_jobs(encoder).exists():
            raise RegistryError(
                f"The footage of {camera} is being embedded by encoder {encoder.pk}; "
                "delete it when that is done."
            )
        starters = camera.encoders.filter(kind=Encoder.Kind.STARTER)
        if encoder.kind == Encoder.Kind.STARTER and not starters.exclude(pk=encoder.pk).exists():
            raise RegistryError(
                f"Encoder {encoder.pk} is the only starter of {camera}, to which it can always "
                "go back; it stays."
            )
        files = [encoder.file, *encoder.shards.values_list("file", flat=True)]
        encoder.delete()
        transaction.on_commit(lambda: unlink(files))
