"""One measured ratio, and how a run of them is shown."""

import json
import operator
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Ratio:
    """Two figures of one unit, and their ratio against its goal.

    `details` holds whatever helps to judge it, by name.
    """

    name: str
    unit: str
    measured: str
    figure: float
    reference: str
    reference_figure: float
    goal: float
    better: Literal["at least", "at most"]
    details: dict[str, float | str] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """The figure against the reference."""
        return self.figure / self.reference_figure

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        reaches = operator.ge if self.better == "at least" else operator.le
        return bool(reaches(self.ratio, self.goal))

    def document(self) -> dict[str, object]:
        """Return everything as JSON takes it."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def spread(values: list[float]) -> str:
    """Tell how far repeated measurements lie apart: the lowest, the middle and the highest."""
    return f"{min(values):.3g} / {statistics.median(values):.3g} / {max(values):.3g}"


def table(ratios: list[Ratio]) -> str:
    """Return the ratios as an aligned table, with their details below."""
    head = ("name", "measured", "reference", "ratio", "goal", "met")
    rows = [head] + [
        (
            ratio.name,
            f"{ratio.measured} {ratio.figure:.4g} {ratio.unit}",
            f"{ratio.reference} {ratio.reference_figure:.4g} {ratio.unit}",
            f"{ratio.ratio:.2f}",
            f"{ratio.better} {ratio.goal:g}",
            "yes" if ratio.met else "NO",
        )
        for ratio in ratios
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    details = [
        f"{ratio.name}: {name} {_plain(value)}"
        for ratio in ratios
        for name, value in ratio.details.items()
    ]
    return "\n".join([line.rstrip() for line in lines] + ["", *details])


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def write(ratios: list[Ratio], path: Path) -> None:
    """Write the ratios to a file as one JSON document."""
    document = {"ratios": [ratio.document() for ratio in ratios]}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
