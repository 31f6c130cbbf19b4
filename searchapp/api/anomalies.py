"""Unusual moments: scores at a resolution, peaks at a threshold, and what was made of them."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Query
from pydantic import BaseModel, Field

from indexing.anomalies.camera_scores import (
    LEAST_SIGMA,
    MOST_BINS,
    MOST_SIGMA,
    camera_scores,
    sigmas,
)
from indexing.anomalies.normal import Score
from indexing.anomalies.recording_scores import AnomalyError, AnomalyQuery, find_anomalies
from indexing.anomalies.recording_scores import Peak as FoundPeak
from indexing.anomalies.reviews import reviews_of
from indexing.models import Review
from ml.anomaly import SIGMA
from searchapp import anomalies as reads
from searchapp import selectors, services
from searchapp.anomalies import Choice, Item
from searchapp.api.desk import Desk
from searchapp.api.values import Body, Moment, Number, Page, Second, Text, Window
from searchapp.keeping import person
from searchapp.models import Scope
from searchapp.questions import on_clock

desk = Desk("anomalies")

Sigma = Annotated[float, Field(ge=LEAST_SIGMA, le=MOST_SIGMA, allow_inf_nan=False)]


class Threshold(BaseModel):
    """By which score, and how many standard deviations above the mean are odd."""

    score: Score = Score.COMBINED
    sigma: Sigma = SIGMA


class PeakFilter(Window):
    """Which peaks, and in which order; without `show` all of them."""

    score: Score = Score.COMBINED
    sigma: Sigma = SIGMA
    show: Literal["open", "reviewed", "hidden"] | None = None
    order: Literal["strongest", "oldest"] = "strongest"

    def choice(self) -> Choice:
        """Return what the page of a camera's anomalies would have chosen."""
        return Choice(self.score, self.sigma, self.order, self.show or "open")


class Resolution(BaseModel):
    """A piece of the camera's clock, by default all of it, and into how many bins it is put."""

    score: Score = Score.COMBINED
    since: Moment | None = None
    until: Moment | None = None
    bins: Annotated[int, Field(ge=2, le=MOST_BINS)] = 1000


class ReviewIn(Body):
    """What is made of a peak, named by its recording and oddest second.

    With the name of an event, its seconds are labelled with it too. score and sigma say under
    which threshold it is a peak.
    """

    recording: Number
    second: Second
    verdict: Review.Verdict
    note: Text = ""
    event: Text = ""
    score: Score = Score.COMBINED
    sigma: Sigma = SIGMA


class ReviewOut(BaseModel):
    """What the account made of seconds start <= second < end; `peak` is the oddest."""

    id: int
    recording: int
    start: int
    end: int
    peak: int
    at: datetime
    because: list[str]
    verdict: Review.Verdict
    note: str
    created_at: datetime

    @classmethod
    def of(cls, row: Review) -> "ReviewOut":
        """Return a review."""
        return cls(
            id=row.pk,
            recording=row.recording_id,
            start=row.start_s,
            end=row.end_s,
            peak=row.peak_s,
            at=row.recording.at(row.peak_s),
            because=row.because.split(","),
            verdict=Review.Verdict(row.verdict),
            note=row.note,
            created_at=row.created_at,
        )


class PeakOut(BaseModel):
    """A run of odd seconds start <= second < end; `peak` is the oddest one, `at` its moment."""

    start: int
    end: int
    peak: int
    at: datetime
    score: float
    because: list[str]

    @classmethod
    def of(cls, peak: FoundPeak) -> "PeakOut":
        """Return a peak."""
        return cls(**{**vars(peak), "because": list(peak.because)})


class JudgedPeakOut(PeakOut):
    """A peak with what the account made of it; hidden, it is like one dismissed: `hidden_by`."""

    recording: int
    shelf: str
    review: ReviewOut | None
    hidden_by: int | None

    @classmethod
    def judged(cls, item: Item) -> "JudgedPeakOut":
        """Return a peak of the queue."""
        return cls(
            **PeakOut.of(item.peak).model_dump(),
            recording=item.recording.pk,
            shelf=item.shelf,
            review=ReviewOut.of(item.review) if item.review else None,
            hidden_by=item.hidden_by.pk if item.hidden_by else None,
        )


class CountOut(BaseModel):
    """How many peaks there are at a sigma."""

    sigma: float
    peaks: int


class SummaryOut(BaseModel):
    """A camera's threshold, mean + sigma * std, and how many peaks lie above it."""

    camera: int
    encoder: int
    score: Score
    sigma: float
    mean: float
    std: float
    threshold: float
    open: int
    reviewed: int
    hidden: int
    peaks_by_sigma: list[CountOut]
    drift: list[str]


class CurveOut(BaseModel):
    """Bins of `step_s` seconds from `since` on: the oddest score of each, and how loud it was.

    null where nothing was recorded, or where it cannot be told.
    """

    since: datetime
    step_s: int
    scores: list[float | None]
    levels_db: list[float | None]


class RecordingScoresOut(BaseModel):
    """The score of every second of a recording, and its peaks."""

    recording: int
    encoder: int
    score: Score
    sigma: float
    mean: float
    std: float
    threshold: float
    scores: list[float | None]
    peaks: list[PeakOut]
    notes: list[str]


@desk.on("GET", "/cameras/{number}/anomalies", Scope.READ)
def summary(request: HttpRequest, number: Number, wanted: Query[Threshold]) -> SummaryOut:
    """Tell a camera's threshold and how many peaks are to be judged."""
    camera = selectors.camera_for(request.user, number)
    scores = camera_scores(camera, wanted.score)
    queue = reads.Desk(
        request.user, scores, Choice(wanted.score, wanted.sigma, "strongest", "open")
    )
    drift = reads.drift_of(scores)
    return SummaryOut(
        camera=camera.pk,
        encoder=scores.known.encoder.pk,
        score=wanted.score,
        sigma=wanted.sigma,
        mean=queue.threshold.mean,
        std=queue.threshold.std,
        threshold=queue.threshold.value,
        open=queue.count("open"),
        reviewed=queue.count("reviewed"),
        hidden=queue.count("hidden"),
        peaks_by_sigma=[
            CountOut(sigma=sigma, peaks=peaks)
            for sigma, peaks in zip(sigmas(), scores.counts(), strict=True)
        ],
        drift=list(drift.sentences) if drift else [],
    )


@desk.on("GET", "/cameras/{number}/anomalies/curve", Scope.READ)
def curve(request: HttpRequest, number: Number, wanted: Query[Resolution]) -> CurveOut:
    """Return a camera's scores at a resolution; no peak is lost in it."""
    camera = selectors.camera_for(request.user, number)
    scores = camera_scores(camera, wanted.score)
    since, until = on_clock(wanted.since, camera), on_clock(wanted.until, camera)
    first = round(since.timestamp()) if since else int(scores.at.min())
    last = round(until.timestamp()) if until else int(scores.at.max()) + 1
    if first >= last:
        raise AnomalyError("The time range ends before it starts.")
    found = scores.curve(since=first, until=last, bins=wanted.bins)
    levels = reads.levels(request.user, camera, since=first, until=last, bins=wanted.bins)
    return CurveOut(
        since=datetime.fromtimestamp(found.since, UTC).astimezone(camera.tzinfo),
        step_s=found.step,
        scores=found.most,
        levels_db=levels.most,
    )


@desk.on("GET", "/cameras/{number}/anomalies/peaks", Scope.READ)
def peaks(request: HttpRequest, number: Number, wanted: Query[PeakFilter]) -> Page[JudgedPeakOut]:
    """List a camera's peaks above a threshold, with what the account made of them."""
    camera = selectors.camera_for(request.user, number)
    queue = reads.Desk(request.user, camera_scores(camera, wanted.score), wanted.choice())
    items = queue.listed if wanted.show else queue.items
    return Page.of(request, items, wanted, JudgedPeakOut.judged)


@desk.on("GET", "/recordings/{number}/anomalies", Scope.READ)
def scores_of_recording(
    request: HttpRequest, number: Number, wanted: Query[Threshold]
) -> RecordingScoresOut:
    """Return the score of every second of a recording, and its peaks."""
    recording = selectors.recording_for(request.user, number)
    found = find_anomalies(AnomalyQuery(recording.pk, wanted.score, wanted.sigma))
    return RecordingScoresOut(
        recording=recording.pk,
        encoder=found.encoder_id,
        score=wanted.score,
        sigma=wanted.sigma,
        mean=found.mean,
        std=found.std,
        threshold=found.threshold,
        scores=list(found.scores),
        peaks=[PeakOut.of(peak) for peak in found.peaks],
        notes=list(found.notes),
    )


@desk.on("GET", "/cameras/{number}/reviews", Scope.READ)
def reviews(request: HttpRequest, number: Number, window: Query[Window]) -> Page[ReviewOut]:
    """List what the account made of a camera's peaks, the newest first."""
    camera = selectors.camera_for(request.user, number)
    return Page.of(request, reviews_of(person(request.user), camera), window, ReviewOut.of)


@desk.on("POST", "/cameras/{number}/reviews", Scope.WRITE, status=201)
def review(request: HttpRequest, number: Number, data: ReviewIn) -> ReviewOut:
    """Confirm or dismiss a peak, or say that it is unsure; the last word of an account counts."""
    camera = selectors.camera_for(request.user, number)
    choice = Choice(data.score, data.sigma, "strongest", "open")
    peak = reads.peak_at(camera, choice, data.recording, data.second)
    made = services.review(
        user=request.user, found=peak, verdict=data.verdict, note=data.note, event=data.event
    )
    return ReviewOut.of(made)


@desk.on("DELETE", "/reviews/{number}", Scope.WRITE)
def undo(request: HttpRequest, number: Number) -> None:
    """Take a judgement of the account back."""
    found = reads.review_for(request.user, number)
    services.undo_review(user=request.user, number=found.pk)
