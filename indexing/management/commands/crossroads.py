"""Render a street crossing with known truth, to try things out on and to measure them with."""

import os
import shutil
from argparse import ArgumentTypeError
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from indexing.footage.rendering import record
from indexing.management.base import Command as BaseCommand
from indexing.management.base import Failure
from indexing.media.sounds import read_sounds
from indexing.work.progress import duration
from ml.crossroads import truth
from ml.crossroads.light import LIGHTS
from ml.crossroads.plan import Plan, draw_plan
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


def count(text: str) -> int:
    """Read a whole number that is not negative."""
    if text.isdigit():
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a whole number of 0 or more.")


class Command(BaseCommand):
    help = (
        "Render a street crossing with known truth: OUT.mp4, and OUT.csv that tells what happens."
    )
    stopped = "Stopped; nothing was written."

    def arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("out", type=Path, metavar="OUT.mp4")
        add("--minutes", type=minutes, default=Fraction(60), help="length of the stream")
        add("--seed", type=count, default=1, help="the same seed gives the same stream")
        add("--view", choices=list(VIEWS), default="A", help="B is similar, C is challenging")
        add("--light", choices=LIGHTS, default="mixed", help="mixed: day slowly turns to night")
        add("--part", type=part, default=(1, 1), metavar="K/N", help="the K-th of N parts only")
        add("--sounds", type=Path, metavar="DIR", help="real sounds, a folder a class")
        add("--jobs", type=count, default=os.cpu_count() or 1, help="processes that draw")

    def handle(
        self,
        *,
        out: Path,
        minutes: Fraction,
        part: tuple[int, int],
        sounds: Path | None,
        **options: Any,
    ) -> None:
        whole_s = int(minutes * 60)
        start_s, end_s = (whole_s * k // part[1] for k in (part[0] - 1, part[0]))
        refuse_early(out, start_s, end_s)
        real = read_sounds(sounds) if sounds else None
        plan = draw_plan(options["seed"], options["view"], whole_s, options["light"])
        rows = plan.occurrences(start_s, end_s)
        record(out, plan, start_s, end_s, real, jobs=options["jobs"])
        answer = document(out, plan, start_s, end_s, rows)
        self.answer(answer, lines(answer), as_json=options["json"])


def document(
    out: Path, plan: Plan, start_s: int, end_s: int, rows: list[truth.Occurrence]
) -> dict[str, Any]:
    """Tell what was rendered, for --json."""
    return {
        "file": str(out),
        "truth": str(out.with_suffix(".csv")),
        "from_s": start_s,
        "seconds": end_s - start_s,
        "seed": plan.seed,
        "view": plan.view.name,
        "light": plan.sky.light,
        "events": dict(sorted(Counter(row.event for row in rows).items())),
    }


def lines(answer: dict[str, Any]) -> list[str]:
    """Tell the same to people."""
    events = [f"{n} × {kind.replace('_', ' ')}" for kind, n in answer["events"].items()]
    return [
        f"{answer['file']} shows {duration(answer['seconds'])}, with "
        f"{', '.join(events) or 'ordinary traffic alone'}.",
        f"{answer['truth']} tells when.",
    ]


def refuse_early(out: Path, start_s: int, end_s: int) -> None:
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
