import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoDbBlocker
from scipy.io import wavfile

from indexing.management.commands import crossroads
from indexing.media.errors import MediaError
from indexing.media.probe import probe
from indexing.media.sounds import read_sounds
from ml.crossroads import truth

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]

Render = Callable[..., Path]


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The sentence a command that must fail ends with."""
    with pytest.raises(SystemExit) as ended:
        call_command("crossroads", *arguments)
    assert ended.value.code == 1
    return capsys.readouterr().err


@pytest.fixture(scope="module")
def street(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> tuple[Path, str, str]:
    """Six seconds rendered by one process, what was answered, and what was told meanwhile."""
    out = tmp_path_factory.mktemp("street") / "street.mp4"
    answer, told = io.StringIO(), io.StringIO()
    with django_db_blocker.unblock(), redirect_stdout(answer), redirect_stderr(told):
        call_command("crossroads", str(out), "--minutes=0.1", "--seed=3", "--jobs=1", "--json")
    return out, answer.getvalue(), told.getvalue()


def test_a_stream_and_its_truth_are_written(street: tuple[Path, str, str]) -> None:
    out, said, told = street
    answer = json.loads(said)
    rows = truth.read(out.with_suffix(".csv").read_text())
    assert answer["seconds"] == 6
    assert sum(answer["events"].values()) == len(rows) > 0
    assert "Rendering 100 %" in told
    info = probe(out)
    assert info.duration_s == 6
    assert info.video
    assert info.audio
    assert (info.video.codec, info.video.width, info.video.height) == ("h264", 640, 360)
    assert (info.audio.codec, info.audio.sample_rate) == ("aac", 44100)
    assert info.browser_playable
    assert sorted(path.name for path in out.parent.iterdir()) == ["street.csv", "street.mp4"]


def test_parts_are_cut_from_one_stream(street: tuple[Path, str, str], tmp_path: Path) -> None:
    texts = [street[0].with_suffix(".csv").read_text()]
    for part in ("1/2", "2/2"):
        out = tmp_path / f"{part[0]}.mp4"
        arguments = ("--minutes=0.1", "--seed=3", f"--part={part}", "--jobs=1")
        call_command("crossroads", str(out), *arguments)
        assert probe(out).duration_s == 3
        texts.append(out.with_suffix(".csv").read_text())
    whole, one, two = (truth.read(text) for text in texts)
    assert {o.event for o in whole} == {o.event for o in one} | {o.event for o in two}
    assert whole
    assert max(o.end_s for o in [*one, *two]) <= 3


def test_two_processes_write_the_same_truth(street: tuple[Path, str, str], tmp_path: Path) -> None:
    out = tmp_path / "street.mp4"
    call_command("crossroads", str(out), "--minutes=0.1", "--seed=3", "--jobs=2")
    assert probe(out).duration_s == 6
    assert out.with_suffix(".csv").read_bytes() == street[0].with_suffix(".csv").read_bytes()


def test_ctrl_c_ends_all_processes_with_one_sentence_and_no_file(tmp_path: Path) -> None:
    street = tmp_path / "street"
    street.mkdir()
    command = [
        *(sys.executable, "manage.py", "crossroads", str(street / "street.mp4")),
        *("--minutes=20", "--jobs=2"),
    ]
    environment = {**os.environ, "REPRISE_DATA": str(tmp_path / "var")}
    # What a shell runs in the background ignores Ctrl-C, and so does all that is begun there.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    rendering = subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, start_new_session=True
    )
    signal.signal(signal.SIGINT, before)
    with rendering:
        assert rendering.stderr
        while not any(street.iterdir()):
            assert rendering.poll() is None
            time.sleep(0.2)
        time.sleep(2)  # into the start of the processes that draw, or beyond it
        os.killpg(rendering.pid, signal.SIGINT)
        told = rendering.stderr.read().decode()  # to its end: no process holds it any more
    assert told.split("\n")[-3:] == ["", "Stopped; nothing was written.", ""]
    assert "Traceback" not in told
    assert rendering.returncode == 1
    assert not list(street.iterdir())


def test_a_command_leaves_ctrl_c_to_the_command_that_runs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(crossroads, "record", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call_command("crossroads", str(tmp_path / "street.mp4"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--minutes=0",),
        ("--minutes=-3",),
        ("--minutes=many",),
        ("--minutes=2000",),
        ("--view=D",),
        ("--light=dim",),
        ("--part=3/2",),
        ("--part=first",),
        ("--seed=-1",),
    ],
)
def test_bad_arguments_are_refused(arguments: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        call_command("crossroads", str(tmp_path / "street.mp4"), *arguments)
    assert not list(tmp_path.iterdir())


def test_an_absent_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no folder" in refusal(capsys, str(tmp_path / "no" / "street.mp4"))
    street = str(tmp_path / "street.mp4")
    told = refusal(capsys, street, "--minutes=0.1", f"--sounds={tmp_path / 'no'}")
    assert "There is no folder of sounds" in told
    assert "known class" in refusal(capsys, street, "--minutes=0.1", f"--sounds={tmp_path}")


def test_another_kind_of_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "end in .mp4" in refusal(capsys, str(tmp_path / "street.avi"))


def test_a_machine_without_ffmpeg_is_told_and_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    told = refusal(capsys, str(tmp_path / "street.mp4"), "--minutes=0.1", "--jobs=1")
    assert "ffmpeg is not installed" in told
    assert not list(tmp_path.iterdir())


def test_real_sounds_are_read_by_class(tmp_path: Path) -> None:
    tone = (8000 * np.sin(np.arange(22050) / 9)).astype(np.int16)
    for name in ("siren/a", "siren/b", "car_horn/a", "dog_bark/a"):
        path = tmp_path / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        wavfile.write(path, 22050, tone)
    sounds = read_sounds(tmp_path)
    assert {kind: len(clips) for kind, clips in sounds.items()} == {
        "ambulance": 1,
        "police": 1,
        "horn": 1,
    }
    assert sounds["horn"][0].dtype == np.float32
    assert len(sounds["horn"][0]) == pytest.approx(44100, abs=50)


def test_a_damaged_sound_is_named(tmp_path: Path) -> None:
    (tmp_path / "siren").mkdir()
    (tmp_path / "siren" / "bad.wav").write_bytes(b"no sound at all")
    with pytest.raises(MediaError, match=r"bad\.wav"):
        read_sounds(tmp_path)


@pytest.mark.media
def test_the_shared_sounds_are_understood(media: Path) -> None:
    sounds = read_sounds(media / "sounds")
    assert {"ambulance", "police", "horn", "train", "ambience"} <= set(sounds)
