"""Take a recording in; with --wait, until all of it can be searched."""

from datetime import datetime
from pathlib import Path

from django.core.management.base import CommandParser

from indexing.footage.intake import find_known, take_in
from indexing.management.base import Command as BaseCommand
from indexing.management.base import Failure, check_file, moment
from indexing.models import Camera, Recording
from indexing.work.progress import Progress
from indexing.work.waiting import WorkerDied, wait_for


class Command(BaseCommand):
    help = "Take in a recording: MP4, MOV, MKV, WebM, AVI, MPEG-TS, or sound alone."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--camera", default="Camera 1", help="its camera; made if it is new")
        parser.add_argument("--zone", default="UTC", help="time zone of a new camera")
        parser.add_argument("--start", type=moment, help="moment of its first second, ISO 8601")
        parser.add_argument("--wait", action="store_true", help="until all of it is searchable")

    def handle(
        self, *, file: Path, camera: str, zone: str, start: datetime | None, **options: object
    ) -> None:
        check_file(file)
        recording = find_known(file)
        if recording:
            self.say(
                f"This file is already here, as recording {recording.pk} of {recording.camera}."
            )
        else:
            recording = taken_in(file, camera=camera, zone=zone, start=in_zone(start, camera, zone))
        if options["wait"]:
            try:
                wait_for(recording)
            except WorkerDied as error:
                raise Failure(str(error)) from error
        self.answer(document(recording), lines(recording), as_json=bool(options["json"]))
        if recording.state == Recording.State.REFUSED:
            raise Failure(f"{recording.name} was refused: {recording.reason}")


def taken_in(file: Path, *, camera: str, zone: str, start: datetime | None) -> Recording:
    """Take a file in, showing how far it has been copied."""
    size = file.stat().st_size
    progress = Progress("Copying", size / 1e6, "MB")
    with file.open("rb") as stream:
        return take_in(
            stream,
            name=file.name,
            size=size,
            camera=camera,
            zone=zone,
            start=start,
            on_progress=lambda done: progress.update(done / 1e6),
        ).recording


def in_zone(start: datetime | None, camera: str, zone: str) -> datetime | None:
    """Read a moment without an offset on the camera's own clock."""
    if start is None or start.tzinfo:
        return start
    known = Camera.objects.filter(name=camera.strip()).first() or Camera(zone=zone)
    try:
        return start.replace(tzinfo=known.tzinfo)
    except (KeyError, ValueError):
        raise Failure(f"{zone!r} is not a time zone; write one like Europe/Brussels.") from None


def document(recording: Recording) -> dict[str, object]:
    """Return the JSON of docs/cli.md."""
    answer: dict[str, object] = {
        "recording": recording.pk,
        "camera": recording.camera.name,
        "state": recording.state,
        "clips": recording.duration_s,
        "video": recording.has_video,
        "audio": recording.has_audio,
        "gaps": recording.gaps,
    }
    if recording.reason:
        answer["reason"] = recording.reason
    return answer


def lines(recording: Recording) -> list[str]:
    """Say how the ingest stands."""
    if recording.state == Recording.State.READY:
        parts = [name for name in ("video", "audio") if getattr(recording, f"has_{name}")]
        found = [
            f"Recording {recording.pk} of {recording.camera.name} is ready: "
            f"{recording.duration_s} clips with {' and '.join(parts)}."
        ]
    elif recording.state == Recording.State.REFUSED:
        found = []
    else:
        found = [f"Recording {recording.pk} of {recording.camera.name} is queued for ingest."]
    return found + [
        f"Gap from second {gap['start']} to {gap['end']}: {gap['reason']}" for gap in recording.gaps
    ]
