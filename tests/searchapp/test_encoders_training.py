"""The pages of trainings: begun, followed, paused, gone on with, cancelled, and what came of it."""

import json
import re
from html import unescape

import pytest
from django.test import Client

from indexing.learning import training as trainings
from indexing.models import Camera, Job, Training, Work
from tests.searchapp.conftest import Footage, signed_in

pytestmark = pytest.mark.django_db

LIVE = {"HX-Request": "true"}
EPOCH = {
    "epoch": 1,
    "stage": "both at once",
    "loss": 2.5,
    "positive_rate": 0.01,
    "alignment": 0.66,
    "spread": 12.0,
    "seconds": 20.0,
    "warning": "",
}


@pytest.fixture
def camera(footage: Footage, monkeypatch: pytest.MonkeyPatch) -> Camera:
    """A camera with enough footage to train on, for which little has to do here."""
    monkeypatch.setattr(trainings, "LEAST_CLIPS", 100)
    camera: Camera = footage().camera
    return camera


def begin(client: Client, camera: Camera, **fields: str) -> str:
    page: str = client.post(f"/cameras/{camera.pk}/train", fields, follow=True).text
    return " ".join(page.split())


def test_a_training_begins_with_the_default_method(operator: Client, camera: Camera) -> None:
    assert "2 min 30 s of footage are ready to learn from" in operator.get("/encoders").text
    page = begin(operator, camera, activate="1")
    training = Training.objects.get()
    assert (training.method, training.seed, training.activate) == ("consensus", 0, True)
    assert training.requested_by == "operators"
    assert f"Training {training.pk}" in page
    assert "started by operators" in page
    assert "It waits for a worker." in page
    assert ">Train</button>" not in page


def test_more_settings_are_heeded(admin: Client, camera: Camera) -> None:
    begin(admin, camera, method="epg", epochs="3", seed="9")
    training = Training.objects.get()
    assert (training.method, training.seed, training.activate) == ("epg", 9, False)
    assert training.epochs_planned == 3


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"method": "magic"}, "There is no training method called magic."),
        ({"epochs": "0"}, "The number of epochs must be a whole number from 1 to 1,000."),
        ({"epochs": "many"}, "The number of epochs must be a whole number from 1 to 1,000."),
        ({"seed": "-1"}, "The seed must be a whole number from 0 to 4,294,967,295."),
    ],
)
def test_wrong_settings_get_a_sentence(
    operator: Client, camera: Camera, fields: dict[str, str], sentence: str
) -> None:
    assert sentence in begin(operator, camera, **fields)
    assert not Training.objects.exists()


def test_too_little_footage_says_how_much_is_missing(operator: Client, footage: Footage) -> None:
    page = begin(operator, footage().camera)
    assert page.count("North gate has 2 min 30 s of footage; training takes at least 10 min") == 2
    assert "so 7 min 30 s more are needed." in page


def test_a_second_training_is_refused(operator: Client, camera: Camera) -> None:
    begin(operator, camera)
    assert "has a training that is running already" in begin(operator, camera)
    assert Training.objects.count() == 1


def test_pausing_going_on_and_cancelling(operator: Client, camera: Camera) -> None:
    begin(operator, camera)
    training = Training.objects.get()

    def steer(action: str) -> str:
        return str(operator.post(f"/trainings/{training.pk}/{action}", follow=True).text)

    page = steer("pause")
    assert f"Paused after 0 of {training.epochs_planned} epochs." in page
    assert ">Resume</button>" in " ".join(page.split())
    assert "so that cannot be done to it." in steer("pause")
    assert "It waits for a worker." in steer("resume")
    assert "Cancel this training?" in operator.get(f"/trainings/{training.pk}/cancel").text
    training.refresh_from_db()
    assert training.state == Training.State.RUNNING
    page = steer("cancel")
    assert f"It was cancelled after 0 of {training.epochs_planned} epochs." in page
    assert "Train again" in page
    for action in ("pause", "resume", "cancel"):
        assert "so that cannot be done to it." in steer(action)


def test_analysts_watch_and_do_not_steer(operator: Client, camera: Camera) -> None:
    analyst = signed_in("analysts")
    assert "An operator or an admin can start it." in analyst.get("/encoders").text
    begin(operator, camera)
    number = Training.objects.get().pk
    page = analyst.get(f"/trainings/{number}").text
    assert "Pause" not in page
    for action in ("pause", "resume", "cancel"):
        assert analyst.post(f"/trainings/{number}/{action}").status_code == 403
    assert analyst.get(f"/trainings/{number}/cancel").status_code == 403


def test_an_account_without_a_role_sees_no_training(
    operator: Client, nobody: Client, camera: Camera
) -> None:
    begin(operator, camera)
    number = Training.objects.get().pk
    assert nobody.get(f"/trainings/{number}").status_code == 404
    assert nobody.post(f"/trainings/{number}/cancel").status_code == 404
    assert nobody.post(f"/cameras/{camera.pk}/train").status_code == 404


@pytest.mark.parametrize("path", ["/trainings/77", "/trainings/77/cancel"])
def test_an_unknown_training_is_not_found(operator: Client, path: str) -> None:
    assert operator.get(path).status_code == 404


def test_the_live_part_carries_progress_and_curves(operator: Client, camera: Camera) -> None:
    begin(operator, camera)
    Training.objects.update(
        curves=[EPOCH],
        epochs_planned=20,
        epochs_done=1,
        notes=["No sound at night."],
    )
    Job.objects.filter(kind=Job.Kind.TRAIN).update(state=Work.State.RUNNING)
    training = Training.objects.get()
    response = operator.get(f"/trainings/{training.pk}", headers=LIVE)
    page = " ".join(response.text.split())
    assert "<html" not in page
    assert "HX-Refresh" not in response
    assert "5 % · 3.0 epochs/min · 6 min 20 s left" in page
    assert trainings.training_status(training).sentence in page
    assert "No sound at night." in page
    assert "every 2s" in page
    match = re.search(r'data-series="(.*?)"', page)
    assert match
    assert json.loads(unescape(match[1])) == [{"name": "", "epochs": [EPOCH]}]


def test_a_training_that_ended_refreshes_the_page(operator: Client, camera: Camera) -> None:
    begin(operator, camera)
    training = Training.objects.get()
    trainings.cancel(training)
    response = operator.get(f"/trainings/{training.pk}", headers=LIVE)
    assert response["HX-Refresh"] == "true"
    assert "every 2s" not in response.text


def test_a_failed_training_says_why_and_can_go_on(operator: Client, camera: Camera) -> None:
    begin(operator, camera)
    Training.objects.update(
        state=Training.State.FAILED,
        error="Its worker stopped.",
        curves=[EPOCH],
        epochs_done=1,
        checkpoint="kept",
    )
    for address in ("/encoders", f"/trainings/{Training.objects.get().pk}"):
        page = operator.get(address).text
        assert "Its worker stopped." in page
        assert "Go on after epoch 1" in page
    operator.post(f"/trainings/{Training.objects.get().pk}/resume")
    assert Training.objects.get().state == Training.State.RUNNING


def test_a_training_that_failed_for_good_is_not_offered_again(
    operator: Client, camera: Camera
) -> None:
    begin(operator, camera)
    Training.objects.update(
        state=Training.State.FAILED, error="Its checkpoint is damaged.", epochs_done=1
    )
    training = Training.objects.get()
    assert "Go on after" not in operator.get(f"/trainings/{training.pk}").text
    page = operator.post(f"/trainings/{training.pk}/resume", follow=True).text
    assert f"Training {training.pk} cannot go on; start a new one." in page


def test_a_paused_training_shows_how_far_it_is(operator: Client, camera: Camera) -> None:
    begin(operator, camera)
    Training.objects.update(curves=[EPOCH], epochs_planned=20, epochs_done=5)
    trainings.pause(Training.objects.get())
    page = " ".join(operator.get("/encoders").text.split())
    assert "25 %" in page
    assert '<progress max="20" value="5.0" aria-label="Training">' in page


def test_earlier_trainings_are_kept_in_view(operator: Client, camera: Camera) -> None:
    for _ in range(3):
        begin(operator, camera)
        trainings.cancel(Training.objects.first() or pytest.fail("none began"))
    assert "2 earlier trainings" in operator.get("/encoders").text
