"""Saved searches: kept with their answer, asked again to the same ranking, each account's own."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from indexing.casework import saved as door
from indexing.casework.saved import SavedError
from indexing.models import Camera, Delivery, Encoder, Notification, Recording, SavedSearch, Shard
from indexing.search.query import Clip, SearchQuery, With
from tests.searchapp.conftest import START, Footage

pytestmark = pytest.mark.django_db


def link(recording: Recording) -> str:
    return f"recording={recording.pk}&second=40&exclusion=10&k=8&weight=0.25&camera=North+gate"


def save(client: Client, recording: Recording, name: str = "Pink bus") -> SavedSearch:
    client.post("/saved", {"query": link(recording), "name": name})
    return SavedSearch.objects.get(name=name)


def test_a_search_is_saved_where_its_hits_are(operator: Client, footage: Footage) -> None:
    recording = footage()
    page = operator.get(f"/search?{link(recording)}").text
    assert "Save this search as" in page
    asked = re.search(r'name="query" value="([^"]*)"', page)
    assert asked
    assert asked[1].replace("&amp;", "&") == link(recording)
    answer = operator.post(
        "/saved", {"query": link(recording), "name": "Pink bus"}, headers={"HX-Request": "true"}
    )
    kept = SavedSearch.objects.get()
    assert f'href="/saved/{kept.pk}"' in answer.text
    assert "<html" not in answer.text
    assert "Pink bus" in operator.get("/saved").text


def test_it_keeps_all_that_determines_the_ranking(db: None, footage: Footage) -> None:
    recording = footage()
    user = User.objects.create_user("u")
    query = SearchQuery(
        recording_id=recording.pk,
        second=40,
        modality=With.VIDEO,
        audio_weight=0.25,
        k=7,
        exclusion_s=5,
        cameras=("North gate",),
        recordings=(recording.pk,),
        since=START + timedelta(seconds=20),
        until=START + timedelta(seconds=140),
        encoder_id=recording.camera.encoder_id,
        also=(Clip(recording.pk, 70),),
        this=(Clip(recording.pk, 100),),
        not_this=(Clip(recording.pk, 120), Clip(recording.pk, 130)),
    )
    kept = door.save(user, "  all   of it ", query)
    kept.refresh_from_db()
    assert kept.name == "all of it"
    assert door.question(kept) == query
    assert json.loads(json.dumps(kept.hits)) == kept.hits
    assert len(kept.hits) == 7
    assert kept.index["clips"] == 118
    assert kept.index["encoders"][0]["id"] == recording.camera.encoder_id


def test_asked_again_it_gives_the_same_ranking(operator: Client, footage: Footage) -> None:
    kept = save(operator, footage())
    found = door.replay(kept)
    assert found.same
    assert found.changes == ()
    assert [row.said for row in found.rows] == [""] * 8
    assert [row.now for row in found.rows] == kept.hits
    page = operator.get(f"/saved/{kept.pk}").text
    assert "The ranking is the same as when it was saved, hit by hit." in page
    assert "Neither its footage nor its encoder has changed since." in page
    assert page.count('<article class="hit"') == 8


def test_more_footage_is_told_with_what_differs(operator: Client, footage: Footage) -> None:
    kept = save(operator, footage())
    footage("later.mp4", start=START + timedelta(hours=1))
    found = door.replay(kept)
    assert found.changes == (
        "The footage has changed: then 150 clips of 1 recording were searched, "
        "now 300 of 2 recordings.",
        "Added since: later.mp4.",
    )
    assert not found.same
    new = [row for row in found.rows if row.said == "new"]
    gone = [row for row in found.rows if row.said == "not found now"]
    assert new
    assert gone
    assert len(new) == len(gone)
    page = operator.get(f"/saved/{kept.pk}").text
    assert "Added since: later.mp4." in page
    assert "not found now" in page
    later = Recording.objects.get(name="later.mp4")
    later.delete()
    assert door.replay(kept).same


def test_another_encoder_is_told_and_that_of_then_still_answers(
    operator: Client, footage: Footage
) -> None:
    recording = footage()
    kept = save(operator, recording)
    other = switch(recording.camera)
    found = door.replay(kept)
    assert found.same
    assert found.encoder == kept.encoder
    assert found.changes == (
        "The encoder has changed: then starter 1 of North gate, "
        "now trained 2 of North gate is in use.",
    )
    assert door.replay(kept, now=True).encoder == other
    page = operator.get(f"/saved/{kept.pk}").text
    assert "Ask it by the encoder in use" in page
    assert f"/encoders/compare?left={kept.encoder_id}&amp;right={other.pk}&amp;" in page
    Encoder.objects.filter(version=1).update(state=Encoder.State.RETIRED)
    kept.refresh_from_db()
    found = door.replay(kept)
    assert found.encoder == other
    assert "The embeddings of then are gone" in found.changes[1]


def switch(camera: Camera) -> Encoder:
    """Put another encoder in use that has embedded the same."""
    first = Encoder.objects.get(camera=camera)
    other = Encoder.objects.get(camera=camera)
    other.version, other.kind, other.sha256 = 2, Encoder.Kind.EPG, "other"
    other.pk = max(Encoder.objects.values_list("pk", flat=True)) + 1
    other.save(force_insert=True)
    for shard in Shard.objects.filter(encoder=first):
        columns = {name: getattr(shard, name) for name in ("clips", "file", "size", "sha256")}
        Shard.objects.create(chunk=shard.chunk, encoder=other, **columns)
    camera.encoder = other
    camera.save()
    return other


def test_what_was_found_outlives_the_recording(operator: Client, footage: Footage) -> None:
    recording = footage()
    kept = save(operator, recording)
    recording.delete()
    page = operator.get(f"/saved/{kept.pk}").text
    assert "The recording of the query was deleted" in page
    assert "street.mp4, was deleted" in page
    assert "was deleted" in operator.get("/saved").text


def test_a_name_is_needed_once(operator: Client, footage: Footage) -> None:
    recording = footage()
    kept = save(operator, recording)
    for name, sentence in (
        (" ", "Give the search a name"),
        ("x" * 121, "at most 120 characters"),
        ("Pink bus", "A search called Pink bus is saved already"),
    ):
        data = {"query": link(recording), "name": name}
        answer = operator.post("/saved", data, headers={"HX-Request": "true"})
        assert answer.status_code == 422
        assert sentence in answer.text
    operator.post(f"/saved/{kept.pk}/rename", {"name": "Red bus"})
    kept.refresh_from_db()
    assert kept.name == "Red bus"
    second = save(operator, recording, "Another")
    with pytest.raises(SavedError, match="Red bus is saved already"):
        door.rename(second, "Red bus")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "is not there any more"),
        ("recording=x", "is not there any more"),
        ("recording={pk}&second=999", "second 999 is outside"),
        ("recording={pk}&second=1&k=0", "The number of hits must be"),
    ],
)
def test_a_search_without_an_answer_is_not_saved(
    operator: Client, footage: Footage, query: str, sentence: str
) -> None:
    data = {"query": query.format(pk=footage().pk), "name": "n"}
    answer = operator.post("/saved", data, headers={"HX-Request": "true"})
    assert sentence in answer.text
    assert not SavedSearch.objects.exists()


def test_it_is_deleted_after_a_question(operator: Client, footage: Footage) -> None:
    kept = save(operator, footage())
    assert "Delete this saved search?" in operator.get(f"/saved/{kept.pk}/delete").text
    assert SavedSearch.objects.exists()
    assert operator.post(f"/saved/{kept.pk}/delete").status_code == 302
    assert not SavedSearch.objects.exists()


def test_each_account_has_its_own(
    operator: Client, admin: Client, nobody: Client, footage: Footage
) -> None:
    kept = save(operator, footage())
    assert "Pink bus" not in admin.get("/saved").text
    for client, status in ((admin, 404), (nobody, 403)):
        assert client.get(f"/saved/{kept.pk}").status_code == status
        assert client.post(f"/saved/{kept.pk}/rename", {"name": "x"}).status_code == status
        assert client.post(f"/saved/{kept.pk}/delete").status_code == status
    assert nobody.get("/saved").status_code == 403
    assert Client().get("/saved").status_code == 302
    kept.refresh_from_db()
    assert kept.name == "Pink bus"


TERMS = {"measure": "distance", "threshold": "5", "cool_down": "60", "webhook": "", "email": ""}


def test_it_stands_on_the_terms_of_the_page(operator: Client, footage: Footage) -> None:
    kept = save(operator, footage())
    page = operator.get(f"/saved/{kept.pk}").text
    assert "It would have given" in page
    part = operator.get(f"/saved/{kept.pk}/past", TERMS).text
    assert "notification" in part
    assert "<html" not in part
    part = operator.get(f"/saved/{kept.pk}/past", {**TERMS, "threshold": "x"}).text
    assert "The threshold must be a number." in part
    page = operator.post(f"/saved/{kept.pk}/stand", TERMS, follow=True).text
    assert "Pink bus stands: new footage is held against it." in page
    assert "within a distance of 5" in page
    kept.refresh_from_db()
    assert kept.standing
    page = operator.post(f"/saved/{kept.pk}/stop", follow=True).text
    assert "does not stand any more" in page
    kept.refresh_from_db()
    assert not kept.standing


def test_judged_hits_are_said_not_to_count_in_what_stands(
    operator: Client, footage: Footage
) -> None:
    recording = footage()
    told = "Your judged hits refine this search when it is asked"
    assert told not in operator.get(f"/saved/{save(operator, recording).pk}").text
    marked = {"query": f"{link(recording)}&this={recording.pk}:100", "name": "Judged"}
    operator.post("/saved", marked)
    kept = SavedSearch.objects.get(name="Judged")
    assert told in operator.get(f"/saved/{kept.pk}").text


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ({"measure": "luck"}, "A threshold is a percentile or a distance."),
        ({"threshold": "-1"}, "A distance is above 0"),
        ({"cool_down": "999999"}, "The cool-down is 0 seconds to 24 hours."),
        ({"webhook": "ftp://x.example"}, "begins with https:// or http://"),
        ({"webhook": "https://" + "x" * 600}, "at most 500 characters"),
        ({"email": "a@b.example"}, "This server sends no e-mail"),
    ],
)
def test_wrong_terms_get_a_sentence(
    operator: Client, footage: Footage, terms: dict[str, str], sentence: str
) -> None:
    kept = save(operator, footage())
    page = operator.post(f"/saved/{kept.pk}/stand", {**TERMS, **terms}, follow=True).text
    assert sentence in page
    kept.refresh_from_db()
    assert not kept.standing


def notified(kept: SavedSearch, recording: Recording) -> Notification:
    at = recording.at(50)
    places = {"recording": recording, "second": 50, "at": at}
    return Notification.objects.create(saved=kept, distance=0.5, limit=0.75, **places)


def test_the_bell_counts_what_is_unread(operator: Client, admin: Client, footage: Footage) -> None:
    recording = footage()
    found = notified(save(operator, recording), recording)
    Delivery.objects.create(notification=found, channel="webhook", state="failed", error="No.")
    assert "Notifications, 1 unread" in operator.get("/").text
    assert "Notifications, 1 unread" in operator.get("/notifications/bell").text
    assert "Notifications, 0 unread" in admin.get("/").text
    page = operator.get("/notifications").text
    assert "Distance 0.500, nearer than 0.750" in page
    assert "not delivered. No." in page
    assert "12:00:50" in page
    admin.post("/notifications/read", {"number": found.pk})
    assert "Notifications, 1 unread" in operator.get("/").text
    operator.post("/notifications/read", {"number": found.pk})
    assert "Notifications, 0 unread" in operator.get("/").text
    assert operator.post("/notifications/read", {"number": "x"}).status_code == 302
