"""How near is near enough: a threshold as a distance under each encoder, and what is within it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, takewhile

import numpy as np

from indexing.casework.saved import SavedError
from indexing.models import (
    Encoder,
    SavedSearch,
)
from indexing.search.ranking import Asked
from indexing.vectors.fields import Field

PERCENTILE = SavedSearch.Measure.PERCENTILE


@dataclass(frozen=True)
class Near:
    """A clip nearer than the threshold: its place, its moment in seconds since 1970."""

    recording: int
    second: int
    camera: str
    at: int
    distance: float
    limit: float


def fields_of(asked: Asked) -> dict[Encoder, Field]:
    """Return what is searched, by encoder, without the query's own moment."""
    return {encoder: apart(asked, field) for encoder, field in asked.fields().items()}


def apart(asked: Asked, field: Field) -> Field:
    """Leave out the clips within the exclusion window of the query's own."""
    snapshot, eligible = field.snapshot, field.eligible.copy()
    for name, at in field.origins:
        if name in snapshot.cameras:
            own = snapshot.camera == snapshot.cameras.index(name)
            eligible &= ~(own & (np.abs(snapshot.at - at) <= asked.query.exclusion_s))
    return replace(field, eligible=eligible)


def limits_of(fields: dict[Encoder, Field], measure: str, threshold: float) -> dict[int, float]:
    """Return the threshold as a distance under each encoder."""
    if measure == PERCENTILE:
        return {encoder.pk: distance_at(field, threshold) for encoder, field in fields.items()}
    if len(fields) > 1:
        raise SavedError(
            "These cameras have encoders of their own, whose distances cannot be compared; set a "
            "percentile instead."
        )
    return {encoder.pk: threshold for encoder in fields}


def distance_at(field: Field, percentile: float) -> float:
    """Return the distance of the clip that is nearer than this share of all; at least of one."""
    ranking = field.ranking()
    place = max(1, math.floor(ranking.count * (100.0 - percentile) / 100.0 + 1e-9))
    last = next(islice(ranking, place - 1, None), None)
    if last is None:
        raise SavedError("Nothing else has been embedded yet to choose a threshold by.")
    return last.distance


def percentile_at(field: Field, limit: float) -> float:
    """Return the share of clips, 0 to 100, that are farther than a distance."""
    ranking = field.ranking()
    nearer = sum(1 for _ in takewhile(lambda ranked: ranked.distance <= limit, ranking))
    return 100.0 * (1.0 - nearer / max(1, ranking.count))


def within(field: Field, limit: float) -> Iterator[Near]:
    """Yield the clips not farther than a distance, the nearest first."""
    snapshot = field.snapshot
    for ranked in takewhile(lambda ranked: ranked.distance <= limit, field.ranking()):
        row = ranked.row
        yield Near(
            recording=int(snapshot.recording[row]),
            second=int(snapshot.second[row]),
            camera=snapshot.cameras[snapshot.camera[row]],
            at=int(snapshot.at[row]),
            distance=ranked.distance,
            limit=limit,
        )
