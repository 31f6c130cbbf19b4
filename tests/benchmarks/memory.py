"""Peak memory of a worker on an hour of footage against its peak on five minutes.

Measured in a new installation for each of the two, during one whole ingest: the peak resident size
(VmHWM, as the kernel keeps it) of the worker's largest Python process, which decodes into,
describes and fits, plus that of the largest ffmpeg child it started. The hour is the same footage
looped, so that only the length differs. (`--quick`: 10 minutes against 2.)
"""

from tests.benchmarks.footage import crossroads
from tests.benchmarks.installation import installed
from tests.benchmarks.machine import Peaks, watched
from tests.benchmarks.ratio import Ratio

MB = 2**20
GOAL = 1.1


def peaks(minutes: int) -> Peaks:
    """Ingest this much footage and return the peaks of the worker's programs."""
    path = crossroads(minutes)
    with installed() as installation, watched(installation.worker.pid) as found:
        installation.ingest(path, "bench")
    return found


def total(found: Peaks) -> float:
    """Return the peak of a process of the worker and of a decoder together, in MB."""
    python = max(size for name, size in found.of.items() if not name.startswith("ff"))
    return (python + found.of.get("ffmpeg", 0)) / MB


def measure(*, quick: bool) -> Ratio:
    """Measure the ratio of the two peaks."""
    short, long = (2, 10) if quick else (5, 60)
    peaks(1)  # compiles the graph where it is not kept yet, which takes memory of its own
    small, large = peaks(short), peaks(long)
    return Ratio(
        name="memory",
        unit="MB",
        measured=f"{long} minutes",
        figure=total(large),
        reference=f"{short} minutes",
        reference_figure=total(small),
        goal=GOAL,
        better="at most",
        details={
            f"{minutes} minutes, peak MB of {name}": size / MB
            for minutes, found in ((long, large), (short, small))
            for name, size in sorted(found.of.items())
        },
    )
