"""Take in whatever cameras write into a folder, as soon as each file is whole."""

import signal
import time
from functools import partial
from pathlib import Path
from types import FrameType

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser

from indexing.arrivals.watching import Outcome, Watch, left_out
from indexing.management.base import Command as BaseCommand
from indexing.management.base import Failure, number
from indexing.models import check_zone
from indexing.work.jobs import worker_running


class Command(BaseCommand):
    help = "Watch a folder, and take in what cameras write there once each file is whole."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--camera", default="", help="their camera; else each folder in it is named as one"
        )
        parser.add_argument("--zone", default="UTC", help="time zone of a new camera")
        seconds = partial(number, least=1, most=86_400)
        parser.add_argument(
            "--settle", type=seconds, default=10, help="seconds without a change: then it is whole"
        )
        parser.add_argument("--every", type=seconds, default=5, help="seconds between two looks")
        parser.add_argument(
            "--link",
            action="store_true",
            help="no second copy on the same disk; for cameras that never reopen a finished file",
        )
        parser.add_argument("--once", action="store_true", help="take in what is there, then stop")

    def handle(
        self, *, folder: Path, camera: str, zone: str, settle: int, link: bool, **options: object
    ) -> None:
        if not folder.is_dir():
            raise Failure(f"There is no folder {folder}.")
        try:
            check_zone(zone)
        except ValidationError as error:
            raise Failure(" ".join(error.messages)) from None
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, _stop)
        signal.signal(signal.SIGIO, signal.SIG_IGN)  # a camera reopens a file that is looked at
        watch = Watch(folder, camera=camera.strip(), zone=zone, settle_s=settle, link=link)
        self.taken: list[Outcome] = []
        self.told: set[tuple[Path, str]] = set()
        try:
            self._watch(watch, float(str(options["every"])), once=bool(options["once"]))
        except KeyboardInterrupt:
            self.say("")
        self._finish(watch, as_json=bool(options["json"]))

    def _watch(self, watch: Watch, every_s: float, *, once: bool) -> None:
        """Look again and again; once means until what was there has had time to settle."""
        if not once:
            self.say(f"Watching {watch.folder}; Ctrl-C stops it.")
        if not worker_running():
            self.say("No worker is running, so nothing is searchable yet: start manage.py worker.")
        for row in left_out(watch.folder):
            self.say(f"{row.path} was left out: {row.reason}")
        ends = time.monotonic() + watch.settle_s
        self._look(watch)
        while not once or (watch.growing and time.monotonic() < ends):
            time.sleep(min(every_s, watch.settle_s) if once else every_s)
            self._look(watch)

    def _look(self, watch: Watch) -> None:
        if not watch.folder.is_dir():
            self._tell(watch.folder, f"{watch.folder} cannot be reached; it is looked for again.")
            return
        for outcome in watch.look():
            name = outcome.path.relative_to(watch.folder)
            if outcome.reason:
                word = "waits" if outcome.waits else "is left out"
                self._tell(outcome.path, f"{name} {word}: {outcome.reason}")
            elif outcome.recording:
                self.taken.append(outcome)
                how = "is here already, as" if outcome.known else "is taken in as"
                whose = outcome.recording.camera.name
                self.say(f"{name} {how} recording {outcome.recording.pk} of {whose}.")

    def _tell(self, path: Path, sentence: str) -> None:
        """Say something that may be so at every look, once."""
        if (path, sentence) not in self.told:
            self.told.add((path, sentence))
            self.say(sentence)

    def _finish(self, watch: Watch, *, as_json: bool) -> None:
        out = left_out(watch.folder)
        document = {
            "taken": [
                {"file": str(each.path), "recording": each.recording.pk, "known": each.known}
                for each in self.taken
                if each.recording
            ],
            "left_out": [{"file": row.path, "reason": row.reason} for row in out],
            "growing": [str(path) for path in watch.growing],
        }
        parts = [f"{len(self.taken)} taken in"]
        parts += [f"{len(out)} left out"] if out else []
        parts += [f"{len(watch.growing)} not whole yet"] if watch.growing else []
        lines = [f"Of {watch.folder}: {', '.join(parts)}. The next start goes on from here."]
        self.answer(document, lines, as_json=as_json)


def _stop(signum: int, frame: FrameType | None) -> None:
    """End the command as Ctrl-C does."""
    raise KeyboardInterrupt
