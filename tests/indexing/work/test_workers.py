"""Real workers as a machine runs them: embedded, and with Redis and PostgreSQL; killed and back."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.installation import ROOT, Installation

Make = Callable[..., Path]


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path / "var")
    yield installation
    installation.end()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation in which nothing is ever kept, migrated once."""
    installation = Installation(tmp_path_factory.mktemp("empty") / "var")
    installation.state()
    return installation


@pytest.fixture
def deployed(tmp_path: Path, redis_url: str, postgres_url: str) -> Iterator[Installation]:
    installation = Installation(
        tmp_path / "var", REPRISE_DATABASE_URL=postgres_url, REPRISE_BROKER_URL=redis_url
    )
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"],
        cwd=ROOT,
        env=installation.environment,
        check=True,
    )
    yield installation
    installation.end()


def test_a_killed_worker_loses_and_doubles_nothing(
    embedded: Installation, make_video: Make
) -> None:
    path = make_video(125)
    embedded.command("ingest", str(path), "--camera", "north")
    worker = embedded.start_worker()
    embedded.until(lambda state: state["clips_embedded"] > 0)

    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    interrupted = embedded.state()
    embedded.start_worker()
    whole = embedded.until(lambda state: state["ok"])

    assert interrupted["clips_embedded"] < 125
    assert whole["clips_planned"] == whole["clips_embedded"] == whole["clips_searchable"] == 125
    recording = embedded.command("ingest", str(path), "--wait")
    assert (recording["state"], recording["clips"], recording["gaps"]) == ("ready", 125, [])


def test_several_workers_share_redis_and_postgresql(
    deployed: Installation, make_video: Make
) -> None:
    deployed.start_worker()
    deployed.start_worker()

    recording = deployed.command("ingest", str(make_video(100)), "--camera", "north", "--wait")

    assert recording["state"] == "ready"
    assert deployed.state()["clips_searchable"] == 100
    found = deployed.command("search", str(recording["recording"]), "0:00:10", "-k", "1")
    seconds = [hit["second"] for hit in found["hits"]]
    assert len(seconds) == 1
    assert seconds[0] > 70


def test_the_command_line_works_without_a_worker(embedded: Installation, make_video: Make) -> None:
    recording = embedded.command("ingest", str(make_video(8)), "--camera", "north", "--wait")

    number = str(recording["recording"])
    assert recording == {
        "recording": recording["recording"],
        "camera": "north",
        "state": "ready",
        "clips": 8,
        "video": True,
        "audio": True,
        "gaps": [],
    }
    found = embedded.command("search", number, "3", "--exclusion", "1", "-k", "2")
    assert found["query"] == {"recording": recording["recording"], "second": 3}
    assert [hit["rank"] for hit in found["hits"]] == [1, 2]
    assert embedded.command("verify")["ok"]


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("ingest", "nowhere.mp4"), 1, "There is no file nowhere.mp4."),
        (("search", "7", "0"), 1, "There is no recording 7."),
        (("search", "7", "soon"), 2, "'soon' is not a second"),
        (("search", "7", "0", "--with", "smell"), 2, "smell"),
        (("search", "7", "0", "--since", "noon"), 2, "'noon' is not a moment"),
    ],
)
def test_bad_arguments_get_a_sentence(
    empty: Installation, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments, "--json"],
        cwd=ROOT,
        env=empty.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == status
    assert sentence in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_without_ffmpeg_the_reason_is_told(embedded: Installation, make_video: Make) -> None:
    path = make_video(8)
    python = Path(sys.executable).parent
    embedded.environment["PATH"] = str(python)

    done = subprocess.run(
        [sys.executable, "manage.py", "ingest", str(path), "--wait", "--json"],
        cwd=ROOT,
        env=embedded.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "is not installed on this machine" in done.stderr
    assert json.loads(done.stdout)["state"] == "refused"
