"""From single results to the figures of tables: means and spreads over seeds and streams."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from indexing.evaluation.systems import MAIN

Result = dict[str, Any]
Measure = Callable[[Result], float | None]


@dataclass(frozen=True)
class Figure:
    """A mean over seeds and training streams, and their standard deviation (None for one)."""

    mean: float
    spread: float | None
    count: int

    def __str__(self) -> str:
        shown = (
            f"{self.mean:.3f}".replace("0.", ".", 1) if abs(self.mean) < 1 else f"{self.mean:.2f}"
        )
        if self.spread is None:
            return shown
        return f"{shown} ± {self.spread:.3f}".replace("± 0.", "± .")


def figure(values: Iterable[float | None]) -> Figure | None:
    """Mean and spread of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    spread = statistics.stdev(known) if len(known) > 1 else None
    return Figure(statistics.fmean(known), spread, len(known))


@dataclass(frozen=True)
class Results:
    """All results that a report is about."""

    all: Sequence[Result]

    def of(self, **wanted: Any) -> "Results":
        """Those with these values, such as bench, table, system, test or seed."""
        return Results([r for r in self.all if all(r[k] == v for k, v in wanted.items())])

    def figure(self, measure: Measure) -> Figure | None:
        """One measure over all of them."""
        return figure(measure(result) for result in self.all if "failed" not in result)

    def names(self, key: str) -> list[str]:
        """The values of a key in the order they first come in."""
        return list(dict.fromkeys(result[key] for result in self.all))

    @property
    def failed(self) -> list[Result]:
        """Those whose training broke down."""
        return [result for result in self.all if "failed" in result]

    @property
    def main(self) -> "Results":
        """The systems, without ablations."""
        return self.of(table=MAIN)


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def precision(mode: str, kind: str | None = None) -> Measure:
    """MAP@20 of a way to search, mean over kinds or of one."""
    return _search(mode, "mean_average_precision", kind)


def recall(mode: str, kind: str | None = None) -> Measure:
    """Recall@10 of a way to search, mean over kinds or of one."""
    return _search(mode, "recall", kind)


def _search(mode: str, name: str, kind: str | None) -> Measure:
    def measure(result: Result) -> float | None:
        scores = result["search"].get(mode, {})
        chosen = scores if kind is None else {k: s for k, s in scores.items() if k == kind}
        return mean(score[name] for score in chosen.values())

    return measure


def anomaly(score: str, name: str, kind: str | None = None) -> Measure:
    """A measure of one anomaly score, mean over rare kinds or of one.

    `false_peaks_per_hour` and `flagged` belong to a score and not to a kind.
    """

    def measure(result: Result) -> float | None:
        found = result["anomaly"].get(score)
        if found is None or name in found:
            value: float | None = found[name] if found else None
            return value
        kinds = found["kinds"]
        return mean(s[name] for k, s in kinds.items() if kind in (None, k))

    return measure


def location(modality: str, name: str, kind: str | None = None) -> Measure:
    """A measure of event location, mean over kinds or of one."""

    def measure(result: Result) -> float | None:
        scores = result["location"].get(modality, {})
        return mean(s[name] for k, s in scores.items() if kind in (None, k))

    return measure


SCORES = ("video", "audio", "neighbour", "cross", "own")


def best_score(results: Results) -> str | None:
    """The anomaly score by which these results tell rare kinds best, by mean AUROC."""
    means = {score: results.figure(anomaly(score, "auroc")) for score in SCORES}
    known = {score: found.mean for score, found in means.items() if found}
    return max(known, key=lambda score: known[score]) if known else None
