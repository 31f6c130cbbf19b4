"""One tiny bench for all tests of the evaluation: streets of some seconds, rendered once."""

from pathlib import Path

import pytest

from indexing.evaluation.cells import Store
from indexing.evaluation.profiles import SAME, Bench, Profile
from indexing.evaluation.runs import Options, Training, plan, run
from indexing.evaluation.sources import Street
from indexing.evaluation.systems import STARTER, TPG, Row, Weights, main_rows

SECONDS = 20
SYSTEMS = (STARTER, TPG)


@pytest.fixture(scope="session")
def profile() -> Profile:
    bench = Bench(
        "Crossroads",
        (Street("A", 5, SECONDS),),
        {SAME: Street("A, another day", 6, SECONDS)},
    )
    return Profile("tiny", (bench,), (1,), slow=False, ablations=False)


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    return [row for row in main_rows(Weights(None, None, None)) if row.name in SYSTEMS]


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluation")


@pytest.fixture(scope="session")
def trainings(profile: Profile, rows: list[Row], root: Path) -> list[Training]:
    return plan(profile, rows, root / "streams")


@pytest.fixture(scope="session")
def store(root: Path, trainings: list[Training]) -> Store:
    """Return the results of one whole run."""
    store = Store(root / "results")
    run(trainings, store, Options())
    return store
