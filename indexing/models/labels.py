"""The rows of events: what people label, and where a camera locates it."""

from django.db import models
from django.utils import timezone

from indexing.models.encoders import Encoder
from indexing.models.footage import Camera, Recording
from indexing.models.jobs import Job


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
    from (indexing.events.locations), whether that succeeded or not; encoder is whose embeddings it
    reads.
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
