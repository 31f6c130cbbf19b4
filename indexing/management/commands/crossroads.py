"""Render a street crossing with known truth, to try things out on and to measure them with."""

import os
import shutil
from argparse import ArgumentTypeError
from fractions import Fraction
from pathlib import Path

from django.core.management.base import CommandParser

from indexing.commands import Command as BaseCommand
from indexing.commands import Failure
from indexing.media.encode import VideoWriter
from indexing.media.sounds import read_sounds
from indexing.progress import Progress
from ml.crossroads import truth
from ml.crossroads.geometry import HEIGHT, WIDTH
from ml.crossroads.light import LIGHTS
from ml.crossroads.picture import FPS
from ml.crossroads.plan import draw_plan
from ml.crossroads.render import render
from ml.crossroads.views import VIEWS

MOST_MINUTES = 24 * 60
BYTES_PER_MINUTE = 5_000_000


def minutes(text: str) -> Fraction:
    """Read a length in minutes that is a whole number of seconds."""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ArgumentTypeError(f"{text!r} is not a number of minutes.") from None
    if not 0 < value <= MOST_MINUTES or (value * 60).denominator != 1:
        raise ArgumentTypeError(f"{text} is not a length of 1 second to {MOST_MINUTES} minutes.")
    return value


def part(text: str) -> tuple[int, int]:
    """Read `2/6`, the second of six parts."""
    number, slash, parts = text.partition("/")
    if slash and number.isdigit() and parts.isdigit() and 1 <= int(number) <= int(parts):
        return int(number), int(parts)
    raise ArgumentTypeError(f"{text!r} is not a part; write 2/6 for the second of six.")


class Command(BaseCommand):
    help = (
        "Render a street crossing with known truth: OUT.mp4, and OUT.csv that tells what is in it."
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("out", type=Path, metavar="OUT.mp4")
        parser.add_argument(
            "--minutes", type=minutes, default=Fraction(60), help="length of the stream"
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="the same seed gives the same stream"
        )
        parser.add_argument(
            "--view", choices=list(VIEWS), default="A", help="B is similar, C is hard"
        )
        parser.add_argument(
            "--light", choices=LIGHTS, default="mixed", help="mixed: day turns to night"
        )
        parser.add_argument(
            "--part",
            type=part,
            default=(1, 1),
            metavar="K/N",
            help="only the K-th of N equal parts",
        )
        parser.add_argument(
            "--sounds", type=Path, metavar="DIR", help="real sounds, a folder a class"
        )
        parser.add_argument(
            "--jobs", type=int, default=os.cpu_count() or 1, help="processes that draw"
        )

    def handle(
        self, *, out: Path, minutes: Fraction, part: tuple[int, int], **options: object
    ) -> None:
        whole_s = int(minutes * 60)
        number, parts = part
        start_s, end_s = (whole_s * k // parts for k in (number - 1, number))
        self.check(out, start_s, end_s)
        folder = options["sounds"]
        sounds = read_sounds(folder) if isinstance(folder, Path) else None
        plan = draw_plan(options["seed"], options["view"], whole_s, options["light"])  # type: ignore[arg-type]
        progress = Progress("Rendering", end_s - start_s, "clips")
        done = 0
        with VideoWriter(out, size=(WIDTH, HEIGHT), fps=FPS) as writer:
            for piece in render(plan, start_s, end_s, sounds, int(str(options["jobs"]))):
                writer.frames(piece.frames)
                writer.samples(piece.samples)
                done += piece.seconds
                progress.update(done)
        rows = plan.occurrences(start_s, end_s)
        truth_path = out.with_suffix(".csv")
        write_text(truth_path, truth.write(rows))
        counts = {
            kind: sum(r.event == kind for r in rows) for kind in sorted({r.event for r in rows})
        }
        document = {
            "file": str(out),
            "truth": str(truth_path),
            "seconds": end_s - start_s,
            "seed": plan.seed,
            "view": plan.view.name,
            "light": plan.sky.light,
            "part": f"{number}/{parts}",
            "events": counts,
        }
        told = ", ".join(f"{count} × {kind}" for kind, count in counts.items()) or "nothing"
        lines = [
            f"{out} shows {end_s - start_s} seconds; in it: {told}.",
            f"{truth_path} tells when.",
        ]
        self.answer(document, lines, as_json=bool(options["json"]))

    def check(self, out: Path, start_s: int, end_s: int) -> None:
        """Refuse what cannot end well before any work is done."""
        if out.suffix.lower() != ".mp4":
            raise Failure(f"{out} is not a name for an mp4: let it end in .mp4.")
        if not out.parent.is_dir():
            raise Failure(f"There is no folder {out.parent} to write {out.name} to.")
        if end_s <= start_s:
            raise Failure("The stream is too short to be cut into so many parts.")
        needed = (end_s - start_s) / 60 * BYTES_PER_MINUTE
        if shutil.disk_usage(out.parent).free < needed:
            raise Failure(
                f"The disk is too full: {out.name} may need {needed / 1e6:.0f} MB, "
                f"free some space in {out.parent}."
            )


def write_text(path: Path, text: str) -> None:
    """Write a small file under a temporary name, then give it its own."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
