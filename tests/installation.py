"""An installation with a data root of its own, its commands and workers real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class Installation:
    """An installation with a data root of its own, driven from its command line."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.environment = {**os.environ, "REPRISE_DATA": str(data), **settings}
        self.workers: list[subprocess.Popen[bytes]] = []

    def command(self, *arguments: str, status: int = 0) -> Any:
        """Run a command with --json; return its document."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments, "--json"],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker in a process group of its own, so that all of it can be killed."""
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            cwd=ROOT,
            env=self.environment,
            start_new_session=True,
        )
        self.workers.append(worker)
        return worker

    def state(self) -> Any:
        """What verify says at this moment."""
        done = subprocess.run(
            [sys.executable, "manage.py", "verify", "--json"],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(done.stdout)

    def until(self, reached: Callable[[Any], bool]) -> Any:
        """Return verify's document once it is as wanted."""
        while not reached(state := self.state()):
            assert any(worker.poll() is None for worker in self.workers), "no worker is left"
            time.sleep(1)
        return state

    def end(self) -> None:
        """Kill whatever still runs."""
        for worker in self.workers:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()
