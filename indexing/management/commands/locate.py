"""Tell how probable a labelled event is in every second of a recording."""

import time
from typing import Any

from django.core.management.base import CommandParser

from indexing.encoders.switching import OPEN
from indexing.events import labels, locations
from indexing.events.probabilities import Located, locate
from indexing.files import DISK_FULL
from indexing.management.base import Command as BaseCommand
from indexing.management.base import Failure, recording
from indexing.models import Location, Recording
from indexing.work.progress import Progress
from indexing.work.waiting import POLL_S, WorkerDied, attended


class Command(BaseCommand):
    help = (
        "Learn an event from its labels, five at least, where that was not done yet, and tell how "
        "probable it is in every second of a recording. An interval is start <= second < end."
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("recording", type=int)
        parser.add_argument("event")
        parser.add_argument(
            "--with", dest="modality", choices=Location.Modality.values, help="what tells it"
        )
        waits = parser.add_mutually_exclusive_group()
        waits.add_argument("--wait", action="store_true", default=True, help="this is the default")
        waits.add_argument(
            "--no-wait", dest="wait", action="store_false", help="answer by what is learnt so far"
        )

    def handle(self, *, event: str, wait: bool, **options: Any) -> None:
        of = recording(options["recording"])
        location = locations.find(of.camera, labels.read_name(event)[0])
        if options["modality"]:
            locations.tell_by(location, options["modality"])
        locations.request(location)
        if wait:
            try:
                self._follow(location)
            except WorkerDied as error:
                raise Failure(str(error)) from error
        found = locate(of, location.event)
        for note in found.notes:
            self.say(note)
        self.answer(document(found), lines(found, of), as_json=bool(options["json"]))

    def _follow(self, location: Location) -> None:
        """Wait until the event is learnt, with a worker of one's own while no other is running."""
        progress = Progress(f"Learning {location.event}", 100, "%")
        with attended() as check:
            while (job := _open(location)) is not None:
                check()
                if job.error == DISK_FULL:
                    raise WorkerDied(DISK_FULL)
                progress.update(100 * job.progress)
                time.sleep(POLL_S)


def _open(location: Location) -> Any:
    """Return the job that is still to learn the event, if any."""
    location.refresh_from_db()
    return location.job if location.job and location.job.state in OPEN else None


def document(found: Located) -> dict[str, object]:
    """Return the JSON of docs/cli.md."""
    quality = found.quality
    return {
        "recording": found.recording.pk,
        "event": found.location.event,
        "encoder": found.location.encoder_id,
        "with": found.location.quality["with"],
        "probabilities": list(found.probabilities),
        "intervals": [
            {"start": one.start, "end": one.end, "peak": one.peak, "score": one.score}
            for one in found.intervals
        ],
        "quality": {
            "average_precision": quality.average_precision if quality else None,
            "balanced_accuracy": quality.balanced_accuracy if quality else None,
            "examples": found.examples,
        },
        "proposals": found.location.proposals,
        "notes": list(found.notes),
    }


def lines(found: Located, of: Recording) -> list[str]:
    """Return the intervals as a table for people."""
    quality = found.quality
    told = (
        f"average precision {quality.average_precision:.2f}, balanced accuracy "
        f"{quality.balanced_accuracy:.2f} on labels left out"
        if quality
        else "how well cannot be told yet"
    )
    count = len(found.intervals)
    intervals = f"{count or 'no'} interval{'' if count == 1 else 's'}"
    head = (
        f"{found.location.event} in {of.name}: {intervals}, learnt from {found.examples} labels; "
        f"{told}."
    )
    if not count:
        return [head]
    return [head, f"{'most at':<25}  {'from':>6}  {'before':>6}  probability"] + [
        f"{one.at.isoformat():<25}  {one.start:>6}  {one.end:>6}  {one.score:>11.2f}"
        for one in found.intervals
    ]
