"""The two cores that everything is measured on, and who used them meanwhile."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

CORES = 2
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SAMPLING_S = 0.2


def take_two_cores() -> None:
    """Keep this process, and whatever it starts, to two cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def busy_s() -> float:
    """Return how many seconds our cores have been busy, whoever kept them so."""
    mine = {f"cpu{core}" for core in os.sched_getaffinity(0)}
    total = 0
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *numbers = line.split()
        if name in mine:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, numbers[:8])
            total += user + nice + system + irq + softirq + steal
    return total / TICKS_PER_S


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, children.read_text(encoding="ascii").split())
            except OSError:  # it ended meanwhile
                continue
    return found


def cpu_s(pid: int) -> float:
    """Return the processor seconds of a process and its descendants, ended ones included."""
    ticks = 0
    for member in family(pid):
        try:
            text = Path(f"/proc/{member}/stat").read_text(encoding="utf-8")
        except OSError:
            continue
        ticks += sum(map(int, text.rpartition(")")[2].split()[11:15]))
    return ticks / TICKS_PER_S


@dataclass
class Peaks:
    """Peak resident memory in bytes, of the largest process of each program."""

    of: dict[str, int] = field(default_factory=dict)

    def look(self, pid: int) -> None:
        """Read the peak (VmHWM) that the kernel keeps of a process and of its descendants."""
        for member in family(pid):
            try:
                text = Path(f"/proc/{member}/status").read_text(encoding="utf-8")
            except OSError:
                continue
            lines = dict(line.split(":", 1) for line in text.splitlines())
            if "VmHWM" in lines:
                name = lines["Name"].strip()
                peak = int(lines["VmHWM"].split()[0]) * 1024
                self.of[name] = max(peak, self.of.get(name, 0))


@contextmanager
def watched(pid: int) -> Iterator[Peaks]:
    """Watch the peak memory of a process and its descendants as long as the block lasts."""
    peaks, over = Peaks(), threading.Event()

    def watch() -> None:
        while not over.wait(SAMPLING_S):
            peaks.look(pid)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peaks
    finally:
        over.set()
        watcher.join()
        peaks.look(pid)


@dataclass
class Use:
    """How a stretch of wall time was used: our own processor seconds and those of others."""

    wall_s: float = 0.0
    own_s: float = 0.0
    others_s: float = 0.0

    @property
    def others_share(self) -> float:
        """The share of the two cores' time that others took."""
        return self.others_s / (CORES * self.wall_s)


@contextmanager
def used(pid: int) -> Iterator[Use]:
    """Measure a block: its wall time, what a process's family used, and what others did."""
    use = Use()
    started, busy, own = time.perf_counter(), busy_s(), cpu_s(pid)
    yield use
    use.wall_s = time.perf_counter() - started
    use.own_s = cpu_s(pid) - own
    use.others_s = max(0.0, busy_s() - busy - use.own_s)
