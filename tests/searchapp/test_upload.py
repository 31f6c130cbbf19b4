"""Uploads: one request a file, its body being the file's bytes."""

from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client

from indexing.models import Camera, Job, Recording

pytestmark = pytest.mark.django_db

OCTETS = "application/octet-stream"


def address(path: str = "/upload", **fields: str) -> str:
    return f"{path}?{urlencode({'name': 'a.mp4', 'camera': 'Yard', **fields})}"


def test_an_upload_is_kept_byte_for_byte_and_queued(admin: Client) -> None:
    where = address(zone="Europe/Brussels", start="2026-07-01T10:00:00")
    response = admin.post(where, data=b"some bytes", content_type=OCTETS)

    recording = Recording.objects.get()
    assert response.json() == {
        "recording": recording.pk,
        "known": False,
        "url": f"/recordings/{recording.pk}",
        "camera": "Yard",
        "refused": "",
    }
    assert recording.original_path.read_bytes() == b"some bytes"
    assert recording.at(0).isoformat() == "2026-07-01T10:00:00+02:00"
    assert Job.objects.get().recording == recording


def test_the_start_is_read_on_the_clock_of_a_known_camera(admin: Client) -> None:
    Camera.objects.create(name="Yard", zone="America/New_York")
    where = address(zone="Europe/Brussels", start="2026-07-01T10:00:00")
    admin.post(where, data=b"x", content_type=OCTETS)
    assert Recording.objects.get().at(0).isoformat() == "2026-07-01T10:00:00-04:00"


def test_the_same_bytes_are_recognised(admin: Client) -> None:
    first = admin.post(address(), data=b"same", content_type=OCTETS).json()
    again = admin.post(address(name="b.mp4"), data=b"same", content_type=OCTETS).json()
    assert (again["recording"], again["known"]) == (first["recording"], True)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"camera": ""}, "Choose the camera"),
        ({"name": ""}, "The file has no name"),
        ({"zone": "Mars/Base"}, "'Mars/Base' is not a time zone"),
        ({"start": "yesterday"}, "'yesterday' is not a moment"),
        ({"camera": "x" * 101}, "longer than 100 characters"),
    ],
)
def test_wrong_fields_get_a_sentence(admin: Client, fields: dict[str, str], sentence: str) -> None:
    response = admin.post(address(**fields), data=b"x", content_type=OCTETS)
    assert response.status_code == 422
    assert sentence in response.json()["error"]
    assert not Recording.objects.exists()


def test_an_empty_file_is_refused(admin: Client) -> None:
    response = admin.post(address(), data=b"", content_type=OCTETS)
    assert "empty" in response.json()["error"]
    assert not Camera.objects.exists()


def test_a_disk_without_room_is_told_before_the_bytes_travel(admin: Client) -> None:
    response = admin.get(address("/upload/check", size=str(10**18)))
    assert "server's disk has" in response.json()["error"]
    assert admin.get(address("/upload/check", size="10")).json() == {"error": ""}
    wrong = admin.get(address("/upload/check", size="10", zone="Mars/Base"))
    assert "not a time zone" in wrong.json()["error"]


def test_only_admins_upload(operator: Client) -> None:
    assert operator.post(address(), data=b"x", content_type=OCTETS).status_code == 403
    assert operator.get(address("/upload/check", size="10")).status_code == 403
    assert not Recording.objects.exists()


def test_a_request_from_elsewhere_is_refused(admin: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies
    response = strict.post(address(), data=b"x", content_type=OCTETS)
    assert response.status_code == 403
    assert not Recording.objects.exists()


def test_deleting_asks_first_and_removes_the_files(admin: Client, operator: Client) -> None:
    admin.post(address(), data=b"gone", content_type=OCTETS)
    recording = Recording.objects.get()
    path = Path(settings.REPRISE_DATA / recording.original)

    assert operator.post(f"/recordings/{recording.pk}/delete").status_code == 403
    assert "for good" in admin.get(f"/recordings/{recording.pk}/delete").text
    assert path.exists()


@pytest.mark.django_db(transaction=True)
def test_deleting_removes_rows_and_files(admin: Client) -> None:
    admin.post(address(), data=b"gone too", content_type=OCTETS)
    recording = Recording.objects.get()
    path = Path(settings.REPRISE_DATA / recording.original)

    page = admin.post(f"/recordings/{recording.pk}/delete", follow=True).text
    assert "a.mp4 was deleted." in page
    assert not Recording.objects.exists()
    assert not path.exists()
