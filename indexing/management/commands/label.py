"""Say that an event happens in some seconds of a recording."""

from typing import Any

from django.core.management.base import CommandParser

from indexing.events import labels
from indexing.management.base import Command as BaseCommand
from indexing.management.base import recording, second, user
from indexing.models import Label


class Command(BaseCommand):
    help = (
        "Label START <= second < END of a recording with an event; “not siren” says that there is "
        "no siren."
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("recording", type=int)
        parser.add_argument("event")
        parser.add_argument("start", type=second)
        parser.add_argument("end", type=second)
        parser.add_argument("--note", default="")

    def handle(self, *, event: str, start: int, end: int, note: str, **options: Any) -> None:
        of = recording(options["recording"])
        label = labels.make(of, event, start, end, note=note, made_by=user())
        self.answer(
            document(label),
            [f"Seconds {start} to {end} of {of.name} are labelled {label.name}."],
            as_json=bool(options["json"]),
        )


def document(label: Label) -> dict[str, object]:
    """Return the JSON of docs/cli.md."""
    return {
        "label": label.pk,
        "recording": label.recording_id,
        "event": label.name,
        "start_s": label.start_s,
        "end_s": label.end_s,
        "note": label.note,
    }
