"""Evidence: exact clips, a manifest that is reproducible and signed, and a ZIP that expires."""

import json
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from indexing.casework import archive, cases, evidence
from indexing.casework.archive import ArchiveError
from indexing.casework.evidence import EvidenceError, Options
from indexing.files import absolute, checksum, publish
from indexing.media.info import MediaInfo
from indexing.media.probe import probe
from indexing.models import Camera, Case, CaseMoment, Export, Recording, Work
from indexing.work import jobs

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def street(make_video: Callable[..., Path]) -> tuple[Path, MediaInfo]:
    """A recording with a key frame every two seconds, and what it holds."""
    path = make_video(24)
    return path, probe(path)


@pytest.fixture
def case(street: tuple[Path, MediaInfo]) -> Case:
    """A case with a hit and a bookmark in a recording that was not ingested, only kept."""
    path, info = street
    kept = publish("originals", ".mp4", lambda to: to.write_bytes(path.read_bytes()))
    camera = Camera.objects.create(name="North gate", zone="Europe/Brussels")
    recording = Recording.objects.create(
        camera=camera,
        name="street.mp4",
        sha256=kept.sha256,
        size=kept.size,
        original=kept.file,
        start=datetime.fromisoformat("2026-07-01T10:00:00+00:00"),
        start_known=True,
        duration_s=info.duration_s,
        media=info.to_json(),
        state=Recording.State.READY,
    )
    found = cases.open_case(User.objects.create_user("operator"), "The pink bus", "For the court")
    scores = {"distance": 0.25, "percentile": 99.5}
    cases.collect(found, recording, 9, 10, kind="hit", note="It turns.", scores=scores)
    cases.collect(found, recording, 1, 2, kind="bookmark")
    return found


def exported(case: Case, options: Options | None = None) -> Export:
    moments = evidence.frozen(list(cases.moments_of(case)))
    export = evidence.ask(
        case.user, case.title, moments, options or Options(), note=case.note, case=case
    )
    evidence.run(export.pk)
    export.refresh_from_db()
    assert (export.state, export.error) == (Work.State.DONE, "")
    return export


def manifest(export: Export) -> dict[str, Any]:
    with zipfile.ZipFile(absolute(export.file)) as opened:
        document: dict[str, Any] = json.loads(opened.read(archive.MANIFEST))
    return document


def test_the_manifest_says_all_of_every_clip(case: Case, tmp_path: Path) -> None:
    export = exported(case)
    told = manifest(export)
    first, second = told["clips"]
    recording = Recording.objects.get()
    assert (told["title"], told["note"], told["made_by"]) == (
        "The pink bus", "For the court", "operator",
    )  # fmt: skip
    assert first["from"] == "2026-07-01T12:00:04+02:00"
    assert first["until"] == "2026-07-01T12:00:15+02:00"
    assert first["zone"] == "Europe/Brussels"
    assert (first["start_s"], first["end_s"], first["frames"]) == (4, 15, 110)
    assert first["stream"] == "encoded anew"
    assert first["because"] == "The cut does not end at a key frame."
    assert first["source"]["sha256"] == recording.sha256
    assert first["scores"] == {"distance": 0.25, "percentile": 99.5}
    assert first["moment"]["note"] == "It turns."
    assert (second["start_s"], second["end_s"]) == (0, 7)
    with zipfile.ZipFile(absolute(export.file)) as opened:
        opened.extractall(tmp_path)
    for clip in told["clips"]:
        assert checksum(tmp_path / clip["file"]) == clip["sha256"]
    assert export.sha256 == checksum(absolute(export.file))
    assert (export.expires_at or timezone.now()) > timezone.now() + timedelta(days=6)


def test_the_same_gives_the_same_but_for_its_time(case: Case) -> None:
    options = Options(before_s=1, after_s=2)
    first, second = manifest(exported(case, options)), manifest(exported(case, options))
    del first["made_at"], second["made_at"]
    assert first == second


def test_a_cut_at_key_frames_is_a_copy(case: Case) -> None:
    told = manifest(exported(case, Options(before_s=1, after_s=0)))["clips"]
    assert [(clip["start_s"], clip["end_s"], clip["stream"]) for clip in told] == [
        (8, 10, "copied"),
        (0, 2, "copied"),
    ]
    assert [clip["because"] for clip in told] == ["", ""]


def test_what_is_written_in_is_told(case: Case) -> None:
    told = manifest(exported(case, Options(before_s=1, after_s=0, burn=True)))["clips"]
    assert {clip["burned_in"] for clip in told} == {True}
    assert {clip["stream"] for clip in told} == {"encoded anew"}
    assert "written into the picture" in told[0]["because"]


def test_it_is_genuine_until_a_byte_is_changed(case: Case, tmp_path: Path) -> None:
    path = absolute(exported(case, Options(before_s=1, after_s=0)).file)
    assert archive.verify(path).startswith("Genuine: 2 clips, exported by operator on 20")
    said = StringIO()
    call_command("verify_evidence", str(path), stdout=said)
    assert said.getvalue().startswith("Genuine")
    with zipfile.ZipFile(path) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    clip = next(name for name in files if name.startswith("clips/"))
    changed = files[archive.MANIFEST].replace(b"It turns.", b"It stops.")
    other = files[archive.SIGNATURE].replace(b'"key": "', b'"key": "0')
    for changes, sentence in (
        ({archive.MANIFEST: changed}, "Its manifest was changed"),
        ({archive.SIGNATURE: other}, "signed by another server"),
        ({clip: files[clip][:-1] + b"x"}, "was changed after it was exported"),
        ({"extra.txt": b"x"}, "exactly the files"),
        ({archive.SIGNATURE: b"[]"}, "is not a ZIP of evidence"),
    ):
        forged = tmp_path / "forged.zip"
        with zipfile.ZipFile(forged, "w") as opened:
            for name, content in (files | changes).items():
                opened.writestr(name, content)
        with pytest.raises(ArchiveError, match=sentence):
            archive.verify(forged)
    forged.write_bytes(b"no zip")
    with pytest.raises(SystemExit):
        call_command("verify_evidence", str(forged), stderr=StringIO())


def test_a_preview_tells_the_cuts_and_what_is_gone(case: Case) -> None:
    moments = evidence.frozen(list(cases.moments_of(case)))
    found = evidence.preview(moments, Options(before_s=1, after_s=0))
    assert [(each.cut.copied, each.problem) for each in found if each.cut] == [(True, "")] * 2
    with pytest.raises(EvidenceError, match="0 to 300 seconds"):
        evidence.preview(moments, Options(before_s=301))
    with pytest.raises(EvidenceError, match="collect one first"):
        evidence.ask(case.user, "t", [], Options())
    Recording.objects.all().delete()
    assert CaseMoment.objects.count() == 2
    moments = evidence.frozen(list(cases.moments_of(case)))
    assert "street.mp4, was deleted" in evidence.preview(moments, Options())[0].problem
    with pytest.raises(EvidenceError, match="Take that moment out"):
        evidence.ask(case.user, "t", moments, Options())


def test_a_damaged_source_is_refused_and_a_dead_worker_publishes_nothing(case: Case) -> None:
    moments = evidence.frozen(list(cases.moments_of(case)))
    export = evidence.ask(case.user, "t", moments, Options(before_s=1, after_s=0))
    dead = jobs.claim(Export, export.pk)
    assert dead is not None
    Export.objects.update(state=Work.State.WAITING, owner="")
    with pytest.raises(jobs.LeaseLost):
        evidence.make(dead)
    recording = Recording.objects.get()
    path = absolute(recording.original)
    path.write_bytes(path.read_bytes()[:-1])
    for _ in range(jobs.ATTEMPTS):
        evidence.run(export.pk)
    export.refresh_from_db()
    assert export.state == Work.State.FAILED
    assert "no longer has the bytes" in export.error


def test_an_export_expires(case: Case) -> None:
    export = exported(case, Options(before_s=1, after_s=0))
    path = absolute(export.file)
    evidence.expire()
    assert path.exists()
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    evidence.expire()
    export.refresh_from_db()
    assert (export.file, path.exists()) == ("", False)
