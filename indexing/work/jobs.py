"""Claim, renew, finish, fail and sweep units of work (rule 1 of the design).

The database owns the state and the queue only wakes workers: a message may come twice, late or
never. Whoever turns a row from waiting to running owns it until its lease runs out, and a worker
that lost its lease can no longer finish it.
"""

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from celery import current_app
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from indexing.files import DISK_FULL, FileDamaged, disk_is_full, disk_sentence
from indexing.media.errors import MediaError
from indexing.models import Check, Chunk, Delivery, Export, Job, Recording, Upload, Work, Worker
from indexing.work import broker

LEASE = timedelta(seconds=60)
RENEWAL_S = 15.0
ATTEMPTS = 3
PATIENCE = timedelta(minutes=10)
SEEN = timedelta(seconds=60)

log = logging.getLogger(__name__)
W = TypeVar("W", bound=Work)


class LeaseLost(Exception):
    """Another worker may own this work by now, so nothing of it may be published."""


class Hopeless(Exception):
    """The work cannot succeed, however often it is tried; the message is a sentence for people."""


def claim(kind: type[W], pk: int) -> W | None:
    """Take a waiting unit of work, or return None where there is nothing to take."""
    now = timezone.now()
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"
    won = kind._default_manager.filter(pk=pk, state=Work.State.WAITING).update(
        state=Work.State.RUNNING,
        owner=owner,
        lease_until=now + LEASE,
        attempts=F("attempts") + 1,
        started_at=now,
        progress=0.0,
    )
    return kind._default_manager.get(pk=pk) if won == 1 else None


def owned(work: Work) -> QuerySet[Work]:
    """Return the row of this work as long as this worker owns it."""
    manager = type(work)._default_manager
    return manager.filter(pk=work.pk, owner=work.owner, state=Work.State.RUNNING)


def renew(work: Work) -> None:
    """Prolong the lease.

    Raises:
        LeaseLost: the lease ran out and the work was taken away.
    """
    if owned(work).update(lease_until=timezone.now() + LEASE) != 1:
        raise LeaseLost


def report(work: Work, progress: float) -> None:
    """Record how far the work has come (0 to 1), and prolong the lease.

    Raises:
        LeaseLost: the lease ran out and the work was taken away.
    """
    lease_until = timezone.now() + LEASE
    if owned(work).update(progress=progress, lease_until=lease_until) != 1:
        raise LeaseLost


def finish(work: Work, **fields: object) -> None:
    """Mark the work as done and set its fields: the fence, inside the publishing transaction.

    Raises:
        LeaseLost: the lease ran out and the work was taken away; roll back.
    """
    done = owned(work).update(
        state=Work.State.DONE,
        owner="",
        lease_until=None,
        finished_at=timezone.now(),
        progress=1.0,
        error="",
        **fields,
    )
    if done != 1:
        raise LeaseLost


def again(work: Work, **fields: object) -> None:
    """End a turn of long work and queue the next, so that other work gets turns in between.

    Raises:
        LeaseLost: the lease ran out and the work was taken away; roll back.
    """
    queued = owned(work).update(
        state=Work.State.WAITING,
        owner="",
        lease_until=None,
        woken_at=None,
        attempts=0,
        error="",
        **fields,
    )
    if queued != 1:
        raise LeaseLost
    transaction.on_commit(lambda: wake([work]))


def others_wait(work: Work) -> bool:
    """Tell whether any other work waits for a worker, so that long work should end its turn."""
    return any(
        _waiting(kind).exclude(pk=work.pk if isinstance(work, kind) else None).exists()
        for kind in KINDS
    )


def _waiting(kind: type[Work]) -> QuerySet[Work]:
    """Return the work of a kind that could be done now."""
    if kind is Delivery:
        return Delivery.objects.filter(state=Work.State.WAITING, due_at__lte=timezone.now())
    return kind._default_manager.filter(state=Work.State.WAITING)


def fail(work: Work, sentence: str, *, final: bool) -> None:
    """Give the work back for another attempt, or quarantine it with the reason."""
    last = final or work.attempts >= ATTEMPTS
    owned(work).update(
        state=Work.State.FAILED if last else Work.State.WAITING,
        owner="",
        lease_until=None,
        finished_at=timezone.now() if last else None,
        woken_at=None,
        error=sentence,
    )


def postpone(work: Work, sentence: str) -> None:
    """Give the work back for later without counting the attempt: it was not the work's fault.

    It counts as woken, so the sweep lets a lease's time pass before it is tried again.
    """
    owned(work).update(
        state=Work.State.WAITING,
        owner="",
        lease_until=None,
        attempts=F("attempts") - 1,
        woken_at=timezone.now(),
        error=sentence,
    )


def put_off(delivery: Delivery, **fields: object) -> None:
    """Give a delivery back until it is due, when the sweep wakes a worker.

    Raises:
        LeaseLost: the lease ran out and the work was taken away.
    """
    queued = owned(delivery).update(
        state=Work.State.WAITING, owner="", lease_until=None, woken_at=None, attempts=0, **fields
    )
    if queued != 1:
        raise LeaseLost


def attempt(kind: type[W], pk: int, body: Callable[[W], None]) -> W | None:
    """Claim a unit of work, run ``body`` on it under a renewed lease, and record how it ended.

    Bad input is final at once; anything else is tried again. Returns the claimed work, or None
    where there was nothing to claim.
    """
    work = claim(kind, pk)
    if work is None:
        return None
    try:
        with _renewing(work):
            body(work)
    except LeaseLost:
        log.warning("%s was taken away from this worker", work)
    except (MediaError, Hopeless) as error:
        if disk_is_full():
            postpone(work, DISK_FULL)
        else:
            fail(work, str(error), final=True)
    except FileDamaged as error:
        log.exception("%s failed", work)
        # A job asks for itself again once the chunk it needs has been made again.
        fail(work, str(error), final=isinstance(work, Job))
    except Exception as error:
        log.exception("%s failed", work)
        if disk_is_full():
            postpone(work, DISK_FULL)
        elif isinstance(error, OSError):
            fail(work, disk_sentence(error), final=False)
        else:
            fail(work, f"An unexpected error stopped it: {error!r}.", final=False)
    return work


@contextmanager
def _renewing(work: Work) -> Iterator[None]:
    """Renew the lease from a thread, since a decoder may be silent for longer than a lease."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(RENEWAL_S):
            try:
                renew(work)
            except LeaseLost:
                log.warning("the lease on %s was lost", work)
                break
            except DatabaseError:  # it may be back before the lease runs out
                log.exception("the lease on %s could not be renewed", work)
        connection.close()

    thread = threading.Thread(target=beat, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def sweep() -> None:
    """Take back work whose worker died, and wake workers where the broker lost its messages."""
    for kind in KINDS:
        _take_back(kind)
    running = any(k._default_manager.filter(state=Work.State.RUNNING).exists() for k in KINDS)
    # A message may merely be waiting behind others, so while work goes on it is given more time.
    stale = timezone.now() - (PATIENCE if running else LEASE)
    for kind in KINDS:
        unheard = Q(woken_at=None) | Q(woken_at__lt=stale)
        wake(_waiting(kind).filter(unheard).order_by("pk")[:200])


# The task that each kind of work wakes a worker for (indexing.tasks), in the order of the sweep.
TASKS: dict[type[Work], str] = {
    Upload: "examine",
    Job: "run_job",
    Chunk: "embed_chunk",
    Check: "run_check",
    Delivery: "deliver",
    Export: "export",
}
KINDS = tuple(TASKS)


def _take_back(kind: type[Work]) -> None:
    """Return expired or orphaned work to the queue, or quarantine it after its last attempt."""
    running = kind._default_manager.filter(state=Work.State.RUNNING)
    expired = running.filter(lease_until__lt=timezone.now())
    for work in list(expired) + [w for w in running if _owner_died(w.owner)]:
        log.warning("the worker of %s died", work)
        fail(work, "Its worker stopped in the middle of it.", final=False)


def _owner_died(owner: str) -> bool:
    """Tell whether the owner was a process of this machine that is gone.

    A lease would find out as well, only later, and does where the pid was given to another process
    by now. Machines that share a database must not share a host name.
    """
    host, pid, _ = owner.split(":")
    return host == socket.gethostname() and not _alive(int(pid))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


# What somebody waits for at a screen comes before what fills a library, whatever was there first.
AT_ONCE, SOON, IN_TURN = 0, 3, 6
_AT_ONCE = (Upload, Export, Delivery)


def wake(work: Iterable[Work]) -> None:
    """Send one message per unit of work, in order; losing them costs time, never work."""
    units = list(work)
    samples = _samples(units)
    for unit in units:
        manager = type(unit)._default_manager
        manager.filter(pk=unit.pk).update(woken_at=timezone.now())
        task = TASKS[type(unit)]
        try:
            broker.ready()
            priority = AT_ONCE if unit in samples else _priority(unit)
            current_app.send_task(f"indexing.tasks.{task}", (unit.pk,), priority=priority)
        except Exception as error:  # whatever ails the broker, the work itself is safe in its row
            manager.filter(pk=unit.pk).update(woken_at=None)
            log.warning("the broker cannot be reached (%r); the sweep will wake a worker", error)
            return


def _priority(unit: Work) -> int:
    """Return how soon a kind of work is to be done."""
    if isinstance(unit, _AT_ONCE):
        return AT_ONCE
    if isinstance(unit, Job):
        return {Job.Kind.LOCATE: AT_ONCE, Job.Kind.PREPARE: SOON}.get(Job.Kind(unit.kind), IN_TURN)
    return IN_TURN


def _samples(units: Iterable[Work]) -> set[Work]:
    """Return the work on files that somebody is about to search with."""
    read = [unit for unit in units if isinstance(unit, Chunk | Job)]
    wanted = Recording.objects.filter(camera__samples=True)
    found = set(
        wanted.filter(pk__in={unit.recording_id for unit in read}).values_list("pk", flat=True)
    )
    return {unit for unit in read if unit.recording_id in found}


def seen() -> None:
    """Record that this worker lives."""
    name = f"{socket.gethostname()}:{os.getppid()}"
    Worker.objects.update_or_create(name=name, defaults={"seen_at": timezone.now()})
    Worker.objects.filter(seen_at__lt=timezone.now() - 10 * SEEN).delete()


def worker_running() -> bool:
    """Tell whether a worker was seen within the last minute and is not known to have died."""
    recent = Worker.objects.filter(seen_at__gte=timezone.now() - SEEN)
    return any(not _owner_died(f"{worker.name}:") for worker in recent)


def do_again(chunk: Chunk) -> None:
    """Queue a chunk to be made anew; what is published of it stays searchable until then."""
    again = {"state": Work.State.WAITING, "attempts": 0, "woken_at": None}
    if Chunk.objects.filter(pk=chunk.pk, state=Work.State.DONE).update(**again):
        wake([chunk])


def retry_recording(recording: Recording) -> int:
    """Put the quarantined work of a recording back in the queue; return how much there was."""
    count = 0
    failed_work: tuple[QuerySet[Job] | QuerySet[Chunk], ...] = (
        recording.jobs.filter(state=Work.State.FAILED),
        recording.chunks.filter(state=Work.State.FAILED),
    )
    for failed in failed_work:
        units = list(failed)
        failed.update(state=Work.State.WAITING, attempts=0, error="", woken_at=None)
        wake(units)
        count += len(units)
    if count:
        again = Recording.State.INGESTING if recording.duration_s else Recording.State.WAITING
        Recording.objects.filter(pk=recording.pk).update(state=again, reason="", ready_at=None)
    return count
