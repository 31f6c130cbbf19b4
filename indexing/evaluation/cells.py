"""Results, one JSON file each, written the moment they are there, so that a run can be resumed."""

import fcntl
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.evaluation.sources import digest
from indexing.files import drafted

# Raise it when what is measured, or how it is written down, changes its meaning.
FORMAT = 1


@dataclass(frozen=True)
class Cell:
    """One system, trained on one stream with one seed and measured on another."""

    bench: str
    table: str
    system: str
    train: str
    test: str  # the role of the test stream, such as "same view"
    seed: int
    key: str  # of everything that determines the result
    code: str  # of the code that made it, or would

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.key}.json"


class Store:
    """A folder of results; several processes may fill it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, cell: Cell, *, any_code: bool = False) -> dict[str, Any] | None:
        """Return a result, or None where there is none that this code would give again.

        With `any_code` one that other code gave is good enough.
        """
        try:
            document = json.loads((self.folder / cell.file).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        fits = document.get("format") == FORMAT and (any_code or document["code"] == cell.code)
        return document if fits else None

    def write(self, cell: Cell, content: dict[str, Any]) -> None:
        """Keep a result, whole or not at all; numbers that are none become null."""
        document = {
            "format": FORMAT,
            **vars(cell),
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            **content,
        }
        path = self.folder / cell.file
        text = json.dumps(_finite(document), ensure_ascii=False, indent=1, allow_nan=False)
        with drafted(path) as draft:
            draft.write_text(text + "\n", encoding="utf-8")

    def write_arrays(self, cell: Cell, arrays: dict[str, NDArray[Any]]) -> None:
        """Keep arrays beside a result."""
        with drafted(self._arrays(cell)) as draft:
            np.savez_compressed(draft, allow_pickle=False, **arrays)

    def has_arrays(self, cell: Cell) -> bool:
        """Tell whether there are arrays beside a result."""
        return self._arrays(cell).is_file()

    def read_arrays(self, key: str) -> dict[str, NDArray[Any]]:
        """Return the arrays beside the result of a key; raises FileNotFoundError without them."""
        with np.load(self.folder / f"{key}.npz", allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}

    def _arrays(self, cell: Cell) -> Path:
        return self.folder / f"{cell.key}.npz"

    @contextmanager
    def claimed(self, cell: Cell) -> Iterator[bool]:
        """Claim a training for this process while the block lasts; false where another has it."""
        identity = [cell.bench, cell.table, cell.system, cell.train, cell.seed, cell.code]
        with (self.folder / f"{digest(identity)}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True


def _finite(value: Any) -> Any:
    """The same with null for every number that JSON has no word for."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
