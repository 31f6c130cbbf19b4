"""Thumbnails: one JPEG a clip, those of a chunk in one immutable file."""

import errno
import io
import os
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt
from PIL import Image

from indexing.media import sandbox
from indexing.media.errors import MediaError

QUALITY = 75


def jpeg(frame: npt.NDArray[np.uint8]) -> bytes:
    """Compress one RGB picture, uint8 (H, W, 3)."""
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def pack(path: Path, thumbnails: Mapping[int, bytes]) -> None:
    """Write the thumbnails of a chunk, keyed by second, as a ZIP whose members are stored as is.

    The same thumbnails give the same bytes. The file appears under its name only when it is whole
    and on disk. Raises MediaError where the disk is full.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            with ZipFile(file, "w", ZIP_STORED) as archive:
                for second in sorted(thumbnails):
                    archive.writestr(ZipInfo(str(second)), thumbnails[second])
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise sandbox.disk_full() from error
        raise
    finally:
        draft.unlink(missing_ok=True)


def read(path: Path) -> dict[int, bytes]:
    """Return a packed file's thumbnails, keyed by second. Raises MediaError where it is broken."""
    try:
        with ZipFile(path) as archive:
            return {int(name): archive.read(name) for name in archive.namelist()}
    except (OSError, BadZipFile, ValueError) as error:
        raise _unreadable(path) from error


def read_thumbnail(path: Path, second: int) -> bytes:
    """Return one second's JPEG. Raises KeyError for a second without one, MediaError if broken."""
    try:
        with ZipFile(path) as archive:
            return archive.read(str(second))
    except (OSError, BadZipFile) as error:
        raise _unreadable(path) from error


def _unreadable(path: Path) -> MediaError:
    return MediaError(f"The thumbnails in {path.name} cannot be read: index the recording again.")
