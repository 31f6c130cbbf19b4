"""The pages of unusual moments: who sees what, what is listed, and judging it."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

from indexing.anomalies.camera_scores import camera_scores
from indexing.anomalies.normal import Score
from indexing.events.labels import standing
from indexing.models import Camera, Recording, Review
from searchapp import anomalies as reads
from tests.footage import add_footage
from tests.indexing.anomalies.test_anomalies import plant
from tests.indexing.anomalies.test_novelty import trained_street, turn_and_mute

pytestmark = pytest.mark.django_db


@pytest.fixture
def street() -> Recording:
    """Six minutes with two strange pictures, and a strange sound between them."""
    add_footage("north", 300, seed=1)
    recording = add_footage("north", 360, seed=2)
    plant(recording, 100, "foreground")
    plant(recording, 200, "sound")
    plant(recording, 300, "foreground")
    return recording


def page_of(client: Client, address: str, **headers: str) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def current(page: str) -> int:
    """The oddest second of the peak that is looked at."""
    found = re.search(r'name="second" value="(\d+)"', page)
    assert found
    return int(found[1])


def judge(client: Client, recording: Recording, second: int, **said: str) -> str:
    """Judge a peak and return the page that follows."""
    address = f"/cameras/{recording.camera.pk}/anomalies/review"
    data = {"recording": str(recording.pk), "second": str(second), **said}
    answer = client.post(address, data, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_camera_is_found_by_its_number_and_by_its_name(
    operator: Client, street: Recording
) -> None:
    for name in (street.camera.pk, street.camera.name):
        page = page_of(operator, f"/cameras/{name}/anomalies/?order=oldest")
        assert "To judge" in page
        assert current(page) == 100
        assert "standard deviations above" in page
    assert operator.get("/cameras/nowhere/anomalies/").status_code == 404


def test_nobody_without_a_role_sees_any_of_it(nobody: Client, street: Recording) -> None:
    pk = street.camera.pk
    assert "There is nothing to judge yet." in page_of(nobody, "/anomalies/")
    for address in (f"/cameras/{pk}/anomalies/", f"/cameras/{pk}/anomalies/curve?since=0&until=9"):
        assert nobody.get(address).status_code == 404
    answer = nobody.post(f"/cameras/{pk}/anomalies/review", {"verdict": "confirmed"})
    assert answer.status_code == 404
    assert Client().get("/anomalies/").status_code == 302


def test_all_cameras_lie_under_each_other_and_say_what_they_lack(
    operator: Client, street: Recording
) -> None:
    add_footage("short", 60)
    page = page_of(operator, "/anomalies/")
    inside = page.partition("<main")[2]
    parts = [page_of(operator, a) for a in re.findall(r'hx-get="([^"]+)"', inside)]
    assert len(parts) == 2
    assert "Judge 3 moments" in parts[0]
    assert "<score-line" in parts[0]
    assert "telling what is normal takes at least 3 min" in parts[1]
    assert "<score-line" not in parts[1]


def test_the_desk_alone_is_sent_to_htmx(operator: Client, street: Recording) -> None:
    address = f"/cameras/{street.camera.pk}/anomalies/"
    part = page_of(operator, address, hx_request="true")
    assert part.startswith("<peak-desk")
    assert "<html" not in part


def test_the_curve_keeps_the_highest_second_of_every_bin(
    operator: Client, street: Recording
) -> None:
    scores = camera_scores(street.camera)
    since, until = int(scores.at.min()), int(scores.at.max()) + 1
    address = f"/cameras/{street.camera.pk}/anomalies/curve?since={since}&until={until}&bins=20"
    found = json.loads(page_of(operator, address))
    assert len(found["scores"]) == len(found["levels"]) <= 20
    assert max(s for s in found["scores"] if s is not None) == pytest.approx(
        scores.values.max(), abs=1e-3
    )
    fine = json.loads(page_of(operator, address.replace("bins=20", "bins=5000")))
    assert fine["step"] == 1
    assert len([s for s in fine["scores"] if s is not None]) == 660


@pytest.mark.parametrize("wrong", ["", "since=9&until=9&bins=20", "since=a&until=9&bins=20"])
def test_a_curve_of_nothing_is_refused(operator: Client, street: Recording, wrong: str) -> None:
    answer = operator.get(f"/cameras/{street.camera.pk}/anomalies/curve?{wrong}")
    assert answer.status_code == 422
    assert answer.json()["error"].endswith(".")


@pytest.mark.parametrize("wrong", ["sigma=x", "sigma=0", "score=odd", "show=all", "second=-1"])
def test_a_link_that_makes_no_sense_gets_a_sentence(
    operator: Client, street: Recording, wrong: str
) -> None:
    answer = operator.get(f"/cameras/{street.camera.pk}/anomalies/?{wrong}")
    assert answer.status_code == 422
    assert "Begin again" in answer.content.decode()


def test_a_camera_with_too_little_says_so(operator: Client) -> None:
    pk = add_footage("short", 60).camera.pk
    answer = operator.get(f"/cameras/{pk}/anomalies/")
    assert answer.status_code == 422
    assert "has 1 min 00 s of embedded footage" in answer.content.decode()


def test_a_judgement_is_kept_and_leads_on_to_the_next(operator: Client, street: Recording) -> None:
    page = judge(operator, street, 100, verdict="confirmed", note="A lorry.", order="oldest")
    assert current(page) == 200
    (kept,) = Review.objects.all()
    assert (kept.user.username, kept.verdict, kept.note) == ("operators", "confirmed", "A lorry.")
    page = judge(operator, street, 200, verdict="unsure", order="oldest")
    assert current(page) == 300
    page = judge(operator, street, 300, verdict="confirmed", order="oldest")
    assert "Nothing waits on this list." in page
    listed = page_of(operator, f"/cameras/{street.camera.pk}/anomalies/?show=reviewed&order=oldest")
    assert listed.count("queue-item") == 3
    assert "you confirmed it" in listed


def test_what_is_like_a_dismissed_moment_is_hidden_until_that_is_taken_back(
    operator: Client, street: Recording
) -> None:
    page = judge(operator, street, 100, verdict="dismissed", order="oldest")
    assert current(page) == 200
    assert "1 more like those you dismissed is hidden." in page
    hidden = page_of(operator, f"/cameras/{street.camera.pk}/anomalies/?show=hidden")
    assert current(hidden) == 300
    assert "which you dismissed" in hidden

    kept = Review.objects.get()
    answer = operator.post(f"/reviews/{kept.pk}/undo", {"order": "oldest"})
    assert parse_qs(urlsplit(answer["Location"]).query)["second"] == ["100"]
    page = page_of(operator, answer["Location"])
    assert current(page) == 100
    assert "like those you dismissed" not in page
    assert not Review.objects.exists()
    again = operator.post(f"/reviews/{kept.pk}/undo", follow=True)
    assert "This was taken back already." in again.content.decode()


def test_everybody_judges_for_himself(operator: Client, admin: Client, street: Recording) -> None:
    judge(operator, street, 100, verdict="dismissed")
    kept = Review.objects.get()
    page = page_of(admin, f"/cameras/{street.camera.pk}/anomalies/?order=oldest")
    assert current(page) == 100
    admin.post(f"/reviews/{kept.pk}/undo")
    assert Review.objects.exists()


def test_a_peak_becomes_a_label(operator: Client, street: Recording) -> None:
    page = judge(operator, street, 200, event="siren", order="oldest")
    (label,) = standing(recording=street)
    assert (label.event, label.start_s, label.end_s) == ("siren", 200, 201)
    assert label.made_by == "operators"
    assert Review.objects.get().verdict == "confirmed"
    assert 'value="siren"' in page  # at hand for the next
    page = judge(operator, street, 200, event="siren")
    assert "have this label already" in page


def test_a_judgement_that_makes_no_sense_gets_a_sentence(
    operator: Client, street: Recording
) -> None:
    assert "Name the event" in judge(operator, street, 100)
    assert "no peak any more" in judge(operator, street, 101, verdict="confirmed")
    assert "names something that is not here" in judge(operator, street, 100, verdict="odd")
    assert not Review.objects.exists()


def test_next_previous_and_the_timeline_lead_to_peaks(operator: Client, street: Recording) -> None:
    user = User.objects.get(username="operators")
    camera = Camera.objects.get()
    choice = reads.Choice(Score.COMBINED, 3.0, "oldest", "open")
    scores = camera_scores(camera)

    def second(**wanted: object) -> int:
        desk = reads.Desk(user, scores, choice, reads.Wanted(**wanted))  # type: ignore[arg-type]
        assert desk.current
        return desk.current.peak.peak

    pk, zero = street.pk, round(street.start.timestamp())
    assert second(key=(pk, 200)) == 200
    assert second(key=(pk, 200), step="next") == 300
    assert second(key=(pk, 200), step="previous") == 100
    assert second(key=(pk, 300), step="next") == 100
    assert second(near=(zero + 205, 10)) == 200
    assert second(near=(zero + 250, 10)) == 100
    assert second(key=(999, 1)) == 100


def test_the_recording_leads_to_its_camera(operator: Client, street: Recording) -> None:
    page = page_of(operator, f"/recordings/{street.pk}")
    assert f'href="/cameras/{street.camera.pk}/anomalies/"' in page


def test_drift_is_told_with_what_to_do(operator: Client) -> None:
    pk = trained_street().camera.pk
    assert "drift" not in page_of(operator, f"/cameras/{pk}/anomalies/")
    turn_and_mute()
    page = page_of(operator, f"/cameras/{pk}/anomalies/")
    assert "stand out from what the encoder was trained on, where 5% would be usual." in page
    assert "The microphone may be dead." in page
    assert '<a href="/encoders?camera=north">train the camera again</a>' in page
