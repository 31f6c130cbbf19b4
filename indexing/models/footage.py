"""The rows of footage: cameras, their recordings, and the chunks these are taken in by.

Clips are not among them: a clip is the value (recording, second).
"""

import zoneinfo
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from indexing.models.work import Work


def check_zone(name: str) -> None:
    """Refuse a time zone that the machine does not know."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"{name!r} is not a time zone; write one like Europe/Brussels.")


class Camera(models.Model):
    """A fixed camera: one place, one clock, one encoder in use.

    One row is none: with ``samples`` it holds the files that people search with, which are read as
    recordings are, have no encoder of their own and are never searched themselves.
    """

    name = models.CharField(max_length=100, unique=True)
    zone = models.CharField(max_length=64, default="UTC", validators=[check_zone])
    encoder = models.ForeignKey(
        "Encoder", null=True, blank=True, on_delete=models.SET_NULL, related_name="serving"
    )
    samples = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=("samples",), condition=models.Q(samples=True), name="one_for_samples"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def tzinfo(self) -> zoneinfo.ZoneInfo:
        """The zone in which this camera's times are shown."""
        return zoneinfo.ZoneInfo(self.zone)

    def next_version(self) -> int:
        """Return the number of this camera's next encoder; its row is to be locked."""
        last = self.encoders.aggregate(last=models.Max("version"))["last"]
        return (last or 0) + 1


class Recording(models.Model):
    """One file of a camera, kept byte for byte, and how far its ingest has come."""

    class State(models.TextChoices):
        """waiting -> ingesting -> ready, or refused with a reason from either of the first two."""

        WAITING = "waiting"
        INGESTING = "ingesting"
        READY = "ready"
        REFUSED = "refused"

    camera = models.ForeignKey(Camera, on_delete=models.PROTECT, related_name="recordings")
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64, unique=True)
    size = models.BigIntegerField()
    original = models.CharField(max_length=255)
    start = models.DateTimeField()
    start_known = models.BooleanField(default=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    reason = models.TextField(blank=True)
    duration_s = models.PositiveIntegerField(default=0)
    media = models.JSONField(default=dict)
    gaps = models.JSONField(default=list)
    has_video = models.BooleanField(default=False)
    has_audio = models.BooleanField(default=False)
    playable = models.CharField(max_length=255, blank=True)
    sent_by = models.ForeignKey(  # whose sample it is
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="samples"
    )
    created_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("camera__name", "start", "pk")

    def __str__(self) -> str:
        return self.name

    @property
    def original_path(self) -> Path:
        """The original file, byte for byte as it came."""
        return Path(settings.REPRISE_DATA / self.original)

    @property
    def playable_path(self) -> Path | None:
        """What a browser can play: the original or a copy of it; None until there is one."""
        return Path(settings.REPRISE_DATA / self.playable) if self.playable else None

    def searchable(self) -> "models.QuerySet[Chunk]":
        """Return the chunks that a search can use: of a sample, those that have been read."""
        if self.camera.samples:
            return self.chunks.filter(state=Work.State.DONE)
        return self.chunks.filter(shards__encoder=self.camera.encoder_id)

    @property
    def end(self) -> datetime:
        """The moment after the last clip."""
        return self.start + timedelta(seconds=self.duration_s)

    def at(self, second: int) -> datetime:
        """The moment of a clip on the camera's clock, in the camera's zone."""
        return (self.start + timedelta(seconds=second)).astimezone(self.camera.tzinfo)


class Chunk(Work):
    """At most 60 clips of a recording, decoded and turned into features in one go."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="chunks")
    start_s = models.PositiveIntegerField()
    clips = models.PositiveSmallIntegerField()
    gaps = models.JSONField(default=list)
    features = models.CharField(max_length=255, blank=True)
    features_size = models.BigIntegerField(default=0)
    features_sha256 = models.CharField(max_length=64, blank=True)
    thumbnails = models.CharField(max_length=255, blank=True)
    trunk = models.CharField(max_length=100, blank=True)
    damaged = models.BooleanField(default=False)

    class Meta:
        ordering = ("recording", "start_s")
        constraints = (
            models.UniqueConstraint(fields=("recording", "start_s"), name="chunk_start"),
        )
        indexes = (models.Index(fields=("state", "lease_until"), name="chunk_state"),)

    def __str__(self) -> str:
        return f"seconds {self.start_s} to {self.start_s + self.clips} of {self.recording_id}"
