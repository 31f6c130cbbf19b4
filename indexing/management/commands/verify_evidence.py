"""Check a ZIP of evidence against its manifest and signature."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from indexing.casework.archive import ArchiveError, verify
from indexing.management.base import Command as BaseCommand
from indexing.management.base import check_file


class Command(BaseCommand):
    help = "Check that a ZIP of evidence is exactly as this server signed it."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **options: Any) -> None:
        check_file(file)
        try:
            sentence = verify(file)
        except ArchiveError as error:
            self.fail(error.sentence)
        self.answer({"ok": True, "sentence": sentence}, [sentence], as_json=bool(options["json"]))
