"""Take in a file to search with; with --wait, until a moment of it can be searched for."""

from pathlib import Path

from django.core.management.base import CommandParser

from indexing.footage.intake import LONGEST_SAMPLE_S, SAMPLES, take_sample
from indexing.management.base import Command as BaseCommand
from indexing.management.base import Failure, check_file
from indexing.management.commands.ingest import document
from indexing.models import Recording
from indexing.work.waiting import WorkerDied, wait_for


class Command(BaseCommand):
    help = (
        f"Take in a video or a sound of up to {LONGEST_SAMPLE_S} seconds to search with: "
        "manage.py search ID SECOND then searches all cameras for a second of it."
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--wait", action="store_true", help="until it can be searched for")

    def handle(self, *, file: Path, **options: object) -> None:
        check_file(file)
        with file.open("rb") as stream:
            taken = take_sample(stream, name=file.name, size=file.stat().st_size)
        found = taken.recording
        if taken.known and not found.camera.samples:
            self.say(f"This file is recording {found.pk} of {found.camera}; search from there.")
        if options["wait"]:
            try:
                wait_for(found)
            except WorkerDied as error:
                raise Failure(str(error)) from error
        if found.state == Recording.State.REFUSED:
            raise Failure(f"{found.name} was refused: {found.reason}")
        said = f"{SAMPLES}: {found.name} is recording {found.pk}, {found.duration_s} seconds."
        self.answer(document(found), [said], as_json=bool(options["json"]))
