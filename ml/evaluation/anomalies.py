"""Anomaly scores with known truth: are rare events rated odd, and how often is nothing?"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml import metrics
from ml.anomaly import GROUP_GAP_S
from ml.crossroads.kinds import KINDS
from ml.evaluation.truth import Truth, runs, widened

# Rare is what happens least often: at most this many times an hour in Crossroads.
RARE_PER_HOUR = 5
# A peak this near to an event of any kind is not false: the event is what an operator would see.
NEAR_S = 5

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class KindScore:
    """How one rare kind stands out; NaN where it cannot be told."""

    events: int
    auroc: float  # its seconds against all seconds without a rare kind, other events included
    auroc_ordinary: float  # against the seconds without any event
    average_precision: float  # among its own seconds and those without a rare kind
    recall: float  # part of its events with a second above the system's own threshold


@dataclass(frozen=True)
class AnomalyScore:
    """One score of a system on one stream."""

    kinds: dict[str, KindScore]
    false_peaks_per_hour: float
    flagged: float  # part of the seconds above the threshold


def rare_kinds(truth: Truth) -> list[str]:
    """The kinds of this stream that Crossroads draws at most five times an hour."""
    return [k for k in truth.kinds if k in KINDS and KINDS[k].per_hour <= RARE_PER_HOUR]


def anomaly_score(
    scores: Doubles, threshold: float, truth: Truth, rare: Iterable[str]
) -> AnomalyScore:
    """Measure scores (n,), the higher the odder, NaN where there is none, and their threshold.

    Seconds up to 5 s before and after a rare event are neither its own nor ordinary: what rolls
    away is still odd, and nobody could say from when on it is not.
    """
    rare = list(rare)
    known = np.isfinite(scores)
    others = known & ~widened(truth.anything(rare), NEAR_S)
    ordinary = known & ~widened(truth.anything(), NEAR_S)
    above = known & (np.nan_to_num(scores, nan=-np.inf) > threshold)
    masks = truth.masks("joint")
    return AnomalyScore(
        {kind: _kind_score(scores, above, masks[kind] & known, others, ordinary) for kind in rare},
        _false_peaks(above, truth) / (truth.seconds / 3600),
        float(above.sum() / max(int(known.sum()), 1)),
    )


def _kind_score(
    scores: Doubles, above: Mask, events: Mask, others: Mask, ordinary: Mask
) -> KindScore:
    stretches = runs(events)
    found = [bool(above[start:end].any()) for start, end in stretches]
    return KindScore(
        len(stretches),
        metrics.auroc(scores[events | others], events[events | others]),
        metrics.auroc(scores[events | ordinary], events[events | ordinary]),
        metrics.average_precision(scores[events | others], events[events | others]),
        float(np.mean(found)) if found else float("nan"),
    )


def _false_peaks(above: Mask, truth: Truth) -> int:
    """Count the peaks, joined across 5 s, that no event of any kind is near to."""
    seconds = np.flatnonzero(above)
    if not len(seconds):
        return 0
    peaks = np.split(seconds, np.flatnonzero(np.diff(seconds) > GROUP_GAP_S) + 1)
    near = widened(truth.anything(), NEAR_S)
    return sum(not near[peak].any() for peak in peaks)
