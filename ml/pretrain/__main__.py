"""`python -m ml.pretrain FOLDER`: teach a trunk from nothing, on drawn scenes, and keep it."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import torch

from ml.preprocess import CROP
from ml.pretrain.batches import BATCH
from ml.pretrain.course import CHECKPOINT, Course, Recipe, Report
from ml.pretrain.graduate import graduate

# A minute on a laptop: enough to see that everything works, and nothing more.
SMOKE = Recipe(steps=2, size=32, last_size=32, cool_down=1, warm_up=1)


def main() -> int:
    """Run a course or go on with one; write the weights down where a file is named for them."""
    options = _parsed()
    torch.set_num_threads(options.threads)
    recipe = SMOKE if options.smoke else _recipe(options)
    course = Course(recipe, device=options.device)
    checkpoint = options.folder / CHECKPOINT
    if checkpoint.is_file():
        course.resume(checkpoint)
    ended = course.run(
        options.folder,
        processes=options.processes,
        every=options.every,
        say=_teller(recipe),
        until_s=60 * options.minutes,
    )
    if not ended:
        _tell("The time is up; run it again to go on from here.")
    elif options.write is not None:
        settling, size = (1, recipe.last_size) if options.smoke else (options.settling, CROP)
        weights = graduate(course.pupil, checkpoint, options.write, settling=settling, size=size)
        _tell(f"Wrote {options.write}: {weights.name}.")
    return 0


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ml.pretrain", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the checkpoint and the curve go")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="write the trunk when it is done"
    )
    parser.add_argument("--smoke", action="store_true", help="a minute, to see that it works")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--processes", type=int, default=1, help="that draw scenes")
    parser.add_argument("--threads", type=int, default=1, help="that learn, on a CPU")
    parser.add_argument("--every", type=int, default=50, help="steps between checkpoints")
    parser.add_argument("--settling", type=int, default=24, help="batches to measure norms on")
    for part in fields(Recipe):
        name = f"--{part.name.replace('_', '-')}"
        parser.add_argument(name, type=type(part.default), help=f"{part.default} unless told")
    return parser.parse_args()


def _recipe(options: argparse.Namespace) -> Recipe:
    """The settings as they were told."""
    told = {part.name: getattr(options, part.name) for part in fields(Recipe)}
    return Recipe(**{name: value for name, value in told.items() if value is not None})


def _teller(recipe: Recipe) -> Callable[[Report], None]:
    """Tell the terminal every ten steps how far it is, at which rate and for how long."""
    since: list[float] = []

    def say(report: Report) -> None:
        since.append(report.seconds)
        if report.step % 10 == 0 or report.step == recipe.steps:
            each = sum(since) / len(since)
            _tell(
                f"{report.step} of {recipe.steps} · answering {report.answering:.3f} · "
                f"apart {report.apart:.3f} · {BATCH / each:.1f} clips/s · "
                f"about {(recipe.steps - report.step) * each / 60:.0f} min left"
            )
            since.clear()

    return say


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
