"""The library by role and by what is under way."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from indexing.models import Camera, Chunk, Job, Recording, Work, Worker
from tests.searchapp.conftest import Footage

pytestmark = pytest.mark.django_db


def waiting_recording(footage: Footage) -> Recording:
    recording = footage(state=Recording.State.INGESTING)
    Chunk.objects.filter(recording=recording, start_s=100).update(
        state=Work.State.WAITING, thumbnails=""
    )
    return recording


def test_an_empty_library_invites_an_admin_to_begin(admin: Client) -> None:
    page = admin.get("/").text
    assert "Add your first recording" in page
    assert "<upload-zone" in page


def test_an_empty_library_tells_others_whom_to_ask(operator: Client) -> None:
    page = operator.get("/").text
    assert "An admin adds recordings" in page
    assert "<upload-zone" not in page


def test_recordings_are_shown_with_their_start_in_the_cameras_zone(
    operator: Client, footage: Footage
) -> None:
    recording = footage()
    page = operator.get("/").text
    assert "12:00:00" in page
    assert "Wed 1 Jul 2026" in page
    assert "clock in Europe/Brussels" in page
    assert f"/recordings/{recording.pk}/thumbnails/75.jpg" in page


def test_an_account_without_a_role_sees_nothing(nobody: Client, footage: Footage) -> None:
    recording = footage()
    assert recording.name not in nobody.get("/").text
    for path in ("", "/media", "/original", "/thumbnails/3.jpg"):
        assert nobody.get(f"/recordings/{recording.pk}{path}").status_code == 404
    assert nobody.get(f"/search?recording={recording.pk}&second=3").status_code == 404


def test_a_refused_recording_says_why(operator: Client, footage: Footage) -> None:
    recording = footage(state=Recording.State.REFUSED)
    Recording.objects.filter(pk=recording.pk).update(reason="It has no index. Copy it again.")
    page = operator.get("/").text
    assert "It has no index. Copy it again." in page
    assert "Remove" not in page


def test_only_what_is_under_way_is_asked_for_again(operator: Client, footage: Footage) -> None:
    done, live = footage("done.mp4"), None
    assert "every 2s" not in operator.get("/").text
    live = waiting_recording(footage)
    assert f'hx-get="/?live={live.pk}&newest={live.pk}"' in operator.get("/").text

    fragment = operator.get(
        f"/?live={live.pk},{done.pk},x,{10**30}", headers={"HX-Request": "true"}
    ).text
    assert f'id="recording-{live.pk}" hx-swap-oob="true"' in " ".join(fragment.split())
    assert f'hx-get="/?live={live.pk}&newest={live.pk}"' in fragment
    assert "Embedding clips" in fragment
    assert "<html" not in fragment


def test_a_recording_that_came_in_by_another_way_shows_up(
    operator: Client, footage: Footage
) -> None:
    live = waiting_recording(footage)
    address = f"/?live={live.pk}&newest={live.pk}"
    assert "HX-Trigger" not in operator.get(address)
    footage("later.mp4")
    assert operator.get(address)["HX-Trigger"] == "refresh"


def test_work_without_a_worker_is_told(operator: Client, footage: Footage) -> None:
    waiting_recording(footage)
    assert "no worker is running" in operator.get("/").text
    Worker.objects.create(name="elsewhere:7", seen_at=timezone.now())
    assert "no worker is running" not in operator.get("/").text


def test_a_worker_busy_with_one_long_piece_is_running(operator: Client, footage: Footage) -> None:
    recording = waiting_recording(footage)
    Chunk.objects.filter(recording=recording, start_s=50).update(
        state=Work.State.RUNNING, lease_until=timezone.now() + timedelta(seconds=30)
    )
    assert "no worker is running" not in operator.get("/").text


def test_htmx_gets_the_shelves_alone(operator: Client, footage: Footage) -> None:
    footage()
    fragment = operator.get("/", headers={"HX-Request": "true"}).text
    assert "North gate" in fragment
    assert "<html" not in fragment


def test_a_camera_with_many_recordings_shows_the_newest_and_links_to_all(
    operator: Client, footage: Footage
) -> None:
    for number in range(13):
        footage(f"{number}.mp4", seconds=1)
    page = operator.get("/").text
    assert page.count('<article class="card"') == 12
    assert "Show all 13 recordings" in page
    assert operator.get("/?camera=North+gate").text.count('<article class="card"') == 13


def test_an_admin_sets_the_zone_of_a_camera(
    admin: Client, operator: Client, footage: Footage
) -> None:
    camera = footage().camera
    address = f"/cameras/{camera.pk}/zone"
    assert operator.post(address, {"zone": "Asia/Tokyo"}).status_code == 403
    page = admin.post(address, {"zone": "Asia/Tokyo"}, follow=True).text
    assert "The times of North gate are now shown in Asia/Tokyo." in page
    assert "19:00:00" in page
    assert "is not a time zone" in admin.post(address, {"zone": "Mars"}, follow=True).text
    assert admin.post("/cameras/99/zone", {"zone": "UTC"}).status_code == 404


def test_an_unknown_camera_is_not_found(operator: Client) -> None:
    assert operator.get("/?camera=Nowhere").status_code == 404


def test_names_are_escaped(operator: Client, footage: Footage) -> None:
    camera = Camera.objects.create(name="<script>alert(1)</script>")
    Recording.objects.filter(pk=footage().pk).update(camera=camera)
    assert "<script>alert" not in operator.get("/").text


def test_quarantined_work_can_be_tried_again_by_admins_only(
    admin: Client, operator: Client, footage: Footage
) -> None:
    recording = footage()
    chunk = recording.chunks.get(start_s=50)
    Chunk.objects.filter(pk=chunk.pk).update(state=Work.State.FAILED, error="A bad frame.")
    assert "Try again" in admin.get("/").text
    assert "Try again" not in operator.get("/").text

    assert operator.post(f"/recordings/{recording.pk}/retry").status_code == 403
    response = admin.post(f"/recordings/{recording.pk}/retry", follow=True)
    assert "1 piece of work will be tried again." in response.text
    chunk.refresh_from_db()
    assert chunk.state == Work.State.WAITING
    assert not Job.objects.exists()
