"""The plots of the report. Colours are Okabe and Ito's, which colour-blind people tell apart."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from indexing.arrays import Doubles

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from indexing.evaluation.summary import Figure

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")
RIGHT, WRONG = "#0072B2", "#D55E00"
ORDINARY = "#BBBBBB"
STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "axes.axisbelow": True,
    "figure.constrained_layout.use": True,
}
DPI = 110


def bars(
    path: Path, figures: Mapping[str, Mapping[str, Figure | None]], title: str, axis: str
) -> None:
    """Write bars in groups: a value and its spread by series and group."""
    groups = list(dict.fromkeys(group for series in figures.values() for group in series))
    with plt.rc_context(STYLE):
        canvas, axes = plt.subplots(figsize=(max(6, 1.15 * len(groups)), 3.4))
        width = 0.84 / max(len(figures), 1)
        for number, (name, series) in enumerate(figures.items()):
            found = [series.get(group) for group in groups]
            places = np.arange(len(groups)) + (number - (len(figures) - 1) / 2) * width
            heights = [each.mean if each else 0.0 for each in found]
            spreads = [each.spread or 0.0 if each else 0.0 for each in found]
            axes.bar(places, heights, width, label=name, color=COLOURS[number % len(COLOURS)])
            axes.errorbar(places, heights, spreads, fmt="none", ecolor="#333333", elinewidth=0.8)
        names = [group.replace("_", " ") for group in groups]
        axes.set_xticks(range(len(groups)), names)
        axes.grid(axis="x", visible=False)
        axes.set(ylabel=axis, title=title, ylim=(0, 1))
        axes.legend(ncols=3, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12))
        _save(canvas, path)


def roc(path: Path, scores: Mapping[str, tuple[Doubles, NDArray[np.bool_]]], title: str) -> None:
    """Write ROC curves, by name scores (n,) and whether each second is rare."""
    with plt.rc_context(STYLE):
        canvas, axes = plt.subplots(figsize=(4.8, 4.4))
        for number, (name, (values, rare)) in enumerate(scores.items()):
            false, true = _roc(values, rare)
            line = ("-", "--", ":", "-.")[number // len(COLOURS) % 4]
            axes.plot(false, true, line, label=name, color=COLOURS[number % len(COLOURS)])
        axes.plot([0, 1], [0, 1], color=ORDINARY, linewidth=0.8)
        axes.set(xlabel="false alarms, part of all other seconds", ylabel="rare seconds found")
        axes.set(title=title, aspect="equal")
        axes.legend(frameon=False, fontsize=7)
        _save(canvas, path)


def _roc(values: Doubles, rare: NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
    order = np.argsort(-values, kind="stable")
    hits = np.append(0, np.cumsum(rare[order])) / max(rare.sum(), 1)
    alarms = np.append(0, np.cumsum(~rare[order])) / max((~rare).sum(), 1)
    return np.asarray(alarms, np.float64), np.asarray(hits, np.float64)


def maps(path: Path, embeddings: Mapping[str, tuple[Doubles, Sequence[str]]], title: str) -> None:
    """Write what systems' embeddings look like: rows (n, d) and the kind of each, "" ordinary.

    Two principal components of the seconds in which something happens; the others are laid under
    them, in grey.
    """
    kinds = sorted({kind for _, labels in embeddings.values() for kind in labels if kind})
    columns = min(len(embeddings), 2)
    rows = -(-len(embeddings) // columns)
    with plt.rc_context(STYLE):
        canvas, grid = plt.subplots(
            rows, columns, figsize=(4.6 * columns, 3.8 * rows), squeeze=False
        )
        for axes, (name, (z, labels)) in zip(grid.flat, embeddings.items(), strict=False):
            _map(axes, z, np.array(labels), kinds)
            axes.set(title=name, xticks=[], yticks=[])
        for axes in grid.flat[len(embeddings) :]:
            axes.axis("off")
        handles, names = grid.flat[0].get_legend_handles_labels()
        canvas.legend(handles, names, ncols=5, frameon=False, loc="outside lower center")
        canvas.suptitle(title)
        _save(canvas, path)


def _map(axes: Axes, z: Doubles, labels: NDArray[np.str_], kinds: Sequence[str]) -> None:
    eventful = labels != ""
    centre = z[eventful].mean(axis=0)
    _, _, directions = np.linalg.svd(z[eventful] - centre, full_matrices=False)
    flat = (z - centre) @ directions[:2].T
    some = np.flatnonzero(~eventful)[:: max(1, int((~eventful).sum()) // 800)]
    axes.scatter(flat[some, 0], flat[some, 1], s=4, color=ORDINARY, label="ordinary", linewidths=0)
    for number, kind in enumerate(kinds):
        chosen = labels == kind
        axes.scatter(
            flat[chosen, 0],
            flat[chosen, 1],
            s=14,
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            label=kind.replace("_", " "),
            linewidths=0,
        )


def curves(path: Path, trainings: Mapping[str, Sequence[Sequence[dict[str, Any]]]]) -> None:
    """Write how trainings went, epoch by epoch: by name the reports of every seed."""
    measures = {
        "loss": "loss (each its own)",
        "positive_rate": "positive rate",
        "alignment": "alignment",
        "spread": "effective rank",
    }
    with plt.rc_context(STYLE):
        canvas, grid = plt.subplots(2, 2, figsize=(8, 5))
        for axes, (key, title) in zip(grid.flat, measures.items(), strict=True):
            for number, (name, runs) in enumerate(trainings.items()):
                for seed, reports in enumerate(runs):
                    values = _series(reports, key)
                    label = name if seed == 0 else None
                    axes.plot(
                        range(1, len(values) + 1), values, color=COLOURS[number], label=label, lw=1
                    )
            axes.set(title=title, xlabel="epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        handles, names = grid.flat[0].get_legend_handles_labels()
        canvas.legend(handles, names, ncols=4, frameon=False, loc="outside lower center")
        _save(canvas, path)


def _series(reports: Sequence[dict[str, Any]], key: str) -> list[float]:
    """One measure by epoch; a loss as part of the first, so that all fit one plot."""
    values = [float("nan") if r.get(key) is None else float(r[key]) for r in reports]
    if key == "loss" and values and values[0]:
        return [value / values[0] for value in values]
    return values


def _save(canvas: Canvas, path: Path) -> None:
    """Write a picture without the date and the versions that would make each run's differ."""
    canvas.savefig(path, dpi=DPI, metadata={"Software": None} if path.suffix == ".png" else None)
    plt.close(canvas)
