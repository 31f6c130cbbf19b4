"""Searching with a file of one's own: sent, its moment chosen, searched with, deleted."""

from hashlib import sha256

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from indexing.footage.intake import SAMPLES
from indexing.models import Camera, Label, Recording
from tests.footage import add_footage
from tests.searchapp.conftest import Footage, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def analyst(db: None) -> Client:
    return signed_in("analysts")


@pytest.fixture
def sample(analyst: Client) -> Recording:
    """A file of the analyst's own, read and ready."""
    add_footage("North gate", 120)
    Camera.objects.create(name=SAMPLES, samples=True)
    found = add_footage(SAMPLES, 20, seed=7)
    found.sent_by = User.objects.get(username="analysts")
    found.save()
    return found


def test_a_file_is_sent_and_its_moment_is_chosen_next(analyst: Client) -> None:
    file = SimpleUploadedFile("siren.wav", b"a siren")
    answer = analyst.post("/search/file", {"file": file})

    found = Recording.objects.get()
    assert answer["Location"] == f"/recordings/{found.pk}"
    assert (found.name, found.camera.name) == ("siren.wav", SAMPLES)
    assert found.sent_by == User.objects.get(username="analysts")
    page = analyst.get(f"/recordings/{found.pk}").text
    assert "search all cameras for it" in page
    assert "Unusual moments" not in page
    assert "siren.wav" in analyst.get("/search").text
    assert "siren.wav" not in analyst.get("/").text


def test_a_script_is_told_where_to_go_and_what_is_wrong(analyst: Client) -> None:
    file = SimpleUploadedFile("siren.wav", b"a siren")
    told = analyst.post("/search/file", {"file": file}, headers={"Accept": "application/json"})
    assert told.json() == {"place": f"/recordings/{Recording.objects.get().pk}"}
    empty = SimpleUploadedFile("siren.wav", b"")
    told = analyst.post("/search/file", {"file": empty}, headers={"Accept": "application/json"})
    assert told.status_code == 422
    assert "is empty" in told.json()["problem"]
    assert "Choose a file" in analyst.post("/search/file", follow=True).text


def test_what_the_library_holds_already_is_searched_from_there(
    analyst: Client, footage: Footage
) -> None:
    held = footage()
    file = SimpleUploadedFile("copy.mp4", held.original_path.read_bytes())
    Recording.objects.update(sha256=sha256(file.read()).hexdigest())
    file.seek(0)
    page = analyst.post("/search/file", {"file": file}, follow=True)
    assert page.redirect_chain == [(f"/recordings/{held.pk}", 302)]
    assert "in the library already, as street.mp4 of North gate" in page.text


def test_all_cameras_are_searched_with_it(analyst: Client, sample: Recording) -> None:
    page = analyst.get(f"/search?recording={sample.pk}&second=3&exclusion=5&k=10").text
    assert page.count('<article class="hit"') == 10
    assert "all of them if none is ticked" in page
    assert "Your file" in page
    assert f'value="{SAMPLES}"' not in page  # it is no camera to search
    when = analyst.get(f"/search?recording={sample.pk}&second=3&view=when")
    assert "in UTC" in when.text


def test_an_event_is_made_of_its_hits_alone(analyst: Client, sample: Recording) -> None:
    hit = Recording.objects.get(camera__samples=False)
    asked = {"recording": sample.pk, "second": 3, "event": "siren"}
    refused = analyst.post("/search/event", asked, follow=True)
    assert "Mark at least one hit" in refused.text
    analyst.post("/search/event", {**asked, "this": f"{hit.pk}:40"})
    assert [label.recording for label in Label.objects.all()] == [hit]


def test_its_owner_and_admins_delete_it_and_nobody_else(
    analyst: Client, operator: Client, admin: Client, sample: Recording
) -> None:
    address = f"/recordings/{sample.pk}/delete"
    assert operator.get(address).status_code == 403
    assert admin.get(address).status_code == 200
    footage = Recording.objects.get(camera__samples=False)
    assert analyst.get(f"/recordings/{footage.pk}/delete").status_code == 403
    assert "siren" not in operator.get("/search").text
    assert analyst.post(address)["Location"] == "/search"
    assert not Recording.objects.filter(camera__samples=True).exists()


def test_who_has_no_role_sends_nothing(nobody: Client) -> None:
    file = SimpleUploadedFile("siren.wav", b"a siren")
    assert nobody.post("/search/file", {"file": file}).status_code == 403
    assert not Recording.objects.exists()
