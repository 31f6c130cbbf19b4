"""Proof that what was planned is embedded and searchable, and that every file is what it was."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from django.conf import settings

from indexing.encoders import snapshots
from indexing.events import locations
from indexing.files import FileDamaged, checked
from indexing.models import (
    Camera,
    Chunk,
    Encoder,
    Location,
    Recording,
    Shard,
    Training,
    Upload,
    Work,
)
from indexing.work.jobs import do_again


@dataclass
class Report:
    """Clips planned, embedded and searchable, and a sentence for each problem found."""

    clips_planned: int = 0
    clips_embedded: int = 0
    clips_searchable: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything planned can be searched and nothing is damaged."""
        counts = {self.clips_planned, self.clips_embedded, self.clips_searchable}
        return len(counts) == 1 and not self.problems


def verify(*, repair: bool = False) -> Report:
    """Compare rows, files and snapshots.

    With ``repair`` damaged chunks are queued to be made again, and files that no row has published
    for an hour are deleted: those of a worker that died, or that something newer replaced.
    """
    report = Report()
    snapshots.forget()
    for recording in Recording.objects.exclude(state=Recording.State.REFUSED):
        report.problems += _recording_problems(recording)
    for chunk in Chunk.objects.exclude(recording__state=Recording.State.REFUSED):
        _count_chunk(chunk, report)
        problems = list(_chunk_problems(chunk))
        report.problems += problems
        if problems and repair:
            do_again(chunk)
    for camera in Camera.objects.select_related("encoder"):
        if camera.encoder:
            try:
                checked(camera.encoder.file, camera.encoder.sha256)
            except FileDamaged as error:
                report.problems.append(f"The encoder of {camera.name}: {error}")
            _count_searchable(camera, camera.encoder, report)
    report.problems += _location_problems(repair=repair)
    if repair:
        hour_ago = time.time() - 3600
        for path in garbage():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < hour_ago:
                    path.unlink()
    return report


def _location_problems(*, repair: bool) -> Iterator[str]:
    """Yield what is wrong with the files of located events."""
    for location in Location.objects.exclude(file=""):
        try:
            checked(location.file, location.sha256)
        except FileDamaged as error:
            yield f"What was learnt of {location}: {error}"
            if repair:
                locations.learn_again(location)


def _recording_problems(recording: Recording) -> Iterator[str]:
    """Yield what is wrong with a recording's own row and files."""
    try:
        checked(recording.original, recording.sha256)
    except FileDamaged as error:
        yield f"The original of {recording.name} is damaged: {error}"
    if recording.playable_path and not recording.playable_path.exists():
        yield f"The playable copy of {recording.name} is missing."
    chunks = recording.chunks.order_by("start_s")
    edges = [(chunk.start_s, chunk.start_s + chunk.clips) for chunk in chunks]
    if recording.duration_s and edges:
        ends = [0, *(end for _, end in edges)]
        starts = [*(start for start, _ in edges), recording.duration_s]
        if ends != starts:
            yield f"The chunks of {recording.name} do not cover each of its seconds once."


def _count_chunk(chunk: Chunk, report: Report) -> None:
    """Add a chunk to what is planned, and its shard to what is embedded."""
    if chunk.recording.camera.samples:
        return  # its clips are not searched themselves
    if chunk.state != Work.State.FAILED or chunk.shards.exists():
        report.clips_planned += chunk.clips
    shards = Shard.objects.filter(chunk=chunk, encoder=chunk.recording.camera.encoder)
    report.clips_embedded += sum(shards.values_list("clips", flat=True))


def _chunk_problems(chunk: Chunk) -> Iterator[str]:
    """Yield what is wrong with a chunk's state and files."""
    name = f"Seconds {chunk.start_s} to {chunk.start_s + chunk.clips} of {chunk.recording.name}"
    if chunk.state == Work.State.FAILED:
        yield f"{name} could not be read: {chunk.error}"
        return
    if chunk.state != Work.State.DONE:
        yield f"{name} are not embedded yet."
        return
    in_use = chunk.shards.filter(encoder=chunk.recording.camera.encoder)
    for file, sha256 in [
        (chunk.features, chunk.features_sha256),
        *in_use.values_list("file", "sha256"),
    ]:
        try:
            checked(file, sha256)
        except FileDamaged as error:
            yield f"{name}: {error}"


def _count_searchable(camera: Camera, encoder: Encoder, report: Report) -> None:
    """Add the clips of a camera that a search would really look at, each counted once."""
    snapshot = snapshots.current(encoder)
    rows = snapshot.admitted(cameras=(camera.name,))
    clips = np.stack([snapshot.recording[rows], snapshot.second[rows]], axis=1)
    distinct = len(np.unique(clips, axis=0)) if len(clips) else 0
    report.clips_searchable += distinct
    if distinct != len(clips):
        report.problems.append(f"{len(clips) - distinct} clips of {camera.name} are doubled.")


def garbage() -> list[Path]:
    """Return files of the data root that no row publishes; they may be deleted at any time."""
    root = settings.REPRISE_DATA
    known = {
        *Recording.objects.values_list("original", flat=True),
        *Recording.objects.values_list("playable", flat=True),
        *Chunk.objects.values_list("features", flat=True),
        *Chunk.objects.values_list("thumbnails", flat=True),
        *Shard.objects.values_list("file", flat=True),
        *Encoder.objects.values_list("file", flat=True),
        *Training.objects.values_list("checkpoint", flat=True),
        *Location.objects.values_list("file", flat=True),
        *(f"incoming/{key.hex}" for key in Upload.objects.values_list("key", flat=True)),
    }
    folders = (
        *("incoming", "originals", "previews", "features", "thumbnails", "shards"),
        *("encoders", "checkpoints", "locations"),
    )
    return [
        path
        for folder in folders
        for path in sorted((root / folder).rglob("*"))
        if path.is_file() and str(path.relative_to(root)) not in known
    ]
