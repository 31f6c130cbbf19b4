"""How a file comes in: copied and hashed in one pass, published, and put in the queue."""

import os
import re
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from indexing.files import BLOCK, absolute, checksum, disk_sentence, settle_folder
from indexing.models import Camera, Job, Recording
from indexing.work import jobs
from ml.refusal import Refusal

# Room left on the disk for features, thumbnails and a playable copy, beside the file itself.
HEADROOM = 256 * 2**20
LONGEST_NAME = 100
SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")


class IntakeError(Refusal):
    """A file could not be taken in; nothing was published."""


class Readable(Protocol):
    """A stream of bytes: an open file, or a request's body."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, and none at the end."""


@dataclass(frozen=True)
class Intake:
    """A recording that was taken in, or the one that already held the same bytes."""

    recording: Recording
    known: bool


def take_in(
    stream: Readable,
    *,
    name: str,
    size: int,
    camera: str,
    zone: str = "UTC",
    start: datetime | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Intake:
    """Keep a file byte for byte and queue it for ingest.

    Args:
        stream: the file's bytes.
        name: its name, shown to people.
        size: bytes promised; a stream that ends before is refused.
        camera: the camera's name; a new camera is made where there is none of that name.
        zone: the time zone of a camera that is made.
        start: the moment of its first clip; None where it is to be read from the file.
        on_progress: told the bytes copied so far.

    Raises:
        IntakeError: with a sentence; nothing of the file is kept.
    """
    # A name of other bytes than UTF-8 is shown as well as it can be.
    name = Path(name).name.encode("utf-8", "replace").decode()[-255:] or "recording"
    camera = camera.strip()
    _check(name, size, Camera(name=camera, zone=zone))
    temporary = absolute(f"incoming/{uuid.uuid4().hex}")
    try:
        temporary.parent.mkdir(parents=True, exist_ok=True)
        digest, written = _copy(stream, temporary, on_progress)
        if written < size:
            raise IntakeError(f"{name} stopped after {written:,} of {size:,} bytes; send it again.")
        known = Recording.objects.filter(sha256=digest).first()
        if known:
            return Intake(known, known=True)
        return _publish(temporary, digest, written, name, _camera(camera, zone), start)
    except OSError as error:
        raise IntakeError(disk_sentence(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def find_known(path: Path) -> Recording | None:
    """Return the recording that holds the bytes of a file on this machine, without copying it."""
    alike = Recording.objects.filter(size=path.stat().st_size)
    return alike.filter(sha256=checksum(path)).first() if alike.exists() else None


def _check(name: str, size: int, camera: Camera) -> None:
    """Refuse what cannot succeed before the first byte is copied."""
    if not camera.name:
        raise IntakeError("Name the camera that made this recording.")
    if len(camera.name) > LONGEST_NAME:
        raise IntakeError(f"The camera's name has more than {LONGEST_NAME} characters.")
    try:
        camera.clean_fields()
    except ValidationError as error:
        raise IntakeError(" ".join(error.messages)) from error
    if size == 0:
        raise IntakeError(f"{name} is empty: it holds no bytes. Export it from the camera again.")
    root = settings.REPRISE_DATA
    root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root).free
    if size + HEADROOM > free:
        raise IntakeError(
            f"The disk that holds {root} has {free / 1e9:.1f} GB free and {name} needs "
            f"{(size + HEADROOM) / 1e9:.1f} GB; make room there and try again."
        )


def _copy(
    stream: Readable, temporary: Path, on_progress: Callable[[int], None] | None
) -> tuple[str, int]:
    """Write the stream to a file on the disk; return its SHA-256 and length in bytes."""
    digest = sha256()
    written = 0
    with temporary.open("wb") as out:
        while block := stream.read(BLOCK):
            out.write(block)
            digest.update(block)
            written += len(block)
            if on_progress:
                on_progress(written)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest(), written


def _camera(name: str, zone: str) -> Camera:
    """Return the camera of this name, made where there is none."""
    return Camera.objects.get_or_create(name=name, defaults={"zone": zone})[0]


def _publish(
    temporary: Path, digest: str, size: int, name: str, camera: Camera, start: datetime | None
) -> Intake:
    """Rename the file to its place, record it and queue it."""
    suffix = SUFFIX.search(name)
    file = f"originals/{digest[:2]}/{digest}{suffix.group().lower() if suffix else ''}"
    absolute(file).parent.mkdir(parents=True, exist_ok=True)
    temporary.rename(absolute(file))
    settle_folder(absolute(file).parent)
    try:
        with transaction.atomic():
            recording = Recording.objects.create(
                camera=camera,
                name=name,
                sha256=digest,
                size=size,
                original=file,
                start=start or free_start(camera),
                start_known=start is not None,
            )
            job = Job.objects.create(kind=Job.Kind.PREPARE, camera=camera, recording=recording)
    except IntegrityError:  # the same bytes came twice at the same moment
        return Intake(Recording.objects.get(sha256=digest), known=True)
    jobs.wake([job])
    return Intake(recording, known=False)


def free_start(camera: Camera) -> datetime:
    """Return a start for a recording whose own is unknown: now, after the camera's others.

    Recordings that seemed to overlap would suppress each other's hits by the exclusion window.
    """
    now = timezone.now().replace(microsecond=0)
    used = camera.recordings.exclude(state=Recording.State.REFUSED)
    ends = [recording.end for recording in used]
    return max([now, *(end + timedelta(minutes=1) for end in ends)])


def is_free(recording: Recording, start: datetime) -> bool:
    """Tell whether no other recording of the camera covers the time from ``start`` on."""
    end = start + timedelta(seconds=recording.duration_s)
    others = recording.camera.recordings.exclude(pk=recording.pk).filter(start__lt=end)
    return all(other.end <= start for other in others)


def read_start(tag: str) -> datetime | None:
    """Return the moment that a file's creation tag tells, unless it is plainly wrong."""
    try:
        moment = datetime.fromisoformat(tag)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    plausible = datetime(1995, 1, 1, tzinfo=UTC) < moment < timezone.now() + timedelta(days=1)
    return moment if plausible else None
