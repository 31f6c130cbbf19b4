"""The benches of real sounds and of real video under them, from the sounds to the report."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from indexing.evaluation.cells import Store
from indexing.evaluation.composition.compose import VIDEO
from indexing.evaluation.profiles import (
    COMPOSED,
    REAL_SOUNDS,
    SAME,
    Bench,
    Profile,
    small,
    with_composition,
    with_sounds,
)
from indexing.evaluation.report import write_report
from indexing.evaluation.runs import Options, plan, run
from indexing.evaluation.sources import Composition
from indexing.evaluation.systems import STARTER, Weights, main_rows
from indexing.media.errors import MediaError

pytestmark = pytest.mark.media

# The least in which a composition has two sounds of each kind.
COMPOSED_S, STREET_S = 162, 8


def shortened(bench: Bench, seconds: int) -> Bench:
    """The same with one test, and with streams of so many seconds."""
    train = tuple(replace(source, seconds=seconds) for source in bench.train)  # type: ignore[type-var]
    test = replace(bench.tests[SAME], seconds=seconds)  # type: ignore[type-var]
    return replace(bench, train=train, tests={SAME: test})


@pytest.fixture(scope="module")
def light_media(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared media with a small picture, which takes a fraction of the time to loop."""
    folder = tmp_path_factory.mktemp("media")
    (folder / "sounds").symlink_to(media / "sounds")
    (folder / "video").mkdir()
    command = ["ffmpeg", "-v", "error", "-i", str(media / VIDEO), "-vf", "fps=10,scale=320:180"]
    subprocess.run([*command, "-an", str(folder / VIDEO)], check=True)
    return folder


@pytest.fixture(scope="module")
def profile(light_media: Path) -> Profile:
    """Both benches as the command makes them, but short."""
    whole = with_composition(with_sounds(small(), light_media / "sounds"), light_media)
    _, sounding, composed = whole.benches
    benches = shortened(sounding, STREET_S), shortened(composed, COMPOSED_S)
    return replace(whole, benches=benches)


def test_both_run_through_to_the_report(
    profile: Profile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row for row in main_rows(Weights(None, None, None)) if row.name == STARTER]
    trainings = plan(profile, rows, tmp_path / "streams")
    store, told = Store(tmp_path / "results"), list[str]()
    run(trainings, store, Options(say=told.append))
    assert told[0].startswith("5 min 40 s of footage are made first, in 4 streams;")
    assert told[-1].startswith("2 of 2 · Starter features · composed, seed 1 · same view: mAP@20")
    progress = capsys.readouterr().err
    assert "Composing composed 100 %" in progress

    document = write_report(tmp_path / "report", profile, trainings, store)

    assert (document["results"], document["missing"]) == (2, 0)
    text = (tmp_path / "report" / "README.md").read_text()
    assert REAL_SOUNDS in text
    composed = text[text.index(COMPOSED) :]
    assert "| car horn | children playing | dog bark | drilling | gun shot | siren |" in composed
    assert "### By sound (the paper's Table 1)" in composed
    assert "### By picture (the paper's Table 1)" not in composed, "nothing is seen to happen"


def test_too_short_a_composition_is_refused_with_a_sentence(media: Path, tmp_path: Path) -> None:
    source = Composition("composed", 1, 60, media, 0)
    with pytest.raises(MediaError, match=r"composed cannot be composed: 60 s and .* too few"):
        source.write(tmp_path / "out.mp4", 1)
