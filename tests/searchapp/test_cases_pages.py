"""Bookmarks, cases and the pages of evidence: kept, ordered, undone, each account's own."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from indexing.casework.cases import LONGEST_NOTE, moments_of
from indexing.files import publish
from indexing.models import Bookmark, Case, CaseMoment, Export, Recording
from tests.searchapp.conftest import Footage

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def collect(client: Client, recording: Recording, **data: object) -> str:
    url = f"/recordings/{recording.pk}/collect"
    return client.post(url, {"start": 40, **data}, headers=HTMX).text


def a_case(client: Client, recording: Recording) -> Case:
    collect(client, recording, to="new", title="The pink bus", kind="hit", distance="0.25")
    found = Case.objects.latest("pk")
    collect(client, recording, to=found.pk, start=60, end=65)
    collect(client, recording, to=found.pk, start=80)
    return found


def order(case: Case) -> list[int]:
    return [each.start_s for each in moments_of(case)]


def test_a_moment_is_kept_from_a_hit_and_from_its_recording(
    operator: Client, footage: Footage
) -> None:
    recording = footage()
    hits = operator.get(f"/search?recording={recording.pk}&second=40&exclusion=10&k=2").text
    assert hits.count("<keep-moment") == 2
    assert "kind=hit&rank=1&distance=" in hits
    assert "<keep-moment" in operator.get(f"/recordings/{recording.pk}").text
    form = operator.get(f"/recordings/{recording.pk}/collect?start=7&kind=hit&distance=0.5").text
    peak = operator.get(f"/recordings/{recording.pk}/collect?start=7&end=11&kind=peak").text
    assert 'name="end" value="11"' in peak
    assert 'name="end" value="8"' in form
    assert 'name="start" value="7"' in form
    assert 'name="distance" value="0.5"' in form
    assert "is <a" in collect(operator, recording)
    kept = Bookmark.objects.get()
    assert (kept.recording, kept.second) == (recording, 40)
    case = a_case(operator, recording)
    first, second, _ = moments_of(case)
    assert (first.kind, first.scores, first.note) == ("hit", {"distance": 0.25}, "")
    assert (second.start_s, second.end_s) == (60, 65)
    assert first.encoder["name"] == "starter 1 of North gate"
    assert first.source["at"] == "2026-07-01T12:00:40+02:00"
    page = operator.get(f"/cases/{case.pk}").text
    assert "12:00:40" in page
    assert "distance 0.250" in page
    assert "The pink bus" in operator.get("/cases").text


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"start": 150}, "has no such seconds"),
        ({"to": "new", "title": " "}, "Give the case a title."),
        ({"to": "new", "title": "x" * 201}, "at most 200 characters"),
        ({"note": "x" * (LONGEST_NOTE + 1)}, "at most 2,000 characters"),
        ({"to": "new", "title": "t", "kind": "luck"}, "not “luck”"),
        ({"to": "new", "title": "t", "start": 5, "end": 4}, "has no such seconds"),
    ],
)
def test_what_cannot_be_kept_gets_a_sentence(
    operator: Client, footage: Footage, data: dict[str, object], sentence: str
) -> None:
    assert sentence in collect(operator, footage(), **data)
    assert not Bookmark.objects.exists()
    assert not CaseMoment.objects.exists()


def test_moments_are_ordered_noted_removed_and_put_back(operator: Client, footage: Footage) -> None:
    case = a_case(operator, footage())
    assert order(case) == [40, 60, 80]
    middle = moments_of(case)[1]
    url = f"/moments/{middle.pk}"
    operator.post(url, {"do": "up"})
    assert order(case) == [60, 40, 80]
    operator.post(url, {"do": "up"})
    assert order(case) == [60, 40, 80]
    operator.post(url, {"do": "down"})
    operator.post(url, {"do": "down"})
    assert order(case) == [40, 80, 60]
    operator.post(url, {"do": "note", "note": "It turns."})
    page = operator.post(url, {"do": "remove"}, follow=True).text
    assert order(case) == [40, 80]
    assert "The moment was removed." in page
    assert f'action="{url}"' in page
    operator.post(url, {"do": "back"})
    assert order(case) == [40, 80, 60]
    assert moments_of(case)[2].note == "It turns."


def test_a_bookmark_is_removed_and_put_back(operator: Client, footage: Footage) -> None:
    collect(operator, footage(), note="Odd.")
    kept = Bookmark.objects.get()
    assert "Odd." in operator.get("/cases").text
    page = operator.post(f"/bookmarks/{kept.pk}", follow=True).text
    assert "The bookmark was removed." in page
    assert "Odd." not in page
    assert "Odd." in operator.post(f"/bookmarks/{kept.pk}", {"do": "back"}, follow=True).text


def test_a_case_is_changed_and_deleted_after_a_question(operator: Client, footage: Footage) -> None:
    case = a_case(operator, footage())
    page = operator.post(f"/cases/{case.pk}", {"title": "Red", "note": "N."}, follow=True).text
    assert "N." in page
    page = operator.post(f"/cases/{case.pk}", {"title": ""}, follow=True).text
    assert "Give the case a title." in page
    assert "Delete this case?" in operator.get(f"/cases/{case.pk}/delete").text
    operator.post(f"/cases/{case.pk}/delete")
    assert not Case.objects.exists()


def test_each_account_has_its_own(
    operator: Client, admin: Client, nobody: Client, footage: Footage
) -> None:
    recording = footage()
    case = a_case(operator, recording)
    collect(operator, recording)
    moment, kept = CaseMoment.objects.earliest("pk"), Bookmark.objects.get()
    made = publish("exports", ".zip", lambda path: path.write_bytes(b"zip"))
    user = User.objects.get(username="operators")
    export = Export.objects.create(
        user=user, title="t", moments=[], options={}, state="done", file=made.file
    )
    assert "pink" not in admin.get("/cases").text
    assert operator.get(f"/evidence/{export.pk}/file").headers["Content-Type"] == "application/zip"
    for client, status in ((admin, 404), (nobody, 403)):
        for url in (
            f"/cases/{case.pk}",
            f"/cases/{case.pk}/delete",
            f"/cases/{case.pk}/evidence",
            f"/evidence/{export.pk}",
            f"/evidence/{export.pk}/file",
        ):
            assert client.get(url).status_code == status, url
        assert client.post(f"/moments/{moment.pk}", {"do": "remove"}).status_code == status
        assert client.post(f"/bookmarks/{kept.pk}").status_code == status
    theirs = admin.post(f"/recordings/{recording.pk}/collect", {"to": case.pk, "start": 1})
    assert theirs.status_code == 404
    hidden = nobody.get(f"/recordings/{recording.pk}/evidence?start=1&end=2")
    assert hidden.status_code == 404
    assert order(case) == [40, 60, 80]
    assert Case.objects.get() == case


def test_evidence_of_what_is_no_video_says_so(operator: Client, footage: Footage) -> None:
    recording = footage()
    recording.media = {
        "container": "mp4", "duration_s": 150, "start_time": 0.0, "audio": None, "gaps": [],
        "browser_playable": True, "video": {
            "index": 0, "codec": "h264", "width": 32, "height": 18, "pix_fmt": "yuv420p",
            "pixel_aspect": 1.0, "rotation": 0, "fps": 5.0, "variable_rate": False,
            "keyframe_interval_s": 1.0, "copyable": True, "start_s": 0.0, "end_s": 150.0,
        },
    }  # fmt: skip
    recording.save()
    case = a_case(operator, recording)
    page = operator.get(f"/cases/{case.pk}/evidence").text
    assert "There is no picture in this stretch of the recording." in page
    asked = operator.post(f"/cases/{case.pk}/evidence", {"before": "5", "after": "5"})
    assert asked.status_code == 422
    assert "Take that moment out of the case" in asked.text
    page = operator.get(f"/cases/{case.pk}/evidence?before=9999").text
    assert "The context is 0 to 300 seconds on each side." in page
    assert operator.get(f"/recordings/{recording.pk}/evidence?start=500").status_code == 404
    assert not Export.objects.exists()
