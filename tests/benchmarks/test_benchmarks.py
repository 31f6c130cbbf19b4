"""The benchmarks run and give ratios; their values are never asserted."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_quick_benchmarks_give_ratios(tmp_path: Path) -> None:
    out = tmp_path / "ratios.json"

    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.benchmarks", "--quick", "--json", str(out)),
            *("--only", "embedding", "--only", "search"),
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )

    ratios = json.loads(out.read_text())["ratios"]
    assert [ratio["name"] for ratio in ratios] == ["embedding", "search"]
    assert all(ratio["ratio"] > 0 for ratio in ratios)
    assert "IndexFlatL2" in done.stdout
