"""How well the real search finds every other time a known sound was heard.

Every occurrence is a query once, by its middle second. A hit is right when its second lies within
another occurrence of the same kind. Wants Django set up on the data root with the recording.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexing.search.query import SearchQuery, With
from indexing.search.ranking import search
from ml.crossroads.truth import Interval, Occurrence
from ml.metrics import average_precision_at_k, recall_at_k

TOP, RECALL_TOP = 20, 10


@dataclass(frozen=True)
class Score:
    """Means over the queries of a kind."""

    queries: int
    mean_average_precision: float
    recall: float
    first_right: float


def hears(interval: Interval, second: int) -> bool:
    """Tell whether a sound is heard during a second."""
    return math.floor(interval[0]) <= second < math.ceil(interval[1])


def right_hits(
    recording: int, query: Occurrence, others: Sequence[Occurrence], modality: With
) -> list[bool]:
    """Search for the middle of an occurrence; tell of every hit whether it is one of the others."""
    assert query.heard is not None
    middle = int(sum(query.heard) / 2)
    found = search(SearchQuery(recording_id=recording, second=middle, modality=modality, k=TOP))
    return [
        any(other.heard and hears(other.heard, hit.second) for other in others)
        for hit in found.hits
    ]


def evaluate(recording: int, occurrences: Sequence[Occurrence], modality: With) -> dict[str, Score]:
    """Return mAP@20, recall@10 and how often the first hit is right, of every kind."""
    by_kind: dict[str, list[Occurrence]] = defaultdict(list)
    for occurrence in occurrences:
        by_kind[occurrence.event].append(occurrence)
    scores = {}
    for kind, members in sorted(by_kind.items()):
        results = []
        for query in members:
            others = [other for other in members if other is not query]
            right = right_hits(recording, query, others, modality)
            results.append(
                (
                    average_precision_at_k(right, TOP, len(others)),
                    recall_at_k(right, RECALL_TOP, min(len(others), RECALL_TOP)),
                    float(right[0]),
                )
            )
        scores[kind] = Score(len(members), *np.mean(results, axis=0).tolist())
    return scores
