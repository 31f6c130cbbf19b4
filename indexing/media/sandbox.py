"""The one place that starts ffmpeg and ffprobe.

A decoder fed with whatever people upload is the likeliest part of the product to crash, hang or be
attacked. So it runs as a child with limits on memory, processor time, file size and wall-clock
time, opens local files only, sees none of our environment and dies with its parent.
"""

import math
import os
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import ffmpeg

from indexing.media.errors import MediaError

MEMORY_BYTES = 4 << 30
FILE_BYTES = 1 << 30
MAX_PIXELS = 1 << 27
LOG_LINES = 40
LOG_LINE_BYTES = 400

# Formats that hold the recording themselves. Playlists (HLS, DASH, concat, SDP) are left out on
# purpose: they name other files, and would let an upload read what its owner may not see.
FORMATS = (
    "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,live_flv,asf,ogg,mp3,aac,ac3,eac3,flac,wav,w64,aiff,"
    "au,caf,amr,mxf,nut,rm,dv,ivf,gxf,wtv,dhav,h264,hevc,m4v,mpegvideo,mpjpeg,mjpeg,obu,swf,tta,wv"
)


@dataclass(frozen=True)
class Outcome:
    """How a child ended: its exit status, the last lines it logged, how many packets it could not
    decode, and its processor seconds.
    """

    status: int
    log: str
    decode_errors: int
    cpu_s: float


class Child:
    """A running ffmpeg or ffprobe; a context manager that leaves no process behind.

    Read `stdout` to its end, then call `finish()`. `pass_fds` are open files the child may write
    to as `pipe:N`. Raises MediaError where the program is not installed.
    """

    def __init__(
        self,
        program: str,
        arguments: Sequence[str],
        *,
        wall_s: float,
        pass_fds: Sequence[int] = (),
        file_bytes: int = FILE_BYTES,
    ) -> None:
        command = [*_limits(math.ceil(wall_s) * 2, file_bytes), _find(program), *arguments]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=tuple(pass_fds),
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        )
        self.timed_out = False
        self._wall_s = wall_s
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._disk_full = False
        self._decode_errors = 0
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        self._timer = threading.Timer(wall_s, self._expire)
        self._timer.daemon = True
        self._timer.start()

    @property
    def pid(self) -> int:
        """The child's process number."""
        return self._process.pid

    @property
    def stdout(self) -> IO[bytes]:
        """The child's standard output."""
        assert self._process.stdout is not None  # noqa: S101
        return self._process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.returncode is None:
            self._kill()
            self._reap()

    def finish(self) -> Outcome:
        """Wait for the end.

        Raises MediaError where the time ran out or the disk is full; any other failure is told by
        the status, since a child that failed halfway may have given much that is of use.
        """
        cpu_s = self._reap()
        if self.timed_out:
            raise MediaError(
                f"Reading the file was stopped after {self._wall_s:.0f} seconds: it is damaged in "
                "a way that makes its reader run in circles, or this machine is overloaded."
            )
        if self._disk_full:
            raise disk_full()
        log = "\n".join(self._log)
        return Outcome(self._process.returncode, log, self._decode_errors, cpu_s)

    def _reap(self) -> float:
        process = self._process
        # Wait without reaping first: as long as the child is a zombie its number cannot be given
        # to another process, so the timer cannot kill a stranger.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        self._timer.cancel()
        self._timer.join()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self._reader.join()
        self.stdout.close()
        return usage.ru_utime + usage.ru_stime

    def _expire(self) -> None:
        self.timed_out = True
        self._kill()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _read_log(self) -> None:
        assert self._process.stderr is not None  # noqa: S101
        with self._process.stderr as stream:
            while line := stream.readline(LOG_LINE_BYTES):
                text = line.decode("utf-8", "replace").rstrip()
                self._disk_full |= "No space left on device" in text
                self._decode_errors += "Error while decoding stream" in text
                self._log.append(text)


def input_options() -> dict[str, str | int]:
    """Options to put before every input: local files of known formats, sane picture sizes."""
    return {
        "protocol_whitelist": "file,pipe",
        "format_whitelist": FORMATS,
        "max_pixels": MAX_PIXELS,
    }


def ffprobe_arguments(path: Path, options: Sequence[str], *, log: str = "error") -> list[str]:
    """Compose an ffprobe command line with the input options above."""
    ours = [part for key, value in input_options().items() for part in (f"-{key}", str(value))]
    return ["-v", log, *ours, *options, url(path)]


def ffmpeg_arguments(output: Any) -> list[str]:
    """Return the command line of a stream composed with ffmpeg-python, with our global options."""
    quiet = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"]
    return [*quiet, *map(str, ffmpeg.get_args(output))]


def url(path: Path) -> str:
    """The path as ffmpeg takes it literally, whatever colons, dashes or per cents it contains."""
    return f"file:{path.resolve()}"


def disk_full() -> MediaError:
    """The error of a full disk, in the same words wherever it is noticed."""
    return MediaError("The disk is full: free some space in the data root, then try again.")


@cache
def _prefix() -> tuple[str | None, str | None]:
    return shutil.which("setpriv"), shutil.which("prlimit")


def _limits(cpu_s: int, file_bytes: int) -> list[str]:
    # A preexec_fn may deadlock in a process with threads, so util-linux's tools set the limits.
    setpriv, prlimit = _prefix()
    command = []
    if setpriv:
        command += [setpriv, "--pdeathsig", "KILL", "--no-new-privs"]
    if prlimit:
        limits = [f"--as={MEMORY_BYTES}", f"--cpu={cpu_s}", f"--fsize={file_bytes}", "--core=0"]
        command += [prlimit, *limits]
    return command


def _find(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise MediaError(
            f"{program} is not installed on this machine: install it with 'apt install ffmpeg'."
        )
    return found
