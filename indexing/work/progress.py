"""Progress in a terminal: how far, how fast, how long still."""

import sys
import time
from typing import TextIO

_LINE_EVERY_S = 5.0
_REDRAW_EVERY_S = 0.1
_BAR = 24


def duration(seconds: float) -> str:
    """A duration as people say it: `45 s`, `1 min 20 s`, `2 h 05 min`."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Progress:
    """Tells how far a piece of work is: a bar on a terminal, else a line every few seconds.

    `total` and what `update` is given count the same `unit`, in the plural, such as `clips`.
    """

    def __init__(self, name: str, total: float, unit: str, stream: TextIO | None = None) -> None:
        self.name, self.total, self.unit = name, total, unit
        self._stream = stream or sys.stderr
        self._bar = self._stream.isatty()
        self._began = time.monotonic()
        self._first: float | None = None
        self._told = float("-inf")
        self._finished = False

    def update(self, done: float) -> None:
        """Tell that `done` of the total is done; cheap enough to call for every item."""
        now = time.monotonic()
        if self._first is None:
            self._first, self._began = done, now
        finished = done >= self.total
        if self._finished or not (finished or now - self._told >= self._pause()):
            return
        self._told, self._finished = now, finished
        text = self.sentence(done, now - self._began)
        if self._bar:
            self._stream.write(f"\r\x1b[2K{text}" + ("\n" if finished else ""))
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def sentence(self, done: float, elapsed_s: float) -> str:
        """What is shown after `elapsed_s` seconds of work."""
        share = min(done / self.total, 1.0) if self.total else 1.0
        parts = [f"{self.name} {100 * share:.0f} %"]
        gained = done - (self._first or 0.0)
        if gained > 0 and elapsed_s > 0:
            rate = gained / elapsed_s
            parts.append(f"{rate:.1f} {self.unit}/s")
            if done < self.total:
                parts.append(f"{duration((self.total - done) / rate)} left")
        if done >= self.total:
            parts.append(f"done in {duration(elapsed_s)}")
        text = " · ".join(parts)
        filled = round(share * _BAR)
        return f"[{'#' * filled}{'.' * (_BAR - filled)}] {text}" if self._bar else text

    def _pause(self) -> float:
        return _REDRAW_EVERY_S if self._bar else _LINE_EVERY_S
