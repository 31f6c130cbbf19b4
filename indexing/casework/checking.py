"""What a worker does of standing searches: every new chunk is held against them, once.

The rows of what is to be checked are made in the transaction that publishes a chunk, and go in the
one that publishes what was found (rule 1): nothing is lost where a worker dies, nothing is found
twice where two try.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F

from indexing.casework.saved import SavedError
from indexing.casework.standing import open_saved
from indexing.casework.thresholds import Near, apart, distance_at, fields_of, within
from indexing.encoders import snapshots
from indexing.files import FileDamaged
from indexing.models import (
    Camera,
    Check,
    Chunk,
    Delivery,
    Encoder,
    Notification,
    Recording,
    SavedSearch,
    Shard,
)
from indexing.search.query import SearchError, SearchQuery
from indexing.search.ranking import ask
from indexing.vectors.snapshot import Snapshot
from indexing.work import jobs


def begin(chunk: Chunk) -> None:
    """Queue a chunk for the searches that stand over its camera, in the transaction it is
    published in.
    """
    camera = chunk.recording.camera
    standing = SavedSearch.objects.filter(standing=True).exclude(recording=None)
    checks = [
        Check.objects.get_or_create(saved=saved, chunk=chunk)[0]
        for saved in standing.select_related("recording__camera")
        if _looks_at(saved, camera)
    ]
    transaction.on_commit(lambda: jobs.wake(checks))


def _looks_at(saved: SavedSearch, camera: Camera) -> bool:
    if saved.recording is None:
        return False
    own = saved.recording.camera
    names = saved.query["cameras"]
    return camera.name in names if names else own.samples or own == camera


def run(pk: int) -> None:
    """Hold one chunk against one standing search."""
    jobs.attempt(Check, pk, hold)


def hold(check: Check) -> None:
    """Publish what a chunk has that is near enough, and be done with it.

    Raises:
        Hopeless: the search cannot be answered, with the reason.
        LeaseLost: another worker took over; nothing was published.
    """
    saved = SavedSearch.objects.select_related("recording").get(pk=check.saved_id)
    try:
        found = list(_in_chunk(saved, check.chunk)) if saved.standing else []
    except FileDamaged as error:  # it is being made again
        jobs.postpone(check, str(error))
        return
    except (SavedError, SearchError) as error:
        raise jobs.Hopeless(error.sentence) from error
    with transaction.atomic():
        # Two chunks of a search must not both notify within its cool-down.
        saved = SavedSearch.objects.select_for_update().get(pk=saved.pk)
        jobs.finish(check)
        told = [one for near in sorted(found, key=lambda n: n.at) if (one := _notify(saved, near))]
        SavedSearch.objects.filter(pk=saved.pk).update(checked=F("checked") + 1)
        check.delete()
        ways = [delivery for one in told for delivery in _deliveries(saved, one)]
        transaction.on_commit(lambda: jobs.wake(ways))


def _in_chunk(saved: SavedSearch, chunk: Chunk) -> Iterator[Near]:
    """Yield the clips of a chunk that are near enough; reads this chunk and the query's alone."""
    query = open_saved(saved)
    encoder = chunk.recording.camera.encoder
    if encoder is None or (query.modality.crossing and not encoder.crossable):
        return
    asked = ask(query, lambda own: _snapshot(own, _chunks(query)))
    alone = _snapshot(encoder, [chunk])
    if not len(alone):
        raise FileDamaged(f"{chunk} has no embeddings by {encoder} yet.")
    yield from within(apart(asked, asked.field(encoder, alone)), _limit(saved, encoder))


def _chunks(query: SearchQuery) -> list[Chunk]:
    """Return the chunks that hold the query's clips."""
    found = (
        Chunk.objects.filter(recording=clip.recording_id, start_s__lte=clip.second)
        .order_by("-start_s")
        .first()
        for clip in query.asked
    )
    return [chunk for chunk in dict.fromkeys(found) if chunk]


def _snapshot(encoder: Encoder, chunks: list[Chunk]) -> Snapshot:
    """Return the clips of these chunks alone, as far as an encoder has embedded them."""
    shards = Shard.objects.select_related("chunk__recording__camera")
    return snapshots.of_shards(shards.filter(encoder=encoder, chunk__in=chunks))


def _limit(saved: SavedSearch, encoder: Encoder) -> float:
    """Return the threshold as a distance under an encoder, which may be newer than the terms."""
    known = saved.limits.get(str(encoder.pk))
    if known is not None:
        return float(known)
    fields = {other.pk: field for other, field in fields_of(ask(open_saved(saved))).items()}
    limit = distance_at(fields[encoder.pk], saved.limits["percentile"])
    with transaction.atomic():
        row = SavedSearch.objects.select_for_update().get(pk=saved.pk)
        row.limits[str(encoder.pk)] = limit
        row.save(update_fields=["limits"])
    return limit


def _notify(saved: SavedSearch, near: Near) -> Notification | None:
    """Make a notification, or count the clip to one within the cool-down on the camera's clock."""
    at = datetime.fromtimestamp(near.at, UTC)
    around = timedelta(seconds=saved.cool_down_s)
    others = Notification.objects.filter(
        saved=saved, recording__camera__name=near.camera, at__range=(at - around, at + around)
    )
    other = others.order_by("-at").first()
    if other:
        Notification.objects.filter(pk=other.pk).update(more=F("more") + 1)
        return None
    return Notification.objects.create(
        saved=saved,
        recording=Recording.objects.get(pk=near.recording),
        second=near.second,
        at=at,
        distance=near.distance,
        limit=near.limit,
    )


def _deliveries(saved: SavedSearch, notification: Notification) -> list[Delivery]:
    """Queue a notification for every way out of the house that the search has."""
    ways = ((Delivery.Channel.WEBHOOK, saved.webhook), (Delivery.Channel.EMAIL, saved.email))
    return [
        Delivery.objects.create(notification=notification, channel=channel)
        for channel, address in ways
        if address
    ]
