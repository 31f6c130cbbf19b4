"""Bring in pretrained weights of the trunk, or tell which are in use."""

from argparse import SUPPRESS
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from indexing import ingest
from indexing.footage import weights
from indexing.management.base import Command as BaseCommand
from indexing.management.base import check_file

RANDOM = "The trunk has random weights; searches use the foreground and the sound alone."


class Command(BaseCommand):
    help = "Fetch or import X3D-M's Kinetics-400 weights, or choose or show which are in use."

    def arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(
            dest="action", required=True, metavar="fetch|import|use|show"
        )
        fetch = actions.add_parser("fetch", help="download the published checkpoint")
        fetch.add_argument("--url", help="from elsewhere than PyTorchVideo's model zoo")
        brought = actions.add_parser("import", help="take a checkpoint from a file")
        brought.add_argument("file", type=Path)
        chosen = actions.add_parser("use", help="go over to the project's own weights, or random")
        chosen.add_argument("which", choices=weights.USABLE)
        show = actions.add_parser("show", help="tell which weights are in use")
        for action in (fetch, brought):
            action.add_argument("--sha256", metavar="HEX", help="refuse any other file")
        for action in (fetch, brought, chosen, show):
            # The parser above it has already set the option where it stood before the action.
            action.add_argument("--json", action="store_true", default=SUPPRESS)

    def handle(self, *, action: str, **options: Any) -> None:
        as_json = bool(options["json"])
        found = self._run(action, options)
        name = weights.trunk_name(weights.current_trunk_weights())
        if action != "show" and (clips := ingest.describe_again(name)):
            self.say(
                f"{clips:,} clips are queued to be seen again with these weights; "
                "searches go on meanwhile."
            )
        if found is None:
            self.answer({"name": None, "pretrained": False}, [RANDOM], as_json=as_json)
            return
        document = {**found.to_json(), "pretrained": True}
        lines = [f"In use: {found.name}.", f"SHA-256 of what was received: {found.sha256}"]
        self.answer(document, lines, as_json=as_json)

    def _run(self, action: str, options: dict[str, Any]) -> weights.Imported | None:
        if action == "show":
            return weights.show_weights()
        if action == "use":
            return weights.use_weights(options["which"])
        if action == "import":
            check_file(options["file"])
            return weights.import_weights(options["file"], sha256=options["sha256"])
        from ml.weights import KINETICS_URL

        url = options["url"] or KINETICS_URL
        self.say(f"Downloading {url}")
        return weights.fetch_weights(url, sha256=options["sha256"], on_progress=self._progress())

    def _progress(self) -> weights.Progress:
        """Tell every tenth of the download, or every four megabytes of one of unknown length."""
        told = 0

        def tell(done: int, total: int | None) -> None:
            nonlocal told
            step = max(total // 10, 1) if total else 4_000_000
            if done // step > told:
                told = done // step
                of = f" of {total / 1e6:.1f}" if total else ""
                self.say(f"{done / 1e6:.1f}{of} MB")

        return tell
