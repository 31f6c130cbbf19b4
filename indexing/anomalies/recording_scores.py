"""The door to anomalies: how unusual each second of a recording is for its camera, and where."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from indexing.anomalies import normal
from indexing.anomalies.normal import LEAST_CLIPS, Normal, Score
from indexing.arrays import Doubles
from indexing.files import FileDamaged
from indexing.models import Camera, Recording, Work
from indexing.work.progress import duration
from ml import anomaly
from ml.anomaly import SIGMA, Part, Threshold
from ml.refusal import Refusal

# With less than this, the new is easily taken for odd, and what happened twice for ordinary.
ENOUGH_CLIPS = 3600


class AnomalyError(Refusal):
    """A question that cannot be answered, with a sentence that says why and what to do."""


@dataclass(frozen=True)
class AnomalyQuery:
    """Which recording, by which score, and how many standard deviations above the mean are odd."""

    recording_id: int
    score: Score = Score.COMBINED
    sigma: float = SIGMA


@dataclass(frozen=True)
class Peak:
    """A run of odd seconds, start <= second < end; `peak` is the oddest, `at` its moment.

    Seconds that are no more than ml.anomaly.GROUP_GAP_S apart are one run.
    """

    start: int
    end: int
    peak: int
    at: datetime
    score: float
    because: tuple[Part, ...]


@dataclass(frozen=True)
class Anomalies:
    """The score of every second, and the peaks above mean + sigma * std, in the order of time.

    mean and std are those of clips_known clips: those the encoder was trained on (`from_training`),
    or the camera's. `threshold` is in the score's own unit: Eq. 5 for `cross` and `neighbour`,
    standard deviations for `combined`. A score is None
    where a second is not embedded or lacks what it takes. notes are sentences for the user.
    """

    query: AnomalyQuery
    encoder_id: int
    encoder_kind: str
    crossable: bool
    clips_known: int
    from_training: bool
    mean: float
    std: float
    threshold: float
    scores: tuple[float | None, ...]
    peaks: tuple[Peak, ...]
    notes: tuple[str, ...]


def find_anomalies(query: AnomalyQuery) -> Anomalies:
    """Score every second of a recording against what its camera has seen and heard.

    That is what its encoder was trained on or, where the encoder does not tell, all of it so far,
    fitted once for all recordings of the camera and again when more of it has been embedded. A
    second is never compared with what happened within a minute of it.

    Raises:
        AnomalyError: the question cannot be answered.
    """
    if not (math.isfinite(query.sigma) and query.sigma > 0):
        raise AnomalyError(f"Sigma is a number greater than 0, such as 3, not {query.sigma}.")
    recording = _recording(query.recording_id)
    known = _known(recording.camera, query.score)
    if not (known.snapshot.recording == recording.pk).any():
        raise AnomalyError(
            f"Nothing of {recording.name} has been embedded yet; it is still being ingested."
        )
    _check(known, query.score)
    return _answer(query, recording, known, known.threshold(query.score, query.sigma))


def normal_for(camera: Camera, score: Score) -> Normal:
    """Return what is normal for a camera, where this score can tell it.

    Raises:
        AnomalyError: it cannot be told.
    """
    known = _known(camera, score)
    _check(known, score)
    return known


def _known(camera: Camera, score: Score) -> Normal:
    encoder = camera.encoder
    if encoder is None:
        raise AnomalyError(
            f"Nothing of {camera} has been embedded yet; it is still being ingested."
        )
    if score is Score.CROSS and not encoder.crossable:
        if encoder.learnt_no_crossing:
            raise AnomalyError(
                "At this camera pictures and sounds say too little of each other to be compared; "
                "use the combined score or the neighbour score."
            )
        raise AnomalyError(
            "Picture and sound can be compared with each other only after this camera has been "
            "trained; use the combined score or the neighbour score."
        )
    try:
        return normal.current(encoder)
    except FileDamaged as error:
        raise AnomalyError(f"What is normal cannot be told: {error}") from error


def _check(known: Normal, score: Score) -> None:
    """Refuse to tell what is normal from too little."""
    camera, clips = known.encoder.camera, known.clips(score)
    if clips < LEAST_CLIPS:
        what = " with picture and sound" if score is Score.CROSS else ""
        raise AnomalyError(
            f"{camera} has {duration(clips)} of embedded footage{what}; telling what is normal "
            f"takes at least {duration(LEAST_CLIPS)}, so {duration(LEAST_CLIPS - clips)} more are "
            "needed."
        )
    if not math.isfinite(known.threshold(score, SIGMA).value):
        raise AnomalyError(
            f"No two clips of {camera} that could be compared are more than a minute apart, so it "
            "cannot be told what is normal; ingest more footage."
        )


def _recording(number: int) -> Recording:
    found = Recording.objects.select_related("camera__encoder").filter(pk=number).first()
    if found is None:
        raise AnomalyError(f"There is no recording {number}.")
    if found.state == Recording.State.REFUSED:
        raise AnomalyError(f"{found.name} was refused: {found.reason}")
    return found


def _answer(
    query: AnomalyQuery, recording: Recording, known: Normal, threshold: Threshold
) -> Anomalies:
    """Score the recording's seconds and group those above the threshold."""
    seconds, scores = known.score(recording.pk)
    peaks = known.peaks(query.score, threshold, scores, seconds)
    every: Doubles = np.full(recording.duration_s, np.nan)
    every[seconds] = query.score.of(scores)
    return Anomalies(
        query=query,
        encoder_id=known.encoder.pk,
        encoder_kind=known.encoder.kind,
        crossable=known.encoder.crossable,
        clips_known=known.clips(query.score),
        from_training=known.from_training and query.score is not Score.CROSS,
        mean=threshold.mean,
        std=threshold.std,
        threshold=threshold.value,
        scores=tuple(None if math.isnan(score) else score for score in every.tolist()),
        peaks=tuple(as_peak(recording, peak) for peak in peaks),
        notes=tuple(_notes(recording, known, query.score, every)),
    )


def as_peak(recording: Recording, found: anomaly.Peak) -> Peak:
    """Return a peak on the camera's clock, its end not included."""
    return Peak(
        start=found.start,
        end=found.end + 1,
        peak=found.peak,
        at=recording.at(found.peak),
        score=found.score,
        because=found.because,
    )


def _notes(recording: Recording, known: Normal, score: Score, every: Doubles) -> Iterator[str]:
    """Yield the sentences that belong beside the scores."""
    clips = known.clips(score)
    if clips < ENOUGH_CLIPS:
        yield (
            f"What is normal at {recording.camera} is known from {duration(clips)} only; an hour "
            "or more gives fewer false alarms and fewer misses."
        )
    for count, used, what in (
        (known.seen, known.uses_video, "picture"),
        (known.heard, known.uses_audio, "sound"),
    ):
        if count and not used:
            yield f"The {what} is left out: {duration(count)} of it are too little to compare with."
    chunks = recording.chunks.exclude(shards__encoder=known.encoder)
    pending = sum(chunks.exclude(state=Work.State.FAILED).values_list("clips", flat=True))
    if pending:
        yield f"{pending:,} seconds are not embedded yet; their scores come as they are."
    lacking = int(np.isnan(every).sum()) - pending
    if lacking > 0:
        what = "picture and sound both" if score is Score.CROSS else "what could be compared"
        yield f"{lacking:,} seconds have no score, because they do not have {what}."
