"""What the commands of docs/cli.md have in common: --json, one sentence on failure, exit codes."""

import fcntl
import getpass
import json
import os
from argparse import ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from indexing.clock import read_moment, read_second
from indexing.files import DISK_FULL, FileDamaged, disk_is_full, disk_sentence
from indexing.models import Camera, Recording
from ml.refusal import Refusal


class Failure(Refusal):
    """The command cannot do what was asked, for the reason in its sentence."""


class Misuse(Failure):
    """The arguments make no sense together."""


class Command(BaseCommand):
    """A command with --json: one document on standard output, all else on standard error.

    It ends with status 0 on success, 2 on bad arguments (argparse) and 1 on failure, with one plain
    sentence on standard error.
    """

    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own annotation)
    stopped = "Stopped; what was done so far is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --json to the command's own arguments."""
        parser.add_argument("--json", action="store_true", help="print one JSON document")
        self.arguments(parser)

    def arguments(self, parser: CommandParser) -> None:
        """Add the command's own arguments."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; a failure becomes its sentence and status 1."""
        try:
            ensure_database()
            return super().execute(*args, **options)
        except Misuse as error:
            self.stderr.write(str(error))
            raise SystemExit(2) from None
        except Refusal as error:
            self.fail(error.sentence)
        except FileDamaged as error:
            self.fail(str(error))
        except OperationalError as error:
            if disk_is_full():
                self.fail(DISK_FULL)
            first = str(error).strip().splitlines()[0]
            self.fail(f"The database cannot be used: {first}.")
        except BrokenPipeError:
            raise SystemExit(1) from None
        except OSError as error:
            self.fail(disk_sentence(error))

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command for a terminal, where Ctrl-C ends it and becomes one sentence."""
        try:
            super().run_from_argv(argv)
        except KeyboardInterrupt:
            self.say("")  # below the progress, not at its end
            self.fail(self.stopped)

    def fail(self, sentence: str) -> NoReturn:
        """End the command with status 1."""
        self.stderr.write(sentence)
        raise SystemExit(1)

    def say(self, sentence: str) -> None:
        """Tell the person waiting something, beside the result."""
        self.stderr.write(sentence, lambda text: text)  # in no colour: it is no error

    def answer(self, document: object, lines: list[str], *, as_json: bool) -> None:
        """Print the result: the document as JSON, or its lines for people."""
        if as_json:
            self.stdout.write(json.dumps(document, ensure_ascii=False))
        elif lines:
            self.stdout.write("\n".join(lines))


def ensure_database() -> None:
    """Bring an embedded installation's database up to date; a lock keeps two from racing.

    A deployed one is migrated once by its operator, before its processes start.
    """
    if connection.vendor != "sqlite":
        return
    settings.REPRISE_DATA.mkdir(parents=True, exist_ok=True)
    with (settings.REPRISE_DATA / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0, interactive=False)


def check_file(path: Path) -> None:
    """Refuse what is not a file that can be read.

    Raises:
        Failure: with the reason.
    """
    if path.is_dir():
        raise Failure(f"{path} is a folder; name one of the files in it.")
    if not path.is_file():
        raise Failure(f"There is no file {path}.")
    if not os.access(path, os.R_OK):
        raise Failure(f"{path} may not be read by this user.")


def camera(name: str) -> Camera:
    """Return a camera by its name.

    Raises:
        Failure: there is none; says which there are.
    """
    cameras = Camera.objects.filter(samples=False)
    found = cameras.filter(name=name.strip()).first()
    if found is None:
        known = ", ".join(cameras.values_list("name", flat=True)[:10])
        raise Failure(
            f"There is no camera named {name}" + (f"; there are: {known}." if known else " yet.")
        )
    return found


def recording(number: int) -> Recording:
    """Return a recording by its number.

    Raises:
        Failure: there is none.
    """
    found = Recording.objects.select_related("camera__encoder").filter(pk=number).first()
    if found is None:
        raise Failure(f"There is no recording {number}.")
    return found


def user() -> str:
    """Return who is at the terminal, for what is kept of who did something."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return ""


def number(text: str, *, least: int, most: int) -> int:
    """Read a whole number from ``least`` to ``most``."""
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}.")
    return value


def second(text: str) -> int:
    """Read a second of a recording, for argparse."""
    try:
        return read_second(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def moment(text: str) -> datetime:
    """Read a moment, for argparse; without an offset it is on the camera's clock."""
    try:
        return read_moment(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
