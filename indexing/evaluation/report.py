"""The report: docs/evaluation/README.md with its pictures, its settings and a line a result."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indexing.evaluation import pictures, tables
from indexing.evaluation.cells import Store
from indexing.evaluation.goals import Goal, goals
from indexing.evaluation.profiles import SAME, Bench, Profile
from indexing.evaluation.runs import Training
from indexing.evaluation.streams import Stream
from indexing.evaluation.summary import SCORES, Result, Results, anomaly, location, precision
from indexing.evaluation.systems import CHANGED, DELTA, EPG, LAMBDA, MAIN, OURS, RUINED, TRUNKS
from indexing.footage.rendering import write_text
from ml.crossroads.kinds import KINDS
from ml.evaluation.anomalies import RARE_PER_HOUR
from ml.evaluation.search import MODES

INTRODUCTION = """# Evaluation

Written by `{command}`; figures are of {dates}, and nothing here was typed in. Every
system is trained on one stream and measured on others that it has not seen. A figure is the mean
over training seeds and streams, ± their standard deviation where there is more than one.

Searches are those of the product: Eq. 5, nothing within a minute of the query or of a better hit. A
kind counts where it is seen (video), heard (audio), or either (joint); across modalities what is
seen asks and what is heard answers, or the other way round. Up to 40 queries a kind, evenly spread.
"""
ANOMALIES = """Rare kinds are those that Crossroads draws at most {per_hour} times an hour: {rare}.
AUROC and average precision (AP) set their seconds against all seconds without a rare kind,
ambulances and other events included; “AUROC, ordinary” against seconds without any event. Seconds
up to 5 s from a rare event count as neither. Recall is the part of rare events with a second above
the system's own threshold, mean + 3 standard deviations on the training stream. A false peak is a
run of such seconds (joined across 5 s) with no event of any kind within 5 s.

Scores: `video` and `audio` are the distance to the nearest moments of the training stream,
`neighbour` is both combined, `cross` is Eq. 5 between a second's own picture and sound, `own` is
the system's. The best score is chosen by the mean AUROC on this very stream, which flatters a
little.
"""
POOLING = """The rows on pooling say what E_v's head is fed. Of the trunk's maps only the mean over
place and time is kept, 432 numbers a crop, so another pooling of the maps (their maximum, say)
would need a second extraction and is not among them. What can be asked is whether a mean over all
of a picture suffices: it alone, the foreground alone (the same picture pooled by what moves, object
by object), or both, as in the first row. Where the trunk's weights were learnt, the first row is
the trunk alone already. Which moments are pairs, how long embeddings are and their private part
come from descriptions of the clips, which hold the foreground in all of these rows.
"""
LOCATION = """One linear layer a kind on frozen embeddings, trained on the training stream's labels
(SGD 0.01, momentum 0.9, batches of 128, 100 epochs, a tenth at 60 and 80; the last epoch counts).
Most seconds are empty, so saying “never” already has a high accuracy.
"""

ABOUT_TRUNKS = (
    "Features of one look at the picture, z-scored on the training stream, nothing learnt from it "
    "and nothing beside them; the forklift is silent, and told by its distance to the nearest "
    "seconds of the training stream."
)


def write_report(
    out: Path, profile: Profile, trainings: list[Training], store: Store, *, any_code: bool = False
) -> dict[str, Any]:
    """Write the report of what there is, and tell the same in short as plain values."""
    found = _read(trainings, store, any_code=any_code)
    results = Results(list(found))
    expected = sum(len(training.cells) for training in trainings)
    out.mkdir(parents=True, exist_ok=True)
    crossroads = results.of(bench=profile.benches[0].name)
    reached = goals(crossroads)
    pictures.clear(out)
    captions = pictures.draw(out, crossroads, pictures.kept(trainings, store))
    text = "\n".join(_sections(profile, trainings, results, reached, captions, expected))
    write_text(out / "README.md", text)
    write_text(out / "settings.json", _settings(results))
    write_text(out / "results.csv", _lines(results))
    return {
        "report": str(out / "README.md"),
        "profile": profile.name,
        "results": len(results.all),
        "missing": expected - len(results.all),
        "goals": [vars(goal) for goal in reached],
    }


def _read(trainings: list[Training], store: Store, *, any_code: bool) -> Iterator[Result]:
    for training in trainings:
        for cell in training.cells.values():
            if (result := store.read(cell, any_code=any_code)) is not None:
                yield result


def _sections(
    profile: Profile,
    trainings: list[Training],
    results: Results,
    reached: list[Goal],
    captions: dict[str, str],
    expected: int,
) -> Iterator[str]:
    dates = sorted({result["made"][:10] for result in results.all}) or ["no day yet"]
    yield INTRODUCTION.format(
        command=f"make evaluate{'-full' if profile.name == 'full' else ''}",
        dates=dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}",
    )
    if missing := expected - len(results.all):
        yield f"**{missing} of {expected} results are still missing; run it again to go on.**\n"
    yield f"## Goals\n\n{tables.goals_table(reached)}"
    yield f"## Streams and weights\n\n{_streams(trainings)}\n{tables.weights_table(results.main)}"
    for number, bench in enumerate(profile.benches):
        of_bench = results.of(bench=bench.name)
        if of_bench.all:
            yield from _bench(bench, of_bench, captions if number == 0 else {})
    first = results.of(bench=profile.benches[0].name)
    yield from _trunks(first)
    yield from _ablations(first)
    yield f"## Time\n\nSeconds for an hour of footage.\n\n{tables.time_table(first.main)}"
    yield (
        "## Data\n\n[results.csv](results.csv) has a line for every result, "
        "[settings.json](settings.json) all settings, seeds and streams.\n"
    )


def _bench(bench: Bench, results: Results, captions: dict[str, str]) -> Iterator[str]:
    name, main = bench.name, results.main
    yield f"## {name}: event search\n"
    if bench.about:
        yield f"{bench.about}\n"
    for role in main.names("test"):
        yield f"### {role.capitalize()}\n\nMAP@20.\n\n{tables.search_table(main.of(test=role))}"
    same = main.of(test=SAME)
    yield f"### By kind, {SAME}\n\nJoint mAP@20.\n\n{tables.kinds_table(same)}"
    yield _pictures(captions, "kinds", "search", "maps", "curves")
    rare = [kind for kind, one in KINDS.items() if one.per_hour <= RARE_PER_HOUR]
    if any(s["kinds"] for r in same.all for s in r.get("anomaly", {}).values()):
        names = ", ".join(kind.replace("_", " ") for kind in rare)
        yield f"## {name}: anomalies\n\n{ANOMALIES.format(per_hour=RARE_PER_HOUR, rare=names)}"
        for role in main.names("test"):
            of_role = main.of(test=role)
            yield f"### {role.capitalize()}\n\nAUROC.\n\n{tables.anomaly_table(of_role)}"
            yield tables.alarms_table(of_role)
        yield f"### By rare kind, {SAME}\n\nAUROC.\n\n{tables.rare_table(same)}"
        yield _pictures(captions, "roc", "anomalies")
    yield f"## {name}: event location\n\n{LOCATION}"
    for modality, words in tables.MODALITY_NAMES.items():
        if not any(result.get("location", {}).get(modality) for result in main.all):
            continue
        table = tables.location_table(main, modality)
        yield f"### By {words} (the paper's Table 1)\n\n{table}"
    kinds = tables.location_kinds_table(main.of(system=OURS))
    yield f"### {OURS} by kind\n\nAverage precision, by picture and sound.\n\n{kinds}"


def _ablations(results: Results) -> Iterator[str]:
    varied = [table for table in results.names("table") if table not in {MAIN, TRUNKS}]
    if not varied:
        return
    yield f"## Ablations\n\nOn one training stream, by the same measures.\n\n{POOLING}"
    for table, base in ((CHANGED, OURS), (DELTA, EPG), (LAMBDA, EPG), (RUINED, OURS)):
        if table in varied:
            yield f"### {table}\n\n{tables.ablation_table(results, table, base, base)}"


def _trunks(results: Results) -> Iterator[str]:
    alone = results.of(table=TRUNKS)
    if alone.all:
        yield f"## {TRUNKS}\n\n{ABOUT_TRUNKS}\n\n{tables.trunks_table(alone)}"


def _streams(trainings: list[Training]) -> str:
    rows: dict[tuple[str, str], list[object]] = {}
    for training in trainings:
        for role, stream in (("training", training.train), *training.tests.items()):
            rows.setdefault((role, stream.key), [stream.name, role, *_described(stream)])
    head = ["stream", "used for", "minutes", "seed", "view, light", "seconds with an event"]
    return tables.markdown(head, rows.values())


def _described(stream: Stream) -> list[object]:
    settings = stream.source.settings()
    place = ", ".join(str(settings[name]) for name in ("view", "light") if name in settings)
    try:
        share = f"{stream.truth.anything().mean():.0%}"
    except FileNotFoundError:
        share = "not rendered yet"
    return [stream.seconds // 60, settings["seed"], place or "composed", share]


def _pictures(captions: dict[str, str], *stems: str) -> str:
    names = [name for stem in stems for name in captions if name.startswith(stem)]
    return "".join(f"![{captions[name]}]({name})\n\n{captions[name]}\n\n" for name in names)


def _settings(results: Results) -> str:
    """All that determines the results, said once for each system and stream."""
    systems: dict[str, Any] = {}
    streams: dict[str, Any] = {}
    for result in results.all:
        systems.setdefault(result["table"], {})[result["system"]] = {
            "weights": result["weights"],
            "code": result["code"],
            "seeds": sorted({r["seed"] for r in results.of(system=result["system"]).all}),
            "settings": result["settings"],
        }
        streams[result["train"]] = result["streams"]["train"]
        streams[f"{result['bench']}: {result['test']}"] = result["streams"]["test"]
    return json.dumps({"streams": streams, "systems": systems}, indent=1, ensure_ascii=False) + "\n"


def _lines(results: Results) -> str:
    """One line a result, with its means over kinds."""
    measures = {
        **{f"{mode} mAP@20": precision(mode) for mode in MODES},
        **{f"AUROC by {score}": anomaly(score, "auroc") for score in SCORES},
        **{
            f"location {measure} by {modality}": location(modality, measure)
            for modality in tables.MODALITY_NAMES
            for measure in ("accuracy", "balanced_accuracy", "average_precision")
        },
    }
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    identity = ("bench", "table", "system", "train", "test", "seed", "made", "code")
    writer.writerow([*identity, "failed", *measures])
    for result in results.all:
        failed = result.get("failed", "")
        values = [None if failed else measure(result) for measure in measures.values()]
        shown = ["" if value is None else f"{value:.4f}" for value in values]
        writer.writerow([*(result[name] for name in identity), failed, *shown])
    return out.getvalue()
