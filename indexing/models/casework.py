"""The rows of what people keep of their work: saved searches, notifications, bookmarks, cases."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

from indexing.models.encoders import Encoder
from indexing.models.footage import Chunk, Recording
from indexing.models.work import Work


class SavedSearch(models.Model):
    """A search under a name, with what was searched and what was found when it was saved.

    query is the whole question (indexing.casework.saved); index says which encoders and which
    footage answered it then, hits what they answered. Where it stands, every newly embedded chunk
    is held against it (indexing.casework.standing): measure and threshold say how near is near
    enough, limits what that is as a distance under each encoder, since distances of encoders are
    not comparable.
    """

    class Measure(models.TextChoices):
        """What the threshold of a standing search is a number of."""

        PERCENTILE = "percentile"
        DISTANCE = "distance"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_searches"
    )
    name = models.CharField(max_length=120)
    recording = models.ForeignKey(
        Recording, null=True, on_delete=models.SET_NULL, related_name="saved_searches"
    )
    encoder = models.ForeignKey(
        Encoder, null=True, on_delete=models.SET_NULL, related_name="saved_searches"
    )
    query = models.JSONField()
    index = models.JSONField()
    hits = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)
    standing = models.BooleanField(default=False)
    stood_at = models.DateTimeField(null=True, blank=True)
    measure = models.CharField(max_length=16, choices=Measure.choices, default=Measure.PERCENTILE)
    threshold = models.FloatField(default=99.9)
    limits = models.JSONField(default=dict)
    cool_down_s = models.PositiveIntegerField(default=600)
    webhook = models.CharField(max_length=500, blank=True)
    secret = models.CharField(max_length=64, blank=True)
    email = models.EmailField(blank=True)
    checked = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("name", "pk")
        constraints = (models.UniqueConstraint(fields=("user", "name"), name="saved_search_name"),)

    def __str__(self) -> str:
        return self.name


class Check(Work):
    """A chunk that a standing search is to be held against; gone once that is done."""

    saved = models.ForeignKey(SavedSearch, on_delete=models.CASCADE, related_name="checks")
    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="checks")

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=("saved", "chunk"), name="check_once"),)
        indexes = (models.Index(fields=("state", "lease_until"), name="check_state"),)

    def __str__(self) -> str:
        return f"{self.saved} on chunk {self.chunk_id}"


class Notification(models.Model):
    """A clip that came nearer than a standing search's threshold.

    more counts the clips within its cool-down, which were near enough too and notified nobody.
    """

    saved = models.ForeignKey(SavedSearch, on_delete=models.CASCADE, related_name="notifications")
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="notifications")
    second = models.PositiveIntegerField()
    at = models.DateTimeField()
    distance = models.FloatField()
    limit = models.FloatField()
    more = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("saved", "recording", "second"), name="notification_once"
            ),
        )
        indexes = (models.Index(fields=("saved", "at"), name="notification_at"),)

    def __str__(self) -> str:
        return f"{self.saved} at {self.second} of {self.recording_id}"


class Delivery(Work):
    """A notification on its way out of the house; tried again later and later until it arrives."""

    class Channel(models.TextChoices):
        """How it travels."""

        WEBHOOK = "webhook"
        EMAIL = "email", "e-mail"

    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, related_name="deliveries"
    )
    channel = models.CharField(max_length=16, choices=Channel.choices)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    said = models.TextField(blank=True)

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=("notification", "channel"), name="delivery_once"),
        )
        indexes = (models.Index(fields=("state", "due_at"), name="delivery_due"),)

    def __str__(self) -> str:
        return f"{self.channel} of notification {self.notification_id}"


class Bookmark(models.Model):
    """A second of a recording that somebody wants to find again; removed, it can be put back."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bookmarks"
    )
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="bookmarks")
    second = models.PositiveIntegerField()
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=("user", "recording", "second"), name="bookmark_once"),
        )

    def __str__(self) -> str:
        return f"{self.second} of {self.recording_id}"


class Case(models.Model):
    """Moments that belong together, under a title; each account has its own."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="cases"
    )
    title = models.CharField(max_length=200)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.title


class CaseMoment(models.Model):
    """Seconds start_s <= second < end_s of a recording in a case, and why they are in it.

    source, scores and encoder say what was known when it was put there, so that they outlive the
    recording and the encoder. Removed, it can be put back.
    """

    class Kind(models.TextChoices):
        """Where it came from."""

        HIT = "hit", "search hit"
        PEAK = "peak", "unusual moment"
        BOOKMARK = "bookmark"
        MOMENT = "moment"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="moments")
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.MOMENT)
    recording = models.ForeignKey(
        Recording, null=True, on_delete=models.SET_NULL, related_name="case_moments"
    )
    start_s = models.PositiveIntegerField()
    end_s = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    note = models.TextField(blank=True)
    source = models.JSONField(default=dict)
    scores = models.JSONField(default=dict)
    encoder = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("position", "pk")

    def __str__(self) -> str:
        return f"{self.start_s} to {self.end_s} of {self.recording_id}"

    @property
    def at(self) -> datetime:
        """Its first moment, with the offset that its camera's clock had then."""
        return datetime.fromisoformat(self.source["at"])


class Export(Work):
    """A ZIP of evidence: what is to be in it, frozen when asked for, and the file made of it.

    The row publishes the file until expires_at; then the file goes and the row stays.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="exports"
    )
    case = models.ForeignKey(
        Case, null=True, blank=True, on_delete=models.SET_NULL, related_name="exports"
    )
    title = models.CharField(max_length=200)
    note = models.TextField(blank=True)
    moments = models.JSONField()
    options = models.JSONField()
    file = models.CharField(max_length=255, blank=True)
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        indexes = (models.Index(fields=("state", "lease_until"), name="export_state"),)

    def __str__(self) -> str:
        return f"evidence {self.pk}: {self.title}"
