"""A planned street crossing as an ordinary recording: OUT.mp4, and OUT.csv that tells the truth."""

from contextlib import closing
from pathlib import Path

from indexing.files import drafted
from indexing.media.encode import VideoWriter
from indexing.work.progress import Progress
from ml.crossroads import truth
from ml.crossroads.geometry import HEIGHT, WIDTH
from ml.crossroads.picture import FPS
from ml.crossroads.plan import Plan
from ml.crossroads.render import render
from ml.crossroads.soundtrack import RealSounds


def record(
    out: Path,
    plan: Plan,
    start_s: int,
    end_s: int,
    sounds: RealSounds | None,
    *,
    jobs: int,
    name: str = "Rendering",
) -> None:
    """Write the seconds start_s <= s < end_s of a plan and their truth, both or neither.

    `jobs` processes draw; the terminal is told how far they are. Raises MediaError where ffmpeg is
    missing or fails or the disk is full.
    """
    pieces = closing(render(plan, start_s, end_s, sounds, jobs))
    with (
        drafted(out.with_suffix(".csv")) as csv,
        VideoWriter(out, size=(WIDTH, HEIGHT), fps=FPS) as writer,
        pieces as drawn,
    ):
        done, progress = 0, Progress(name, end_s - start_s, "clips")
        for piece in drawn:
            writer.frames(piece.frames)
            writer.samples(piece.samples)
            done += piece.seconds
            progress.update(done)
        csv.write_text(truth.write(plan.occurrences(start_s, end_s)), encoding="utf-8")


def write_text(path: Path, text: str) -> None:
    """Write a small file, whole or not at all."""
    with drafted(path) as draft:
        draft.write_text(text, encoding="utf-8")
