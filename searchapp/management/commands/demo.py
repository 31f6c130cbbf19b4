"""The main job in one command: footage in, a page to search it, progress until it is all there."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandParser

from indexing.footage.intake import find_known
from indexing.management.base import Command as BaseCommand
from indexing.management.base import Failure, check_file, number
from indexing.management.commands.ingest import taken_in
from indexing.models import Recording
from indexing.work import waiting

CAMERA = "Crossroads"
ZONE = "Europe/Brussels"
SEED = 1
PIECES = 4
PIECE_MINUTES = 10
# The stream turns from day to night, so it begins on an evening in May.
FIRST_MOMENT = datetime(2026, 5, 4, 20, 40, tzinfo=ZoneInfo(ZONE))
START_WITHIN_S = 60.0


class Command(BaseCommand):
    help = "Start Reprise with demo footage, or with a recording of your own."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path, help="a recording of your own")
        parser.add_argument("--port", type=partial(number, least=1, most=65_535), default=8000)
        parser.add_argument(
            "--no-serve", action="store_true", help="stop when everything can be searched"
        )

    def handle(self, *, file: Path | None, port: int, no_serve: bool, **options: object) -> None:
        if file:
            check_file(file)
        check_port(port)
        # Also where a shell started it in the background, which ignores Ctrl-C for its children.
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, _stop)
        call_command("accounts", stdout=sys.stderr)
        try:
            with waiting.Children(partial(start_web, port), waiting.start_worker) as children:
                wait_for_web(port)
                self.say(f"\nReprise runs at http://127.0.0.1:{port}/  (Ctrl-C stops it)\n")
                self._main_job(file, port, children)
                while not no_serve:
                    children.keep()
                    time.sleep(1)
        except waiting.WorkerDied as error:
            raise Failure(str(error)) from error
        except KeyboardInterrupt:
            self.say("")
        self.answer(
            {"recordings": Recording.objects.count()},
            ["Everything is stopped; the next start keeps it all."],
            as_json=bool(options["json"]),
        )

    def _main_job(self, file: Path | None, port: int, children: waiting.Children) -> None:
        """Bring the footage in and follow it until all of it can be searched."""
        recordings = [own(file)] if file else [piece(part) for part in range(PIECES)]
        for recording in recordings:
            waiting.follow(recording, children.keep)
        for recording in recordings:
            if recording.state == Recording.State.REFUSED:
                self.say(f"{recording.name} was refused: {recording.reason}")
        ready = [r for r in recordings if r.state == Recording.State.READY]
        if not ready:
            raise Failure("Nothing of it can be searched.")
        first = ready[0]
        self.say(
            f"All of it can be searched. Choose a moment: "
            f"http://127.0.0.1:{port}/recordings/{first.pk}"
        )


def _stop(signum: int, frame: FrameType | None) -> None:
    """End the demo with everything it started."""
    raise KeyboardInterrupt


def check_port(port: int) -> None:
    """Refuse a port that something else listens on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise Failure(
                f"Port {port} is in use; choose another with PORT=, such as PORT={port + 1}."
            ) from None


def start_web(port: int) -> subprocess.Popen[bytes]:
    """Start the web server: one process with threads, which share its snapshots."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "searchapp.wsgi"),
            *("--bind", f"127.0.0.1:{port}", "--threads", "8", "--timeout", "0"),
            *("--no-control-socket", "--log-level", "warning"),
        ],
        cwd=settings.BASE_DIR,
        stdout=sys.stderr.fileno(),
        start_new_session=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "searchapp.settings"},
    )


def wait_for_web(port: int) -> None:
    """Return once the web server answers."""
    until = time.monotonic() + START_WITHIN_S
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise Failure("The web server did not start; its messages stand above.")


def own(file: Path) -> Recording:
    """Take in a recording of the user's own, unless it is here."""
    return find_known(file) or taken_in(file, camera="My camera", zone="UTC", start=None)


def piece(part: int) -> Recording:
    """Render ten minutes of the demo stream, unless they are here, and take them in."""
    start = FIRST_MOMENT + timedelta(minutes=part * PIECE_MINUTES)
    known = Recording.objects.filter(camera__name=CAMERA, start=start, start_known=True).first()
    if known:
        return known
    folder = settings.REPRISE_DATA / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    video = folder / f"crossroads-{start:%H%M}.mp4"
    if not video.exists():
        # The first piece has the machine to itself; later ones share it with the worker.
        processes = (os.cpu_count() or 1) if part == 0 else 1
        call_command(
            "crossroads",
            str(video),
            *("--minutes", str(PIECES * PIECE_MINUTES), "--part", f"{part + 1}/{PIECES}"),
            *("--seed", str(SEED), "--view", "A", "--jobs", str(processes)),
            stdout=sys.stderr,
        )
    return taken_in(video, camera=CAMERA, zone=ZONE, start=start)
