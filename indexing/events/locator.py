"""What a worker does to locate an event: learn it, measure it, propose what to label next."""

from dataclasses import asdict
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone
from safetensors.numpy import save_file

from indexing.arrays import Longs
from indexing.encoders import snapshots
from indexing.encoders.switching import unlink
from indexing.events import locations
from indexing.events.locations import LEAST_LABELS
from indexing.events.samples import labelled, present, vectors
from indexing.files import Published, publish
from indexing.models import Encoder, Job, Location
from indexing.vectors.snapshot import Snapshot
from indexing.work import jobs
from ml import locating
from ml.localization import Classifier
from ml.locating import Quality, Seconds

PROPOSALS = 8
# Five and a half hours of seconds, spread over all there is, are enough to find doubt in.
MOST_ASKED = 20_000
# How much of a job's progress learning is, measuring being the rest.
LEARNT = 0.2
LOWER_BOUND = (
    "Seconds that nobody labelled count as without the event, so the quality is rather too low."
)


def locate(job: Job) -> None:
    """Learn an event from its labels and publish the layer with its quality.

    Raises:
        Hopeless: the labels do not say enough.
        LeaseLost: the event was deleted, or another worker took over; nothing was published.
    """
    location = Location.objects.select_related("camera__encoder").filter(job=job).first()
    if location is None:
        raise jobs.LeaseLost
    encoder = location.camera.encoder
    if encoder is None:
        raise jobs.Hopeless(f"Nothing of {location.camera} has been embedded yet.")
    basis = locations.basis(location, encoder)
    snapshot, rows = _embedded(location, encoder)
    truth = labelled(snapshot, rows, location)
    if not (truth > 0).any():
        raise jobs.Hopeless("None of its labelled seconds has been embedded.")
    sampled = locating.sample(snapshot.at[rows], truth)
    seconds = _seconds(snapshot, rows[sampled], truth[sampled], location.modality)
    layer = _learnt(seconds)
    jobs.report(job, LEARNT)
    quality = locating.quality(
        seconds, on_fold=lambda done: jobs.report(job, LEARNT + (1 - LEARNT) * done)
    )
    found = {
        "encoder": encoder,
        "basis": basis,
        "quality": measured(quality, _examples(location), location.modality),
        "proposals": _proposals(layer, snapshot, rows, truth, location.modality),
        "notes": _notes(quality is not None, truth),
    }
    _publish(job, location, layer, found)


def _embedded(location: Location, encoder: Encoder) -> tuple[Snapshot, Longs]:
    """Return what is embedded of the camera, and its rows of use, in the order of time."""
    snapshot = snapshots.current(encoder)
    rows = np.flatnonzero(snapshot.admitted(cameras=(location.camera.name,)))
    rows = rows[present(snapshot, rows, location.modality)]
    return snapshot, rows[np.argsort(snapshot.at[rows], kind="stable")]


def _seconds(snapshot: Snapshot, rows: Longs, truth: locating.Truth, modality: str) -> Seconds:
    return Seconds(vectors(snapshot, rows, modality), snapshot.at[rows], truth)


def _learnt(seconds: Seconds) -> Classifier:
    try:
        return locating.learn(seconds)
    except ValueError:
        raise jobs.Hopeless(
            "There is no second without it: all of the camera's footage is labelled with it."
        ) from None


def _examples(location: Location) -> int:
    """Return how many labels speak of the event."""
    return (
        location.camera.recordings.filter(labels__event=location.event, labels__ended=None)
        .values("labels")
        .count()
    )


def _proposals(
    layer: Classifier, snapshot: Snapshot, rows: Longs, truth: locating.Truth, modality: str
) -> list[list[float]]:
    """Return the seconds most worth a label: [recording, second, probability]."""
    spread = np.linspace(0, len(rows) - 1, min(len(rows), MOST_ASKED)).round().astype(np.int64)
    # All labelled seconds are there, so that none beside them is proposed.
    spread = np.union1d(spread, np.flatnonzero(truth))
    asked = _seconds(snapshot, rows[spread], truth[spread], modality)
    told = layer.probabilities(asked.rows)[:, 0]
    return [
        [
            int(snapshot.recording[rows[spread[one]]]),
            int(snapshot.second[rows[spread[one]]]),
            round(float(told[one]), 4),
        ]
        for one in locating.propose(asked, told, PROPOSALS)
    ]


def _notes(told: bool, truth: locating.Truth) -> list[str]:
    """Say what the quality means, or what it takes to have one."""
    if told:
        return [LOWER_BOUND]
    return [
        f"How well it is located cannot be told: of {LEAST_LABELS} labels or more, at least "
        f"{locating.LEAST_MOMENTS} must be over a minute apart, with other footage between them."
    ]


def _publish(job: Job, location: Location, layer: Classifier, found: dict[str, object]) -> None:
    """Let the row publish a new layer in place of the one before."""
    file = store(layer)
    with transaction.atomic():
        row = Location.objects.select_for_update(of=("self",)).filter(job=job).first()
        if row is None:
            unlink([file.file])
            raise jobs.LeaseLost
        jobs.finish(job)
        before = row.file
        row.file, row.size, row.sha256 = file.file, file.size, file.sha256
        row.job, row.located_at = None, timezone.now()
        for name, value in found.items():
            setattr(row, name, value)
        row.save()
        if before:
            transaction.on_commit(lambda: unlink([before]))


def store(layer: Classifier) -> Published:
    """Write a layer to a file of its own."""
    arrays = {name: np.ascontiguousarray(array) for name, array in vars(layer).items()}
    return publish("locations", ".safetensors", lambda path: save_file(arrays, path))


def measured(quality: Quality | None, examples: int, modality: str) -> dict[str, Any]:
    """Return what is known of a layer for its row, by what modality it tells the event as well.

    average_precision is None where labels are too few to tell.
    """
    empty = {"average_precision": None, "balanced_accuracy": None}
    return {**(asdict(quality) if quality else empty), "examples": examples, "with": modality}
