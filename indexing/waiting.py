"""Waiting in a terminal until a recording's work is done, with a worker of one's own if need be."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db.models import Q

from indexing.jobs import worker_running
from indexing.models import Chunk, Job, Recording, Work
from indexing.progress import Progress
from indexing.status import recording_status

POLL_S = 0.5
OPEN = (Work.State.WAITING, Work.State.RUNNING)


class WorkerDied(Exception):
    """The worker started for this wait keeps ending."""


@contextmanager
def own_worker() -> Iterator[subprocess.Popen[bytes] | None]:
    """Start a worker for as long as the block lasts, unless one is running already."""
    if worker_running():
        yield None
        return
    worker = start_worker()
    try:
        yield worker
    finally:
        stop(worker)


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


def wait_for(recording: Recording) -> Recording:
    """Follow a recording to its end, with a worker of one's own where none is running.

    Raises:
        WorkerDied: there is no worker left to do it.
    """
    with own_worker() as worker:

        def check() -> None:
            if worker and worker.poll() is not None:
                raise WorkerDied("The worker ended before the work was done; see its messages.")

        follow(recording, check)
    return recording


def follow(recording: Recording, check: Callable[[], None] = lambda: None) -> None:
    """Show progress until nothing of a recording, or of its camera's encoder, is left to do.

    ``check`` is called again and again, and may raise to end the wait.
    """
    progress: Progress | None = None
    shown = ""
    while not settled(recording):
        check()
        stage = next((s for s in recording_status(recording).stages if s.state == "running"), None)
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
