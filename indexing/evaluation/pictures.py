"""What the report's pictures show: chosen from results, embeddings and streams that were kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.arrays import Doubles
from indexing.evaluation import plots, sheets
from indexing.evaluation.cells import Store
from indexing.evaluation.profiles import SAME
from indexing.evaluation.runs import Training
from indexing.evaluation.streams import Stream
from indexing.evaluation.summary import Results, best_score, precision
from indexing.evaluation.systems import AUDIO_VIDEO, DESCRIPTIONS, EPG, OURS, STARTER, TPG
from ml.anomaly import GROUP_GAP_S
from ml.baselines.mavil import Mavil
from ml.baselines.system import Embedded
from ml.evaluation.anomalies import NEAR_S, rare_kinds
from ml.evaluation.search import mode_distances
from ml.evaluation.truth import widened
from ml.retrieval import EXCLUSION_S, ranking, reachable

SHOWN = (OURS, EPG, TPG, AUDIO_VIDEO, DESCRIPTIONS, STARTER)
MAPPED = (OURS, STARTER, TPG, EPG)
# The queries of the paper's Figure 6, and who answers them.
QUERIES = ("pink_bus", "ambulance", "police")
ANSWERING = (OURS, TPG, Mavil.name, AUDIO_VIDEO)
OUR_HITS, OTHER_HITS = 4, 2
# The paper's Figure 5 shows the four distinct events of the highest score.
ANOMALIES = 4
# A map of fewer seconds with an event shows nothing.
LEAST_MARKS = 10


@dataclass(frozen=True, eq=False)
class Kept:
    """One system's embeddings and anomaly scores of the stream that pictures are made of."""

    stream: Stream
    embedded: Embedded
    scores: dict[str, tuple[Doubles, float]]  # and their thresholds


def kept(trainings: list[Training], store: Store) -> dict[str, Kept]:
    """Read what was kept for pictures, by the system's name."""
    found: dict[str, Kept] = {}
    for training in trainings:
        cell = training.cells.get(SAME)
        if training.shown and cell is not None and store.has_arrays(cell):
            found.setdefault(
                training.row.name, _read(training.tests[SAME], store.read_arrays(cell.key))
            )
    return found


def _read(stream: Stream, arrays: Mapping[str, NDArray[Any]]) -> Kept:
    z_v, z_a = (arrays[name].astype(np.float32) for name in ("z_v", "z_a"))
    embedded = Embedded(
        z_v,
        z_a,
        arrays["has_video"],
        arrays["has_audio"],
        concatenated=bool(arrays["concatenated"]),
    )
    scores = {
        name.removeprefix("score "): (values[:-1].astype(np.float64), float(values[-1]))
        for name, values in arrays.items()
        if name.startswith("score ")
    }
    return Kept(stream, embedded, scores)


def clear(out: Path) -> None:
    """Remove an earlier report's pictures, which this one may have no material for."""
    names = ("kinds.png", "curves.png", "roc.png", "maps.png", "anomalies.jpg")
    sheets_of = (f"search-{kind.replace('_', '-')}.jpg" for kind in QUERIES)
    for name in (*names, *sheets_of):
        (out / name).unlink(missing_ok=True)


def draw(out: Path, results: Results, found: dict[str, Kept]) -> dict[str, str]:
    """Write every picture there is material for; return their captions by file name."""
    return dict(_draw(out, results, found))


def _draw(out: Path, results: Results, found: dict[str, Kept]) -> Iterator[tuple[str, str]]:
    same = results.main.of(test=SAME)
    if same.figure(precision("joint")):
        _bars(out / "kinds.png", same)
        yield "kinds.png", "Joint mAP@20 by kind, same view on another day; lines are spreads."
    trained = {name: _curves(same, name) for name in (OURS, TPG, EPG)}
    if any(trained.values()):
        plots.curves(out / "curves.png", {name: runs for name, runs in trained.items() if runs})
        yield "curves.png", "Trainings epoch by epoch, a line a seed and stream."
    known = {name: found[name] for name in SHOWN if name in found}
    if scores := _roc(known, same):
        plots.roc(out / "roc.png", scores, "Rare kinds, each system's best score")
        yield "roc.png", "Rare seconds against all others, one seed."
    mapped = {name: _map(found[name]) for name in MAPPED if name in found}
    if mapped and sum(label != "" for label in next(iter(mapped.values()))[1]) >= LEAST_MARKS:
        plots.maps(out / "maps.png", mapped, "Two principal components of what happens")
        yield "maps.png", "Embeddings of picture and sound, one seed; a mark a second."
    if OURS in found:
        for kind in QUERIES:
            if lines := _search_lines(kind, found):
                name = f"search-{kind.replace('_', '-')}.jpg"
                title = f"Event search: {kind.replace('_', ' ')} (the query is framed in grey)"
                sheets.sheet(out / name, title, lines)
                yield name, "A query and its first hits; right ones in blue with a tick."
        if lines := _anomaly_lines(found, same):
            sheets.sheet(out / "anomalies.jpg", "The four oddest moments, and who saw them", lines)
            yield "anomalies.jpg", "A tick: flagged above the system's own threshold."


def _bars(path: Path, same: Results) -> None:
    kinds = sorted({k for r in same.all for k in r.get("search", {}).get("joint", {})})
    series = {
        name: {kind: same.of(system=name).figure(precision("joint", kind)) for kind in kinds}
        for name in SHOWN
        if same.of(system=name).figure(precision("joint"))
    }
    plots.bars(path, series, "Event search by kind", "joint mAP@20")


def _curves(same: Results, name: str) -> list[list[dict[str, Any]]]:
    return [r["curves"] for r in same.of(system=name).all if r.get("curves")]


def _roc(known: dict[str, Kept], same: Results) -> dict[str, tuple[Doubles, NDArray[np.bool_]]]:
    curves = {}
    for name, one in known.items():
        score = best_score(same.of(system=name))
        if score not in one.scores:
            continue
        values, truth = one.scores[score][0], one.stream.truth
        rare = truth.anything(rare_kinds(truth))
        counted = np.isfinite(values) & (rare | ~widened(rare, NEAR_S))
        curves[f"{name} ({score})"] = values[counted], rare[counted]
    return curves


def _map(one: Kept) -> tuple[Doubles, list[str]]:
    labels = [min(kinds, default="") for kinds in one.stream.truth.labels("joint")]
    return one.embedded.joint.astype(np.float64), labels


def _search_lines(kind: str, found: dict[str, Kept]) -> list[sheets.Line]:
    """The query in the middle of the kind's clearest occurrence, and who found what."""
    stream = found[OURS].stream
    labels = stream.truth.labels("joint")
    seconds = [s for s, kinds in enumerate(labels) if kind in kinds]
    if not seconds:
        return []
    query = _clearest(stream, kind, seconds)
    if not reachable(seconds, query):
        return []
    lines = [sheets.Line("query", [_picture(stream, query, labels[query], None)])]
    for name in (name for name in ANSWERING if name in found):
        one = found[name]
        distances = mode_distances(one.embedded, [query], "joint")
        if not np.isfinite(distances).any():
            continue
        hits = ranking(distances[0], query, EXCLUSION_S)
        shown = hits[: OUR_HITS if name == OURS else OTHER_HITS]
        pictures = [_picture(stream, hit, labels[hit], kind in labels[hit]) for hit in shown]
        lines.append(sheets.Line(name, pictures))
    return lines


def _clearest(stream: Stream, kind: str, seconds: list[int]) -> int:
    """The middle of its seconds in which it is both seen and heard, as far as there are any."""
    truth = stream.truth
    both = [
        s
        for s in seconds
        if all(masks[kind][s] for masks in (truth.seen, truth.heard) if kind in masks)
    ]
    chosen = both or seconds
    return chosen[len(chosen) // 2]


def _picture(
    stream: Stream, second: int, kinds: frozenset[str], right: bool | None
) -> sheets.Picture:
    return sheets.Picture(stream.thumbnail(second), sheets.caption(second, sorted(kinds)), right)


def _anomaly_lines(found: dict[str, Kept], same: Results) -> list[sheets.Line]:
    """The oddest distinct moments to us, and which systems flag a second near them.

    Every system is asked for the score that it is judged by, not for the best on this stream.
    """
    own = {r["system"]: r["anomaly_score"] for r in same.all}
    asked = {n: found[n].scores.get(own.get(n, "")) for n in SHOWN if n in found}
    scores = {name: score for name, score in asked.items() if score is not None}
    if OURS not in scores:
        return []
    values = np.where(np.isfinite(scores[OURS][0]), scores[OURS][0], -np.inf)
    # No clip is the query here, so it is taken to lie beyond the end.
    oddest = ranking(-values, len(values) + EXCLUSION_S)[:ANOMALIES]
    stream = found[OURS].stream
    labels = stream.truth.labels("joint")
    return [
        sheets.Line(
            f"{name} ({own[name]})",
            [_picture(stream, s, labels[s], _flags(score, s)) for s in oddest],
        )
        for name, score in scores.items()
    ]


def _flags(score: tuple[Doubles, float], second: int) -> bool:
    values, threshold = score
    near = values[max(0, second - GROUP_GAP_S) : second + GROUP_GAP_S + 1]
    return bool((near > threshold).any())
