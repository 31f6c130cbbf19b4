"""The rows of encoders, and of what each has embedded."""

from django.db import models
from django.utils import timezone

from indexing.models.footage import Camera, Chunk


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
