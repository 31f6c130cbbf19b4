"""Recordings whose every picture tells its number and whose sound tells the time.

A picture is a grid of 4 x 4 black or white squares, the bits of its number. The sound is a beep at
the start of every second. So what was decoded can be compared with what should have been shown.
"""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from indexing.media.decode import DecodedChunk
from indexing.media.info import MediaInfo

RATE = 48_000
BEEP_S = 0.1
SIZE = 64


@dataclass(frozen=True)
class Numbered:
    """A file, and the times in seconds at which picture 0, 1, 2, ... should be shown."""

    path: Path
    times: npt.NDArray[np.float64]


def picture(number: int) -> npt.NDArray[np.uint8]:
    bits = (number >> np.arange(16) & 1).reshape(4, 4).astype(np.uint8)
    return np.kron(bits * 255, np.ones((SIZE // 4, SIZE // 4), np.uint8))


def read_number(frame: npt.NDArray[np.uint8]) -> int:
    height, width = frame.shape[:2]
    rows, columns = ((np.arange(4) + 0.5) * side / 4 for side in (height, width))
    bits = frame[rows.astype(int)][:, columns.astype(int), 1] > 128
    return int((bits.ravel() * (1 << np.arange(16))).sum())


def beeps(seconds: float) -> npt.NDArray[np.float32]:
    time = np.arange(round(seconds * RATE)) / RATE
    return np.where(time % 1 < BEEP_S, 0.5 * np.sin(2 * np.pi * 1000 * time), 0).astype(np.float32)


def beep_starts(samples: npt.NDArray[np.float32], rate: int = 44_100) -> npt.NDArray[np.float64]:
    """Times at which the sound rises after at least half a second of quiet."""
    loud = np.flatnonzero(np.abs(samples) > 0.1)
    first = np.diff(loud, prepend=-rate) > rate // 2
    return np.asarray(loud[first] / rate)


class Reading:
    """Reads numbers and beeps back from what was decoded; handed to tests as `read`."""

    number = staticmethod(read_number)
    beep_starts = staticmethod(beep_starts)

    @staticmethod
    def strangers(
        recording: Numbered, info: MediaInfo, chunk: DecodedChunk, start_s: int, clips: int
    ) -> list[tuple[int, int, int]]:
        """Frames that are not the picture shown at their slot: (slot, number, expected number).

        Containers that round times to milliseconds may put a picture across a slot's edge.
        """
        assert chunk.frames is not None
        assert info.video is not None
        numbers = [read_number(frame) for frame in chunk.frames]
        shift = -info.video.start_s
        early = shown_numbers(recording, start_s, clips, shift - 0.0011)
        late = shown_numbers(recording, start_s, clips, shift + 0.0011)
        return [
            (slot, number, int(early[slot]))
            for slot, number in enumerate(numbers)
            if not early[slot] <= number <= late[slot]
        ]


@pytest.fixture(scope="session")
def read() -> Reading:
    return Reading()


def shown_numbers(
    recording: Numbered, start_s: int, clips: int, shift_s: float = 0.0
) -> npt.NDArray[np.int64]:
    """The picture on screen at each fifth of a second, `shift_s` later: the last one by then."""
    slots = start_s + np.arange(5 * clips) / 5 + shift_s
    shown = np.searchsorted(recording.times, slots, side="right") - 1
    return np.asarray(np.clip(shown, 0, None), np.int64)


@pytest.fixture(scope="session")
def make_numbered(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Numbered]:
    """Return a function that encodes a numbered recording; `options` are ffmpeg's, for its output.

    Picture n is shown at n / rate, and `jump` seconds later after every `every` pictures.
    """
    folder = tmp_path_factory.mktemp("numbered")

    def make(
        name: str,
        options: str,
        *,
        rate: str = "25",
        seconds: float = 16,
        sound: bool = True,
        jump: float = 0.0,
        every: int = 7,
    ) -> Numbered:
        path = folder / name
        if jump:
            options = (
                f"-vf settb=1/90000,setpts=(N/({rate})+{jump}*floor(N/{every}))/TB "
                f"-fps_mode vfr -enc_time_base 1/90000 {options}"
            )
        numerator, _, denominator = rate.partition("/")
        numbers = np.arange(round(seconds * int(numerator) / int(denominator or 1)))
        times = numbers * int(denominator or 1) / int(numerator) + jump * (numbers // every)
        raw, wave = folder / f"{name}.gray", folder / f"{name}.f32"
        raw.write_bytes(b"".join(picture(int(n)).tobytes() for n in numbers))
        if sound:
            beeps(times[-1] + 1 / 25).tofile(wave)
        command = [
            *("ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray"),
            *("-video_size", f"{SIZE}x{SIZE}", "-framerate", rate, "-i", str(raw)),
            *(("-f", "f32le", "-ar", str(RATE), "-ac", "1", "-i", str(wave)) if sound else ()),
            *options.split(),
            str(path),
        ]
        subprocess.run(command, check=True)
        raw.unlink()
        wave.unlink(missing_ok=True)
        return Numbered(path, times)

    return make


@pytest.fixture(scope="session")
def run_ffmpeg() -> Callable[[str, Path], Path]:
    """Return a function that runs ffmpeg with the options of a string and returns its output."""

    def run(options: str, path: Path) -> Path:
        subprocess.run(["ffmpeg", "-v", "error", "-y", *options.split(), str(path)], check=True)
        return path

    return run
