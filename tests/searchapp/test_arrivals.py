"""Uploads that came in whole: examined, shown, confirmed or forgotten."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from indexing.arrivals import examining, uploads
from indexing.models import Camera, Job, Recording, Upload
from indexing.verify import garbage

pytestmark = pytest.mark.django_db

Make = Callable[..., Path]


def arrived(film: Path, name: str = "", camera: str = "Yard") -> Upload:
    """An upload whose bytes are all here, and that was examined."""
    body = film.read_bytes()
    user = User.objects.filter(groups__name="admins").first()
    assert user
    upload = uploads.create(user=user, name=name or film.name, size=len(body), camera=camera)
    with film.open("rb") as stream:
        assert uploads.append(upload, stream, len(body), offset=0) == len(body)
    examining.run(upload.pk)
    upload.refresh_from_db()
    return upload


def listed(client: Client) -> list[Any]:
    found: list[Any] = client.get("/arrivals").json()["uploads"]
    return found


def confirm(client: Client, upload: Upload, **fields: str) -> Any:
    return client.post(f"/uploads/{upload.key}/confirm", {"camera": "Yard", **fields})


def test_a_confirmed_upload_is_kept_byte_for_byte_and_queued(
    admin: Client, make_video: Make
) -> None:
    film = make_video(2)
    upload = arrived(film, "VID_20260314_081500.mp4")
    (row,) = listed(admin)
    assert row["told"] == [{"by": "name", "moment": "2026-03-14T08:15:00"}]
    answer = confirm(admin, upload, zone="Europe/Brussels", start="2026-07-01T10:00:00")

    recording = Recording.objects.get()
    assert answer.json() == {
        "recording": recording.pk,
        "url": f"/recordings/{recording.pk}",
        "camera": "Yard",
        "refused": "",
        "known": False,
    }
    assert recording.original_path.read_bytes() == film.read_bytes()
    assert recording.at(0).isoformat() == "2026-07-01T10:00:00+02:00"
    assert Job.objects.get().recording == recording
    assert listed(admin) == []
    assert not upload.path.exists()


def test_a_start_may_be_on_another_clock_than_the_cameras(admin: Client, make_video: Make) -> None:
    Camera.objects.create(name="Yard", zone="America/New_York")
    confirm(admin, arrived(make_video(2)), zone="UTC", start="2026-07-01T10:00:00")
    assert Recording.objects.get().at(0).isoformat() == "2026-07-01T06:00:00-04:00"
    Recording.objects.all().delete()
    confirm(admin, arrived(make_video(2)), start="2026-07-01T10:00:00")
    assert Recording.objects.get().at(0).isoformat() == "2026-07-01T10:00:00-04:00"


def test_the_files_own_data_say_when_it_began_before_its_name_does(
    admin: Client, make_video: Make
) -> None:
    film = make_video(2, name="dated.mp4", created="2026-03-14T09:20:00Z")
    assert [each["by"] for each in arrived(film, "20260314_081500.mp4").told] == ["file", "name"]


def test_the_same_bytes_are_recognised(admin: Client, make_video: Make) -> None:
    first = arrived(make_video(2))
    second = arrived(make_video(2), "again.mp4")
    recording = confirm(admin, first).json()["recording"]
    taken = confirm(admin, second).json()
    assert (taken["recording"], taken["known"]) == (recording, True)

    third = arrived(make_video(2), "once more.mp4")
    (row,) = listed(admin)
    assert row["recording"]["camera"] == "Yard"
    assert not third.path.exists()
    assert (
        admin.delete(f"/uploads/{third.key}", headers={"Tus-Resumable": "1.0.0"}).status_code == 204
    )
    assert listed(admin) == []


def test_what_is_no_recording_is_refused_with_its_reason(admin: Client, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("no video at all")
    upload = arrived(text)
    (row,) = listed(admin)
    assert row["state"] == "failed"
    assert "not a video or a sound recording" in row["error"]
    assert confirm(admin, upload).status_code == 422
    assert not Recording.objects.exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"camera": ""}, "Choose the camera"),
        ({"zone": "Mars/Base"}, "'Mars/Base' is not a time zone"),
        ({"start": "yesterday"}, "'yesterday' is not a moment"),
        ({"camera": "x" * 101}, "longer than 100 characters"),
        (
            {"zone": "Europe/Brussels", "start": "2026-03-29T02:30"},
            "No clock in Europe/Brussels showed 02:30 on that day.",
        ),
    ],
)
def test_wrong_fields_get_a_sentence_and_lose_nothing(
    admin: Client, make_video: Make, fields: dict[str, str], sentence: str
) -> None:
    upload = arrived(make_video(2))
    answer = confirm(admin, upload, **fields)
    assert answer.status_code == 422
    assert sentence in answer.json()["error"]
    assert not Recording.objects.exists()
    assert confirm(admin, upload).status_code == 200


def test_an_interrupted_confirmation_can_be_repeated(admin: Client, make_video: Make) -> None:
    upload = arrived(make_video(2))
    place = settings.REPRISE_DATA / f"originals/{upload.sha256[:2]}/{upload.sha256}.mp4"
    place.parent.mkdir(parents=True, exist_ok=True)
    upload.path.rename(place)  # as a process that was killed before it recorded this
    assert confirm(admin, upload).status_code == 200
    assert Recording.objects.get().original_path == place


def test_only_admins_see_and_confirm_uploads(
    admin: Client, operator: Client, make_video: Make
) -> None:
    upload = arrived(make_video(2))
    assert listed(operator) == []
    assert confirm(operator, upload).status_code == 404
    assert confirm(Client(), upload).status_code == 302


def test_uploads_nobody_goes_on_with_are_removed(admin: Client) -> None:
    user = User.objects.get(groups__name="admins")
    old = uploads.create(user=user, name="old.mp4", size=10)
    new = uploads.create(user=user, name="new.mp4", size=10)
    assert old.path.exists()
    assert str(old.path) not in map(str, garbage())
    past = timezone.now() - timedelta(seconds=1)
    Upload.objects.filter(pk=old.pk).update(expires_at=past)

    uploads.expire()
    assert not old.path.exists()
    assert new.path.exists()
    head = admin.head(f"/uploads/{old.key}", headers={"Tus-Resumable": "1.0.0"})
    assert head.status_code == 410
    assert [row["name"] for row in listed(admin)] == ["new.mp4"]

    Upload.objects.filter(pk=old.pk).update(expires_at=past - uploads.REMEMBERED)
    uploads.expire()
    assert Upload.objects.get() == new


def test_a_request_from_elsewhere_is_refused(admin: Client, make_video: Make) -> None:
    upload = arrived(make_video(2))
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies
    assert strict.delete(f"/uploads/{upload.key}").status_code == 403
    assert confirm(strict, upload).status_code == 403
    assert not Recording.objects.exists()


def test_deleting_asks_first(admin: Client, operator: Client, make_video: Make) -> None:
    confirm(admin, arrived(make_video(2)))
    recording = Recording.objects.get()
    assert operator.post(f"/recordings/{recording.pk}/delete").status_code == 403
    assert "for good" in admin.get(f"/recordings/{recording.pk}/delete").text
    assert recording.original_path.exists()


@pytest.mark.django_db(transaction=True)
def test_deleting_removes_rows_and_files(admin: Client, make_video: Make) -> None:
    confirm(admin, arrived(make_video(2), "a.mp4"))
    recording = Recording.objects.get()
    page = admin.post(f"/recordings/{recording.pk}/delete", follow=True).text
    assert "a.mp4 was deleted." in page
    assert not Recording.objects.exists()
    assert not recording.original_path.exists()
