"""The door to evidence: moments as clips with context, and all that is known of them, in one ZIP.

The same moments, options and recordings give the same clips and the same manifest but for the time
at which it was made.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import slugify

from indexing.casework.archive import seal
from indexing.files import absolute, checked, checksum, publish
from indexing.media import cut
from indexing.media.errors import MediaError
from indexing.media.info import MediaInfo
from indexing.models import Case, CaseMoment, Export, Recording
from indexing.work import jobs
from ml.refusal import Refusal

MOST_CONTEXT_S = 300
KEPT = timedelta(days=7)
FONT = "static/vendor/fonts/martian-mono.woff2"


class EvidenceError(Refusal):
    """What cannot be exported, with a sentence that says why."""


@dataclass(frozen=True)
class Options:
    """How much around each moment, in seconds, and whether time and camera are written in."""

    before_s: int = 5
    after_s: int = 5
    burn: bool = False


@dataclass(frozen=True)
class Preview:
    """What a moment would become: its cut, or the reason why there is none."""

    moment: dict[str, Any]
    recording: Recording | None
    cut: cut.Cut | None
    problem: str


def exports_of(user: User) -> QuerySet[Export]:
    """Return what an account has exported, the newest first."""
    return Export.objects.filter(user=user).select_related("case")


def frozen(moments: Sequence[CaseMoment]) -> list[dict[str, Any]]:
    """Return moments as an export keeps them."""
    return [
        {
            "recording": each.recording_id,
            "start_s": each.start_s,
            "end_s": each.end_s,
            "kind": each.kind,
            "note": each.note,
            "source": each.source,
            "scores": each.scores,
            "encoder": each.encoder,
        }
        for each in moments
    ]


def check_options(options: Options) -> None:
    """Refuse context that makes no sense; raise EvidenceError."""
    if not all(0 <= each <= MOST_CONTEXT_S for each in (options.before_s, options.after_s)):
        raise EvidenceError(f"The context is 0 to {MOST_CONTEXT_S} seconds on each side.")


def preview(moments: Sequence[dict[str, Any]], options: Options) -> list[Preview]:
    """Say for each moment how it would be cut, without cutting; raise EvidenceError."""
    check_options(options)
    rows = Recording.objects.select_related("camera")
    found = rows.in_bulk([each["recording"] for each in moments if each["recording"]])
    return [_previewed(each, found.get(each["recording"]), options) for each in moments]


def _previewed(moment: dict[str, Any], recording: Recording | None, options: Options) -> Preview:
    if recording is None:
        gone = f"Its recording, {moment['source']['name']}, was deleted."
        return Preview(moment, None, None, gone)
    try:
        return Preview(moment, recording, _planned(recording, moment, options), "")
    except MediaError as error:
        return Preview(moment, recording, None, str(error))


def _planned(recording: Recording, moment: dict[str, Any], options: Options) -> cut.Cut:
    """Return the cut of a moment with its context, which ends where the recording does."""
    start = max(0, moment["start_s"] - options.before_s)
    end = min(recording.duration_s, moment["end_s"] + options.after_s)
    info = MediaInfo.from_json(recording.media)
    return cut.plan(recording.original_path, info, start, end, burn=options.burn)


def ask(
    user: User,
    title: str,
    moments: Sequence[dict[str, Any]],
    options: Options,
    *,
    note: str = "",
    case: Case | None = None,
) -> Export:
    """Queue an export of these moments as they are now.

    Raises:
        EvidenceError: there is nothing to export, or a moment cannot be.
    """
    found = preview(moments, options)
    if not found:
        raise EvidenceError("There is no moment to export; collect one first.")
    if problem := next((each.problem for each in found if each.problem), ""):
        raise EvidenceError(f"{problem} Take that moment out of the case, then export it.")
    with transaction.atomic():
        export = Export.objects.create(
            user=user,
            case=case,
            title=title,
            note=note,
            moments=list(moments),
            options=asdict(options),
        )
        transaction.on_commit(lambda: jobs.wake([export]))
    return export


def run(pk: int) -> None:
    """Make one export."""
    jobs.attempt(Export, pk, make)


def make(export: Export) -> None:
    """Cut the clips of an export and publish its ZIP.

    Raises:
        Hopeless: a recording is gone.
        FileDamaged: a recording's bytes are not the ones that came in.
        MediaError: a clip cannot be cut.
        LeaseLost: another worker took over; nothing was published.
    """
    steps = 2 * len(export.moments)
    done = iter(range(1, steps + 1))
    made = publish(
        "exports",
        ".zip",
        lambda path: _write(export, path, lambda: jobs.report(export, next(done) / (steps + 1))),
    )
    jobs.finish(
        export,
        file=made.file,
        size=made.size,
        sha256=made.sha256,
        expires_at=timezone.now() + KEPT,
    )


def _write(export: Export, path: Path, step: Callable[[], None]) -> None:
    """Write the ZIP of an export."""
    options = Options(**export.options)
    with tempfile.TemporaryDirectory(prefix=".evidence-", dir=path.parent) as folder:
        clips: dict[str, Path] = {}
        told = []
        for number, moment in enumerate(export.moments, 1):
            clip = Path(folder) / f"{number}.mp4"
            name = f"clips/{number:03d}-{_name(moment)}.mp4"
            told.append({"file": name, **_clip(moment, options, clip, step)})
            clips[name] = clip
            step()
        seal(path, _manifest(export, options, told), clips)


def _name(moment: dict[str, Any]) -> str:
    at = "".join(mark for mark in moment["source"]["at"][:19] if mark not in ":-")
    return f"{slugify(moment['source']['camera']) or 'camera'}-{at}"


def _clip(
    moment: dict[str, Any], options: Options, out: Path, step: Callable[[], None]
) -> dict[str, Any]:
    """Cut the clip of one moment and return what the manifest says of it."""
    rows = Recording.objects.select_related("camera")
    recording = rows.filter(pk=moment["recording"]).first()
    if recording is None:
        raise jobs.Hopeless(f"The recording {moment['source']['name']} was deleted meanwhile.")
    path = checked(recording.original, recording.sha256)
    step()
    planned = _planned(recording, moment, options)
    burn = _burn(recording, planned) if options.burn else None
    made = cut.make(path, MediaInfo.from_json(recording.media), planned, out, burn)
    return {
        "sha256": checksum(out),
        "size": out.stat().st_size,
        "from": recording.at(made.start_s).isoformat(),
        "until": recording.at(made.end_s).isoformat(),
        "zone": recording.camera.zone,
        "start_s": made.start_s,
        "end_s": made.end_s,
        "frames": made.frames,
        "first_frame_s": made.first_s,
        "stream": "copied" if made.copied else "encoded anew",
        "because": made.why,
        "burned_in": options.burn,
        "source": {
            "name": recording.name,
            "sha256": recording.sha256,
            "size": recording.size,
            "camera": recording.camera.name,
            "start": recording.at(0).isoformat(),
            "start_known": recording.start_known,
        },
        "moment": {
            "start_s": moment["start_s"],
            "end_s": moment["end_s"],
            "at": moment["source"]["at"],
            "kind": moment["kind"],
            "note": moment["note"],
        },
        "scores": moment["scores"],
        "encoder": moment["encoder"],
    }


def _burn(recording: Recording, planned: cut.Cut) -> cut.Burn:
    """Return what is written into a clip: camera and recording, and the camera's clock."""
    clocks: list[cut.Clock] = []
    for second in range(planned.start_s, planned.end_s):
        at = recording.at(second)
        label = at.isoformat()[-6:]  # the offset: a zone's name does not fit small pictures
        if not clocks or clocks[-1].label != label:
            offset = at.utcoffset() or timedelta()
            start = recording.start.timestamp() + planned.start_s
            zero = round(start + offset.total_seconds())
            clocks.append(cut.Clock(second - planned.start_s, zero, label))
    return cut.Burn(recording.camera.name, clocks, settings.BASE_DIR / FONT)


def _manifest(export: Export, options: Options, clips: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "made_at": timezone.now().isoformat(timespec="seconds"),
        "made_by": export.user.get_username(),
        "title": export.title,
        "note": export.note,
        "options": asdict(options),
        "clips": clips,
    }


def expire() -> None:
    """Delete the files of exports whose time is over; the rows stay."""
    for export in Export.objects.filter(expires_at__lt=timezone.now()).exclude(file=""):
        absolute(export.file).unlink(missing_ok=True)
        Export.objects.filter(pk=export.pk).update(file="")
