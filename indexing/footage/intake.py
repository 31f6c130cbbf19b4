"""How a file comes in: copied and hashed in one pass, published, and put in the queue."""

import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from indexing.files import BLOCK, absolute, checksum, disk_sentence, settle_folder
from indexing.models import Camera, Job, Recording
from indexing.work import jobs
from ml.refusal import Refusal

# Room left on the disk for features, thumbnails and a playable copy, beside the file itself.
HEADROOM = 256 * 2**20
# The name of the row that holds files to search with; no camera can be called that.
SAMPLES = "Files to search with"
# Such a file is read in one go, as a chunk is, so that any encoder can embed it.
LONGEST_SAMPLE_S = 60
LONGEST_NAME = 100
SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")


class IntakeError(Refusal):
    """A file could not be taken in; nothing was published."""


class NoRoom(IntakeError):
    """The disk has no room for the file."""


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
    _check_camera(Camera(name=camera.strip(), zone=zone))
    name = shown_name(name)
    with _copied(stream, name, size, on_progress) as (temporary, digest):
        return adopt(temporary, digest, name=name, camera=camera, zone=zone, start=start)


def take_sample(stream: Readable, *, name: str, size: int, sent_by: User | None = None) -> Intake:
    """Keep a file that somebody searches with, and queue it to be read.

    Where the library holds the same bytes, a moment of that recording can be searched for.

    Raises:
        IntakeError: with a sentence; nothing of the file is kept.
    """
    name = shown_name(name)
    with _copied(stream, name, size) as (temporary, digest):
        known = Recording.objects.filter(sha256=digest).first()
        if known:
            return Intake(known, known=True)
        file = _placed(temporary, digest, name)
        shelf, _ = Camera.objects.get_or_create(samples=True, defaults={"name": SAMPLES})
        now = timezone.now().replace(microsecond=0)  # it is on no camera's clock
        return _publish(file, digest, name, shelf, now, sent_by)


def take_link(path: Path, *, camera: str, zone: str = "UTC") -> Intake:
    """Keep a file by a second name for its bytes, so that the disk holds them once.

    It must never be written to again under its first name, under which it may be deleted.

    Raises:
        IntakeError: with a sentence; nothing was published.
        OSError: it is on another file system than the data root, or this one has no links.
    """
    temporary = absolute(f"incoming/{uuid.uuid4().hex}")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    temporary.hardlink_to(path)
    try:
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        name = shown_name(path.name)
        digest = checksum(temporary)
        return adopt(temporary, digest, name=name, camera=camera, zone=zone, start=None)
    finally:
        temporary.unlink(missing_ok=True)


def adopt(
    path: Path, digest: str, *, name: str, camera: str, zone: str, start: datetime | None
) -> Intake:
    """Make a file that lies below the data root, and is safe there, a recording by renaming it.

    It may be tried again where it was interrupted: a file that has its place already is used.
    Where the library holds the same bytes the file stays where it is.

    Args:
        path: the file.
        digest: its SHA-256 in hex.
        name: as in `take_in`, as are ``camera``, ``zone`` and ``start``.

    Raises:
        IntakeError: with a sentence; nothing was published.
    """
    camera = camera.strip()
    _check_camera(Camera(name=camera, zone=zone))
    known = Recording.objects.filter(sha256=digest).select_related("camera").first()
    if known and known.camera.samples:
        return _moved(known, name, _camera(camera, zone), start)
    if known:
        return Intake(known, known=True)
    return _publish(_placed(path, digest, name), digest, name, _camera(camera, zone), start)


def _placed(path: Path, digest: str, name: str) -> str:
    """Rename a file to where originals lie, unless it is there; return that place."""
    suffix = SUFFIX.search(name)
    file = f"originals/{digest[:2]}/{digest}{suffix.group().lower() if suffix else ''}"
    place = absolute(file)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        path.rename(place)
        settle_folder(place.parent)
    return file


def shown_name(name: str) -> str:
    """Return a file's name without folders; one of other bytes than UTF-8 as well as it can be."""
    return Path(name).name.encode("utf-8", "replace").decode()[-255:] or "recording"


def find_known(path: Path) -> Recording | None:
    """Return the recording that holds the bytes of a file on this machine, without copying it."""
    alike = Recording.objects.filter(size=path.stat().st_size, camera__samples=False)
    return alike.filter(sha256=checksum(path)).first() if alike.exists() else None


def _check_camera(camera: Camera) -> None:
    """Refuse a camera that cannot be made, before the first byte is copied."""
    if not camera.name:
        raise IntakeError("Name the camera that made this recording.")
    if len(camera.name) > LONGEST_NAME:
        raise IntakeError(f"The camera's name has more than {LONGEST_NAME} characters.")
    if camera.name == SAMPLES:
        raise IntakeError(f"“{SAMPLES}” is no camera; give the camera another name.")
    try:
        camera.clean_fields()
    except ValidationError as error:
        raise IntakeError(" ".join(error.messages)) from error


def check_room(name: str, size: int) -> None:
    """Refuse an empty file, and one for which the disk is plainly too small.

    Raises:
        NoRoom: the disk is too small.
        IntakeError: the file is empty.
    """
    if size <= 0:
        raise IntakeError(f"{name} is empty: it holds no bytes. Export it from the camera again.")
    root = settings.REPRISE_DATA
    root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root).free
    if size + HEADROOM > free:
        raise NoRoom(
            f"The disk that holds {root} has {free / 1e9:.1f} GB free and {name} needs "
            f"{(size + HEADROOM) / 1e9:.1f} GB; make room there and try again."
        )


@contextmanager
def _copied(
    stream: Readable,
    name: str,
    size: int,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[Path, str]]:
    """Have a stream in a file below the data root, with its SHA-256; it is gone in the end.

    Raises:
        IntakeError: it ended early, or the disk would not take it.
    """
    check_room(name, size)
    temporary = absolute(f"incoming/{uuid.uuid4().hex}")
    try:
        temporary.parent.mkdir(parents=True, exist_ok=True)
        digest, written = _copy(stream, temporary, on_progress)
        if written < size:
            raise IntakeError(f"{name} stopped after {written:,} of {size:,} bytes; send it again.")
        yield temporary, digest
    except OSError as error:
        raise IntakeError(disk_sentence(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


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


def _moved(sample: Recording, name: str, camera: Camera, start: datetime | None) -> Intake:
    """Make a recording of a file that was searched with before; searches with it still find it."""
    with transaction.atomic():
        sample.chunks.all().delete()
        sample.camera, sample.name, sample.state = camera, name, Recording.State.WAITING
        sample.start, sample.start_known = start or free_start(camera), start is not None
        sample.reason, sample.ready_at = "", None
        sample.save()
        job = Job.objects.create(kind=Job.Kind.PREPARE, camera=camera, recording=sample)
        transaction.on_commit(lambda: jobs.wake([job]))
    return Intake(sample, known=False)


def _publish(
    file: str,
    digest: str,
    name: str,
    camera: Camera,
    start: datetime | None,
    sent_by: User | None = None,
) -> Intake:
    """Record a file that has its place, and queue it."""
    try:
        with transaction.atomic():
            recording = Recording.objects.create(
                camera=camera,
                name=name,
                sha256=digest,
                size=absolute(file).stat().st_size,
                original=file,
                start=start or free_start(camera),
                start_known=start is not None,
                sent_by=sent_by,
            )
            job = Job.objects.create(kind=Job.Kind.PREPARE, camera=camera, recording=recording)
            transaction.on_commit(lambda: jobs.wake([job]))
    except IntegrityError:  # the same bytes came twice at the same moment
        return Intake(Recording.objects.get(sha256=digest), known=True)
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
