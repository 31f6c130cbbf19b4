"""What an account keeps of its work: its own saved searches, notifications, bookmarks and cases."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone

from indexing.casework import evidence
from indexing.casework.cases import bookmarks_of, cases_of, moment, moments_of
from indexing.casework.evidence import EvidenceError, Options, exports_of
from indexing.casework.saved import Replay, question, saved_of
from indexing.casework.standing import Terms
from indexing.models import Bookmark, Case, CaseMoment, Export, Notification, Recording, SavedSearch
from indexing.search.query import SearchQuery
from searchapp.selectors import Viewer, may_see, recordings_for
from searchapp.ways import way_of


def person(user: Viewer) -> User:
    """Return the account, which has a role.

    Raises:
        PermissionDenied: it has none.
    """
    if not (isinstance(user, User) and may_see(user)):
        raise PermissionDenied("Ask an admin for a role to save searches and collect moments.")
    return user


def saved_for(user: Viewer, pk: int) -> SavedSearch:
    """Return one of the account's saved searches; Http404 where it has no such one."""
    return get_object_or_404(saved_of(person(user)), pk=pk)


def notifications_for(user: Viewer) -> QuerySet[Notification]:
    """Return what the account's standing searches have found, the newest first."""
    found = Notification.objects.filter(recording__in=recordings_for(user))
    if not isinstance(user, User):
        return found.none()
    found = found.filter(saved__user=user).select_related("saved", "recording__camera")
    return found.prefetch_related("deliveries")


def unread(user: Viewer) -> int:
    """Return how many notifications the account has not read."""
    return notifications_for(user).filter(read_at=None).count()


def mark_read(user: Viewer, numbers: Collection[int] = ()) -> int:
    """Mark notifications of the account as read, all where none is named; return how many."""
    found = notifications_for(person(user)).filter(read_at=None)
    if numbers:
        found = found.filter(pk__in=numbers)
    return found.update(read_at=timezone.now())


def case_for(user: Viewer, pk: int) -> Case:
    """Return one of the account's cases; Http404 where it has no such one."""
    return get_object_or_404(cases_of(person(user)), pk=pk)


def moment_for(user: Viewer, pk: int) -> CaseMoment:
    """Return one moment of the account's cases, removed ones too; Http404 otherwise."""
    rows = CaseMoment.objects.select_related("case", "recording__camera")
    return get_object_or_404(rows.filter(case__user=person(user)), pk=pk)


def bookmark_for(user: Viewer, pk: int) -> Bookmark:
    """Return one of the account's bookmarks, removed ones too; Http404 otherwise."""
    return get_object_or_404(Bookmark.objects.filter(user=person(user)), pk=pk)


def export_for(user: Viewer, pk: int) -> Export:
    """Return one of the account's exports; Http404 where it has no such one."""
    return get_object_or_404(exports_of(person(user)), pk=pk)


def bookmarks_for(user: Viewer) -> QuerySet[Bookmark]:
    """Return the account's bookmarks in recordings that it may see, the newest first."""
    return bookmarks_of(person(user)).filter(recording__in=recordings_for(user))


def moments_for(user: Viewer, case: Case) -> list[CaseMoment]:
    """Return the moments of a case in order; a recording that may not be seen is left out of it."""
    seen = set(recordings_for(user).values_list("pk", flat=True))
    return [m for m in moments_of(case) if m.recording_id is None or m.recording_id in seen]


def export_case(user: Viewer, case: Case, options: Options) -> Export:
    """Ask for a case as evidence; raise EvidenceError with the reason."""
    moments = evidence.frozen(moments_for(user, case))
    return evidence.ask(person(user), case.title, moments, options, note=case.note, case=case)


def export_moment(
    user: Viewer, recording: Recording, start: int, end: int, options: Options
) -> Export:
    """Ask for one moment of a recording as evidence; raise EvidenceError with the reason."""
    if not 0 <= start < end <= recording.duration_s:
        raise EvidenceError(f"{recording.name} has no such seconds.")
    moments = evidence.frozen([moment(recording, start, end)])
    return evidence.ask(person(user), recording.name, moments, options)


@dataclass(frozen=True)
class Line:
    """A moment of a replayed ranking; recording is None where it was deleted or may not be seen."""

    hit: dict[str, Any]
    then: dict[str, Any] | None
    now: dict[str, Any] | None
    said: str
    recording: Recording | None


def lines(user: Viewer, found: Replay) -> list[Line]:
    """Return the moments of a replay with the recordings that this account may see."""
    shown = [(row.now or row.then or {}, row) for row in found.rows]
    seen = recordings_for(user).in_bulk([hit["recording"] for hit, _ in shown])
    return [
        Line(hit, row.then, row.now, row.said, seen.get(hit["recording"])) for hit, row in shown
    ]


def link(query: SearchQuery) -> str:
    """Return the parameters of a query as the search page and the comparison take them."""
    pairs: list[tuple[str, object]] = [
        ("recording", query.recording_id),
        ("second", query.second),
        ("with", query.modality.value),
        ("weight", query.audio_weight),
        ("k", query.k),
        ("exclusion", query.exclusion_s),
        *(("camera", name) for name in query.cameras),
        *(("within", number) for number in query.recordings),
        *(("also", clip) for clip in query.also),
        *(("this", clip) for clip in query.this),
        *(("not", clip) for clip in query.not_this),
    ]
    times = (("since", query.since), ("until", query.until))
    return urlencode(pairs + [(name, at.isoformat()) for name, at in times if at])


def terms_of(saved: SavedSearch) -> Terms:
    """Return the terms on which a search stands, or would by default."""
    return Terms(saved.measure, saved.threshold, saved.cool_down_s, saved.webhook, saved.email)


def terms(saved: SavedSearch) -> list[str]:
    """Return in words how a saved search compares and where it looks."""
    query = question(saved)
    said = [way_of(query), f"{query.k} hits, at least {query.exclusion_s} s apart"]
    if query.also:
        said.append(f"{len(query.asked)} moments at once")
    if query.refined:
        said.append(f"taught by {len(query.this)} hits judged alike, {len(query.not_this)} not")
    if query.cameras:
        said.append("cameras: " + ", ".join(query.cameras))
    if query.recordings:
        said.append(f"only {len(query.recordings)} chosen recordings")
    said += [f"from {query.since:%d %b %Y %H:%M %Z}"] if query.since else []
    said += [f"until {query.until:%d %b %Y %H:%M %Z}"] if query.until else []
    return said
