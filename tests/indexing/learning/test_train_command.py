"""`manage.py train` as a person runs it, and a worker killed in the middle of a training."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from indexing.models import Camera, Training
from tests.footage import add_footage
from tests.installation import ROOT, Installation

FOOTAGE = """
import django
django.setup()
from indexing.management.base import ensure_database
from tests.footage import add_footage
ensure_database()
add_footage("north")
"""


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """An installation with one worker process and eleven minutes of footage."""
    found = Installation(
        tmp_path / "var",
        REPRISE_WORKER_PROCESSES="1",
        OMP_NUM_THREADS="1",
        DJANGO_SETTINGS_MODULE="searchapp.settings",
    )
    made = [sys.executable, "-c", FOOTAGE]
    subprocess.run(made, cwd=ROOT, env=found.environment, check=True)
    yield found
    found.end()


def row(installation: Installation) -> tuple[int, str]:
    """How many epochs the first training has done, and its state, read beside its worker."""
    database = Path(installation.environment["REPRISE_DATA"]) / "reprise.sqlite3"
    with sqlite3.connect(database, timeout=30) as connection:
        found = connection.execute(
            "SELECT epochs_done, state FROM indexing_training ORDER BY id"
        ).fetchone()
    return int(found[0]), str(found[1])


def until(installation: Installation, epochs: int, state: str) -> int:
    """Wait for a training to have come so far; return how far it has."""
    while True:
        done, now = row(installation)
        if done >= epochs and now == state:
            return done
        assert now in ("running", state)
        assert any(worker.poll() is None for worker in installation.workers), "no worker is left"
        time.sleep(0.02)


def test_a_worker_killed_in_mid_training_changes_no_weight(installation: Installation) -> None:
    asked = ("train", "north", "--epochs", "3", "--seed", "5", "--no-activate")
    begun = installation.command(*asked)
    assert (begun["state"], begun["encoder"], begun["epochs"]) == ("running", None, [])
    worker = installation.start_worker()
    until(installation, 1, "running")

    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    interrupted, state = row(installation)
    again = installation.start_worker()
    until(installation, 3, "done")
    os.killpg(again.pid, signal.SIGKILL)
    again.wait()
    whole = installation.command(*asked, "--wait")

    assert (interrupted < 3, state) == (True, "running")
    assert whole["state"] == "done"
    assert [report["epoch"] for report in whole["epochs"]] == [1, 2, 3]
    assert not whole["active"]
    listed = installation.command("encoders", "list")["encoders"]
    first, second = (one["file"] for one in listed if one["kind"] == "trained")
    assert first == second, "the same bytes, killed or not"
    assert installation.command("verify")["ok"]


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    call_command("train", *arguments, "--json")
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], status: int, *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        call_command("train", *arguments)
    assert end.value.code == status
    sentence = capsys.readouterr().err.strip().splitlines()[-1]
    assert sentence.endswith(".")
    return sentence


@pytest.mark.django_db
def test_a_training_is_paused_resumed_and_cancelled(capsys: pytest.CaptureFixture[str]) -> None:
    add_footage("north")
    begun = document(capsys, "north", "--method", "epg", "--epochs", "7")
    assert (begun["method"], begun["state"]) == ("epg", "running")
    assert Training.objects.get().epochs_planned == 7

    assert "wait for it or cancel it first" in refused(capsys, 1, "north")
    assert document(capsys, "north", "--pause")["state"] == "paused"
    assert "does not end by itself" in refused(capsys, 2, "north", "--pause", "--wait")
    assert document(capsys, "north", "--resume")["state"] == "running"
    assert document(capsys, "north", "--cancel")["state"] == "cancelled"
    assert "is cancelled" in refused(capsys, 1, "north", "--cancel")


@pytest.mark.django_db
def test_what_makes_no_sense_gets_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, 1, "attic") == "There is no camera named attic yet."
    add_footage("north", clips=60)
    assert refused(capsys, 1, "attic") == "There is no camera named attic; there are: north."
    assert "so 9 min 00 s more are needed" in refused(capsys, 1, "north")
    assert "has not been trained yet" in refused(capsys, 1, "north", "--resume")
    assert "without other options" in refused(capsys, 2, "north", "--resume", "--epochs", "3")
    for wrong in (["--method", "magic"], ["--epochs", "0"], ["--seed", "-1"], ["--epochs", "x"]):
        with pytest.raises(CommandError):
            call_command("train", "north", *wrong)
    assert not Training.objects.exists()
    assert Camera.objects.get().encoder is not None
