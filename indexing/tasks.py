"""Thin Celery tasks: ids in, services called. Each may run twice without harm."""

from celery import shared_task
from celery.signals import task_postrun

from indexing import ingest
from indexing.arrivals import examining, uploads
from indexing.casework import checking, deliveries, evidence
from indexing.work import jobs


@task_postrun.connect
def tell_alive(**task: object) -> None:
    """Record that a worker lives: one that is busy for minutes has had no turn for the sweep."""
    jobs.seen()


@shared_task
def embed_chunk(chunk_id: int) -> None:
    """Decode and embed one chunk."""
    ingest.run_chunk(chunk_id)


@shared_task
def run_job(job_id: int) -> None:
    """Run one job."""
    ingest.run_job(job_id)


@shared_task
def examine(upload_id: int) -> None:
    """Find out what an upload is that came in whole."""
    examining.run(upload_id)


@shared_task
def run_check(check_id: int) -> None:
    """Hold one chunk against one standing search."""
    checking.run(check_id)


@shared_task
def deliver(delivery_id: int) -> None:
    """Send one notification out of the house."""
    deliveries.run(delivery_id)


@shared_task
def export(export_id: int) -> None:
    """Make one ZIP of evidence."""
    evidence.run(export_id)


@shared_task
def sweep() -> None:
    """Find the work of dead workers, lost messages and recordings that can be closed."""
    jobs.seen()
    jobs.sweep()
    ingest.close_recordings()
    evidence.expire()
    uploads.expire()
