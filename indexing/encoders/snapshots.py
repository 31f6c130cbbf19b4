"""The snapshot of each encoder, kept in this process and brought up to date from its shards."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from indexing.encoders.publishing import begins
from indexing.files import FileDamaged, checked
from indexing.models import Encoder, Shard
from indexing.vectors import shards
from indexing.vectors.snapshot import Place, Snapshot
from indexing.work.jobs import do_again

log = logging.getLogger(__name__)


@dataclass
class Held:
    """A snapshot, and the shards that are in it."""

    snapshot: Snapshot
    shards: frozenset[int] = frozenset()


@dataclass
class Cache:
    """Snapshots by encoder; each is replaced as a whole, never changed."""

    held: dict[int, Held] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


_cache = Cache()


def current(encoder: Encoder) -> Snapshot:
    """Return everything this encoder has embedded and published up to now.

    New shards are added behind those already held; where a held shard is gone, all are read again.
    A shard that fails its checksum is left out, and its chunk is queued to be made anew.
    """
    with _cache.lock:
        published = Shard.objects.filter(encoder=encoder)
        numbers = frozenset(published.values_list("pk", flat=True))
        held = _cache.held.get(encoder.pk)
        if held and held.shards == numbers:
            return held.snapshot
        if held is None or not held.shards <= numbers:
            held = Held(Snapshot.empty(0, 0))
        fresh = published.select_related("chunk__recording__camera").in_bulk(numbers - held.shards)
        read = [(_place(shard), e) for shard in fresh.values() if (e := _read(shard))]
        snapshot = held.snapshot
        if read and not len(snapshot):
            _, first = read[0]
            snapshot = Snapshot.empty(first.video.shape[1], first.audio.shape[1])
        snapshot = snapshot.extended(read)
        _cache.held[encoder.pk] = Held(snapshot, numbers)
        return snapshot


def of_shards(of: Iterable[Shard]) -> Snapshot:
    """Return the clips of these shards of one encoder alone, for which no others need be read.

    Raises:
        FileDamaged: one has other bytes than were recorded; its chunk is queued to be made anew.
    """
    snapshot = Snapshot.empty(0, 0)
    for shard in of:
        embeddings = _read(shard)
        if embeddings is None:
            raise FileDamaged(f"{shard} is damaged and is being made again.")
        if not len(snapshot):
            snapshot = Snapshot.empty(embeddings.video.shape[1], embeddings.audio.shape[1])
        snapshot = snapshot.extended([(_place(shard), embeddings)])
    return snapshot


def forget() -> None:
    """Drop every snapshot; the next search reads the shards again."""
    with _cache.lock:
        _cache.held.clear()


def _place(shard: Shard) -> Place:
    recording = shard.chunk.recording
    return Place(recording.pk, recording.camera.name, shard.chunk.start_s, begins(shard.chunk))


def _read(shard: Shard) -> shards.Embeddings | None:
    """Read a shard; a damaged one is an alarm, and its chunk is made anew."""
    try:
        return shards.load(checked(shard.file, shard.sha256))
    except FileDamaged as error:
        log.error("%s Its chunk is queued to be made again.", error)  # noqa: TRY400
        do_again(shard.chunk)
        return None
