"""The door to labels: which seconds hold an event, who said so, and how that is taken back.

Labels are written in one way only, as a change: rows are begun and ended, never altered, so that
any change can be undone exactly, an import of thousands too (indexing.models.Label). They never
enter the training of an encoder; events are located with them (indexing.events.locations) and
encoders judged (indexing.learning.gate).
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from indexing.events import locations
from indexing.models import Camera, Label, LabelChange, Recording
from ml.refusal import Refusal

LONGEST_NAME = 100
LONGEST_NOTE = 2000
# How tables write that an event does not happen in these seconds.
ABSENT = "not "


class LabelError(Refusal):
    """A label that cannot be made or changed, with a sentence that says why."""


@dataclass(frozen=True)
class Draft:
    """A label to be made; `name` may begin with "not ": nothing is checked before `make`."""

    recording: Recording
    name: str
    start_s: int
    end_s: int
    note: str = ""


@dataclass(frozen=True)
class Made:
    """What came of making labels: those that are new, and how many were there already."""

    labels: tuple[Label, ...]
    known: int
    change: LabelChange | None


def standing(
    *, camera: Camera | None = None, recording: Recording | None = None, event: str = ""
) -> QuerySet[Label]:
    """Return the labels that stand, in the order of time: all, or some of them."""
    found = Label.objects.filter(ended=None).select_related("recording__camera")
    if camera:
        found = found.filter(recording__camera=camera)
    if recording:
        found = found.filter(recording=recording)
    return found.filter(event=event) if event else found


def find(number: int) -> Label:
    """Return a label by its number.

    Raises:
        LabelError: there is none.
    """
    label = Label.objects.select_related("recording__camera").filter(pk=number).first()
    if label is None:
        raise LabelError(f"There is no label {number}.")
    return label


def make(
    recording: Recording, name: str, start_s: int, end_s: int, *, note: str = "", made_by: str = ""
) -> Label:
    """Label seconds start_s <= second < end_s of a recording.

    Args:
        recording: whose seconds.
        name: the event; with "not " before it, that it does not happen there.
        start_s: the first second.
        end_s: the second after the last one.
        note: free text.
        made_by: the name of whoever says so.

    Raises:
        LabelError: it makes no sense, or it is there already.
    """
    made = make_all([Draft(recording, name, start_s, end_s, note)], made_by=made_by)
    if not made.labels:
        raise LabelError("These seconds have this label already.")
    return made.labels[0]


def make_all(drafts: Sequence[Draft], *, made_by: str = "", sentence: str = "") -> Made:
    """Make several labels of one camera at once, all or none; those that stand are left out.

    Raises:
        LabelError: one makes no sense, or they are not of one camera; nothing was made.
    """
    checked = [check(draft) for draft in drafts]
    if not checked:
        return Made((), 0, None)
    camera = checked[0].recording.camera
    if any(label.recording.camera_id != camera.pk for label in checked):
        raise LabelError("The labels are of several cameras; make them one camera at a time.")
    with transaction.atomic():
        _lock(camera)
        known = {_place(label) for label in standing(camera=camera)}
        fresh = list({_place(one): one for one in checked if _place(one) not in known}.values())
        change = None
        if fresh:
            change = _change(camera, sentence or f"{fresh[0].name} was labelled.", made_by)
            _begin(fresh, change, made_by)
    return Made(tuple(fresh), len(checked) - len(fresh), change)


def edit(
    label: Label, *, name: str, start_s: int, end_s: int, note: str, made_by: str = ""
) -> Label:
    """Change a label: the old one ends, a new one by the same author begins.

    Raises:
        LabelError: it makes no sense, or the label no longer stands; nothing has changed.
    """
    draft = Draft(label.recording, name, start_s, end_s, note)
    new = check(draft)
    camera = label.recording.camera
    with transaction.atomic():
        _lock(camera)
        _refuse_over([label])
        if standing(camera=camera).exclude(pk=label.pk).filter(**_same(new)).exists():
            raise LabelError("These seconds have this label already.")
        change = _change(camera, f"The label {label.name} was changed.", made_by)
        _end([label], change)
        _begin([new], change, label.made_by)
    return new


def delete(labels: Sequence[Label], *, made_by: str = "") -> LabelChange:
    """Delete labels of one camera; undoing the change that is returned brings them back.

    Raises:
        LabelError: one no longer stands; nothing has changed.
    """
    camera = labels[0].recording.camera
    with transaction.atomic():
        _lock(camera)
        _refuse_over(labels)
        what = (
            f"The label {labels[0].name} was" if len(labels) == 1 else f"{len(labels)} labels were"
        )
        change = _change(camera, f"{what} deleted.", made_by)
        _end(labels, change)
    return change


def rename(camera: Camera, event: str, to: str, *, made_by: str = "") -> LabelChange | None:
    """Give an event of a camera another name; where there is one of that name, the two are merged.

    Returns the change, or None where there was no label to change.

    Raises:
        LabelError: the name is none, or there is no such event; nothing has changed.
    """
    name, absent = read_name(to)
    if absent:
        raise LabelError("An event's name cannot begin with “not”.")
    with transaction.atomic():
        _lock(camera)
        if name == event:
            raise LabelError(f"The event is called {event} already.")
        old = list(standing(camera=camera, event=event))
        locations.forget(camera, event, into=name)
        if not old:
            return None
        change = _change(camera, f"{event} was renamed to {name}.", made_by)
        known = {_place(label) for label in standing(camera=camera, event=name)}
        _end(old, change)
        renamed = [_renamed(label, name) for label in old]
        _begin([one for one in renamed if _place(one) not in known], change, "")
    return change


def delete_event(camera: Camera, event: str, *, made_by: str = "") -> LabelChange | None:
    """Delete an event of a camera with all its labels; the change brings them back."""
    with transaction.atomic():
        _lock(camera)
        old = list(standing(camera=camera, event=event))
        locations.forget(camera, event)
        if not old:
            return None
        change = _change(camera, f"{event} was deleted with its labels.", made_by)
        _end(old, change)
    return change


def undo(change: LabelChange) -> None:
    """Take a change back: what it began is gone, what it ended stands again.

    Raises:
        LabelError: what it made has been changed since; nothing has changed.
    """
    with transaction.atomic():
        _lock(change.camera)
        if change.begun.exclude(ended=None).exists():
            raise LabelError("These labels have been changed since; undo that first.")
        names = set(change.begun.values_list("event", flat=True))
        names |= set(change.over.values_list("event", flat=True))
        change.over.update(ended=None)
        change.delete()
        for name in names:
            locations.changed(change.camera, name)


def last_change(camera: Camera) -> LabelChange | None:
    """Return the newest change to a camera's labels, the one that can always be undone."""
    return camera.label_changes.first()


def read_name(text: str) -> tuple[str, bool]:
    """Read an event's name as people write it -> (event, whether it is said to be absent).

    Raises:
        LabelError: it is empty, too long or not all of it can be seen.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    absent = name.lower().startswith(ABSENT)
    name = name[len(ABSENT) :] if absent else name
    if not name or name.lower() == ABSENT.strip():
        raise LabelError("The event has no name; write one, such as siren.")
    if len(name) > LONGEST_NAME:
        raise LabelError(f"The event's name is longer than {LONGEST_NAME} characters.")
    if not name.isprintable():
        raise LabelError("The event's name holds characters that cannot be seen; type it anew.")
    return name, absent


def check(draft: Draft) -> Label:
    """Return a draft as a row that is not saved yet.

    Raises:
        LabelError: it makes no sense.
    """
    event, absent = read_name(draft.name)
    recording, start, end = draft.recording, draft.start_s, draft.end_s
    if recording.state == Recording.State.REFUSED:
        raise LabelError(f"{recording.name} was refused, so it has no seconds to label.")
    if recording.camera.samples:
        raise LabelError(
            f"{recording.name} is a file to search with and no camera's footage; label what it "
            "finds."
        )
    if not recording.duration_s:
        raise LabelError(f"{recording.name} is still being read; label it in a moment.")
    if not 0 <= start < end:
        raise LabelError(f"A label ends after it starts, but {start} to {end} does not.")
    if end > recording.duration_s:
        raise LabelError(
            f"{recording.name} has {recording.duration_s} seconds, so a label cannot end at {end}."
        )
    note = draft.note.replace("\x00", "").strip()
    if len(note) > LONGEST_NOTE:
        raise LabelError(f"The note is longer than {LONGEST_NOTE} characters.")
    return Label(
        recording=recording, event=event, absent=absent, start_s=start, end_s=end, note=note
    )


def _place(label: Label) -> tuple[int, str, bool, int, int]:
    """Return what makes two labels the same."""
    return label.recording_id, label.event, label.absent, label.start_s, label.end_s


def _same(label: Label) -> dict[str, object]:
    names = ("recording_id", "event", "absent", "start_s", "end_s")
    return dict(zip(names, _place(label), strict=True))


def _renamed(label: Label, event: str) -> Label:
    kept = ("recording", "absent", "start_s", "end_s", "note", "made_by")
    return Label(event=event, **{name: getattr(label, name) for name in kept})


def _lock(camera: Camera) -> None:
    """Let one change to a camera's labels wait for the other."""
    Camera.objects.select_for_update().get(pk=camera.pk)


def _change(camera: Camera, sentence: str, made_by: str) -> LabelChange:
    return LabelChange.objects.create(camera=camera, sentence=sentence, made_by=made_by)


def _begin(labels: Iterable[Label], change: LabelChange, made_by: str) -> None:
    """Save new rows, by their own author where they have one, and let the events know."""
    rows = list(labels)
    for label in rows:
        label.began, label.made_by = change, label.made_by or made_by
    Label.objects.bulk_create(rows)
    for event in sorted({label.event for label in rows}):
        locations.changed(change.camera, event)


def _end(labels: Iterable[Label], change: LabelChange) -> None:
    rows = list(labels)
    Label.objects.filter(pk__in=[label.pk for label in rows]).update(ended=change)
    for event in sorted({label.event for label in rows}):
        locations.changed(change.camera, event)


def _refuse_over(labels: Sequence[Label]) -> None:
    """Refuse to change labels that no longer stand."""
    rows = Label.objects.filter(pk__in=[label.pk for label in labels], ended=None)
    if rows.count() != len(labels):
        raise LabelError("The label has been changed or deleted meanwhile; load the page anew.")
