import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "code",
    [
        "thirdparty.torchaudio().functional",
        "thirdparty.x3d().create_x3d",
        "thirdparty.openvino().Core",
        "thirdparty.x3d(); thirdparty.torchaudio(); thirdparty.openvino()",
    ],
)
def test_each_imports_quietly_in_a_fresh_process(code: str) -> None:
    """In any order, with warnings as errors and nothing printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"from ml import thirdparty; {code}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "module", ["distance", "metrics", "retrieval", "foreground", "soundstats", "starter"]
)
def test_what_needs_no_torch_does_not_import_it(module: str) -> None:
    code = f"import sys, ml.{module}; assert not {{'torch', 'openvino'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
