"""Frames and samples into an ordinary mp4: H.264 and AAC, playable and seekable everywhere."""

import os
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from indexing.media.errors import MediaError

SAMPLE_RATE = 44_100


class VideoWriter:
    """Writes one mp4 piece by piece; a context manager that leaves the whole file or none.

    Pictures and sound go to an ffmpeg child each, which reads nothing else, so neither can wait
    for the other; leaving the block joins their streams without encoding again.
    Raises MediaError, in any method, where ffmpeg is missing or fails or the disk is full.
    """

    def __init__(
        self,
        path: Path,
        *,
        size: tuple[int, int],
        fps: float,
        crf: int = 25,
        preset: str = "veryfast",
    ) -> None:
        self.path, self.size, self.fps = path, size, fps
        self.crf, self.preset = crf, preset
        self._children: dict[str, _Child] = {}

    def __enter__(self) -> Self:
        try:
            self._folder = tempfile.TemporaryDirectory(prefix=".encode-", dir=self.path.parent)
        except OSError as error:
            raise MediaError(
                f"Cannot write to the folder {self.path.parent}: {error.strerror}."
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._folder:
            if error is None:
                self._join()
            for child in self._children.values():
                child.kill()

    def frames(self, frames: NDArray[np.uint8]) -> None:
        """Add pictures, uint8 RGB (n, H, W, 3)."""
        if "video" not in self._children:
            width, height = self.size
            source = ffmpeg.input(
                "pipe:0",
                format="rawvideo",
                pix_fmt="rgb24",
                s=f"{width}x{height}",
                framerate=self.fps,
            )
            options = {
                "vcodec": "libx264",
                "pix_fmt": "yuv420p",
                "crf": self.crf,
                "preset": self.preset,
            }
            options |= {"g": round(self.fps * 5), "threads": 1}
            self._children["video"] = _Child(source, self._part("video"), options)
        self._children["video"].write(np.ascontiguousarray(frames).data)

    def samples(self, samples: NDArray[np.float32]) -> None:
        """Add sound, float32 mono (n,) at 44.1 kHz within -1..1."""
        if "audio" not in self._children:
            source = ffmpeg.input("pipe:0", format="f32le", ar=SAMPLE_RATE, ac=1)
            options = {"acodec": "aac", "audio_bitrate": "96k"}
            self._children["audio"] = _Child(source, self._part("audio"), options)
        self._children["audio"].write(np.ascontiguousarray(samples, dtype="<f4").data)

    def _part(self, name: str) -> Path:
        return Path(self._folder.name) / f"{name}.mp4"

    def _join(self) -> None:
        if not self._children:
            raise MediaError(
                f"Nothing was written to {self.path.name}: there were no frames and no sound."
            )
        for child in self._children.values():
            child.finish()
        whole = self._part("whole")
        sources = [ffmpeg.input(str(self._part(name))) for name in self._children]
        options = {"c": "copy", "movflags": "+faststart"}
        _Child(ffmpeg.output(*sources, str(whole), **options)).finish()
        _publish(whole, self.path)


def write_video(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    samples: Iterable[NDArray[np.float32]] = (),
    *,
    size: tuple[int, int],
    fps: float,
    crf: int = 25,
    preset: str = "veryfast",
) -> None:
    """Write an mp4 of `frames` (H, W, 3) and of pieces of `samples` (n,); either may be empty.

    Raises MediaError where ffmpeg is missing or fails or the disk is full; no file is left then.
    """
    with VideoWriter(path, size=size, fps=fps, crf=crf, preset=preset) as writer:
        for frame in frames:
            writer.frames(frame)
        for piece in samples:
            writer.samples(piece)


class _Child:
    """An ffmpeg that encodes what is written to it; its messages are kept for the error."""

    def __init__(
        self, stream: Any, path: Path | None = None, options: dict[str, Any] | None = None
    ) -> None:
        output = ffmpeg.output(stream, str(path), **(options or {})) if path else stream
        output = output.global_args("-hide_banner", "-nostats", "-loglevel", "error")
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115  (closed by finish or kill)
        try:
            self._process = subprocess.Popen(
                ffmpeg.compile(output.overwrite_output()),
                stdin=subprocess.PIPE,
                stderr=self._messages,
            )
        except FileNotFoundError as error:
            self._messages.close()
            raise MediaError(
                "ffmpeg is not installed on this machine: install it with 'apt install ffmpeg'."
            ) from error

    def write(self, data: memoryview) -> None:
        """Hand over bytes; raises MediaError where the child has given up."""
        assert self._process.stdin is not None  # noqa: S101
        try:
            self._process.stdin.write(data)
        except BrokenPipeError:
            raise self._failure() from None

    def finish(self) -> None:
        """Close the input and wait for the file to be complete."""
        assert self._process.stdin is not None  # noqa: S101
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            raise self._failure() from None
        if self._process.wait():
            raise self._failure()
        self._messages.close()

    def kill(self) -> None:
        """End the child, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._messages.close()

    def _failure(self) -> MediaError:
        self._process.wait()
        self._messages.seek(0)
        lines = self._messages.read().decode(errors="replace").strip().splitlines() or [
            "no message"
        ]
        if any("No space left" in line for line in lines):
            return MediaError("The disk is full: free some space, then try again.")
        return MediaError(f"ffmpeg could not write the video; it said: {lines[-1].strip()}.")


def _publish(finished: Path, path: Path) -> None:
    """Move a finished file to its name once it is safely on the disk."""
    with finished.open("rb") as file:
        os.fsync(file.fileno())
    finished.replace(path)
