"""The rows that own the state: what is to be done, who is doing it, and what has been published.

Clips are not among them: a clip is the value (recording, second).
"""

import zoneinfo
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone


def check_zone(name: str) -> None:
    """Refuse a time zone that the machine does not know."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"{name!r} is not a time zone; write one like Europe/Brussels.")


class Camera(models.Model):
    """A fixed camera: one place, one clock, one encoder in use."""

    name = models.CharField(max_length=100, unique=True)
    zone = models.CharField(max_length=64, default="UTC", validators=[check_zone])
    encoder = models.ForeignKey(
        "Encoder", null=True, blank=True, on_delete=models.SET_NULL, related_name="serving"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name",)

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

    @property
    def end(self) -> datetime:
        """The moment after the last clip."""
        return self.start + timedelta(seconds=self.duration_s)

    def at(self, second: int) -> datetime:
        """The moment of a clip on the camera's clock, in the camera's zone."""
        return (self.start + timedelta(seconds=second)).astimezone(self.camera.tzinfo)


class Encoder(models.Model):
    """One version of a camera's encoder; its embeddings are comparable with each other only.

    Where it was trained: method, its settings and seed; data, the recordings and how many of their
    clips; curves, the reports of its epochs; metrics, what the gate measured; trunk, the weights it
    sees through. shared is how many leading columns compare pictures with sounds (crossable). note
    is a sentence for people, origin the file it was imported from.
    """

    class Kind(models.TextChoices):
        """How the encoder came about: standardised on some footage, or trained (any method)."""

        STARTER = "starter", "starter"
        EPG = "epg", "trained"

    class State(models.TextChoices):
        """building -> built (and in use where a camera points at it) -> retired, its shards gone.

        Any encoder that is not building can be put in use again; its shards are made first.
        """

        BUILDING = "building"
        BUILT = "built"
        RETIRED = "retired"

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="encoders")
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.STARTER)
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.BUILDING)
    trunk = models.CharField(max_length=100)
    method = models.CharField(max_length=32, blank=True)
    settings = models.JSONField(default=dict)
    seed = models.BigIntegerField(null=True, blank=True)
    data = models.JSONField(default=dict)
    metrics = models.JSONField(default=dict)
    curves = models.JSONField(default=list)
    origin = models.CharField(max_length=255, blank=True)
    note = models.TextField(blank=True)
    fitted_on = models.PositiveIntegerField(default=0)
    settled = models.BooleanField(default=False)
    crossable = models.BooleanField(default=False)
    shared = models.PositiveIntegerField(default=0)
    has_video = models.BooleanField(default=False)
    has_audio = models.BooleanField(default=False)
    file = models.CharField(max_length=255)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("camera", "version")
        constraints = (
            models.UniqueConstraint(fields=("camera", "version"), name="encoder_version"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.version} of {self.camera.name}"

    @property
    def learnt_no_crossing(self) -> bool:
        """Whether it learnt pictures and sounds, and they find each other by chance alone."""
        learnt = self.kind != self.Kind.STARTER and self.has_video and self.has_audio
        return learnt and not self.crossable

    @property
    def needs_mel(self) -> bool:
        """Whether it embeds the log-mels themselves, which are read only for that."""
        return self.kind == self.Kind.EPG


class Work(models.Model):
    """A unit of work that is claimed with a lease, counted, fenced and swept (indexing.jobs).

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


class Shard(models.Model):
    """The embeddings of one chunk by one encoder: an immutable file that this row publishes."""

    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="shards")
    encoder = models.ForeignKey(Encoder, on_delete=models.CASCADE, related_name="shards")
    clips = models.PositiveSmallIntegerField()
    file = models.CharField(max_length=255)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=("chunk", "encoder"), name="shard_chunk_encoder"),
        )

    def __str__(self) -> str:
        return f"shard of chunk {self.chunk_id} by encoder {self.encoder_id}"


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
    is the only work that may write to it (indexing.training), so pausing takes the job away.
    chunks fixes what is trained on, [[chunk, SHA-256 of its features]], so that going on after a
    pause or a crash gives the result of a training without one.
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


class LabelChange(models.Model):
    """One thing that was done to labels, so that it can be undone as a whole: an import too."""

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="label_changes")
    sentence = models.TextField()
    made_by = models.CharField(max_length=150, blank=True)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.sentence


class Label(models.Model):
    """Seconds start_s <= second < end_s of a recording in which an event happens, or does not.

    absent says that it does not: somebody looked. A row is never changed: an edit ends it and
    begins another (``began``, ``ended``), so that taking a change back is exact. A label stands
    while no change has ended it.
    """

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="labels")
    event = models.CharField(max_length=100)
    absent = models.BooleanField(default=False)
    start_s = models.PositiveIntegerField()
    end_s = models.PositiveIntegerField()
    note = models.TextField(blank=True)
    made_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    began = models.ForeignKey(LabelChange, on_delete=models.CASCADE, related_name="begun")
    ended = models.ForeignKey(
        LabelChange, null=True, blank=True, on_delete=models.SET_NULL, related_name="over"
    )

    class Meta:
        ordering = ("recording__start", "recording", "start_s", "pk")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(start_s__lt=models.F("end_s")), name="label_has_seconds"
            ),
        )
        indexes = (models.Index(fields=("recording", "event"), name="label_event"),)

    def __str__(self) -> str:
        return f"{self.name} from {self.start_s} to {self.end_s} of {self.recording_id}"

    @property
    def name(self) -> str:
        """The event as tables write it: `not siren` where somebody saw that there is none."""
        return f"not {self.event}" if self.absent else self.event

    @property
    def length(self) -> int:
        """How many seconds it lasts."""
        return self.end_s - self.start_s


class Location(models.Model):
    """An event of a camera, and the linear layer that tells it by the camera's embeddings.

    The file holds the layer; probabilities are derived from it and the embeddings, so that new
    footage has them at once. basis names the labels and the encoder that it was last asked to learn
    from (indexing.events), whether that succeeded or not; encoder is whose embeddings it reads.
    """

    class Modality(models.TextChoices):
        """By what the event is told."""

        JOINT = "joint", "picture and sound"
        VIDEO = "video", "picture"
        AUDIO = "audio", "sound"

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="locations")
    event = models.CharField(max_length=100)
    modality = models.CharField(max_length=8, choices=Modality.choices, default=Modality.JOINT)
    job = models.OneToOneField(
        Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="location"
    )
    encoder = models.ForeignKey(
        Encoder, null=True, blank=True, on_delete=models.SET_NULL, related_name="locations"
    )
    basis = models.CharField(max_length=64, blank=True)
    file = models.CharField(max_length=255, blank=True)
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    quality = models.JSONField(default=dict)
    proposals = models.JSONField(default=list)
    notes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    located_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("camera", "event")
        constraints = (models.UniqueConstraint(fields=("camera", "event"), name="location_event"),)

    def __str__(self) -> str:
        return f"{self.event} at {self.camera.name}"


class Review(models.Model):
    """What somebody made of an unusual moment: seconds start_s <= second < end_s of a recording.

    peak_s is its oddest second and because what was odd about it, as Peak says. Each account has
    its own. encoder is the one that found the moment; the verdict stays when another takes over.
    """

    class Verdict(models.TextChoices):
        """Whether something happened; dismissed as normal, its like is not raised again."""

        CONFIRMED = "confirmed"
        DISMISSED = "dismissed"
        UNSURE = "unsure"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reviews"
    )
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="reviews")
    start_s = models.PositiveIntegerField()
    end_s = models.PositiveIntegerField()
    peak_s = models.PositiveIntegerField()
    because = models.CharField(max_length=32)
    encoder = models.ForeignKey(
        Encoder, null=True, blank=True, on_delete=models.SET_NULL, related_name="reviews"
    )
    verdict = models.CharField(max_length=16, choices=Verdict.choices)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-pk",)
        indexes = (models.Index(fields=("user", "recording"), name="review_user"),)

    def __str__(self) -> str:
        return f"{self.verdict} at {self.peak_s} of {self.recording_id}"


class Worker(models.Model):
    """A worker that has been seen: `host:pid`, and when it last swept."""

    name = models.CharField(max_length=200, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


# Rows in a file of their own, which Django knows only through this module.
import indexing.casework  # noqa: E402, F401
