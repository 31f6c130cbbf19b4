"""What the children of ffmpeg may do, and how they end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from indexing.media import sandbox
from indexing.media.errors import MediaError
from indexing.media.probe import probe

ENDLESS = ["-v", "error", "-re", "-f", "lavfi", "-i", "anullsrc", "-f", "null", "-"]


def test_a_child_reports_its_output_and_its_cost() -> None:
    arguments = ["-v", "error", "-f", "lavfi", "-i", "sine=duration=5", "-f", "s16le", "pipe:1"]
    with sandbox.Child("ffmpeg", arguments, wall_s=60) as child:
        output = child.stdout.read()
        outcome = child.finish()
    assert len(output) == 5 * 44_100 * 2
    assert outcome.status == 0
    assert outcome.log == ""
    assert outcome.cpu_s > 0


def test_a_child_that_takes_too_long_is_stopped() -> None:
    with sandbox.Child("ffmpeg", ENDLESS, wall_s=0.5) as child:
        child.stdout.read()
        with pytest.raises(MediaError, match="stopped after"):
            child.finish()


def test_leaving_the_context_leaves_no_process_behind() -> None:
    with sandbox.Child("ffmpeg", ENDLESS, wall_s=60) as child:
        pid = child.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_limits_are_set() -> None:
    with sandbox.Child("ffmpeg", ENDLESS, wall_s=60, file_bytes=12345) as child:
        limits = _wait_for_limits(child.pid, "12345")
    rows = {line[:25].strip(): line[26:].split()[0] for line in limits.splitlines()}
    assert rows["Max address space"] == str(sandbox.MEMORY_BYTES)
    assert rows["Max cpu time"] == "120"
    assert rows["Max core file size"] == "0"


def _wait_for_limits(pid: int, mark: str) -> str:
    for _ in range(1000):
        text = Path(f"/proc/{pid}/limits").read_text()
        if mark in text:
            return text
        time.sleep(0.01)
    raise AssertionError("the limits were never set")


def test_a_child_dies_with_its_parent() -> None:
    script = (
        "from indexing.media import sandbox\n"
        f"child = sandbox.Child('ffmpeg', {ENDLESS!r}, wall_s=600)\n"
        "print(child.pid, flush=True)\n"
        "child.stdout.read()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    _wait_for_limits(pid, str(sandbox.MEMORY_BYTES))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for _ in range(1000):
        if not _is_running(pid):
            return
        time.sleep(0.01)
    raise AssertionError("the child outlived its parent")


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_missing_ffmpeg_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "a.mp4"
    path.write_bytes(b"something")
    with pytest.raises(MediaError, match="ffprobe is not installed on this machine: install it"):
        probe(path)


def test_a_full_disk_is_told() -> None:
    arguments = ["-v", "error", "-y", "-f", "lavfi", "-i", "anullsrc=duration=60"]
    arguments += ["-f", "s16le", "file:/dev/full"]
    with sandbox.Child("ffmpeg", arguments, wall_s=60) as child:
        child.stdout.read()
        with pytest.raises(MediaError, match="The disk is full"):
            child.finish()


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{secret}'\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n",
    ],
)
def test_playlists_lead_nowhere(playlist: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=2", str(secret)], check=True
    )
    path = tmp_path / "upload.mp4"
    path.write_text(playlist.format(secret=secret))
    with pytest.raises(MediaError, match="not a video"):
        probe(path)


def test_names_are_taken_literally(tmp_path: Path) -> None:
    for name in ("-y.wav", "a:b %03d.wav", "http:x.wav", "naïve [1] 'q'.wav"):
        plain = tmp_path / "plain.wav"
        command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "sine=duration=1", plain]
        subprocess.run([str(part) for part in command], check=True)
        assert probe(plain.rename(tmp_path / name)).duration_s == 1
