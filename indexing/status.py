"""How far a recording has come, by stage, with rate and time left, for pages and terminals."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from indexing.jobs import worker_running
from indexing.models import Chunk, Job, Recording, Work

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
    """Read a recording's stages from the rows that own its state."""
    stages = tuple(_stages(recording))
    searchable = _searchable(recording)
    open_work = any(stage.state in {"waiting", "running"} for stage in stages)
    finished = recording.state == Recording.State.REFUSED or (
        recording.state == Recording.State.READY and not open_work
    )
    return Status(
        stages=stages,
        clips_searchable=searchable,
        clips_total=recording.duration_s,
        finished=finished,
        sentence=_sentence(recording, searchable, stages),
        postponed=_postponed(recording),
    )


def _stages(recording: Recording) -> Iterator[Stage]:
    prepare = recording.jobs.filter(kind=Job.Kind.PREPARE).order_by("-pk").first()
    if prepare:
        yield _job_stage("Reading the file", prepare)
    if recording.state != Recording.State.WAITING and recording.duration_s:
        yield _clip_stage(recording)
    preview = recording.jobs.filter(kind=Job.Kind.PREVIEW).order_by("-pk").first()
    if preview:
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


def _clip_stage(recording: Recording) -> Stage:
    """Return how many clips have been embedded."""
    chunks = recording.chunks.all()
    in_hand = sum(c.progress * c.clips for c in chunks if c.state == Work.State.RUNNING)
    done = _clips(chunks, Work.State.DONE) + round(in_hand)
    failed = _clips(chunks, Work.State.FAILED)
    waiting, running = (
        chunks.filter(state=state).exists() for state in (Work.State.WAITING, Work.State.RUNNING)
    )
    rate = _recent_rate(recording)
    left = (recording.duration_s - done - failed) / rate if rate else None
    state = Work.State.DONE
    if waiting or running:
        state = Work.State.RUNNING if running or done else Work.State.WAITING
    elif failed:
        state = Work.State.FAILED
    return Stage("Embedding clips", done, recording.duration_s, "clips", rate, left, state)


def _clips(chunks: QuerySet[Chunk], state: str) -> int:
    return chunks.filter(state=state).aggregate(clips=Sum("clips"))["clips"] or 0


def _recent_rate(recording: Recording) -> float | None:
    """Return clips a second over the last minutes, while work is going on."""
    now = timezone.now()
    recent = Q(state=Work.State.DONE, finished_at__gte=now - RECENT)
    chunks = list(recording.chunks.filter(recent | Q(state=Work.State.RUNNING)))
    begun = [chunk.started_at for chunk in chunks if chunk.started_at]
    gained = sum(chunk.progress * chunk.clips for chunk in chunks)
    if not begun or not gained:
        return None
    span = (now - max(min(begun), now - RECENT)).total_seconds()
    return gained / span if span > 0 else None


def _searchable(recording: Recording) -> int:
    encoder = recording.camera.encoder_id
    published = recording.chunks.filter(shards__encoder=encoder)
    return published.aggregate(clips=Sum("clips"))["clips"] or 0


def _postponed(recording: Recording) -> str:
    """Return why work waits for something outside, such as room on the disk, or nothing."""
    for work in (recording.jobs, recording.chunks):
        stuck = work.filter(state=Work.State.WAITING, attempts=0).exclude(error="").first()
        if stuck:
            return str(stuck.error)
    return ""


def _sentence(recording: Recording, searchable: int, stages: tuple[Stage, ...]) -> str:
    """Say in a sentence where the recording stands."""
    if recording.state == Recording.State.REFUSED:
        return recording.reason
    if postponed := _postponed(recording):
        return postponed
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
