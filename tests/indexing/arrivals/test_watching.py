"""A folder into which cameras write files by themselves."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from indexing import ingest
from indexing.arrivals import watching
from indexing.arrivals.watching import Watch, is_written_to, left_out
from indexing.models import Job, Recording, SeenFile
from tests.installation import ROOT

pytestmark = pytest.mark.django_db

Make = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "cameras"
    place.mkdir()
    return place


def looked(folder: Path, **options: object) -> list[watching.Outcome]:
    """One look at files that count as whole at once."""
    return list(Watch(folder, settle_s=0, **options).look())  # type: ignore[arg-type]


def test_files_are_taken_in_once_by_the_folder_that_names_their_camera(
    folder: Path, make_video: Make
) -> None:
    gate = folder / "North gate" / "2026"
    gate.mkdir(parents=True)
    shutil.copy(make_video(4), gate / "ch1_20260314081500.mp4")
    shutil.copy(make_video(4, tone=880), folder / "loose.mp4")
    (folder / "notes.txt").write_text("no recording, and none of ours")
    (folder / ".hidden.mp4").write_text("still written")
    assert [each.path.name for each in looked(folder)] == ["loose.mp4", "ch1_20260314081500.mp4"]
    assert looked(folder) == []

    for job in Job.objects.filter(kind=Job.Kind.PREPARE):
        ingest.run_job(job.pk)
    dated = Recording.objects.get(name="ch1_20260314081500.mp4")
    assert (dated.camera.name, dated.start_known) == ("North gate", True)
    assert dated.at(0).isoformat() == "2026-03-14T08:15:00+00:00"
    assert Recording.objects.get(name="loose.mp4").camera.name == "cameras"

    dated.delete()  # what somebody deleted does not come back
    assert looked(folder) == []
    shutil.copy(folder / "loose.mp4", folder / "copy.mp4")
    (again,) = looked(folder, camera="Yard")
    assert again.known


def test_a_growing_file_is_left_alone(
    folder: Path, make_video: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("indexing.arrivals.watching.time.monotonic", lambda: now[0])
    watch = Watch(folder, settle_s=10)
    body = make_video(4).read_bytes()
    path = folder / "a.mp4"
    path.write_bytes(body[:1000])
    for second in (0, 9, 18):
        now[0] = second
        with path.open("ab") as file:
            file.write(body[1000 + second : 1009 + second])
        assert list(watch.look()) == []
    assert watch.growing == [path]
    path.write_bytes(body)
    now[0] = 20
    assert list(watch.look()) == []
    with path.open("ab"):
        now[0] = 31
        assert list(watch.look()) == [], "it is open"
    (taken,) = watch.look()
    assert taken.recording
    assert taken.recording.size == len(body)
    assert watch.growing == []

    with path.open("ab") as file:
        file.write(b"more")
    assert list(watch.look()) == []
    now[0] = 50
    (changed,) = watch.look()
    assert "written to after" in changed.reason
    assert Recording.objects.count() == 1


def test_what_is_no_recording_is_listed_and_tried_again_once_it_changes(
    folder: Path, make_video: Make
) -> None:
    path = folder / "a.mp4"
    path.write_bytes(b"not yet a film")
    (bad,) = looked(folder)
    assert "not a video" in bad.reason
    assert [row.path for row in left_out(folder)] == [str(path)]
    assert looked(folder) == []
    shutil.copy(make_video(4), path)
    (good,) = looked(folder)
    assert good.recording
    assert left_out(folder) == []


def test_a_linked_file_is_kept_when_its_first_name_goes(folder: Path, make_video: Make) -> None:
    path = folder / "a.mp4"
    shutil.copy(make_video(4), path)
    body = path.read_bytes()
    (taken,) = looked(folder, link=True)
    assert taken.recording
    path.unlink()
    assert taken.recording.original_path.read_bytes() == body


def test_a_full_disk_is_waited_for(
    folder: Path, make_video: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(make_video(4), folder / "a.mp4")
    with monkeypatch.context() as patch:
        patch.setattr("indexing.footage.intake.HEADROOM", 10**18)
        (waits,) = looked(folder)
    assert waits.waits
    assert "make room" in waits.reason
    assert not SeenFile.objects.exists()
    assert looked(folder)[0].recording


def test_a_file_that_is_open_for_writing_is_known(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with path.open("wb"):
        assert is_written_to(path)
    assert not is_written_to(path)


def test_the_command_follows_a_folder_until_it_is_stopped(
    folder: Path, tmp_path: Path, make_video: Make
) -> None:
    environment = {**os.environ, "REPRISE_DATA": str(tmp_path / "data")}
    command = [sys.executable, "manage.py", "watch", str(folder)]
    with subprocess.Popen(
        [*command, "--settle", "1", "--every", "1"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as watch:
        assert watch.stderr
        while "Watching" not in watch.stderr.readline():
            assert watch.poll() is None
        (folder / "bad.mp4").write_text("no film")
        shutil.copy(make_video(4), folder / "good.mp4")
        said = ""
        deadline = time.monotonic() + 60
        while "good.mp4 is taken in as recording 1 of cameras." not in said:
            assert time.monotonic() < deadline
            said += watch.stderr.readline()
        assert "bad.mp4 is left out: The file is not a video" in said
        watch.send_signal(signal.SIGINT)
        assert watch.stdout
        assert "1 taken in, 1 left out. The next start goes on" in watch.stdout.read()
    assert watch.returncode == 0
