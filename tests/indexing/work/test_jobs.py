"""Work is owned by its row: claimed once, fenced, counted, swept."""

import os
import socket
import subprocess
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from indexing import files, tasks
from indexing.media.errors import MediaError
from indexing.models import Camera, Job, Work, Worker
from indexing.work import jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Job:
    camera = Camera.objects.create(name="North gate")
    return Job.objects.create(kind=Job.Kind.SETTLE, camera=camera)


def claimed(job: Job) -> Job:
    work = jobs.claim(Job, job.pk)
    assert work is not None
    return work


@transaction.atomic
def publish_too_late(job: Job) -> None:
    Camera.objects.filter(pk=job.camera_id).update(name="published too late")
    jobs.finish(job)


def test_only_one_worker_claims(job: Job) -> None:
    assert claimed(job).attempts == 1
    assert jobs.claim(Job, job.pk) is None


def test_a_worker_that_lost_its_lease_cannot_publish(job: Job) -> None:
    slow = claimed(job)
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    jobs.sweep()
    quick = claimed(job)

    with pytest.raises(jobs.LeaseLost):
        publish_too_late(slow)
    with pytest.raises(jobs.LeaseLost):
        jobs.renew(slow)
    jobs.fail(slow, "too late to matter", final=True)

    jobs.finish(quick)
    job.refresh_from_db()
    assert job.state == Work.State.DONE
    assert job.attempts == 2
    assert Camera.objects.get().name == "North gate"


def test_three_failed_attempts_are_quarantined_with_the_reason(job: Job) -> None:
    def body(work: Job) -> None:
        raise RuntimeError("the lens is fogged")

    for _ in range(jobs.ATTEMPTS):
        assert jobs.attempt(Job, job.pk, body) is not None

    job.refresh_from_db()
    assert job.state == Work.State.FAILED
    assert "the lens is fogged" in job.error
    assert jobs.attempt(Job, job.pk, body) is None


def test_bad_input_is_not_tried_again(job: Job) -> None:
    def body(work: Job) -> None:
        raise MediaError("The file is a picture.")

    jobs.attempt(Job, job.pk, body)

    job.refresh_from_db()
    assert (job.state, job.error, job.attempts) == (Work.State.FAILED, "The file is a picture.", 1)


def test_the_sweep_leaves_a_live_worker_alone(job: Job) -> None:
    work = claimed(job)
    jobs.sweep()
    jobs.renew(work)


def test_the_sweep_takes_work_from_a_dead_process_before_its_lease_ends(job: Job) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    claimed(job)
    owner = f"{socket.gethostname()}:{dead.pid}:token"
    Job.objects.filter(pk=job.pk).update(owner=owner)

    jobs.sweep()

    job.refresh_from_db()
    assert job.state == Work.State.WAITING


def test_the_sweep_cannot_judge_a_process_of_another_machine(job: Job) -> None:
    claimed(job)
    Job.objects.filter(pk=job.pk).update(owner="elsewhere:1:token")

    jobs.sweep()

    job.refresh_from_db()
    assert job.state == Work.State.RUNNING


def test_the_third_lost_worker_quarantines_the_work(job: Job) -> None:
    for _ in range(jobs.ATTEMPTS):
        claimed(job)
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        jobs.sweep()

    job.refresh_from_db()
    assert job.state == Work.State.FAILED
    assert job.error == "Its worker stopped in the middle of it."


def test_a_lost_message_is_sent_again_once_nothing_runs(job: Job) -> None:
    long_ago = timezone.now() - timedelta(minutes=5)
    Job.objects.filter(pk=job.pk).update(woken_at=long_ago)

    jobs.sweep()

    job.refresh_from_db()
    assert job.woken_at is not None
    assert job.woken_at > long_ago


def test_a_worker_counts_as_running_until_it_dies(job: Job) -> None:
    assert not jobs.worker_running()
    jobs.seen()
    assert jobs.worker_running()
    Worker.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    assert not jobs.worker_running()
    dead = subprocess.Popen(["true"])
    dead.wait()
    Worker.objects.update(name=f"{socket.gethostname()}:{dead.pid}", seen_at=timezone.now())
    assert os.getpid() != dead.pid
    assert not jobs.worker_running()


def test_a_worker_that_ends_a_long_task_counts_as_running_at_once(job: Job) -> None:
    tasks.run_job.apply((0,))
    assert jobs.worker_running()


def test_a_full_disk_postpones_the_work_without_blaming_it(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def body(work: Job) -> None:
        raise RuntimeError("basic_ios::clear: iostream error")

    monkeypatch.setattr(files, "LEAST_FREE", 2**62)
    for _ in range(jobs.ATTEMPTS + 1):
        assert jobs.attempt(Job, job.pk, body) is not None

    job.refresh_from_db()
    assert (job.state, job.attempts, job.error) == (Work.State.WAITING, 0, files.DISK_FULL)

    monkeypatch.undo()
    jobs.attempt(Job, job.pk, jobs.finish)
    job.refresh_from_db()
    assert job.state == Work.State.DONE
