"""A private installation with one worker, driven from its command line as people drive it."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from indexing.work.waiting import stop
from tests.benchmarks.machine import CORES

START_WITHIN_S = 120


class Installation:
    """A data root and the worker that serves it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        processes = max(1, CORES // settings.WORKER_THREADS)
        self.environment = {
            **os.environ,
            "REPRISE_DATA": str(data),
            "REPRISE_COMPILED": str(settings.COMPILED_FOLDER),
            "REPRISE_WORKER_PROCESSES": str(processes),
        }
        self.worker = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            cwd=settings.BASE_DIR,
            env=self.environment,
            start_new_session=True,
        )

    def until_seen(self) -> None:
        """Return once the worker has reported itself."""
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline and self.worker.poll() is None:
            if self._workers_seen():
                return
            time.sleep(0.5)
        raise AssertionError("The worker did not start.")

    def _workers_seen(self) -> int:
        try:
            with sqlite3.connect(self.data / "reprise.sqlite3") as database:
                found = database.execute("SELECT count(*) FROM indexing_worker").fetchone()
        except sqlite3.OperationalError:  # no database or no table yet
            return 0
        return int(found[0])

    def ingest(self, path: Path, camera: str) -> Any:
        """Ingest a file until nothing of it is left to do; return the command's document."""
        done = subprocess.run(
            [
                *(sys.executable, "manage.py", "ingest", str(path)),
                *("--camera", camera, "--wait", "--json"),
            ],
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        document = json.loads(done.stdout)
        if document["state"] != "ready":
            raise AssertionError(f"The ingest ended as {document['state']}.")
        return document


@contextmanager
def installed() -> Iterator[Installation]:
    """Start an installation with a worker that is up; remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="reprise-bench-"))
    installation = Installation(folder / "var")
    try:
        installation.until_seen()
        yield installation
    finally:
        stop(installation.worker)
        shutil.rmtree(folder, ignore_errors=True)
