"""The door to reviews: what an account made of unusual moments, and what that hides from it."""

from collections.abc import Sequence
from typing import get_args

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from indexing.anomalies.camera_scores import CameraScores, Found
from indexing.anomalies.likeness import Likeness, Moment
from indexing.anomalies.recording_scores import Peak
from indexing.models import Camera, Recording, Review
from ml.anomaly import Part
from ml.refusal import Refusal

LONGEST_NOTE = 2000
# What a second judged by one account tells about others is looked up among so many judgements.
MOST_EXAMPLES = 500
CONFIRMED, DISMISSED = Review.Verdict.CONFIRMED, Review.Verdict.DISMISSED


class ReviewError(Refusal):
    """A review that cannot be kept, with a sentence that says why."""


def reviews_of(user: User, camera: Camera) -> QuerySet[Review]:
    """Return what an account has judged of a camera, the newest first."""
    rows = Review.objects.filter(user=user, recording__camera=camera)
    return rows.select_related("recording__camera")


def record(user: User, recording: Recording, peak: Peak, *, verdict: str, note: str = "") -> Review:
    """Keep what an account made of a peak, in place of what it said of this second before.

    Raises:
        ReviewError: there is no such verdict, or no such second.
    """
    if verdict not in Review.Verdict.values:
        raise ReviewError(f"A moment is confirmed, dismissed or unsure, not “{verdict[:20]}”.")
    if not 0 <= peak.start <= peak.peak < peak.end <= recording.duration_s:
        raise ReviewError(f"{recording.name} has no such seconds.")
    if len(note) > LONGEST_NOTE:
        raise ReviewError(f"A note has at most {LONGEST_NOTE:,} characters.")
    with transaction.atomic():
        before = Review.objects.filter(user=user, recording=recording)
        before.filter(start_s__lte=peak.peak, end_s__gt=peak.peak).delete()
        return Review.objects.create(
            user=user,
            recording=recording,
            start_s=peak.start,
            end_s=peak.end,
            peak_s=peak.peak,
            because=",".join(peak.because),
            encoder=recording.camera.encoder,
            verdict=verdict,
            note=note,
        )


def undo(user: User, number: int) -> Review:
    """Take an account's own review back and return what it said.

    Raises:
        ReviewError: this account has no such review.
    """
    found = Review.objects.select_related("recording__camera").filter(user=user, pk=number).first()
    if found is None:
        raise ReviewError("This was taken back already.")
    Review.objects.filter(pk=number).delete()
    return found


def review_at(reviews: Sequence[Review], found: Found) -> Review | None:
    """Return the review of a peak: the one that spans its oddest second."""
    number, second = found.recording.pk, found.peak.peak
    return next(
        (r for r in reviews if r.recording_id == number and r.start_s <= second < r.end_s), None
    )


def hidden_by(
    scores: CameraScores, peaks: Sequence[Found], reviews: Sequence[Review]
) -> list[Review | None]:
    """Return for each peak the dismissed moment that it is like, or None.

    A peak that is like a confirmed moment stays, and so does one that was judged itself.
    """
    judged = [r for r in reviews if r.verdict in (CONFIRMED, DISMISSED)][:MOST_EXAMPLES]
    if not any(review.verdict == DISMISSED for review in judged):
        return [None] * len(peaks)
    moments = [Moment(p.recording.pk, p.peak.peak, p.peak.because) for p in peaks]
    examples = [Moment(r.recording_id, r.peak_s, _parts(r.because)) for r in judged]
    likes = Likeness(scores).like(moments, examples)
    found = [None if like is None else judged[like] for like in likes]
    return [
        review if review and review.verdict == DISMISSED and not review_at(reviews, peak) else None
        for peak, review in zip(peaks, found, strict=True)
    ]


def _parts(because: str) -> tuple[Part, ...]:
    return tuple(part for part in get_args(Part) if part in because.split(","))
