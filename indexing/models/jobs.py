"""The rows of work on whole recordings and cameras, and of trainings."""

from django.db import models
from django.utils import timezone

from indexing.models.encoders import Encoder
from indexing.models.footage import Camera, Recording
from indexing.models.work import Work


class Job(Work):
    """Work on a whole recording or camera: preparing, a playable copy, an encoder, an event.

    BUILD embeds everything by an encoder that exists, and with ``switch`` puts it in use.
    """

    class Kind(models.TextChoices):
        """What is to be done."""

        PREPARE = "prepare"
        PREVIEW = "preview"
        SETTLE = "settle"
        TRAIN = "train"
        BUILD = "build"
        LOCATE = "locate"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="jobs")
    recording = models.ForeignKey(
        Recording, null=True, blank=True, on_delete=models.CASCADE, related_name="jobs"
    )
    encoder = models.ForeignKey(
        Encoder, null=True, blank=True, on_delete=models.CASCADE, related_name="jobs"
    )
    switch = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("pk",)
        indexes = (models.Index(fields=("state", "lease_until"), name="job_state"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.recording or self.camera}"


class Training(models.Model):
    """One training of a camera's encoder: what was asked for, how far it is, what came of it.

    running -> building -> done; running <-> paused; cancelled or failed from any of these. Its job
    is the only work that may write to it (indexing.learning.training), so pausing takes the job
    away. chunks fixes what is trained on, [[chunk, SHA-256 of its features]], so that going on
    after a pause or a crash gives the result of a training without one.
    """

    class State(models.TextChoices):
        """Where the training stands; a worker may be at it or not (the job's state)."""

        RUNNING = "running"
        PAUSED = "paused"
        BUILDING = "building", "embedding the footage"
        DONE = "done"
        CANCELLED = "cancelled"
        FAILED = "failed"

    OPEN = (State.RUNNING, State.PAUSED, State.BUILDING)

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="trainings")
    job = models.OneToOneField(
        Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="training"
    )
    encoder = models.ForeignKey(
        Encoder, null=True, blank=True, on_delete=models.SET_NULL, related_name="trainings"
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.RUNNING)
    method = models.CharField(max_length=32)
    settings = models.JSONField(default=dict)
    seed = models.BigIntegerField(default=0)
    activate = models.BooleanField(default=True)
    chunks = models.JSONField(default=list)
    data = models.JSONField(default=dict)
    trunk = models.CharField(max_length=100, blank=True)
    epochs_planned = models.PositiveIntegerField()
    epochs_done = models.PositiveIntegerField(default=0)
    curves = models.JSONField(default=list)
    stage = models.TextField(blank=True)
    notes = models.JSONField(default=list)
    error = models.TextField(blank=True)
    checkpoint = models.CharField(max_length=255, blank=True)
    checkpoint_size = models.BigIntegerField(default=0)
    checkpoint_sha256 = models.CharField(max_length=64, blank=True)
    verdict = models.JSONField(default=dict)
    sentence = models.TextField(blank=True)
    requested_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("camera",),
                condition=models.Q(state__in=("running", "paused", "building")),
                name="one_open_training",
            ),
        )

    def __str__(self) -> str:
        return f"training {self.pk} of {self.camera.name}"
