"""The door to bookmarks and cases: moments that somebody keeps, in order, with why."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from indexing.casework.saved import encoder_facts
from indexing.models import Bookmark, Case, CaseMoment, Recording
from ml.refusal import Refusal

LONGEST_TITLE = 200
LONGEST_NOTE = 2000
LONGEST_MOMENT_S = 3600
MOST_MOMENTS = 200


class CaseError(Refusal):
    """What cannot be done with a case or a bookmark, with a sentence that says why."""


def bookmarks_of(user: User) -> QuerySet[Bookmark]:
    """Return the bookmarks of an account, the newest first."""
    rows = Bookmark.objects.filter(user=user, removed_at=None)
    return rows.select_related("recording__camera")


def bookmark(user: User, recording: Recording, second: int, note: str = "") -> Bookmark:
    """Bookmark a second, or put a removed bookmark back; a note takes the place of an earlier one.

    Raises:
        CaseError: there is no such second, or the note is too long.
    """
    _check_seconds(recording, second, second + 1)
    changed = {"removed_at": None} | ({"note": _note(note)} if note else {})
    found, _ = Bookmark.objects.update_or_create(
        user=user, recording=recording, second=second, defaults=changed
    )
    return found


def cases_of(user: User) -> QuerySet[Case]:
    """Return the cases of an account, the newest first."""
    return Case.objects.filter(user=user)


def moments_of(case: Case) -> QuerySet[CaseMoment]:
    """Return the moments of a case in order, without those that were removed."""
    rows = CaseMoment.objects.filter(case=case, removed_at=None)
    return rows.select_related("recording__camera")


def open_case(user: User, title: str, note: str = "") -> Case:
    """Begin a case.

    Raises:
        CaseError: the title is none.
    """
    return Case.objects.create(user=user, title=_title(title), note=_note(note))


def change_case(case: Case, title: str, note: str) -> None:
    """Give a case another title and note; raise CaseError where the title is none."""
    case.title, case.note = _title(title), _note(note)
    case.save(update_fields=["title", "note"])


def collect(
    case: Case,
    recording: Recording,
    start_s: int,
    end_s: int,
    *,
    kind: str = CaseMoment.Kind.MOMENT,
    note: str = "",
    scores: dict[str, Any] | None = None,
) -> CaseMoment:
    """Put a moment into a case, behind the others, with what is known of it now.

    Raises:
        CaseError: there are no such seconds, or no room.
    """
    if kind not in CaseMoment.Kind.values:
        raise CaseError(f"A moment is a hit, a peak or a bookmark, not “{kind[:20]}”.")
    _check_seconds(recording, start_s, end_s)
    found = moment(recording, start_s, end_s)
    found.case, found.kind, found.note, found.scores = case, kind, _note(note), scores or {}
    with transaction.atomic():
        Case.objects.select_for_update().get(pk=case.pk)
        rows = CaseMoment.objects.filter(case=case)
        if rows.filter(removed_at=None).count() >= MOST_MOMENTS:
            raise CaseError(f"A case holds {MOST_MOMENTS} moments; begin another one.")
        found.position = 1 + (rows.aggregate(last=Max("position"))["last"] or 0)
        found.save()
    return found


def moment(recording: Recording, start_s: int, end_s: int) -> CaseMoment:
    """Return seconds of a recording with what is known of them now, in no case and not stored."""
    encoder = recording.camera.encoder
    return CaseMoment(
        recording=recording,
        start_s=start_s,
        end_s=end_s,
        source=_source(recording, start_s),
        encoder=encoder_facts(encoder) if encoder else {},
    )


def _source(recording: Recording, second: int) -> dict[str, Any]:
    """Return what names a moment's recording after it has been deleted."""
    return {
        "name": recording.name,
        "sha256": recording.sha256,
        "camera": recording.camera.name,
        "zone": recording.camera.zone,
        "at": recording.at(second).isoformat(),
        "start_known": recording.start_known,
    }


def change_moment(moment: CaseMoment, note: str) -> None:
    """Give a moment of a case another note; raise CaseError where it is too long."""
    moment.note = _note(note)
    moment.save(update_fields=["note"])


def move(moment: CaseMoment, by: int) -> None:
    """Let a moment change places with its neighbour, the one before (-1) or behind (1)."""
    with transaction.atomic():
        Case.objects.select_for_update().get(pk=moment.case_id)
        order = list(moments_of(moment.case))
        here = next((i for i, each in enumerate(order) if each.pk == moment.pk), None)
        if here is None or not 0 <= here + by < len(order):
            return
        order[here], order[here + by] = order[here + by], order[here]
        _number(order)


def _number(order: Sequence[CaseMoment]) -> None:
    for position, each in enumerate(order, 1):
        each.position = position
    CaseMoment.objects.bulk_update(order, ["position"])


def remove(kept: CaseMoment | Bookmark) -> None:
    """Take a moment out of its case, or a bookmark away; it can be put back."""
    kept.removed_at = timezone.now()
    kept.save(update_fields=["removed_at"])


def put_back(kept: CaseMoment | Bookmark) -> None:
    """Put back what was removed, where it was."""
    kept.removed_at = None
    kept.save(update_fields=["removed_at"])


def _check_seconds(recording: Recording, start_s: int, end_s: int) -> None:
    if not 0 <= start_s < end_s <= recording.duration_s:
        raise CaseError(f"{recording.name} has no such seconds.")
    if end_s - start_s > LONGEST_MOMENT_S:
        raise CaseError("A moment lasts at most an hour.")


def _title(text: str) -> str:
    title = " ".join(text.split())
    if not title:
        raise CaseError("Give the case a title.")
    if len(title) > LONGEST_TITLE:
        raise CaseError(f"A title has at most {LONGEST_TITLE} characters.")
    return title


def _note(text: str) -> str:
    if len(text) > LONGEST_NOTE:
        raise CaseError(f"A note has at most {LONGEST_NOTE:,} characters.")
    return text.strip()
