"""Standing searches: every newly embedded chunk is held against them, and what is near notifies.

The rows of what is to be checked are made in the transaction that publishes a chunk, and go in the
one that publishes what was found (rule 1): nothing is lost where a worker dies, nothing is found
twice where two try.
"""

import math
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

import numpy as np
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from indexing.casework import webhooks
from indexing.casework.saved import SavedError, question
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
    Work,
)
from indexing.search.query import SearchError, SearchQuery
from indexing.search.ranking import Asked, ask
from indexing.vectors.fields import Field
from indexing.vectors.snapshot import Snapshot
from indexing.work import jobs

LONGEST_COOL_DOWN_S = 24 * 3600
# Past matches are counted up to here; a threshold that gives more is no use to anybody.
MOST_PAST = 20_000
PERCENTILE = SavedSearch.Measure.PERCENTILE


@dataclass(frozen=True)
class Terms:
    """How near is near enough, how often somebody is told, and how."""

    measure: str = PERCENTILE
    threshold: float = 99.9
    cool_down_s: int = 600
    webhook: str = ""
    email: str = ""


@dataclass(frozen=True)
class Near:
    """A clip nearer than the threshold: its place, its moment in seconds since 1970."""

    recording: int
    second: int
    camera: str
    at: int
    distance: float
    limit: float


@dataclass(frozen=True)
class Past:
    """What a threshold would have given: notifications, over how many clips.

    limit is the threshold as a distance; None where several encoders have each their own. With
    ``more`` there are too many matches to count.
    """

    notifications: int
    clips: int
    limit: float | None
    more: bool


def past(query: SearchQuery, terms: Terms) -> Past:
    """Count what terms would have given of everything that is searchable now.

    Raises:
        SavedError: the terms make no sense.
        SearchError: the query cannot be answered.
    """
    _check_terms(terms)
    fields = _fields(ask(open_query(query)))
    limits = _limits(fields, terms.measure, terms.threshold)
    found = [
        near
        for encoder, field in fields.items()
        for near in islice(_near(field, limits[encoder.pk]), MOST_PAST + 1)
    ]
    taken: dict[str, int] = {}
    count = 0
    for near in sorted(found, key=lambda each: each.at):
        if near.at - taken.get(near.camera, -math.inf) > terms.cool_down_s:
            taken[near.camera] = near.at
            count += 1
    return Past(
        notifications=count,
        clips=sum(int(np.count_nonzero(field.eligible)) for field in fields.values()),
        limit=next(iter(limits.values())) if len(limits) == 1 else None,
        more=len(found) > MOST_PAST,
    )


def stand(saved: SavedSearch, terms: Terms) -> None:
    """Let a saved search stand on these terms, from the next embedded chunk on.

    Raises:
        SavedError: the terms make no sense.
        SearchError: the query cannot be answered.
    """
    _check_terms(terms)
    _check_ways(terms)
    fields = _fields(ask(_open(saved)))
    limits = _limits(fields, terms.measure, terms.threshold)
    equal = terms.threshold
    if terms.measure != PERCENTILE:
        equal = min(_percentile(field, limits[encoder.pk]) for encoder, field in fields.items())
    saved.measure, saved.threshold = terms.measure, terms.threshold
    saved.cool_down_s = terms.cool_down_s
    saved.webhook, saved.email = terms.webhook, terms.email
    saved.limits = {"percentile": equal, **{str(pk): limit for pk, limit in limits.items()}}
    saved.secret = saved.secret or secrets.token_hex(32)
    saved.stood_at = saved.stood_at if saved.standing else timezone.now()
    saved.standing = True
    saved.save()


def stop(saved: SavedSearch) -> None:
    """Let a search stand no longer; what it has found stays."""
    SavedSearch.objects.filter(pk=saved.pk).update(standing=False)


def _check_terms(terms: Terms) -> None:
    if terms.measure not in SavedSearch.Measure.values:
        raise SavedError("A threshold is a percentile or a distance.")
    if not math.isfinite(terms.threshold):
        raise SavedError("The threshold must be a number.")
    if terms.measure == PERCENTILE and not 50 <= terms.threshold < 100:
        raise SavedError("A percentile is at least 50 and below 100, such as 99.9.")
    if terms.measure != PERCENTILE and not 0 < terms.threshold <= 1000:
        raise SavedError("A distance is above 0; see the distances of the hits.")
    if not 0 <= terms.cool_down_s <= LONGEST_COOL_DOWN_S:
        raise SavedError("The cool-down is 0 seconds to 24 hours.")


def _check_ways(terms: Terms) -> None:
    """Refuse ways to tell somebody that cannot work."""
    if terms.webhook:
        webhooks.check(terms.webhook)
    if terms.email:
        if not settings.EMAIL_HOST:
            raise SavedError("This server sends no e-mail; its operator sets REPRISE_EMAIL_HOST.")
        try:
            validate_email(terms.email)
        except ValidationError:
            raise SavedError(f"{terms.email[:80]} is not an e-mail address.") from None


def _open(saved: SavedSearch) -> SearchQuery:
    """Return the query as it is asked of new footage."""
    if saved.recording is None:
        raise SavedError("The recording of this search was deleted, so it cannot stand.")
    return open_query(question(saved))


def open_query(query: SearchQuery) -> SearchQuery:
    """Return a query by whatever encoder is in use, and by distance alone.

    What judged hits taught is a chance among the clips of one search, no threshold for others.
    """
    return replace(query, encoder_id=None, this=(), not_this=())


def _fields(asked: Asked) -> dict[Encoder, Field]:
    """Return what is searched, by encoder, without the query's own moment."""
    return {encoder: _apart(asked, field) for encoder, field in asked.fields().items()}


def _apart(asked: Asked, field: Field) -> Field:
    """Leave out the clips within the exclusion window of the query's own."""
    snapshot, eligible = field.snapshot, field.eligible.copy()
    for name, at in field.origins:
        if name in snapshot.cameras:
            own = snapshot.camera == snapshot.cameras.index(name)
            eligible &= ~(own & (np.abs(snapshot.at - at) <= asked.query.exclusion_s))
    return replace(field, eligible=eligible)


def _limits(fields: dict[Encoder, Field], measure: str, threshold: float) -> dict[int, float]:
    """Return the threshold as a distance under each encoder."""
    if measure == PERCENTILE:
        return {encoder.pk: _distance(field, threshold) for encoder, field in fields.items()}
    if len(fields) > 1:
        raise SavedError(
            "These cameras have encoders of their own, whose distances cannot be compared; set a "
            "percentile instead."
        )
    return {encoder.pk: threshold for encoder in fields}


def _distance(field: Field, percentile: float) -> float:
    """Return the distance of the clip that is nearer than this share of all; at least of one."""
    ranking = field.ranking()
    place = max(1, math.floor(ranking.count * (100.0 - percentile) / 100.0 + 1e-9))
    last = next(islice(ranking, place - 1, None), None)
    if last is None:
        raise SavedError("Nothing else has been embedded yet to choose a threshold by.")
    return last.distance


def _percentile(field: Field, limit: float) -> float:
    """Return the share of clips, 0 to 100, that are farther than a distance."""
    ranking = field.ranking()
    nearer = sum(1 for _ in takewhile(lambda ranked: ranked.distance <= limit, ranking))
    return 100.0 * (1.0 - nearer / max(1, ranking.count))


def _near(field: Field, limit: float) -> Iterator[Near]:
    """Yield the clips not farther than a distance, the nearest first."""
    snapshot = field.snapshot
    for ranked in takewhile(lambda ranked: ranked.distance <= limit, field.ranking()):
        row = ranked.row
        yield Near(
            recording=int(snapshot.recording[row]),
            second=int(snapshot.second[row]),
            camera=snapshot.cameras[snapshot.camera[row]],
            at=int(snapshot.at[row]),
            distance=ranked.distance,
            limit=limit,
        )


def begin(chunk: Chunk) -> None:
    """Queue a chunk for the searches that stand over its camera, in the transaction it is
    published in.
    """
    camera = chunk.recording.camera
    standing = SavedSearch.objects.filter(standing=True).exclude(recording=None)
    checks = [
        Check.objects.get_or_create(saved=saved, chunk=chunk)[0]
        for saved in standing.select_related("recording")
        if _looks_at(saved, camera)
    ]
    transaction.on_commit(lambda: jobs.wake(checks))


def _looks_at(saved: SavedSearch, camera: Camera) -> bool:
    names = saved.query["cameras"]
    own = saved.recording is not None and saved.recording.camera_id == camera.pk
    return camera.name in names if names else own


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
    query = _open(saved)
    encoder = chunk.recording.camera.encoder
    if encoder is None or (query.modality.crossing and not encoder.crossable):
        return
    asked = ask(query, lambda own: _snapshot(own, _chunks(query)))
    alone = _snapshot(encoder, [chunk])
    if not len(alone):
        raise FileDamaged(f"{chunk} has no embeddings by {encoder} yet.")
    yield from _near(_apart(asked, asked.field(encoder, alone)), _limit(saved, encoder))


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
    fields = {other.pk: field for other, field in _fields(ask(_open(saved))).items()}
    limit = _distance(fields[encoder.pk], saved.limits["percentile"])
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


def stuck(saved: SavedSearch) -> str:
    """Return why some chunk could not be held against a search; empty where all could."""
    failed = Check.objects.filter(saved=saved, state=Work.State.FAILED).first()
    return failed.error if failed else ""


def retry(saved: SavedSearch) -> None:
    """Try again what failed of a standing search: its checks and its deliveries."""
    again = {"state": Work.State.WAITING, "attempts": 0, "error": "", "woken_at": None}
    failed = {"state": Work.State.FAILED}
    Check.objects.filter(saved=saved, **failed).update(**again)
    deliveries = Delivery.objects.filter(notification__saved=saved, **failed)
    deliveries.update(**again, tries=0, due_at=timezone.now())
