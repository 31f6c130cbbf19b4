"""The rows of footage on its way in: uploads, and the files of watched folders."""

import uuid
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils import timezone

from indexing.models.footage import Recording
from indexing.models.work import Work


def upload_expiry() -> datetime:
    """Return when an upload is given up to which nothing more is added from now on."""
    return timezone.now() + timedelta(days=settings.UPLOAD_DAYS)


class Upload(Work):
    """A file on its way in from a browser, and how much of it is safe on the disk.

    receiving -> waiting -> running -> done: once whole, it is read and compared with what the
    library holds (indexing.arrivals.uploads). Then it waits for somebody to confirm its camera and
    start, and the row gives way to a recording. failed: it is no recording, for the reason in
    error. expired: nobody went on with it in time, and its bytes are gone.

    told is when it may have begun (indexing.arrivals.times); recording the one that holds the very
    same bytes already.
    """

    RECEIVING = "receiving"
    EXPIRED = "expired"

    state = models.CharField(max_length=16, default=RECEIVING)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="uploads"
    )
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    offset = models.BigIntegerField(default=0)
    modified = models.BigIntegerField(default=0)
    metadata = models.TextField(blank=True)
    camera = models.CharField(max_length=100, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    told = models.JSONField(default=list)
    recording = models.ForeignKey(
        Recording, null=True, on_delete=models.SET_NULL, related_name="uploads"
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=upload_expiry)

    class Meta:
        ordering = ("pk",)
        indexes = (models.Index(fields=("state", "lease_until"), name="upload_state"),)

    def __str__(self) -> str:
        return f"upload {self.pk}: {self.name}"

    @property
    def path(self) -> Path:
        """Where its bytes lie until it is a recording."""
        return Path(settings.REPRISE_DATA / "incoming" / self.key.hex)


class SeenFile(models.Model):
    """A file of a watched folder that was dealt with, as it was then; reason says why not taken."""

    path = models.CharField(max_length=1024, unique=True)
    size = models.BigIntegerField()
    modified_ns = models.BigIntegerField()
    recording = models.ForeignKey(
        Recording, null=True, on_delete=models.SET_NULL, related_name="seen_files"
    )
    reason = models.TextField(blank=True)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("path",)

    def __str__(self) -> str:
        return self.path
