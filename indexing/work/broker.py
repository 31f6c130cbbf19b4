"""The embedded broker: messages are files below the data root, so no server is needed.

Kombu has a transport of this kind, but its readers may see a message that is still being written,
which ends a worker. Here a message appears whole by a rename and is taken by a rename, so that one
reader gets it. A message that is lost all the same costs time, never work (indexing.work.jobs).
"""

import json
import logging
import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES, filesystem

SCHEME = "files"

log = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """A channel whose queues are the files of one folder, and whose exchanges are its queues."""

    @property
    def data_folder_in(self) -> str:
        """Where Kombu counts and purges messages."""
        return str(folders()[0])

    def get_table(self, exchange: str) -> list[Any]:
        """Return the one queue of an exchange, which has its name: nothing need be kept of it."""
        return [filesystem.exchange_queue_t(exchange, "", exchange)]

    def _queue_bind(
        self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None
    ) -> None:
        """Keep nothing: see get_table."""

    # Kombu's own two classes above this one disagree about the names of the arguments.
    def _put(  # type: ignore[override]
        self, queue: str, payload: dict[str, Any], **kwargs: Any
    ) -> None:
        """Let a message appear, whole, behind those of its priority that are already there."""
        folder = folders()[0]
        priority = payload.get("properties", {}).get("priority") or 0
        name = f"{priority}-{time.time_ns():020d}-{uuid.uuid4().hex}"
        draft = folder / f"{name}.draft"
        draft.write_text(json.dumps(payload), encoding="utf-8")
        draft.rename(folder / f"{name}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        """Take the oldest message of a queue, of the first priority there is; 0 comes first."""
        waiting, taken = folders()
        for name in sorted(os.listdir(waiting)):  # noqa: PTH208  (names alone, in one call)
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            try:
                (waiting / name).rename(taken / name)
            except FileNotFoundError:
                continue  # another worker was quicker
            return _read(taken / name)
        raise Empty


class Transport(filesystem.Transport):
    """Kombu's file transport with whole messages."""

    Channel = Channel


def _read(path: Path) -> dict[str, Any]:
    """Return a taken message and forget it; drop one that cannot be read."""
    try:
        message: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        log.warning("the message %s cannot be read and is dropped", path.name)
        raise Empty from None
    finally:
        path.unlink(missing_ok=True)
    return message


def folders() -> tuple[Path, Path]:
    """Return where messages wait and where they lie while they are read."""
    root = settings.REPRISE_DATA / "broker"
    return root / "waiting", root / "taken"


def ready() -> None:
    """Make the folders of the embedded broker; nothing where a real broker is configured."""
    if settings.CELERY_BROKER_URL.startswith(f"{SCHEME}:"):
        for folder in folders():
            folder.mkdir(parents=True, exist_ok=True)


TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
