"""How well a search finds every other time it happened (Wang et al. 2025, section 4.1).

Exactly the search that users get: Eq. 5 distances in float64, nothing within one minute of the
query or of a higher-ranked hit. numpy only.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml import distance, metrics

Mode = Literal["video", "audio", "joint"]
EXCLUSION_S = 60
TOP = 20
RECALL_TOP = 10

Embeddings = NDArray[np.float32]
Mask = NDArray[np.bool_]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Footage:
    """One recording's embeddings and what happens in it, second by second."""

    z_v: Embeddings
    z_a: Embeddings
    has_video: Mask
    has_audio: Mask
    labels: Sequence[AbstractSet[str]]


@dataclass(frozen=True)
class Score:
    """Means over the queries of one kind."""

    queries: int
    mean_average_precision: float
    recall: float


def ranking(distances: Doubles, query: int, exclusion_s: int = EXCLUSION_S) -> list[int]:
    """Seconds in the order found: greedy by (distance, second), each keeping its surroundings out.

    `distances` holds the distance of every second to the query, infinite where a second cannot be
    compared. The query's surroundings are left out first. As many hits as there are, up to 20.
    """
    allowed = np.isfinite(distances)
    allowed[max(0, query - exclusion_s) : query + exclusion_s + 1] = False
    hits: list[int] = []
    for second in np.argsort(distances, kind="stable"):
        if allowed[second]:
            hits.append(int(second))
            allowed[max(0, second - exclusion_s) : second + exclusion_s + 1] = False
            if len(hits) == TOP:
                break
    return hits


def reachable(seconds: Sequence[int], query: int, exclusion_s: int = EXCLUSION_S) -> int:
    """Count how many of these ascending seconds one ranking can hold at most."""
    count, last = 0, None
    for second in seconds:
        if abs(second - query) > exclusion_s and (last is None or second - last > exclusion_s):
            count, last = count + 1, second
    return count


def evaluate(
    footage: Footage, mode: Mode, *, audio_weight: float = 0.5, queries_per_kind: int = 40
) -> dict[str, Score]:
    """mAP@20 and recall@10 of every kind that happens at least twice far enough apart.

    Queries are up to `queries_per_kind` of the kind's seconds, evenly spread. A hit is right when
    its own second carries the query's kind.
    """
    scores = {}
    for kind in sorted(set().union(*footage.labels)):
        seconds = [s for s, kinds in enumerate(footage.labels) if kind in kinds]
        results = [
            _score_query(footage, mode, audio_weight, kind, seconds, query)
            for query in _spread(seconds, queries_per_kind)
            if reachable(seconds, query)
        ]
        if results:
            precision, recall = np.mean(results, axis=0)
            scores[kind] = Score(len(results), float(precision), float(recall))
    return scores


def _score_query(
    footage: Footage, mode: Mode, weight: float, kind: str, seconds: list[int], query: int
) -> tuple[float, float]:
    hits = ranking(distances_from(footage, query, mode, weight), query)
    right = [kind in footage.labels[hit] for hit in hits]
    total = reachable(seconds, query)
    return (
        metrics.average_precision_at_k(right, TOP, total),
        metrics.recall_at_k(right, RECALL_TOP, min(total, RECALL_TOP)),
    )


def distances_from(footage: Footage, query: int, mode: Mode, audio_weight: float = 0.5) -> Doubles:
    """Distance of every second to the query, infinite where a modality that is asked for lacks."""
    if mode == "video":
        return _distances(footage.z_v, footage.has_video, query)
    if mode == "audio":
        return _distances(footage.z_a, footage.has_audio, query)
    both = footage.has_video & footage.has_audio
    distances = np.full(len(both), np.inf)
    if both[query]:
        video, audio = (z[both] for z in (footage.z_v, footage.z_a))
        distances[both] = distance.joint(
            distance.eq5(footage.z_v[query], video),
            distance.eq5(footage.z_a[query], audio),
            audio_weight,
        )
    return distances


def _distances(z: Embeddings, present: Mask, query: int) -> Doubles:
    if not present[query]:
        return np.full(len(z), np.inf)
    return np.where(present, distance.eq5(z[query], z), np.inf)


def _spread(seconds: list[int], most: int) -> list[int]:
    if len(seconds) <= most:
        return seconds
    return [seconds[i] for i in np.linspace(0, len(seconds) - 1, most).round().astype(int)]
