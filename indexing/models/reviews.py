"""The rows of what people made of unusual moments."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from indexing.models.encoders import Encoder
from indexing.models.footage import Recording


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
