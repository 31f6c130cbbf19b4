"""How far a recording has come, by stage, with rate and time left, for pages and terminals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Sum
from django.utils import timezone

from indexing.models import Chunk, Job, Recording, Work
from indexing.work.jobs import worker_running

__all__ = ["Stage", "Status", "recording_status", "worker_running"]

# Rates are those of the last minutes: a mean since the start would hide a stall.
RECENT = timedelta(minutes=3)
COPYING = "Making a playable copy"


@dataclass(frozen=True)
class Stage:
    """One part of the journey; rate is in units a second, and None where it cannot be told."""

    name: str
    done: float
    total: float
    unit: str
    rate: float | None
    seconds_left: float | None
    state: str


@dataclass(frozen=True)
class Status:
    """All stages of a recording, how much of it can be searched, and a sentence that says so."""

    stages: tuple[Stage, ...]
    clips_searchable: int
    clips_total: int
    finished: bool
    sentence: str
    postponed: str


def recording_status(recording: Recording) -> Status:
    """Read a recording's stages from the rows that own its state, in three queries."""
    jobs = list(recording.jobs.order_by("pk"))
    chunks = list(recording.chunks.all())
    stages = tuple(_stages(recording, jobs, chunks))
    searchable = _searchable(recording)
    postponed = _postponed([*jobs, *chunks])
    open_work = any(stage.state in {"waiting", "running"} for stage in stages)
    finished = recording.state == Recording.State.REFUSED or (
        recording.state == Recording.State.READY and not open_work
    )
    return Status(
        stages=stages,
        clips_searchable=searchable,
        clips_total=recording.duration_s,
        finished=finished,
        sentence=postponed or _sentence(recording, searchable, stages),
        postponed=postponed,
    )


def _stages(recording: Recording, jobs: list[Job], chunks: list[Chunk]) -> Iterator[Stage]:
    newest = {job.kind: job for job in jobs}
    if prepare := newest.get(Job.Kind.PREPARE):
        yield _job_stage("Reading the file", prepare)
    if recording.state != Recording.State.WAITING and recording.duration_s:
        yield _clip_stage(recording, chunks)
    if preview := newest.get(Job.Kind.PREVIEW):
        yield _job_stage(COPYING, preview)


def _job_stage(name: str, job: Job) -> Stage:
    """Return a job's progress in percent, extrapolated from its own start."""
    rate = left = None
    if job.state == Work.State.RUNNING and job.started_at and job.progress > 0:
        elapsed = (timezone.now() - job.started_at).total_seconds()
        if elapsed > 0:
            rate = 100 * job.progress / elapsed
            left = elapsed * (1 - job.progress) / job.progress
    return Stage(name, 100 * job.progress, 100, "%", rate, left, job.state)


def _clip_stage(recording: Recording, chunks: list[Chunk]) -> Stage:
    """Return how many clips have been embedded, those of chunks in hand included."""
    by_state = {state: [c for c in chunks if c.state == state] for state in Work.State}
    running = by_state[Work.State.RUNNING]
    done = sum(c.clips for c in by_state[Work.State.DONE])
    done += round(sum(c.progress * c.clips for c in running))
    failed = sum(c.clips for c in by_state[Work.State.FAILED])
    rate = _recent_rate([*by_state[Work.State.DONE], *running])
    left = (recording.duration_s - done - failed) / rate if rate else None
    state = Work.State.DONE
    if running or by_state[Work.State.WAITING]:
        state = Work.State.RUNNING if running or done else Work.State.WAITING
    elif failed:
        state = Work.State.FAILED
    return Stage("Embedding clips", done, recording.duration_s, "clips", rate, left, state)


def _recent_rate(chunks: list[Chunk]) -> float | None:
    """Return clips a second over the last minutes, from chunks that are done or in hand."""
    now = timezone.now()
    recent = [
        chunk
        for chunk in chunks
        if chunk.state == Work.State.RUNNING
        or (chunk.finished_at and chunk.finished_at >= now - RECENT)
    ]
    begun = [chunk.started_at for chunk in recent if chunk.started_at]
    gained = sum(chunk.progress * chunk.clips for chunk in recent)
    if not begun or not gained:
        return None
    span = (now - max(min(begun), now - RECENT)).total_seconds()
    return gained / span if span > 0 else None


def _searchable(recording: Recording) -> int:
    return recording.searchable().aggregate(clips=Sum("clips"))["clips"] or 0


def _postponed(work: Sequence[Work]) -> str:
    """Return why work waits for something outside, such as room on the disk, or nothing."""
    stuck = (unit for unit in work if unit.state == Work.State.WAITING and not unit.attempts)
    return next((unit.error for unit in stuck if unit.error), "")


def _sentence(recording: Recording, searchable: int, stages: tuple[Stage, ...]) -> str:
    """Say in a sentence where the recording stands."""
    if recording.state == Recording.State.REFUSED:
        return recording.reason
    if recording.state == Recording.State.WAITING:
        return "It is being read to find out what it holds."
    if recording.state == Recording.State.INGESTING:
        return f"{searchable:,} of {recording.duration_s:,} seconds can be searched already."
    copy = next((stage.state for stage in stages if stage.name == COPYING), Work.State.DONE)
    if copy == Work.State.FAILED:
        return "All of it can be searched, but a copy that plays in the browser could not be made."
    if copy != Work.State.DONE:
        return "All of it can be searched; a copy that plays in the browser is still being made."
    if recording.gaps:
        return "It can be searched and played, except for its gaps."
    return "All of it can be searched and played."
