import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from PIL import Image

from indexing.evaluation import runs
from indexing.evaluation.cells import Store
from indexing.evaluation.profiles import SAME, Profile, full, small, with_composition, with_sounds
from indexing.evaluation.report import write_report
from indexing.evaluation.runs import Options, Training, missing, plan, run
from indexing.evaluation.systems import (
    CHANGED,
    MAIN,
    OURS,
    RUINED,
    STARTER,
    TPG,
    Row,
    Weights,
    ablation_rows,
    main_rows,
)

NOTHING = Weights(None, None, None)


def by_name(trainings: list[Training], name: str) -> Training:
    return next(training for training in trainings if training.row.name == name)


def test_every_result_is_measured_and_kept(store: Store, trainings: list[Training]) -> None:
    training = by_name(trainings, STARTER)
    result = store.read(training.cells[SAME])
    assert result is not None
    assert set(result["search"]) >= {"joint", "video", "audio"}
    assert {"video", "audio"} <= set(result["anomaly"])
    assert set(result["location"]) == {"joint", "video", "audio"}
    assert result["streams"]["test"]["seed"] == 6
    assert missing(training, store) == []


def test_a_training_that_cannot_be_is_a_result_too(store: Store, trainings: list[Training]) -> None:
    # Half a minute is too little to train on, and that is what its row says.
    result = store.read(by_name(trainings, TPG).cells[SAME])
    assert result is not None
    assert "search" not in result
    assert result["failed"].endswith(".")


def test_what_is_there_is_not_computed_again(
    store: Store, trainings: list[Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_compute", lambda *_: pytest.fail("computed again"))
    run([by_name(trainings, STARTER)], store, Options())


def test_other_code_makes_a_result_stale(store: Store, trainings: list[Training]) -> None:
    training = by_name(trainings, STARTER)
    changed = replace(training, cells={SAME: replace(training.cells[SAME], code="other")})
    assert missing(changed, store) == [SAME]
    assert missing(changed, store, any_code=True) == []


def test_an_interrupted_run_goes_on(
    tmp_path: Path, store: Store, trainings: list[Training], root: Path
) -> None:
    fresh = Store(tmp_path)
    told: list[str] = []
    run(trainings, fresh, Options(budget_s=-1, say=told.append))
    assert told == ["The time is up; run this again to go on from here."]
    assert list(tmp_path.glob("*.json")) == []
    run(trainings, fresh, Options(only=(STARTER,), say=told.append))
    assert [path.stem for path in tmp_path.glob("*.json")] == [
        by_name(trainings, STARTER).cells[SAME].key
    ]
    assert "1 of 1" in told[-1]


def test_two_processes_do_not_do_the_same(
    tmp_path: Path, store: Store, trainings: list[Training]
) -> None:
    fresh, training = Store(tmp_path), by_name(trainings, STARTER)
    with fresh.claimed(training.cells[SAME]) as mine:
        assert mine
        run([training], fresh, Options())
        assert missing(training, fresh) == [SAME]


def test_the_report_tells_all_of_it(
    tmp_path: Path, profile: Profile, store: Store, trainings: list[Training]
) -> None:
    document = write_report(tmp_path, profile, trainings, store)
    text = (tmp_path / "README.md").read_text()
    assert document["missing"] == 0
    assert document["results"] == 2
    assert {goal["met"] for goal in document["goals"]} <= {True, False, None}
    for heading in ("## Goals", "event search", "anomalies", "event location", "## Time"):
        assert heading in text
    assert f"| {TPG} | did not converge: " in text
    assert "{" not in text
    pictures = [path for path in tmp_path.iterdir() if path.suffix in {".png", ".jpg"}]
    assert "maps.png" in {path.name for path in pictures}
    for path in pictures:
        assert f"({path.name})" in text
        with Image.open(path) as image:
            assert min(image.size) > 100
    lines = (tmp_path / "results.csv").read_text().splitlines()
    assert len(lines) == 3
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert settings["systems"][MAIN][STARTER]["seeds"] == [1]


def test_ablations_say_what_pooling_can_be_asked(
    tmp_path: Path, profile: Profile, rows: list[Row], root: Path, store: Store
) -> None:
    pooling = [row for row in ablation_rows(NOTHING) if row.name.startswith("pooling: ")]
    assert len(pooling) == 3
    wide = replace(profile, ablations=True)
    trainings = plan(wide, [*rows, *pooling], root / "streams")
    run(trainings, store, Options())
    write_report(tmp_path, wide, trainings, store)
    text = (tmp_path / "README.md").read_text()
    assert "a second extraction" in text
    assert all(f"| {row.name} | " in text for row in pooling)


def test_a_missing_result_is_said(
    tmp_path: Path, profile: Profile, trainings: list[Training]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "maps.png").write_bytes(b"an earlier report's")
    write_report(tmp_path / "out", profile, trainings, Store(tmp_path / "none"))
    assert not (tmp_path / "out" / "maps.png").exists()
    text = (tmp_path / "out" / "README.md").read_text()
    assert "2 of 2 results are still missing" in text


def test_the_full_profile_is_what_was_asked_for(tmp_path: Path) -> None:
    rows = [*main_rows(NOTHING), *ablation_rows(NOTHING)]
    trainings = plan(full(), rows, tmp_path)
    ours = [training for training in trainings if training.row.name == OURS]
    assert {(t.train.name, t.seed) for t in ours} == {
        (f"A, day {day}", seed) for day in (1, 2) for seed in (1, 2, 3)
    }
    assert all(len(training.tests) == 4 for training in ours)
    assert len([t for t in trainings if t.row.name == STARTER]) == 2
    seeds = {t.seed for t in trainings if t.row.table == CHANGED}
    assert seeds == {1, 2, 3}
    assert {t.seed for t in trainings if t.row.table == RUINED} == {1}
    assert all(t.held_back is not None and t.held_back != t.train for t in ours)
    keys = [cell.key for training in trainings for cell in training.cells.values()]
    assert len(keys) == len(set(keys))


def test_no_stream_is_both_trained_and_tested_on(tmp_path: Path) -> None:
    for profile in (small(), full(), with_composition(with_sounds(small(), tmp_path), tmp_path)):
        for bench in profile.benches:
            trained = {source.seed for source in bench.train}  # type: ignore[attr-defined]
            tested = {source.seed for source in bench.tests.values()}  # type: ignore[attr-defined]
            assert trained.isdisjoint(tested)


def test_every_row_makes_its_system() -> None:
    for row in main_rows(NOTHING):
        system: Any = row.make()
        assert system.name == row.name
        assert system.weights


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--only", "Oracle"], "There is no system “Oracle”"),
        (["--sounds", "/no/such/folder"], "There is no folder /no/such/folder."),
        (["--adapa", "/no/such/file"], "There is no file /no/such/file."),
        (["--media", "/etc/ssl"], "/etc/ssl has no video/traffic_camera.mp4, of which"),
        (["--sounds", "/etc/ssl"], "No known class of sound is in /etc/ssl"),
    ],
)
def test_bad_arguments_are_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        call_command("evaluate", *arguments)
    assert sentence in capsys.readouterr().err


@pytest.mark.django_db
def test_the_command_reports_without_computing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("evaluate", "--report-only", f"--out={tmp_path}", "--json")
    document = json.loads(capsys.readouterr().out)
    assert document["profile"] == "small"
    assert document["missing"] > 0
    assert (tmp_path / "README.md").is_file()
