"""The tables of the report, in Markdown."""

from collections.abc import Iterable, Sequence

from indexing.evaluation.goals import Goal
from indexing.evaluation.profiles import CHALLENGING, NIGHT, SAME, SIMILAR
from indexing.evaluation.summary import (
    SCORES,
    Figure,
    Measure,
    Results,
    anomaly,
    best_score,
    location,
    precision,
    recall,
)
from indexing.evaluation.systems import MAIN
from ml.evaluation.search import MODES

ROLES = (SAME, SIMILAR, CHALLENGING, NIGHT)
MODALITY_NAMES = {"joint": "picture and sound", "video": "picture", "audio": "sound"}
Column = tuple[str, Measure]


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table; None is a dash."""
    lines = [head, ["---"] * len(head), *rows]
    shown = [" | ".join("–" if cell is None else str(cell) for cell in line) for line in lines]
    return "".join(f"| {line} |\n" for line in shown)


def by_system(results: Results, columns: Sequence[Column], *, best: bool = True) -> str:
    """A row a system, a column a measure; the best mean of each column is bold."""
    names = results.names("system")
    figures = [[results.of(system=n).figure(measure) for _, measure in columns] for n in names]
    rows = []
    for name, line in zip(names, figures, strict=True):
        if any(line):
            rows.append([name, *_emphasised(line, figures if best else [])])
        elif failed := results.of(system=name).failed:
            rows.append(
                [name, f"did not converge: {failed[0]['failed']}", *[None] * (len(line) - 1)]
            )
    if not rows:
        return "Too little happens in this footage: nothing here could be measured.\n"
    return markdown(["system", *(title for title, _ in columns)], rows)


def _emphasised(
    line: Sequence[Figure | None], all_lines: Sequence[Sequence[Figure | None]]
) -> list[str | None]:
    cells: list[str | None] = []
    for column, cell in enumerate(line):
        known = [other[column] for other in all_lines]
        top = max((other.mean for other in known if other), default=float("inf"))
        text = str(cell) if cell else None
        cells.append(f"**{text}**" if cell and cell.mean >= top else text)
    return cells


def goals_table(found: Sequence[Goal]) -> str:
    """What was wanted, what was found, met or not."""
    words = {True: "**met**", False: "not met", None: "cannot be told"}
    rows = [[goal.name, goal.wanted, goal.found, words[goal.met]] for goal in found]
    return markdown(["goal", "wanted", "found", ""], rows)


def search_table(results: Results) -> str:
    """MAP@20 of every way to search, and recall@10 of the joint one."""
    columns: list[Column] = [("joint", precision("joint"))]
    columns += [(mode.replace("-", " "), precision(mode)) for mode in MODES[1:]]
    return by_system(results, [*columns, ("joint recall@10", recall("joint"))])


def kinds_table(results: Results) -> str:
    """Joint MAP@20 by kind."""
    kinds = sorted({k for r in results.all for k in r.get("search", {}).get("joint", {})})
    return by_system(results, [(k.replace("_", " "), precision("joint", k)) for k in kinds])


def anomaly_table(results: Results) -> str:
    """AUROC of the rare kinds by score, and how the score each system is judged by fares."""
    names = {s: f"by {s}" for s in SCORES}
    return by_system(results, [(names[score], anomaly(score, "auroc")) for score in SCORES])


def alarms_table(results: Results) -> str:
    """Every system's own score and best score: AUROC, precision, recall, false peaks."""
    rows = []
    for name in results.names("system"):
        of_system = results.of(system=name)
        own = next((r["anomaly_score"] for r in of_system.all if "anomaly" in r), None)
        for title, score in (("its own", own), ("its best", best_score(of_system))):
            if score is None:
                continue
            measures = ("auroc", "auroc_ordinary", "average_precision", "recall")
            figures = [of_system.figure(anomaly(score, m)) for m in measures]
            false = of_system.figure(anomaly(score, "false_peaks_per_hour"))
            if any(figures):
                rows.append([name, f"{title}: {score}", *figures, false])
    head = ["system", "score", "AUROC", "AUROC, ordinary", "AP", "recall", "false peaks/h"]
    return markdown(head, rows)


def rare_table(results: Results) -> str:
    """AUROC by rare kind, of each system's best score."""
    kinds = sorted(
        {k for r in results.all for s in r.get("anomaly", {}).values() for k in s["kinds"]}
    )
    rows = []
    for name in results.names("system"):
        of_system = results.of(system=name)
        if score := best_score(of_system):
            figures = [of_system.figure(anomaly(score, "auroc", kind)) for kind in kinds]
            rows.append([name, score, *figures])
    return markdown(["system", "score", *(kind.replace("_", " ") for kind in kinds)], rows)


def location_table(results: Results, modality: str) -> str:
    """Segment-wise accuracy, balanced accuracy and precision by view (the paper's Table 1)."""
    roles = [role for role in ROLES if role in results.names("test")]
    columns = []
    for role in roles:
        for title, name in _LOCATION:
            columns.append((f"{role}: {title}", _in_role(role, location(modality, name))))
    return by_system(results, columns)


_LOCATION = (
    ("accuracy", "accuracy"),
    ("balanced", "balanced_accuracy"),
    ("AP", "average_precision"),
)


def _in_role(role: str, measure: Measure) -> Measure:
    return lambda result: measure(result) if result["test"] == role else None


def location_kinds_table(results: Results) -> str:
    """Average precision by kind and view of one system."""
    kinds = sorted({k for r in results.all for k in r.get("location", {}).get("joint", {})})
    roles = [role for role in ROLES if role in results.names("test")]
    rows = [
        [
            kind.replace("_", " "),
            *(
                results.of(test=r).figure(location("joint", "average_precision", kind))
                for r in roles
            ),
        ]
        for kind in kinds
    ]
    return markdown(["event", *roles], rows)


def ablation_table(results: Results, table: str, base: str, base_name: str) -> str:
    """One table of ablations, with what they vary as its first row."""
    columns: list[Column] = []
    for role in (SAME, CHALLENGING):
        columns += [
            (f"{role}: joint", _in_role(role, precision("joint"))),
            (f"{role}: video", _in_role(role, precision("video"))),
            (f"{role}: audio", _in_role(role, precision("audio"))),
            (f"{role}: location AP", _in_role(role, location("joint", "average_precision"))),
            (f"{role}: accuracy", _in_role(role, location("joint", "accuracy"))),
        ]
    varied = results.of(table=table)
    trains = varied.names("train")
    base_rows = [
        {**result, "system": base_name}
        for result in results.of(table=MAIN, system=base).all
        if result["train"] in trains
    ]
    return by_system(Results([*base_rows, *varied.all]), columns, best=False)


def trunks_table(results: Results) -> str:
    """What trunks see by themselves: video mAP@20 by kind, and how far a forklift stands out."""
    columns: list[Column] = [
        (f"{role}: video mAP@20", _in_role(role, precision("video")))
        for role in (SAME, CHALLENGING)
    ]
    seen = {k for r in results.all for k in r.get("search", {}).get("video", {})}
    columns += [
        (kind.replace("_", " "), _in_role(SAME, precision("video", kind))) for kind in sorted(seen)
    ]
    columns.append(("forklift AUROC", _in_role(SAME, anomaly("video", "auroc", "forklift"))))
    return by_system(results, columns)


def time_table(results: Results) -> str:
    """Seconds of training and of embedding for each hour of footage."""

    def rate(what: str, hours: str) -> Measure:
        return lambda r: r["seconds"][what] / r["hours"][hours] if "seconds" in r else None

    columns = [("training", rate("fit", "train")), ("embedding", rate("embed", "test"))]
    names = results.names("system")
    rows = [
        [name, *(_rounded(results.of(system=name).figure(measure)) for _, measure in columns)]
        for name in names
    ]
    return markdown(["system", "training, s per hour", "embedding, s per hour"], rows)


def _rounded(found: Figure | None) -> str | None:
    return f"{found.mean:.0f}" if found else None


def weights_table(results: Results) -> str:
    """Which weights each system used."""
    rows = []
    for name in results.names("system"):
        words = sorted({result["weights"] for result in results.of(system=name).all})
        rows.append([name, "; ".join(words)])
    return markdown(["system", "weights"], rows)
