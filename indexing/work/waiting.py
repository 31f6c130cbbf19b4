"""Waiting in a terminal until a recording's work is done, with a worker of one's own if need be."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from django.conf import settings
from django.db.models import Q

from indexing.models import Chunk, Job, Recording, Work
from indexing.work.jobs import worker_running
from indexing.work.progress import Progress
from indexing.work.status import recording_status

POLL_S = 0.5
MOST_RESTARTS = 5
OPEN = (Work.State.WAITING, Work.State.RUNNING)


class WorkerDied(Exception):
    """A program that this wait depends on keeps ending."""


class Children:
    """Programs started together, started again where one ends by itself, stopped together."""

    def __init__(self, *starts: Callable[[], subprocess.Popen[bytes]]) -> None:
        self.running = [(start, start()) for start in starts]
        self.restarts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for _, child in self.running:
            stop(child)

    def add(self, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        """Start one more."""
        self.running.append((start, start()))

    def keep(self) -> None:
        """Start again what has ended by itself; its work goes on where it was.

        Raises:
            WorkerDied: that has not helped several times.
        """
        for number, (start, child) in enumerate(self.running):
            if child.poll() is not None:
                self.restarts += 1
                if self.restarts > MOST_RESTARTS:
                    raise WorkerDied("What does the work keeps ending; its messages stand above.")
                self.running[number] = (start, start())


def start_worker() -> subprocess.Popen[bytes]:
    """Start a worker as a child process; it logs to standard error."""
    manage = settings.BASE_DIR / "manage.py"
    return subprocess.Popen(
        [sys.executable, str(manage), "worker"], stdout=sys.stderr.fileno(), start_new_session=True
    )


def stop(child: subprocess.Popen[bytes]) -> None:
    """End a child process: politely, then not."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(recording: Recording) -> None:
    """Follow a recording to its end, with a worker of one's own while no other is running.

    Raises:
        WorkerDied: there is no worker left to do it.
    """
    with attended() as check:
        follow(recording, check)


@contextmanager
def attended() -> Iterator[Callable[[], None]]:
    """Give a function to be called again and again, which sees to it that some worker runs."""
    with Children() as children:

        def check() -> None:
            children.keep()
            if not children.running and not worker_running():
                children.add(start_worker)

        yield check


def follow(recording: Recording, check: Callable[[], None] = lambda: None) -> None:
    """Show progress until nothing of a recording, or of its camera's encoder, is left to do.

    ``check`` is called again and again, and may raise to end the wait.
    """
    progress: Progress | None = None
    shown = ""
    while not settled(recording):
        check()
        status = recording_status(recording)
        if status.postponed:
            raise WorkerDied(status.postponed)
        stage = next((s for s in status.stages if s.state == "running"), None)
        if stage and stage.name != shown:
            shown = stage.name
            progress = Progress(f"{recording.name}: {stage.name.lower()}", stage.total, stage.unit)
        if stage and progress:
            progress.update(stage.done)
        time.sleep(POLL_S)
        recording.refresh_from_db()


def settled(recording: Recording) -> bool:
    """Tell whether a recording is ready or refused and no work on it or its encoder is open."""
    if recording.state in {Recording.State.WAITING, Recording.State.INGESTING}:
        return False
    about = Q(recording=recording) | Q(camera=recording.camera, kind=Job.Kind.SETTLE)
    return not (
        Job.objects.filter(about, state__in=OPEN).exists()
        or Chunk.objects.filter(recording=recording, state__in=OPEN).exists()
    )
