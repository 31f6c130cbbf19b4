"""A pytest plugin that shares the tests out among processes (`-n 2`), the slowest rooms first.

A file stays in one process, and so does a folder whose files use something that is costly and made
once a session: a running site, the results of a whole bench.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/e2e/", "tests/indexing/evaluation/")
# A long part that began last would leave the other process without work.
FIRST = (*TOGETHER, "tests/deployed/", "tests/benchmarks/", "tests/indexing/")


class ByPart(LoadScopeScheduling):  # type: ignore[misc]
    """Gives the next part to the process that has nothing left to do."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByPart:
    config.option.loadscopereorder = False
    return ByPart(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank(item.nodeid))


def rank(nodeid: str) -> int:
    """Return the place of a test's room."""
    places = (place for place, room in enumerate(FIRST) if nodeid.startswith(room))
    return next(places, len(FIRST))
