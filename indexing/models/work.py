"""The rows of work: what is to be done, who is doing it, and who has been seen."""

from django.db import models


class Work(models.Model):
    """A unit of work that is claimed with a lease, counted, fenced and swept (indexing.work.jobs).

    waiting -> running -> done; running -> waiting when an attempt fails or its lease runs out;
    running -> failed (quarantined, with the reason) after the last attempt or bad input.
    """

    class State(models.TextChoices):
        """Where a unit of work stands."""

        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    owner = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    woken_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    progress = models.FloatField(default=0.0)
    error = models.TextField(blank=True)

    class Meta:
        abstract = True


class Worker(models.Model):
    """A worker that has been seen: `host:pid`, and when it last swept."""

    name = models.CharField(max_length=200, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
