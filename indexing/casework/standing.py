"""Standing searches: on what terms one stands, and what it would have found of the past."""

import math
import secrets
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from indexing.casework import webhooks
from indexing.casework.saved import SavedError, question
from indexing.casework.thresholds import PERCENTILE, fields_of, limits_of, percentile_at, within
from indexing.models import (
    Check,
    Delivery,
    SavedSearch,
    Work,
)
from indexing.search.query import SearchQuery
from indexing.search.ranking import ask

LONGEST_COOL_DOWN_S = 24 * 3600
# Past matches are counted up to here; a threshold that gives more is no use to anybody.
MOST_PAST = 20_000


@dataclass(frozen=True)
class Terms:
    """How near is near enough, how often somebody is told, and how."""

    measure: str = PERCENTILE
    threshold: float = 99.9
    cool_down_s: int = 600
    webhook: str = ""
    email: str = ""


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
    fields = fields_of(ask(open_query(query)))
    limits = limits_of(fields, terms.measure, terms.threshold)
    found = [
        near
        for encoder, field in fields.items()
        for near in islice(within(field, limits[encoder.pk]), MOST_PAST + 1)
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
    fields = fields_of(ask(open_saved(saved)))
    limits = limits_of(fields, terms.measure, terms.threshold)
    equal = terms.threshold
    if terms.measure != PERCENTILE:
        equal = min(percentile_at(field, limits[encoder.pk]) for encoder, field in fields.items())
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


def open_saved(saved: SavedSearch) -> SearchQuery:
    """Return the query as it is asked of new footage."""
    if saved.recording is None:
        raise SavedError("The recording of this search was deleted, so it cannot stand.")
    return open_query(question(saved))


def open_query(query: SearchQuery) -> SearchQuery:
    """Return a query by whatever encoder is in use, and by distance alone.

    What judged hits taught is a chance among the clips of one search, no threshold for others.
    """
    return replace(query, encoder_id=None, this=(), not_this=())


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
