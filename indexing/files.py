"""Immutable files below the data root (rule 2 of the design).

A file is written to a temporary name, fsynced, renamed and only then recorded in a row with its
size and SHA-256. The row publishes it; a file without a row is garbage.
"""

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

BLOCK = 2**20
LEAST_FREE = 32 * 2**20
DISK_FULL = (
    "The disk that holds the data root is full; make room there, and it goes on. Nothing was lost."
)


class FileDamaged(Exception):
    """A published file is missing or no longer has the bytes that were recorded."""


@dataclass(frozen=True)
class Published:
    """A file as its row records it: path below the data root, bytes, SHA-256 in hex."""

    file: str
    size: int
    sha256: str


def absolute(file: str) -> Path:
    """Return where a published file lies on this machine."""
    return Path(settings.REPRISE_DATA / file)


def publish(folder: str, suffix: str, write: Callable[[Path], object]) -> Published:
    """Let ``write`` make a file under a temporary name, then give it its final, unique one.

    Raises:
        OSError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    file = f"{folder}/{uuid.uuid4().hex}{suffix}"
    path = absolute(file)
    temporary = path.with_name(f".{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write(temporary)
        size, sha256 = seal(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return Published(file, size, sha256)


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; what is there gets its name, or goes if the block fails.

    For files that are made again where they are lost: nothing is fsynced.
    """
    draft = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def seal(temporary: Path, path: Path) -> tuple[int, str]:
    """Fsync a finished file, rename it, and return its size and SHA-256."""
    sha256 = checksum(temporary)
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    temporary.rename(path)
    settle_folder(path.parent)
    return path.stat().st_size, sha256


def settle_folder(folder: Path) -> None:
    """Fsync a folder, so that a rename in it outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def checksum(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """Return the SHA-256 of a file in hex, telling ``on_bytes`` how many were read so far."""
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            done += len(block)
            if on_bytes:
                on_bytes(done)
    return digest.hexdigest()


def checked(file: str, sha256: str) -> Path:
    """Return the path of a published file whose bytes are still the recorded ones.

    Raises:
        FileDamaged: it is missing or its checksum differs.
    """
    path = absolute(file)
    try:
        actual = checksum(path)
    except OSError as error:
        raise FileDamaged(f"{file} cannot be read: {error.strerror}.") from error
    if actual != sha256:
        raise FileDamaged(f"{file} no longer has the bytes that were recorded for it.")
    return path


def disk_is_full() -> bool:
    """Tell whether the data root's disk has no room left to work in.

    Libraries hide the error number of a full disk behind errors of their own.
    """
    return shutil.disk_usage(settings.REPRISE_DATA).free < LEAST_FREE


def disk_sentence(error: OSError) -> str:
    """Say in a sentence what an error of the file system means for the person waiting."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DISK_FULL
    return f"A file could not be written or read ({error.strerror or error})."
