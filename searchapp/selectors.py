"""What people see. Every read starts from the account's role and shows nothing without one."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Count, Max, Min, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone

from indexing.models import Camera, Chunk, Job, Recording, Upload, Work
from indexing.work import status

ADMINS, OPERATORS, ANALYSTS = "admins", "operators", "analysts"
ROLES = (ADMINS, OPERATORS, ANALYSTS)
UNDER_WAY = (Work.State.WAITING, Work.State.RUNNING)

Viewer = User | AnonymousUser


def may_see(user: Viewer) -> bool:
    """Tell whether the account has any role at all."""
    return user.is_active and (user.is_superuser or user.groups.filter(name__in=ROLES).exists())


def may_manage(user: Viewer) -> bool:
    """Tell whether the account may upload, retry and delete."""
    return user.is_active and (user.is_superuser or user.groups.filter(name=ADMINS).exists())


def may_train(user: Viewer) -> bool:
    """Tell whether the account may train encoders and put one in use."""
    if may_manage(user):
        return True
    return user.is_active and user.groups.filter(name=OPERATORS).exists()


def cameras_for(user: Viewer) -> QuerySet[Camera]:
    """Return the cameras this account may see."""
    return Camera.objects.filter(samples=False) if may_see(user) else Camera.objects.none()


def camera_for(user: Viewer, pk: int) -> Camera:
    """Return one camera; Http404 where it is unknown or not for this account."""
    return get_object_or_404(cameras_for(user).select_related("encoder"), pk=pk)


def recordings_for(user: Viewer) -> QuerySet[Recording]:
    """Return the recordings this account may see, with their cameras; samples among them."""
    seen = Recording.objects.select_related("camera__encoder")
    return seen if may_see(user) else seen.none()


def footage_for(user: Viewer) -> QuerySet[Recording]:
    """Return the recordings of cameras this account may see, samples not among them."""
    return recordings_for(user).filter(camera__samples=False)


def samples_for(user: Viewer) -> QuerySet[Recording]:
    """Return the account's own files to search with, the newest first."""
    mine = recordings_for(user).filter(camera__samples=True, sent_by=user.pk)
    return mine.order_by("-created_at")


def may_delete(user: Viewer, recording: Recording) -> bool:
    """Tell whether the account may delete a recording: an admin any, others their own samples."""
    own = recording.camera.samples and recording.sent_by_id == user.pk
    return may_manage(user) or (own and may_see(user))


def recording_for(user: Viewer, pk: int) -> Recording:
    """Return one recording; Http404 where it is unknown or not for this account."""
    return get_object_or_404(recordings_for(user), pk=pk)


def uploads_for(user: Viewer) -> QuerySet[Upload]:
    """Return the uploads this account may go on with: all of them, where it may upload at all."""
    seen = Upload.objects.select_related("user", "recording__camera")
    return seen if may_manage(user) else seen.none()


@dataclass(frozen=True)
class Card:
    """A recording as the library shows it."""

    recording: Recording
    status: status.Status | None
    thumbnail_s: int | None
    failed: int

    @property
    def refused(self) -> bool:
        """Whether it could not be taken in."""
        return self.recording.state == Recording.State.REFUSED

    @property
    def live(self) -> bool:
        """Whether it changes by itself and is to be refreshed."""
        return self.status is not None and not self.status.finished


@dataclass(frozen=True)
class Shelf:
    """A camera with as many of its recordings as the page shows."""

    camera: Camera
    cards: tuple[Card, ...]
    total: int

    @property
    def kept(self) -> tuple[Card, ...]:
        """The recordings that came in."""
        return tuple(card for card in self.cards if not card.refused)

    @property
    def refused(self) -> tuple[Card, ...]:
        """The ones that did not, each with its reason."""
        return tuple(card for card in self.cards if card.refused)

    @property
    def hidden(self) -> int:
        """How many recordings of the camera the page leaves out."""
        return self.total - len(self.cards)


def shelves(user: Viewer, *, limit: int, camera: str = "") -> list[Shelf]:
    """Return the cameras with their newest recordings; all recordings of one where it is named."""
    cameras = cameras_for(user).annotate(total=Count("recordings")).order_by("name")
    if camera:
        cameras = cameras.filter(name=camera)
    found = []
    seen = recordings_for(user)
    for each in cameras:
        newest = seen.filter(camera=each).order_by("-start", "-pk")
        found.append(Shelf(each, tuple(cards(newest if camera else newest[:limit])), each.total))
    return found


def cards(recordings: Iterable[Recording]) -> list[Card]:
    """Return the cards of these recordings, in their order."""
    rows = list(recordings)
    ids = [row.pk for row in rows]
    live = _ids(Chunk, ids, UNDER_WAY) | _ids(Job, ids, UNDER_WAY)
    failed = _failed(ids)
    thumbnails = _first_thumbnails(ids)
    return [
        Card(
            recording=row,
            status=status.recording_status(row) if row.pk in live else None,
            thumbnail_s=_poster(row, thumbnails.get(row.pk), failed.get(row.pk, 0)),
            failed=failed.get(row.pk, 0),
        )
        for row in rows
    ]


def _ids(kind: type[Chunk] | type[Job], ids: list[int], states: Iterable[str]) -> set[int]:
    found = kind._default_manager.filter(recording_id__in=ids, state__in=states)
    return set(found.values_list("recording_id", flat=True))


def _failed(ids: list[int]) -> dict[int, int]:
    """Return how much work of each recording is quarantined."""
    counts = dict.fromkeys(ids, 0)
    for kind in (Chunk, Job):
        rows = kind._default_manager.filter(recording_id__in=ids, state=Work.State.FAILED)
        for pk, number in rows.values_list("recording_id").annotate(Count("pk")):
            counts[pk] += number
    return counts


def _first_thumbnails(ids: list[int]) -> dict[int, int]:
    chunks = Chunk.objects.filter(recording_id__in=ids).exclude(thumbnails="")
    return dict(chunks.values_list("recording_id").annotate(Min("start_s")))


def _poster(recording: Recording, first: int | None, failed: int) -> int | None:
    """Return the second whose thumbnail stands for the recording, None without a picture."""
    if first is None or not recording.has_video:
        return None
    if recording.state == Recording.State.READY and not failed:
        return recording.duration_s // 2
    return first


def poster(recording: Recording) -> int | None:
    """Return the second whose thumbnail stands for the recording, None without a picture."""
    return cards([recording])[0].thumbnail_s


@dataclass(frozen=True)
class Span:
    """A stretch of a recording on its timeline, in whole seconds, the end not included."""

    start: int
    end: int
    state: str
    reason: str = ""


def coverage(recording: Recording) -> list[Span]:
    """Return what of a recording is searchable, pending or failed, and its gaps, in order."""
    searchable = set(recording.searchable().values_list("pk", flat=True))
    spans: list[Span] = []
    for chunk in recording.chunks.all():
        state = "searchable" if chunk.pk in searchable else "pending"
        if chunk.state == Work.State.FAILED:
            state = "failed"
        span = Span(chunk.start_s, chunk.start_s + chunk.clips, state, chunk.error)
        spans.append(span if state == "failed" else Span(span.start, span.end, state))
    return _joined(spans) + gaps(recording)


def gaps(recording: Recording) -> list[Span]:
    """Return the seconds that the file lacks, with the reason."""
    found = list(recording.gaps)
    for chunk_gaps in recording.chunks.values_list("gaps", flat=True):
        found += chunk_gaps
    spans = {Span(g["start"], g["end"], "gap", g.get("reason", "")) for g in found}
    return sorted(spans, key=lambda span: (span.start, span.end))


def _joined(spans: list[Span]) -> list[Span]:
    """Join neighbours that say the same: an hour is one span, not sixty."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if (
            last
            and last.end == span.start
            and (last.state, last.reason)
            == (
                span.state,
                span.reason,
            )
        ):
            joined[-1] = Span(last.start, span.end, last.state, last.reason)
        else:
            joined.append(span)
    return joined


def newest(user: Viewer) -> int:
    """Return the number of the latest recording, 0 where there is none."""
    return footage_for(user).aggregate(newest=Max("pk"))["newest"] or 0


def work_waits_alone() -> bool:
    """Tell whether work waits and no worker is there to do it.

    A worker that is busy with one long piece may not have reported for a while; its lease tells.
    """
    waits = Q(state=Work.State.WAITING)
    leased = Q(state=Work.State.RUNNING, lease_until__gt=timezone.now())
    kinds = (Chunk.objects, Job.objects, Upload.objects)
    if not any(kind.filter(waits).exists() for kind in kinds):
        return False
    return not (any(kind.filter(leased).exists() for kind in kinds) or status.worker_running())
