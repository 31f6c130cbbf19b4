"""Prove that every clip planned is embedded and searchable, and that no file has changed."""

from django.core.management.base import CommandParser

from indexing.management.base import Command as BaseCommand
from indexing.verify import verify


class Command(BaseCommand):
    help = "Check every row against its files; ends with status 1 where something is wrong."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--repair", action="store_true", help="queue damaged chunks to be made again"
        )

    def handle(self, *, repair: bool, **options: object) -> None:
        report = verify(repair=repair)
        document = {
            "ok": report.ok,
            "clips_planned": report.clips_planned,
            "clips_embedded": report.clips_embedded,
            "clips_searchable": report.clips_searchable,
            "problems": report.problems,
        }
        lines = [
            f"{report.clips_planned} clips planned, {report.clips_embedded} embedded, "
            f"{report.clips_searchable} searchable.",
            *report.problems,
        ]
        self.answer(document, lines, as_json=bool(options["json"]))
        if not report.ok:
            self.fail(f"{len(report.problems) or 'Some'} problems were found.")
