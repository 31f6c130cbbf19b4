"""Measure every ratio, or those asked for, and print them as a table."""

import argparse
import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.machine import take_two_cores
from tests.benchmarks.ratio import table, write

NAMES = ("embedding", "ingest", "memory", "playing", "search")
ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run the command line; the status is 0 whether or not the goals were met."""
    options = arguments().parse_args()
    data = tempfile.mkdtemp(prefix="reprise-bench-")
    prepare(Path(data))
    ratios = []
    try:
        for name in options.only or NAMES:
            sys.stderr.write(f"Measuring {name} ...\n")
            module = importlib.import_module(f"tests.benchmarks.{name}")
            ratios.append(module.measure(quick=options.quick))
    finally:
        shutil.rmtree(data, ignore_errors=True)
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    sys.stdout.write(f"{table(ratios)}\nload averages at the end: {load}\n")
    if options.json:
        write(ratios, options.json)
    return 0


def arguments() -> argparse.ArgumentParser:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=NAMES, help="this one; may be repeated")
    parser.add_argument("--quick", action="store_true", help="less of everything: a rough figure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    return parser


def prepare(data: Path) -> None:
    """Set Django up on two cores and on a data root of its own; converted graphs are kept."""
    take_two_cores()
    for name in ("REPRISE_DATABASE_URL", "REPRISE_BROKER_URL", "REPRISE_HTTPS", "REPRISE_DEBUG"):
        os.environ.pop(name, None)
    os.environ["REPRISE_DATA"] = str(data)
    os.environ["REPRISE_COMPILED"] = str(ROOT / "build" / "bench" / "compiled")
    os.environ["REPRISE_DEVICE"] = "cpu"
    os.environ["DJANGO_SETTINGS_MODULE"] = "searchapp.settings"
    import django

    django.setup()


if __name__ == "__main__":
    sys.exit(main())
