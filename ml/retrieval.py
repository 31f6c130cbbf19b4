"""How well a search finds every other time it happened (Wang et al. 2025, section 4.1).

The search that users get: Eq. 5 distances in float64, nothing within one minute of the query or of
a higher-ranked hit. numpy only.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml import distance, metrics

Mode = Literal["joint", "video", "audio", "video-to-audio", "audio-to-video"]
EXCLUSION_S = 60
TOP = 20
RECALL_TOP = 10
QUERIES_PER_KIND = 40

Embeddings = NDArray[np.float32]
Mask = NDArray[np.bool_]
Doubles = NDArray[np.float64]
Labels = Sequence[AbstractSet[str]]


@dataclass(frozen=True)
class Footage:
    """One recording's embeddings and what happens in it, second by second.

    `labels` says which kinds a second is a query of, `targets` of which it is a right hit, where
    that is another matter: across modalities, what is seen is asked for and what is heard is found.
    The first `shared` columns of both embeddings can be compared with each other; 0 means none.
    `audio_weight` says how much sound counts in a joint search, from each second if that differs.
    """

    z_v: Embeddings
    z_a: Embeddings
    has_video: Mask
    has_audio: Mask
    labels: Labels
    targets: Labels | None = None
    shared: int = 0
    audio_weight: Doubles | float = distance.AUDIO_WEIGHT


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
    footage: Footage, mode: Mode, *, queries_per_kind: int = QUERIES_PER_KIND
) -> dict[str, Score]:
    """mAP@20 and recall@10 of every kind that happens at least twice far enough apart.

    Queries are up to `queries_per_kind` of the kind's seconds, evenly spread. A hit is right when
    its own second carries the query's kind.
    """
    targets = _seconds(footage.labels if footage.targets is None else footage.targets)
    queries = {
        kind: [q for q in _spread(seconds, queries_per_kind) if reachable(targets[kind], q)]
        for kind, seconds in sorted(_seconds(footage.labels).items())
        if kind in targets
    }
    asked = sorted({query for some in queries.values() for query in some})
    rows = dict(zip(asked, distances_from(footage, asked, mode), strict=True))
    rankings = {query: ranking(row, query) for query, row in rows.items()}
    return {
        kind: _score([_precision_and_recall(rankings[q], targets[kind], q) for q in some])
        for kind, some in queries.items()
        if some
    }


def _score(results: list[tuple[float, float]]) -> Score:
    precision, recall = np.mean(results, axis=0)
    return Score(len(results), float(precision), float(recall))


def _precision_and_recall(hits: list[int], targets: list[int], query: int) -> tuple[float, float]:
    right = np.isin(hits, targets)
    total = reachable(targets, query)
    return (
        metrics.average_precision_at_k(right, TOP, total),
        metrics.recall_at_k(right, RECALL_TOP, min(total, RECALL_TOP)),
    )


def distances_from(footage: Footage, queries: Sequence[int], mode: Mode) -> Doubles:
    """Distance of every second to each of q queries (q, n), infinite where a modality lacks.

    Raises ValueError for a crossing between embeddings that share no columns.
    """
    asked = np.asarray(queries, np.int64)
    z_v, z_a, shared = footage.z_v, footage.z_a, footage.shared
    if mode == "joint":
        both = footage.has_video & footage.has_audio
        weight = np.broadcast_to(footage.audio_weight, len(z_a))[asked, None]
        mean = distance.joint(eq5_matrix(z_v[asked], z_v), eq5_matrix(z_a[asked], z_a), weight)
        return np.where(both[asked, None] & both, mean, np.inf)
    if mode == "video":
        return _distances(z_v[asked], footage.has_video[asked], z_v, footage.has_video)
    if mode == "audio":
        return _distances(z_a[asked], footage.has_audio[asked], z_a, footage.has_audio)
    if not shared:
        raise ValueError("These embeddings have no columns that picture and sound share.")
    seen, heard = (z_v[:, :shared], footage.has_video), (z_a[:, :shared], footage.has_audio)
    (x, has_x), (y, has_y) = (seen, heard) if mode == "video-to-audio" else (heard, seen)
    return _distances(x[asked], has_x[asked], y, has_y)


def _distances(x: Embeddings, has_x: Mask, y: Embeddings, has_y: Mask) -> Doubles:
    """Eq. 5 between rows (q, d) and (n, d) -> (q, n), infinite where either is absent."""
    return np.where(has_x[:, None] & has_y, eq5_matrix(x, y), np.inf)


def eq5_matrix(x: Embeddings, y: Embeddings, lam: float = distance.LAMBDA) -> Doubles:
    """Eq. 5 between all rows of x (q, d) and y (n, d) -> (q, n), by one float64 matrix product.

    Equal to `ml.distance.eq5` but for rounding (1e-7 of the vectors' lengths), and a hundred times
    faster.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    product = x @ y.T
    norm_x, norm_y = np.linalg.norm(x, axis=1)[:, None], np.linalg.norm(y, axis=1)
    squares = norm_x**2 + norm_y**2
    gap = squares - 2 * product
    # Where hardly anything of the difference is left, it is rounding: the two are equal.
    euclidean = np.sqrt(np.where(gap > 1e-14 * squares, gap, 0))
    norms = norm_x * norm_y
    cosine = np.divide(product, norms, out=np.zeros_like(product), where=norms > 0)
    cosine[(norm_x == 0) & (norm_y == 0)] = 1
    return np.asarray(lam * euclidean + (1 - lam) * (1 - np.clip(cosine, -1, 1)))


def _seconds(labels: Labels) -> Mapping[str, list[int]]:
    """The ascending seconds of every kind."""
    seconds: dict[str, list[int]] = {}
    for second, kinds in enumerate(labels):
        for kind in kinds:
            seconds.setdefault(kind, []).append(second)
    return seconds


def _spread(seconds: list[int], most: int) -> list[int]:
    if len(seconds) <= most:
        return seconds
    return [seconds[i] for i in np.linspace(0, len(seconds) - 1, most).round().astype(int)]
