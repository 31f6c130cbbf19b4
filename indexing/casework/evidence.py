"""The door to evidence: clips with context, a manifest that says all about them, signed, one ZIP.

The same moments, options and recordings give the same clips and the same manifest but for the time
at which it was made.
"""

import hashlib
import hmac
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import slugify

from indexing.files import absolute, checked, checksum, publish
from indexing.media import cut
from indexing.media.errors import MediaError
from indexing.media.info import MediaInfo
from indexing.models import Case, CaseMoment, Export, Recording
from indexing.work import jobs
from ml.refusal import Refusal

FORMAT = "reprise-evidence/1"
MANIFEST, SIGNATURE, README = "manifest.json", "manifest.signature.json", "README.txt"
MOST_CONTEXT_S = 300
KEPT = timedelta(days=7)
# A ZIP cannot tell a time before this; a constant one keeps the same content the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)
FONT = "static/vendor/fonts/martian-mono.woff2"
TOLD = f"""Evidence exported by Reprise.

{MANIFEST} tells every clip: where it comes from, when it was, how it was cut, and its SHA-256.
{SIGNATURE} is its signature. On the server that made it, this checks both:

    manage.py verify-evidence FILE.zip
"""


class EvidenceError(Refusal):
    """What cannot be exported, or does not hold, with a sentence that says why."""


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
        files: list[tuple[str, Path]] = []
        clips = []
        for number, moment in enumerate(export.moments, 1):
            clip = Path(folder) / f"{number}.mp4"
            told = _clip(moment, options, clip, step)
            name = f"clips/{number:03d}-{_name(moment)}.mp4"
            files.append((name, clip))
            clips.append({"file": name, **told})
            step()
        manifest = _json(_manifest(export, options, clips))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name, content in (
                (MANIFEST, manifest),
                (SIGNATURE, _json(_signed(manifest))),
                (README, TOLD.encode()),
            ):
                archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
            for name, clip in files:
                with clip.open("rb") as read, archive.open(zipfile.ZipInfo(name, EPOCH), "w") as to:
                    shutil.copyfileobj(read, to)


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
        "format": FORMAT,
        "made_at": timezone.now().isoformat(timespec="seconds"),
        "made_by": export.user.get_username(),
        "title": export.title,
        "note": export.note,
        "options": asdict(options),
        "clips": clips,
    }


def _json(document: dict[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)
    return f"{text}\n".encode()


def _key() -> bytes:
    """Return the key of this server's signatures, derived from its secret key."""
    return hmac.new(settings.SECRET_KEY.encode(), FORMAT.encode(), hashlib.sha256).digest()


def _signed(manifest: bytes) -> dict[str, str]:
    return {
        "algorithm": "HMAC-SHA256",
        "key": hashlib.sha256(_key()).hexdigest()[:16],
        "signature": hmac.new(_key(), manifest, hashlib.sha256).hexdigest(),
    }


def verify(path: Path) -> str:
    """Check a ZIP of evidence and return one sentence that says what holds.

    Raises:
        EvidenceError: something does not hold, and what.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _verified(archive)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, EOFError) as error:
        raise EvidenceError(f"{path.name} is not a ZIP of evidence, or is damaged.") from error


def _verified(archive: zipfile.ZipFile) -> str:
    manifest = archive.read(MANIFEST)
    signed = json.loads(archive.read(SIGNATURE))
    ours = _signed(manifest)
    if signed["key"] != ours["key"]:
        raise EvidenceError("It was signed by another server, or under another secret key.")
    if not hmac.compare_digest(str(signed["signature"]), ours["signature"]):
        raise EvidenceError("Its manifest was changed after it was signed.")
    document = json.loads(manifest)
    clips = {clip["file"]: clip["sha256"] for clip in document["clips"]}
    expected = sorted([*clips, MANIFEST, SIGNATURE, README])
    if sorted(archive.namelist()) != expected:
        raise EvidenceError("It does not hold exactly the files that its manifest names.")
    for name, sha256 in clips.items():
        with archive.open(name) as stream:
            digest = hashlib.file_digest(cast(BufferedIOBase, stream), "sha256")
        if digest.hexdigest() != sha256:
            raise EvidenceError(f"{name} was changed after it was exported.")
    count = f"{len(clips)} clip{'' if len(clips) == 1 else 's'}"
    return (
        f"Genuine: {count}, exported by {document['made_by']} on {document['made_at']}, are "
        "exactly as this server signed them."
    )


def expire() -> None:
    """Delete the files of exports whose time is over; the rows stay."""
    for export in Export.objects.filter(expires_at__lt=timezone.now()).exclude(file=""):
        absolute(export.file).unlink(missing_ok=True)
        Export.objects.filter(pk=export.pk).update(file="")
