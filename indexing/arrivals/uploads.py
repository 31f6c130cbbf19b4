"""Uploads that can be gone on with: the bytes so far, and how many of them are safe on the disk.

The row's offset is what is safe: it is written after an fsync, so a server that is killed, or a
machine that loses power, has at most to be sent again what came after. What lies in the file behind
the offset is overwritten. One request at a time writes to an upload.
"""

import fcntl
import hashlib
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import FileIO
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.utils import timezone

from indexing.files import BLOCK, DISK_FULL, LEAST_FREE, disk_sentence, settle_folder
from indexing.footage.intake import (
    LONGEST_NAME,
    Intake,
    IntakeError,
    Readable,
    adopt,
    check_room,
    shown_name,
)
from indexing.models import Upload, Work, upload_expiry
from indexing.work import jobs
from ml.refusal import Refusal

# How often what came is made safe, so that a broken connection costs no more than this.
SETTLE_BYTES = 32 * 2**20
ALGORITHMS = ("sha1", "sha256")
# How long the row of an upload whose time was over still tells so, instead of being unknown.
REMEMBERED = timedelta(days=30)
GARBAGE_AFTER = timedelta(days=1)


class UploadError(Refusal):
    """An upload cannot go on like this; nothing of what is safe was lost."""


class TooLarge(UploadError):
    """More bytes than an upload, or this one, may have."""


class Locked(UploadError):
    """Another request is writing to the upload."""


class WrongOffset(UploadError):
    """The bytes do not begin where the last safe ones end."""


class Mismatch(UploadError):
    """The bytes are not what their checksum says."""


class Gone(UploadError):
    """The upload is not there any more."""


class DiskFull(UploadError):
    """There is no room for more bytes; those that fitted are kept."""


@dataclass(frozen=True)
class Checksum:
    """What the bytes of one request must have: an algorithm of ALGORITHMS and the digest."""

    algorithm: str
    digest: bytes


def create(
    *,
    user: User | AnonymousUser,
    name: str,
    size: int,
    metadata: str = "",
    modified: int = 0,
    camera: str = "",
) -> Upload:
    """Begin an upload of ``size`` bytes.

    Raises:
        TooLarge: it is larger than the settings allow.
        NoRoom: the disk is plainly too small for it.
        IntakeError: it is empty.
    """
    if size > settings.UPLOAD_BYTES:
        raise TooLarge(
            f"{name} has {size / 1e9:,.1f} GB, and no more than "
            f"{settings.UPLOAD_BYTES / 1e9:,.0f} GB are taken (REPRISE_UPLOAD_GB)."
        )
    check_room(name, size)
    upload = Upload(
        user=user if isinstance(user, User) else None,
        name=shown_name(name),
        size=size,
        metadata=metadata,
        modified=modified,
        camera=camera.strip()[:LONGEST_NAME],
    )
    upload.path.parent.mkdir(parents=True, exist_ok=True)
    upload.path.touch(exist_ok=False)
    settle_folder(upload.path.parent)
    upload.save()
    return upload


def append(
    upload: Upload, stream: Readable, length: int, *, offset: int, checksum: Checksum | None = None
) -> int:
    """Write the ``length`` bytes of a request behind what is there; return how many are safe.

    Where the stream ends before, what came of it is kept; with a checksum it is not, since it
    cannot be told whether it is right.

    Raises:
        UploadError: which says what of all that can go wrong did.
    """
    _check_place(upload, offset, length)
    if length == 0:
        return upload.offset
    with _held(upload) as out:
        upload.refresh_from_db(fields=["offset", "state"])
        _check_place(upload, offset, length)  # another request may have written meanwhile
        out.truncate(offset)
        out.seek(offset)
        return _Writing(upload, out, checksum).take(stream, length)


def _check_place(upload: Upload, offset: int, length: int) -> None:
    if upload.state == Upload.EXPIRED:
        raise gone()
    if offset != upload.offset:
        raise WrongOffset(f"{upload.offset} bytes are here, so go on there and not at {offset}.")
    if offset + length > upload.size:
        raise TooLarge(f"The upload has {upload.size} bytes; {offset + length} would be too many.")


def gone() -> Gone:
    """The error of an upload that is not there any more."""
    return Gone("This upload is gone: it was cancelled or not gone on with in time. Begin anew.")


@contextmanager
def _held(upload: Upload) -> Iterator[FileIO]:
    """Open the file for this request alone; a process that dies lets go of it by itself."""
    try:
        out = FileIO(upload.path, "r+")
    except FileNotFoundError:
        raise gone() from None
    with out:
        try:
            fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked("Another connection is sending this file; it is tried again.") from None
        yield out


class _Writing:
    """One request's bytes on their way to the disk."""

    def __init__(self, upload: Upload, out: FileIO, checksum: Checksum | None) -> None:
        self.upload, self.out, self.checksum = upload, out, checksum
        self.end = upload.offset  # of what was written
        self.digest = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None

    def take(self, stream: Readable, length: int) -> int:
        """Write what comes; return how many bytes of the upload are safe."""
        begin = self.end
        try:
            self._receive(stream, length)
            if self.checksum and self.end - begin == length:
                self._compare()
                self._settle()
        except OSError as error:
            raise DiskFull(disk_sentence(error)) from error
        return self.upload.offset

    def _receive(self, stream: Readable, length: int) -> None:
        """Write what comes and, where no checksum is to be awaited, make it safe by and by."""
        try:
            for block in _blocks(stream, length):
                self._write(block)
                if not self.checksum and self.end - self.upload.offset >= SETTLE_BYTES:
                    self._settle()
        finally:
            if not self.checksum and self.end > self.upload.offset:
                self._settle()

    def _write(self, block: bytes) -> None:
        if shutil.disk_usage(self.upload.path.parent).free < LEAST_FREE + len(block):
            raise DiskFull(DISK_FULL)  # before it is, since the database is on it as well
        if self.digest:
            self.digest.update(block)
        rest = memoryview(block)
        while rest:
            written = self.out.write(rest)
            self.end += written
            rest = rest[written:]

    def _compare(self) -> None:
        assert self.checksum  # noqa: S101
        assert self.digest  # noqa: S101
        if self.digest.digest() != self.checksum.digest:
            raise Mismatch("These bytes were changed on their way; send them again.")

    def _settle(self) -> None:
        """Make what was written safe, and only then say so."""
        os.fsync(self.out.fileno())
        whole = self.end == self.upload.size
        state = Work.State.WAITING if whole else Upload.RECEIVING
        row = Upload.objects.filter(pk=self.upload.pk, state=Upload.RECEIVING)
        if not row.update(offset=self.end, state=state, expires_at=upload_expiry()):
            raise gone()  # cancelled meanwhile
        self.upload.refresh_from_db(fields=["offset", "state", "expires_at"])
        if whole:
            jobs.wake([self.upload])


def _blocks(stream: Readable, length: int) -> Iterator[bytes]:
    """Yield a request's bytes until they end, or the connection breaks or says nothing more."""
    while length:
        try:
            block = stream.read(min(BLOCK, length))
        except OSError:
            return
        if not block:
            return
        length -= len(block)
        yield block


def confirm(upload: Upload, *, camera: str, zone: str, start: datetime | None) -> Intake:
    """Make a recording of an upload that was examined, and begin its ingest.

    Args:
        upload: one that was examined.
        camera: its camera's name; a camera is made where there is none of that name.
        zone: the time zone of a camera that is made.
        start: the moment of its first second; None where nobody knows.

    Raises:
        IntakeError: with a sentence; the upload stays as it is.
    """
    with transaction.atomic():
        row = Upload.objects.select_for_update().filter(pk=upload.pk, state=Work.State.DONE).first()
        if row is None:
            raise IntakeError(f"{upload.name} is not here any more, or not whole yet.")
        try:
            intake = adopt(
                row.path, row.sha256, name=row.name, camera=camera, zone=zone, start=start
            )
        except OSError as error:
            raise IntakeError(disk_sentence(error)) from error
        row.delete()
    upload.path.unlink(missing_ok=True)  # where the library had the same bytes
    return intake


def remove(upload: Upload) -> None:
    """Cancel an upload, or forget one that came to nothing; a request at it stops by itself."""
    Upload.objects.filter(pk=upload.pk).delete()
    upload.path.unlink(missing_ok=True)


def expire() -> None:
    """Remove the bytes of uploads that nobody goes on with, and files that belong to none."""
    now = timezone.now()
    over = Upload.objects.filter(expires_at__lt=now)
    for upload in over.exclude(state__in=(Work.State.RUNNING, Upload.EXPIRED)):
        if over.filter(pk=upload.pk, state=upload.state).update(state=Upload.EXPIRED):
            upload.path.unlink(missing_ok=True)
    over.filter(state=Upload.EXPIRED, expires_at__lt=now - REMEMBERED).delete()
    _clear_garbage(now)


def _clear_garbage(now: datetime) -> None:
    """Delete what a killed process left of files on their way in: a file without a row is garbage.

    A copy that is under way has no row either, but it was written to a moment ago.
    """
    folder = settings.REPRISE_DATA / "incoming"
    before = (now - GARBAGE_AFTER).timestamp()
    old = {path.name: path for path in folder.glob("*") if _changed(path) < before}
    kept = {key.hex for key in Upload.objects.values_list("key", flat=True)} if old else set()
    for name in old.keys() - kept:
        old[name].unlink(missing_ok=True)


def _changed(path: Path) -> float:
    """Return when a file was last written to; never, where it has just gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf
