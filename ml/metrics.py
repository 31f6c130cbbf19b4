"""Measures of a ranking and of a score (numpy only; each is tested against a plain loop)."""

import numpy as np
from numpy.typing import ArrayLike


def average_precision_at_k(relevant: ArrayLike, k: int, total: int) -> float:
    """AP@k of one ranking: mean of the precision at each relevant hit among the first k.

    `relevant` says of each hit, best first, whether it is right; `total` is how many right hits
    could have been found. The mean is over min(total, k), so a perfect ranking has 1. Zero where
    nothing could be found.
    """
    hits = np.asarray(relevant, bool)[:k]
    if min(total, k) <= 0:
        return 0.0
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].sum() / min(total, k))


def recall_at_k(relevant: ArrayLike, k: int, total: int) -> float:
    """Share of the `total` right hits that are among the first k; zero where there are none."""
    return float(np.asarray(relevant, bool)[:k].sum() / total) if total > 0 else 0.0


def auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Chance that a positive scores above a negative, ties counting half (Mann-Whitney U).

    NaN where either class is empty.
    """
    scores, labels = np.asarray(scores, np.float64), np.asarray(labels, bool)
    positives, negatives = int(labels.sum()), int((~labels).sum())
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = mean_rank[inverse][labels].sum()
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(scores: ArrayLike, labels: ArrayLike) -> float:
    """Area under precision over recall, as a sum of steps; equal scores are one step.

    NaN where there is no positive.
    """
    scores, labels = np.asarray(scores, np.float64), np.asarray(labels, bool)
    if not labels.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(labels[order])
    last_of_step = np.append(np.diff(scores[order]) != 0, True)
    found, seen = found[last_of_step], np.flatnonzero(last_of_step) + 1
    gained = np.diff(found, prepend=0) / found[-1]
    return float((gained * found / seen).sum())
