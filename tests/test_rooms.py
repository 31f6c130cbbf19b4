"""Who may import what, beyond the layers that import-linter holds, and docs that match the code."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("searchapp", "indexing", "ml")


def imported(package: str) -> Iterator[Path]:
    """Every file of the rooms that imports a package, at its top or inside a function."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module:
                    names = [node.module]
                if any(name.split(".")[0] == package for name in names):
                    yield path.relative_to(ROOT)


@pytest.mark.parametrize(
    ("package", "room"), [("faiss", "indexing/vectors"), ("ffmpeg", "indexing/media")]
)
def test_a_library_stays_in_its_room(package: str, room: str) -> None:
    found = list(imported(package))
    assert found
    assert [path for path in found if not path.is_relative_to(room)] == []


def test_the_web_process_loads_neither_torch_nor_openvino() -> None:
    code = (
        "import sys, django; django.setup()\n"
        "import searchapp.urls, searchapp.wsgi\n"
        "print(sorted({'torch', 'torchaudio', 'openvino', 'pytorchvideo'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"DJANGO_SETTINGS_MODULE": "searchapp.settings", "REPRISE_SECRET_KEY": "for this test"},
    )
    assert done.stdout.strip() == "[]"


def test_every_command_is_written_down() -> None:
    text = (ROOT / "docs" / "cli.md").read_text()
    commands = {
        path.stem
        for room in ROOMS
        for path in (ROOT / room).glob("management/commands/*.py")
        if not path.stem.startswith("_")
    }
    assert commands
    assert {name for name in commands if f"manage.py {name}" not in text} == set()


def test_every_setting_is_written_down() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    source = (ROOT / "searchapp" / "settings.py").read_text()
    names = set(re.findall(r'"(REPRISE_[A-Z_]+)"', source))
    assert names
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_every_make_target_is_written_down() -> None:
    text = (ROOT / "docs" / "cli.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    missing = [name for name in phony[1].split() if f"`make {name}" not in text]
    assert missing == []
