"""The page of one recording."""

import json
import re
from html import unescape

import pytest
from django.test import Client

from indexing.models import Chunk, Recording, Work
from tests.searchapp.conftest import Footage

pytestmark = pytest.mark.django_db


def spans(page: str) -> list[dict[str, object]]:
    match = re.search(r'data-spans="(.*?)"', page)
    assert match
    found: list[dict[str, object]] = json.loads(unescape(match.group(1)))
    return found


def test_it_opens_at_the_second_of_the_link(operator: Client, footage: Footage) -> None:
    recording = footage()
    page = operator.get(f"/recordings/{recording.pk}?t=0:01:05").text
    assert f'href="/search?recording={recording.pk}&second=65"' in page
    assert "12:01:05" in page
    assert f"/recordings/{recording.pk}/media#t=65" in page


@pytest.mark.parametrize(
    ("text", "second"), [("9999", 149), ("9" * 5000, 0), ("soon", 0), ("", 0), ("-4", 0)]
)
def test_a_second_outside_is_moved_inside(
    operator: Client, footage: Footage, text: str, second: int
) -> None:
    recording = footage()
    page = operator.get(f"/recordings/{recording.pk}", {"t": text}).text
    assert f'data-second="{second}"' in page


def test_the_timeline_knows_what_is_searchable_pending_failed_and_missing(
    operator: Client, footage: Footage
) -> None:
    recording = footage()
    chunks = Chunk.objects.filter(recording=recording)
    chunks.filter(start_s=50).update(state=Work.State.FAILED, error="A bad frame.")
    last = chunks.get(start_s=100)
    last.shards.all().delete()
    Recording.objects.filter(pk=recording.pk).update(
        gaps=[{"start": 10, "end": 12, "reason": "No frames."}]
    )

    page = operator.get(f"/recordings/{recording.pk}").text
    assert spans(page) == [
        {"start": 0, "end": 50, "state": "searchable", "reason": ""},
        {"start": 50, "end": 100, "state": "failed", "reason": "A bad frame."},
        {"start": 100, "end": 150, "state": "pending", "reason": ""},
        {"start": 10, "end": 12, "state": "gap", "reason": "No frames."},
    ]
    assert "1 gap in the file" in page
    assert "A bad frame." in page
    assert "50 seconds of 150 seconds can be searched" in page or "100 seconds" in page


def test_neighbouring_chunks_are_one_span(operator: Client, footage: Footage) -> None:
    page = operator.get(f"/recordings/{footage().pk}").text
    assert spans(page) == [{"start": 0, "end": 150, "state": "searchable", "reason": ""}]
    assert "every 2s" not in page


def test_without_a_playable_copy_pictures_stand_in(operator: Client, footage: Footage) -> None:
    recording = footage(state=Recording.State.INGESTING)
    Recording.objects.filter(pk=recording.pk).update(playable="")
    page = operator.get(f"/recordings/{recording.pk}?t=7").text
    assert "<video" not in page
    assert f"/recordings/{recording.pk}/thumbnails/7.jpg" in page
    assert "is still being made" in page


def test_progress_is_asked_for_while_it_comes_in(operator: Client, footage: Footage) -> None:
    recording = footage(state=Recording.State.INGESTING)
    Chunk.objects.filter(recording=recording, start_s=100).update(state=Work.State.WAITING)
    assert "every 2s" in operator.get(f"/recordings/{recording.pk}").text
    fragment = operator.get(f"/recordings/{recording.pk}", headers={"HX-Request": "true"}).text
    assert "Embedding clips" in fragment
    assert "<html" not in fragment


def test_a_refused_recording_shows_the_reason_alone(operator: Client, footage: Footage) -> None:
    recording = footage(state=Recording.State.REFUSED)
    Recording.objects.filter(pk=recording.pk).update(reason="It is text, not video.")
    page = operator.get(f"/recordings/{recording.pk}").text
    assert "It is text, not video." in page
    assert "<review-desk" not in page


def test_only_admins_are_offered_to_delete(
    admin: Client, operator: Client, footage: Footage
) -> None:
    recording = footage()
    address = f"/recordings/{recording.pk}/delete"
    assert address in admin.get(f"/recordings/{recording.pk}").text
    assert address not in operator.get(f"/recordings/{recording.pk}").text


def test_an_unknown_recording_is_not_found(operator: Client) -> None:
    response = operator.get("/recordings/12345")
    assert response.status_code == 404
    assert "There is nothing at this address." in response.text
