"""The demo on a recording of one's own: started, stopped with Ctrl-C, started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services import free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def command(tmp_path: Path, make_video: Callable[..., Path]) -> list[str]:
    """The demo on a small recording, with a data root of its own."""
    environment = ["env", f"REPRISE_DATA={tmp_path / 'var'}"]
    manage = [sys.executable, "manage.py", "demo", "--file", str(make_video(8))]
    return [*environment, *manage, "--port", str(free_port())]


@pytest.fixture
def demo(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr
    with process.stderr:
        yield process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_it_starts_stops_and_goes_on(demo: subprocess.Popen[str], command: list[str]) -> None:
    port = command[-1]
    told = []
    assert demo.stderr
    for line in demo.stderr:
        told.append(line)
        if "All of it can be searched" in line:
            break
    text = "".join(told)
    for name in ("admin", "operator", "analyst"):
        assert name in text
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
        assert answer.status == 200

    demo.send_signal(signal.SIGINT)
    demo.stderr.read()
    assert demo.wait(timeout=60) == 0
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz")

    again = subprocess.run(
        [*command, "--no-serve", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(again.stdout) == {"recordings": 1}
    assert "exists already" in again.stderr


def test_a_port_in_use_is_told(command: list[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(command[-1])))
        taken.listen()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert f"Port {command[-1]} is in use" in done.stderr
    assert "Traceback" not in done.stderr
