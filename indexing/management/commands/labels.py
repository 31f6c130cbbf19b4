"""Take labels in from tables, and write them out."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from indexing.events import label_tables, labels
from indexing.management.base import Command as BaseCommand
from indexing.management.base import Misuse, check_file, recording, user
from indexing.management.commands.label import document

NUMBER = "the number of a recording"


class Command(BaseCommand):
    help = "Import labels from a CSV file or an Audacity label track, or export them."

    def arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        taking = actions.add_parser("import", help="all rows of a file, or none")
        taking.add_argument("file", type=Path)
        giving = actions.add_parser("export", help="to standard output")
        giving.add_argument("--event", default="")
        for one in (taking, giving):
            one.add_argument("--recording", type=int, help=NUMBER)
            one.add_argument("--audacity", action="store_true", help="a label track, not a CSV")
            one.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, action: str, **options: Any) -> None:
        if options["audacity"] and options["recording"] is None:
            raise Misuse("A label track belongs to one recording; name it with --recording.")
        if action == "import":
            self._import(options)
        else:
            self._export(options)

    def _import(self, options: dict[str, Any]) -> None:
        path: Path = options["file"]
        if options["recording"] is not None and not options["audacity"]:
            raise Misuse("A CSV names its recordings itself; leave --recording out.")
        check_file(path)
        data = path.read_bytes()
        if options["audacity"]:
            of = recording(options["recording"])
            found = label_tables.import_audacity(data, of, name=path.name, made_by=user())
        else:
            found = label_tables.import_csv(data, name=path.name, made_by=user())
        lines = [f"{found.labels} labels were imported; {found.known} were there already."]
        counts = {"imported": found.labels, "known": found.known}
        self.answer(counts, lines, as_json=bool(options["json"]))

    def _export(self, options: dict[str, Any]) -> None:
        number = options["recording"]
        of = recording(number) if number is not None else None
        event, absent = labels.read_name(options["event"]) if options["event"] else ("", False)
        found = labels.standing(recording=of, event=event)
        if absent:
            found = found.filter(absent=True)
        write = label_tables.export_audacity if options["audacity"] else label_tables.export_csv
        rows = {"labels": [document(label) for label in found]}
        text = "" if options["json"] else write(found)
        self.answer(rows, text.rstrip("\r\n").splitlines(), as_json=bool(options["json"]))
