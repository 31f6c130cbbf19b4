"""The door to located events: how probable one is in every second of a recording, and where."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from indexing.encoders import snapshots
from indexing.events.locations import EventError, find, learn_again, sentence
from indexing.events.samples import present, vectors
from indexing.files import FileDamaged, checked
from indexing.models import Camera, Location, Recording
from ml.localization import Classifier
from ml.locating import Quality

# From here on a second is one of the event's; shorter pauses do not end an interval.
PROBABLE = 0.5
PAUSE_S = 2


@dataclass(frozen=True)
class Interval:
    """A run of probable seconds, start <= second < end; `peak` is the most probable one."""

    start: int
    end: int
    peak: int
    at: datetime
    score: float

    @property
    def length(self) -> int:
        """How many seconds it lasts."""
        return self.end - self.start


@dataclass(frozen=True)
class Located:
    """The probability of an event in every second of a recording, and its intervals.

    A probability is None where a second is not embedded or lacks what the event is told by.
    quality is what ml.locating measured on labels left out, None where they are too few to tell;
    examples counts the labels that were learnt from. notes are sentences for the user.
    """

    location: Location
    recording: Recording
    probabilities: tuple[float | None, ...]
    intervals: tuple[Interval, ...]
    quality: Quality | None
    examples: int
    notes: tuple[str, ...]


def locate(recording: Recording, event: str) -> Located:
    """Tell how probable an event is in every second of a recording.

    Raises:
        EventError: it is not known, or not learnt yet, with the reason.
    """
    location = find(recording.camera, event)
    encoder = location.encoder
    if not location.file or encoder is None:
        raise EventError(sentence(location) or f"{event} is not learnt yet.")
    layer = _read(location)
    snapshot = snapshots.current(encoder)
    rows = np.flatnonzero(snapshot.recording == recording.pk)
    if not len(rows):
        raise EventError(f"Nothing of {recording.name} has been embedded yet.")
    # The row may ask for another modality by now than the layer has learnt.
    modality = location.quality["with"]
    seconds = vectors(snapshot, rows, modality)
    told = np.full(recording.duration_s, np.nan)
    told[snapshot.second[rows]] = layer.probabilities(seconds)[:, 0]
    told[snapshot.second[rows][~present(snapshot, rows, modality)]] = np.nan
    measured = location.quality.get("average_precision") is not None
    return Located(
        location=location,
        recording=recording,
        probabilities=tuple(None if np.isnan(one) else round(one, 4) for one in told.tolist()),
        intervals=tuple(_intervals(recording, told)),
        quality=_quality(location.quality) if measured else None,
        examples=int(location.quality.get("examples", 0)),
        notes=tuple(_notes(location, told)),
    )


def locate_everywhere(camera: Camera, event: str) -> Iterator[Located]:
    """Yield what `locate` says of each recording of a camera, where it can say anything.

    Raises:
        EventError: the camera has no such event.
    """
    find(camera, event)
    for recording in camera.recordings.filter(duration_s__gt=0):
        try:
            yield locate(recording, event)
        except EventError:
            continue


def _read(location: Location) -> Classifier:
    """Return the layer; a damaged file is made anew from the labels."""
    try:
        return _layer(location.file, location.sha256)
    except FileDamaged:
        learn_again(location)
        raise EventError(
            f"What was learnt of {location.event} is damaged; it is being learnt again."
        ) from None


@lru_cache(maxsize=64)
def _layer(file: str, sha256: str) -> Classifier:
    return Classifier(**load_file(checked(file, sha256)))


def _intervals(recording: Recording, told: np.ndarray[Any, Any]) -> Iterator[Interval]:
    """Group the probable seconds (n,), NaN where unknown."""
    seconds = np.flatnonzero(np.nan_to_num(told) >= PROBABLE)
    if not len(seconds):
        return
    for run in np.split(seconds, np.flatnonzero(np.diff(seconds) > PAUSE_S + 1) + 1):
        peak = int(run[np.argmax(told[run])])
        start, end = int(run[0]), int(run[-1]) + 1
        yield Interval(start, end, peak, recording.at(peak), round(float(told[peak]), 4))


def _quality(stored: dict[str, Any]) -> Quality:
    return Quality(stored["average_precision"], stored["balanced_accuracy"], stored["moments"])


def _notes(location: Location, told: np.ndarray[Any, Any]) -> Iterator[str]:
    """Yield the sentences that belong beside the probabilities."""
    if location.job:
        yield f"{sentence(location)} What is shown was learnt before that."
    elif location.encoder_id != location.camera.encoder_id:
        yield "The camera uses another encoder by now; the event is learnt by it soon."
    yield from location.notes
    lacking = int(np.isnan(told).sum())
    if lacking:
        yield (
            f"{lacking:,} seconds have no probability: they are not embedded yet, or have no "
            f"{Location.Modality(location.quality['with']).label}."
        )
