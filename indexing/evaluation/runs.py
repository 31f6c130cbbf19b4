"""The benchmark at work: what is missing is trained and measured, result by result."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.arrays import Floats
from indexing.evaluation.cells import Cell, Store
from indexing.evaluation.fingerprint import fingerprint
from indexing.evaluation.frames import frame_features
from indexing.evaluation.gating import judge
from indexing.evaluation.profiles import CHALLENGING, SAME, Bench, Profile
from indexing.evaluation.sources import digest
from indexing.evaluation.streams import Stream
from indexing.evaluation.systems import MAIN, RUINED, Row
from indexing.work.progress import duration
from ml.baselines.learnt import Learnt
from ml.baselines.system import ScoresAnomalies, System
from ml.corpus import Corpus
from ml.evaluation.measure import Sample, Yardstick, measure
from ml.training import TrainingError

# Ablations are told on these alone: with all they would take longer than the systems themselves.
ABLATION_ROLES = (SAME, CHALLENGING)


@dataclass(frozen=True)
class Training:
    """One system trained on one stream with one seed, and the test streams it is measured on."""

    row: Row
    train: Stream
    tests: dict[str, Stream]
    seed: int
    cells: dict[str, Cell]  # by role
    shown: bool  # whether its embeddings are kept for pictures
    held_back: Stream | None  # another stream of the same view, for the gate to judge by


@dataclass(frozen=True)
class Options:
    """How a run goes about it."""

    jobs: int = 1
    only: tuple[str, ...] = ()
    budget_s: float = float("inf")
    keep_video: bool = True
    any_code: bool = False
    efficientnet: Path | None = None
    say: Callable[[str], None] = lambda sentence: None


def plan(profile: Profile, rows: Iterable[Row], streams: Path) -> list[Training]:
    """List all trainings of a profile, so that every system has a first result early."""
    rows = list(rows)
    trainings = []
    for seed in profile.seeds:
        for number, bench in enumerate(profile.benches):
            for train in bench.train:
                for row in rows:
                    first = train is bench.train[0]
                    if _wanted(profile, row, seed, first=first, main_bench=number == 0):
                        shown = first and seed == profile.seeds[0] and row.table == MAIN
                        trainings.append(_training(bench, row, train, seed, streams, shown))
    return sorted(trainings, key=lambda training: training.row.table != MAIN)


def _wanted(profile: Profile, row: Row, seed: int, *, first: bool, main_bench: bool) -> bool:
    if row.slow and not profile.slow:
        return False
    if not (row.seeded and row.table != RUINED) and seed != profile.seeds[0]:
        return False
    return row.table == MAIN or (profile.ablations and first and main_bench)


def _training(
    bench: Bench, row: Row, train: Any, seed: int, streams: Path, shown: bool
) -> Training:
    source = Stream.of(train, streams)
    roles = [r for r in bench.tests if row.table == MAIN or r in ABLATION_ROLES]
    tests = {role: Stream.of(bench.tests[role], streams) for role in roles}
    code = _code(row)
    cells = {
        role: Cell(
            *(bench.name, row.table, row.name, train.name, role, seed),
            key=digest([row.name, row.settings, row.table, source.key, test.key, seed, role]),
            code=code,
        )
        for role, test in tests.items()
    }
    others = [Stream.of(other, streams) for other in bench.train if other != train]
    return Training(row, source, tests, seed, cells, shown, others[0] if others else None)


def _code(row: Row) -> str:
    return fingerprint(*row.modules, "indexing.footage.extraction", "ml.evaluation.measure")


def missing(training: Training, store: Store, *, any_code: bool = False) -> list[str]:
    """The roles of the test streams that a training has no result for."""
    found = {
        role: store.read(cell, any_code=any_code) is not None
        and (not training.shown or role != SAME or store.has_arrays(cell))
        for role, cell in training.cells.items()
    }
    return [role for role, there in found.items() if not there]


def run(trainings: list[Training], store: Store, options: Options) -> None:
    """Compute what is missing, within the budget.

    Streams are rendered first, as far as they are needed. Trainings that another process is busy
    with are left to it.
    """
    began = time.monotonic()
    todo = [
        training
        for training in trainings
        if (not options.only or training.row.name in options.only)
        and missing(training, store, any_code=options.any_code)
    ]
    _prepare(todo, options)
    report = _Report(sum(len(missing(t, store, any_code=options.any_code)) for t in todo), options)
    for training in todo:
        if time.monotonic() - began > options.budget_s:
            options.say("The time is up; run this again to go on from here.")
            break
        first = next(iter(training.cells.values()))
        with store.claimed(first) as ours:
            roles = missing(training, store, any_code=options.any_code) if ours else []
            if roles:
                _compute(training, roles, store, report, options)


@dataclass
class _Report:
    """Tells the terminal how far a run is and how long it will still take."""

    total: int
    options: Options
    done: int = 0
    began: float = field(default_factory=time.monotonic)

    def result(self, cell: Cell, found: dict[str, Any]) -> None:
        self.done += 1
        each = (time.monotonic() - self.began) / self.done
        left = duration(each * (self.total - self.done))
        searches: dict[str, Any] = found.get("search", {})
        joint: dict[str, Any] = searches.get("joint") or next(iter(searches.values()), {})
        precision = [score["mean_average_precision"] for score in joint.values()]
        told = f"mAP@20 {np.mean(precision):.2f}" if precision else found.get("failed", "nothing")
        self.options.say(
            f"{self.done} of {self.total} · {cell.system} · {cell.train}, seed {cell.seed} · "
            f"{cell.test}: {told} · about {left} left"
        )


def _prepare(todo: list[Training], options: Options) -> None:
    streams = {s.key: s for t in todo for s in _streams(t)}
    waiting = [stream for stream in streams.values() if not stream.prepared]
    if waiting:
        length = duration(sum(stream.seconds for stream in waiting))
        options.say(
            f"{length} of footage are made first, in {len(waiting)} streams; whatever is done is "
            "kept when you stop it."
        )
    for stream in waiting:
        stream.prepare(jobs=options.jobs, keep_video=options.keep_video)


def _streams(training: Training) -> list[Stream]:
    held_back = [training.held_back] if training.held_back else []
    return [training.train, *training.tests.values(), *held_back]


def _compute(
    training: Training, roles: list[str], store: Store, report: _Report, options: Options
) -> None:
    """Train one system, embed and measure; every result is kept as soon as it is there.

    A training that breaks down is a result, too: the paper's "did not converge".
    """
    system = training.row.make()
    footage = _Footage.of(training.train, 0, system, options)
    started = time.monotonic()
    try:
        system.fit(footage.corpus, training.seed, frame_features=footage.frames)
    except (ValueError, TrainingError) as error:
        for role in roles:
            content = _identity(training, system, training.tests[role])
            store.write(training.cells[role], {**content, "failed": str(error)})
            report.result(training.cells[role], {"failed": str(error)})
        return
    fit_s = time.monotonic() - started
    learnt = footage.sample(system)
    yardstick = Yardstick.of(learnt, seed=training.seed)
    for day, role in enumerate(roles, 1):
        cell, test = training.cells[role], training.tests[role]
        started = time.monotonic()
        shown = _Footage.of(test, day, system, options)
        asked = shown.sample(system)
        embed_s = time.monotonic() - started
        found = measure(yardstick, asked)
        if role == SAME and isinstance(system, Learnt) and training.held_back:
            trunk = training.row.settings["weights"]["trunk"]
            corpora = footage.corpus, training.held_back, shown.corpus
            found["gate"] = judge(system, trunk, *corpora, test.truth)
        if training.shown and role == SAME:
            store.write_arrays(cell, _arrays(asked, yardstick))
        seconds = {"fit": round(fit_s, 1), "embed": round(embed_s, 1)}
        store.write(cell, {**_identity(training, system, test), "seconds": seconds, **found})
        report.result(cell, found)


@dataclass(frozen=True, eq=False)
class _Footage:
    """A stream and its features, as one system wants them."""

    stream: Stream
    corpus: Corpus
    frames: Floats | None

    @classmethod
    def of(cls, stream: Stream, day: int, system: System, options: Options) -> "_Footage":
        weights = options.efficientnet
        frames = frame_features(stream, system, weights) if system.wants_frames else None
        return cls(stream, stream.corpus(day), frames)

    def sample(self, system: System) -> Sample:
        """Embed it with a system that was fitted."""
        surprise = None
        if isinstance(system, ScoresAnomalies):
            surprise = system.surprise(self.corpus, frame_features=self.frames)
        embedded = system.embed(self.corpus, frame_features=self.frames)
        return Sample(embedded, self.corpus.at, self.stream.truth, surprise)


def _identity(training: Training, system: System, test: Stream) -> dict[str, Any]:
    return {
        "weights": system.weights,
        "anomaly_score": system.anomaly,
        "settings": training.row.settings,
        "hours": {"train": training.train.seconds / 3600, "test": test.seconds / 3600},
        "streams": {
            "train": {"key": training.train.key, **training.train.source.settings()},
            "test": {"key": test.key, **test.source.settings()},
        },
        "curves": _curves(system),
    }


def _curves(system: System) -> list[dict[str, Any]]:
    """What every epoch did, where a system remembers."""
    reports = getattr(system, "reports", None)
    if reports:
        return [asdict(report) for report in reports]
    losses = np.ravel(getattr(system, "losses", []))
    return [{"epoch": n, "loss": float(loss)} for n, loss in enumerate(losses, 1)]


def _arrays(sample: Sample, yardstick: Yardstick) -> dict[str, NDArray[Any]]:
    """Embeddings and anomaly scores of a stream, for maps, curves and contact sheets."""
    embedded = sample.embedded
    arrays: dict[str, NDArray[Any]] = {
        "z_v": embedded.z_v.astype(np.float16),
        "z_a": embedded.z_a.astype(np.float16),
        "has_video": embedded.has_video,
        "has_audio": embedded.has_audio,
        "concatenated": np.array(embedded.concatenated),
    }
    for name, (scores, threshold) in yardstick.anomaly_scores(sample).items():
        arrays[f"score {name}"] = np.append(scores, threshold).astype(np.float32)
    return arrays
