import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.metrics import auroc, average_precision, average_precision_at_k, recall_at_k

RANKINGS = st.lists(st.booleans(), max_size=30)
SCORED = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40)


@given(RANKINGS, st.integers(1, 25), st.integers(0, 10))
def test_average_precision_at_k_is_its_loop(ranking: list[bool], k: int, more: int) -> None:
    total = sum(ranking) + more
    found, gained = 0, 0.0
    for rank, hit in enumerate(ranking[:k], start=1):
        if hit:
            found += 1
            gained += found / rank
    expected = gained / min(total, k) if total else 0.0
    assert average_precision_at_k(ranking, k, total) == pytest.approx(expected)


@given(RANKINGS, st.integers(1, 25), st.integers(0, 10))
def test_recall_at_k_is_its_loop(ranking: list[bool], k: int, more: int) -> None:
    total = sum(ranking) + more
    expected = sum(ranking[:k]) / total if total else 0.0
    assert recall_at_k(ranking, k, total) == pytest.approx(expected)


def test_a_perfect_ranking_scores_one() -> None:
    assert average_precision_at_k([True] * 3 + [False] * 17, 20, 3) == 1
    assert average_precision_at_k([True] * 20, 20, 50) == 1


@given(SCORED)
def test_auroc_is_the_share_of_ordered_pairs(scored: list[tuple[int, bool]]) -> None:
    pairs = [
        1.0 if high > low else 0.5 if high == low else 0.0
        for high, positive in scored
        if positive
        for low, other in scored
        if not other
    ]
    result = auroc([s for s, _ in scored], [label for _, label in scored])
    if pairs:
        assert result == pytest.approx(sum(pairs) / len(pairs))
    else:
        assert math.isnan(result)


@given(SCORED)
def test_average_precision_steps_over_thresholds(scored: list[tuple[int, bool]]) -> None:
    positives = sum(label for _, label in scored)
    result = average_precision([s for s, _ in scored], [label for _, label in scored])
    if not positives:
        assert math.isnan(result)
        return
    expected, before = 0.0, 0
    for threshold in sorted({s for s, _ in scored}, reverse=True):
        kept = [label for s, label in scored if s >= threshold]
        expected += (sum(kept) - before) / positives * sum(kept) / len(kept)
        before = sum(kept)
    assert result == pytest.approx(expected)


def test_the_order_of_equal_scores_does_not_matter() -> None:
    scores, labels = np.zeros(10), np.arange(10) < 3
    assert average_precision(scores, labels) == average_precision(scores, labels[::-1])
    assert auroc(scores, labels) == 0.5
