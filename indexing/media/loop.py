"""A fixed camera's video, looped and drifting, under samples that are handed over."""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexing.files import drafted
from indexing.media.errors import MediaError
from indexing.media.info import SAMPLE_RATE

# Light, contrast and colour drift with periods of minutes, and every picture has noise of its own.
DRIFT = (
    "fps=10,scale=640:360,"
    "eq=eval=frame:brightness='0.05*sin(t/97)+0.02*sin(t/31)'"
    ":contrast='1+0.08*sin(t/143)':saturation='1+0.2*sin(t/211)',"
    "noise=alls=6:allf=t:all_seed={seed},format=yuv420p"
)


def write_looped(
    out: Path,
    pieces: Iterable[NDArray[np.float32]],
    *,
    video: Path | None,
    seconds: int,
    seed: int,
) -> None:
    """Write `seconds` of sound, float32 mono pieces (n,) at 44.1 kHz, over a video again and again.

    Without a video only the sound is written. Raises MediaError where ffmpeg is missing or fails;
    no file is left then.
    """
    with drafted(out) as draft, _encoder(_command(draft, video, seconds, seed)) as encoder:
        assert encoder.stdin is not None  # noqa: S101
        # A child that gave up has said why, and ends with a status that says so, too.
        with suppress(BrokenPipeError), encoder.stdin as stream:
            for piece in pieces:
                stream.write(piece.tobytes())
        if encoder.wait():
            raise MediaError(f"ffmpeg could not write {out.name}; what it said stands above.")


def _command(draft: Path, video: Path | None, seconds: int, seed: int) -> list[str]:
    """Return the command that lays the sound on its standard input over the video."""
    pictures = ("-stream_loop", "-1", "-i", str(video)) if video else ()
    drift = ("-filter:v", DRIFT.format(seed=seed))
    coded = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "27", "-g", "50")
    return [
        *("ffmpeg", "-v", "error", "-y"),
        *("-f", "f32le", "-ar", str(SAMPLE_RATE), "-ac", "1", "-i", "pipe:0", *pictures),
        *("-map", "0:a", "-c:a", "aac", "-b:a", "128k"),
        *(("-map", "1:v", *drift, *coded) if video else ()),
        *("-t", str(seconds), "-movflags", "+faststart", "-f", "mp4", str(draft)),
    ]


@contextmanager
def _encoder(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run ffmpeg for as long as the block lasts."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
    except FileNotFoundError as error:
        raise MediaError(
            "ffmpeg is not installed on this machine: install it with 'apt install ffmpeg'."
        ) from error
    try:
        yield process
    finally:
        process.kill()
        process.wait()
