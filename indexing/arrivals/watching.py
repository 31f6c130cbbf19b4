"""A folder into which cameras write files by themselves: each is taken in once it is whole.

What was dealt with stands in the database, as it was then, so nothing is taken in twice and a
restart goes on where the last one stopped. Starts are read from each file or its name, as always
where nobody names one (indexing.ingest).
"""

import errno
import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from indexing.footage.intake import (
    LONGEST_NAME,
    Intake,
    IntakeError,
    NoRoom,
    find_known,
    take_in,
    take_link,
)
from indexing.media.errors import MediaError
from indexing.media.header import read_header
from indexing.models import Recording, SeenFile

RECORDING = re.compile(
    r"\.(mp4|m4v|mov|qt|mkv|webm|avi|ts|mts|m2ts|mpe?g|vob|flv|asf|wmv|3gp|mxf|dav|h?26[45]|wav|mp3|"
    r"m4a|aac|flac|og[ga]|opus)$",
    re.IGNORECASE,
)
CHANGED = "it was written to after it was taken in; the recording stays what it was then."

Stamp = tuple[int, int]  # bytes, and when it was last written to in ns


@dataclass(frozen=True)
class Outcome:
    """What came of a file: a recording, or the reason why there is none."""

    path: Path
    recording: Recording | None = None
    known: bool = False
    reason: str = ""
    waits: bool = False
    """Whether it is tried again by itself, since the reason is not the file's."""


class Watch:
    """A folder that is looked at again and again."""

    def __init__(
        self,
        folder: Path,
        *,
        camera: str = "",
        zone: str = "UTC",
        settle_s: float = 10.0,
        link: bool = False,
    ) -> None:
        """Watch a folder.

        Args:
            folder: where the files appear, at any depth.
            camera: whose they are; blank where each folder in it is named as its camera.
            zone: the time zone of a camera that is made.
            settle_s: how long a file must not have changed to be whole (s).
            link: keep files by a second name instead of a copy, where that is possible.
        """
        self.folder = folder.resolve()
        self.camera, self.zone, self.settle_s, self.link = camera, zone, settle_s, link
        self._since: dict[Path, tuple[Stamp, float]] = {}

    @property
    def growing(self) -> list[Path]:
        """The files that were left alone because they are not whole yet."""
        return sorted(self._since)

    def look(self) -> Iterator[Outcome]:
        """Go through the folder once, and yield what came of each file that is whole and new."""
        rows = SeenFile.objects.filter(path__startswith=f"{_key(self.folder)}/")
        seen = {row.path: row for row in rows.iterator()}
        there = dict(self._files())
        self._since = {path: since for path, since in self._since.items() if path in there}
        for path, stamp in there.items():
            row = seen.get(_key(path))
            if row and (row.size, row.modified_ns) == stamp:
                self._since.pop(path, None)
            elif self._is_whole(path, stamp):
                with suppress(FileNotFoundError):  # it was there a moment ago
                    yield self._deal_with(path, stamp, row)

    def _files(self) -> Iterator[tuple[Path, Stamp]]:
        """Yield the files that may be recordings, in the order of their names."""
        for folder, folders, names in os.walk(self.folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for path in (Path(folder, name) for name in sorted(names) if not name.startswith(".")):
                if RECORDING.search(path.name):
                    with suppress(OSError):
                        status = path.stat()
                        if status.st_size:
                            yield path, (status.st_size, status.st_mtime_ns)

    def _is_whole(self, path: Path, stamp: Stamp) -> bool:
        """Tell whether a file has not changed for long enough, and nobody is writing to it."""
        now = time.monotonic()
        before, since = self._since.get(path, (stamp, now))
        self._since[path] = (stamp, since if before == stamp else now)
        return now - self._since[path][1] >= self.settle_s and not is_written_to(path)

    def _deal_with(self, path: Path, stamp: Stamp, row: SeenFile | None) -> Outcome:
        if row and not row.reason:
            outcome = Outcome(path, row.recording, reason=CHANGED)
        else:
            outcome = self._take(path)
        self._since.pop(path, None)
        if not outcome.waits:
            size, modified_ns = stamp
            values = {
                "size": size,
                "modified_ns": modified_ns,
                "recording": outcome.recording,
                "reason": "" if outcome.recording else outcome.reason,
                "seen_at": timezone.now(),
            }
            SeenFile.objects.update_or_create(path=_key(path), defaults=values)
        return outcome

    def _take(self, path: Path) -> Outcome:
        """Take a file in, unless it is no recording or the library holds its bytes already."""
        try:
            read_header(path)
            known = find_known(path)
            taken = Intake(known, known=True) if known else self._taken(path)
        except FileNotFoundError:
            raise
        except NoRoom as error:
            return Outcome(path, reason=error.sentence, waits=True)
        except (MediaError, IntakeError) as error:
            return Outcome(path, reason=str(error))
        except OSError as error:
            return Outcome(path, reason=f"it cannot be read ({error.strerror}).", waits=True)
        return Outcome(path, taken.recording, known=taken.known)

    def _taken(self, path: Path) -> Intake:
        camera = self.camera or self.camera_of(path)
        if self.link:
            with suppress(OSError):
                return take_link(path, camera=camera, zone=self.zone)
        with path.open("rb") as stream:
            size = path.stat().st_size
            return take_in(stream, name=path.name, size=size, camera=camera, zone=self.zone)

    def camera_of(self, path: Path) -> str:
        """Return the camera that a file's place names: the outermost folder it is in."""
        parts = path.relative_to(self.folder).parts
        return (parts[0] if len(parts) > 1 else self.folder.name)[:LONGEST_NAME]


def is_written_to(path: Path) -> bool:
    """Tell whether a process of this machine has a file open for writing.

    A lease for reading is granted only where nobody has. False where that cannot be told: on some
    network file systems, and of other people's files.
    """
    try:
        with path.open("rb") as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False


def left_out(folder: Path) -> list[SeenFile]:
    """Return the files of a folder that are no recordings, each with its reason."""
    rows = SeenFile.objects.filter(path__startswith=f"{_key(folder.resolve())}/")
    return list(rows.exclude(reason=""))


def _key(path: Path) -> str:
    """Return a path as its row has it; bytes that are no text are written out."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
