"""The pages of encoders: what is in use, where it came from, taking turns, files, deleting."""

from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from indexing.encoders import switching
from indexing.encoders.embedding import fit_starter, store
from indexing.footage.features import Features
from indexing.learning import training
from indexing.models import Camera, Chunk, Encoder, Job, Recording, Shard, Training, Work
from ml.foreground import FOREGROUND_DIM
from ml.soundstats import SOUND_DIM
from tests.searchapp.conftest import Footage, signed_in

pytestmark = pytest.mark.django_db


def made_up(clips: int = 40) -> Features:
    random = np.random.default_rng(1)

    def normal(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return random.normal(size=(clips, *shape)).astype(np.float32)

    return Features(
        foreground=normal(FOREGROUND_DIM),
        sound=normal(SOUND_DIM),
        trunk=normal(2, 432),
        mel=np.zeros((clips, 0, 0), np.float32),
        has_video=np.ones(clips, np.bool_),
        has_audio=np.ones(clips, np.bool_),
    )


def with_file(encoder: Encoder) -> Encoder:
    """Give an encoder the file of a real starter encoder."""
    file = store(fit_starter(made_up(), pretrained=False))
    encoder.file, encoder.size, encoder.sha256 = file.file, file.size, file.sha256
    encoder.save()
    return encoder


def second_encoder(camera: Camera, **values: object) -> Encoder:
    """Return a trained encoder of a camera that is not in use."""
    made = {
        "kind": Encoder.Kind.EPG,
        "state": Encoder.State.BUILT,
        "method": "consensus",
        "trunk": "",
        "size": 0,
        "data": {"recordings": [{"id": 1, "name": "a.mp4", "clips": 14400}], "clips": 14400},
        "has_video": True,
        "has_audio": True,
        **values,
    }
    return with_file(Encoder(camera=camera, version=camera.encoders.count() + 1, **made))


def north_gate(footage: Footage) -> Recording:
    recording = footage()
    assert recording.camera.encoder
    with_file(recording.camera.encoder)
    return recording


def flat(page: str) -> str:
    return " ".join(page.split())


def test_each_camera_says_what_it_uses_and_what_it_lacks(
    operator: Client, footage: Footage
) -> None:
    encoder = north_gate(footage).camera.encoder
    assert encoder
    page = flat(operator.get("/encoders").text)
    assert f"Encoder {encoder.pk}" in page
    assert "in use" in page
    assert "so 7 min 30 s more are needed." in page
    assert ">Train</button>" not in page


def test_more_footage_costs_the_page_no_more_queries(
    operator: Client, footage: Footage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "LEAST_CLIPS", 100)
    recording = north_gate(footage)

    def queries() -> tuple[int, str]:
        with CaptureQueriesContext(connection) as asked:
            page = flat(operator.get("/encoders").text)
        rows = [q["sql"] for q in asked if '"indexing_chunk"."id"' in q["sql"].split("FROM")[0]]
        assert rows == [], "single chunks were read"
        return len(asked), page

    before, _ = queries()
    Chunk.objects.bulk_create(
        Chunk(recording=recording, start_s=150 + 50 * n, clips=50, state=Work.State.DONE)
        for n in range(30)
    )
    after, page = queries()
    assert after == before
    assert "27 min 30 s of footage" in page


def test_a_camera_without_footage_says_so(operator: Client) -> None:
    Camera.objects.create(name="Yard")
    assert "No encoder yet." in operator.get("/encoders?camera=Yard").text


def test_without_a_camera_the_page_leads_to_the_library(operator: Client) -> None:
    assert "There is no camera yet." in operator.get("/encoders").text


def test_an_unknown_camera_is_not_found(operator: Client) -> None:
    assert operator.get("/encoders?camera=Nowhere").status_code == 404


def test_an_account_without_a_role_sees_no_encoder(nobody: Client, footage: Footage) -> None:
    encoder = north_gate(footage).camera.encoder
    assert encoder
    assert "North gate" not in nobody.get("/encoders").text
    assert nobody.get("/encoders?camera=North+gate").status_code == 404
    for path in (
        f"{encoder.pk}",
        f"{encoder.pk}/file",
        f"{encoder.pk}/delete",
        f"compare?left={encoder.pk}",
    ):
        assert nobody.get(f"/encoders/{path}").status_code == 404
    assert nobody.post(f"/encoders/{encoder.pk}/activate").status_code == 404


@pytest.mark.parametrize("path", ["77", "77/file", "77/delete", "compare?left=77", "compare"])
def test_an_unknown_encoder_is_not_found(admin: Client, path: str) -> None:
    assert admin.get(f"/encoders/{path}").status_code == 404


def test_the_page_of_an_encoder_says_all_that_is_known(operator: Client, footage: Footage) -> None:
    camera = north_gate(footage).camera
    encoder = second_encoder(
        camera,
        seed=7,
        settings={"lam": 0.25},
        trunk="x3d-m random (seed 0)",
        metrics={"neighbours.video": 0.7312, "crossing": 0.81},
        curves=[{"epoch": 1, "loss": 1.5, "positive_rate": None, "alignment": 0.7}],
        note="Its picture was not trained.",
        crossable=True,
    )
    page = flat(operator.get(f"/encoders/{encoder.pk}").text)
    assert "Trained on 4 h 00 min of this camera&#x27;s footage on" in page
    assert "trained, Consensus" in page
    assert "x3d-m random (seed 0)" in page
    assert encoder.sha256[:16] in page
    assert "Neighbours found, picture" in page
    assert "0.731" in page
    assert "Its picture was not trained." in page
    assert "All 1 setting" in page
    assert "&quot;positive_rate&quot;: null" in page


def test_the_verdict_and_its_numbers_are_shown(operator: Client, footage: Footage) -> None:
    camera = north_gate(footage).camera
    encoder = second_encoder(camera)
    Training.objects.create(
        camera=camera,
        encoder=encoder,
        state=Training.State.DONE,
        method="consensus",
        epochs_planned=1,
        sentence="The encoder in use stays: the new one is no better.",
        verdict={"checks": [{"name": "crossing", "old": None, "new": 0.512, "fine": False}]},
    )
    page = flat(operator.get(f"/encoders/{encoder.pk}").text)
    assert "The encoder in use stays: the new one is no better." in page
    assert "Own sound found" in page
    assert "0.512" in page
    assert "The encoder in use stays" in operator.get("/encoders").text


def test_switching_and_rolling_back(operator: Client, footage: Footage) -> None:
    camera = north_gate(footage).camera
    old, new = camera.encoder, second_encoder(camera)
    assert old
    for encoder in (new, old):
        page = operator.post(f"/encoders/{encoder.pk}/activate", follow=True).text
        assert f"Search on North gate now uses Encoder {encoder.pk}." in page
        assert "In use: searches on North gate are answered by it." in page
        camera.refresh_from_db()
        assert camera.encoder == encoder


def test_a_switch_that_takes_time_is_followed(operator: Client, footage: Footage) -> None:
    camera = north_gate(footage).camera
    Chunk.objects.update(features="kept")
    Shard.objects.all().delete()
    encoder = second_encoder(camera)
    assert "Its embeddings are not kept" in operator.get(f"/encoders/{encoder.pk}").text
    page = operator.post(f"/encoders/{encoder.pk}/activate", follow=True).text
    assert "is being embedded by" in page
    assert "search switches to it then" in page
    assert "Search goes on with Encoder" in page
    assert "every 2s" in page

    live = {"HX-Request": "true"}
    fragment = operator.get(f"/encoders/{encoder.pk}", headers=live)
    assert "<html" not in fragment.text
    assert "HX-Refresh" not in fragment
    listed = operator.get("/encoders?camera=North+gate", headers=live)
    assert "Embedding the footage, 0 %" in listed.text

    job = Job.objects.get(kind=Job.Kind.BUILD)
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE)
    assert operator.get(f"/encoders/{encoder.pk}", headers=live)["HX-Refresh"] == "true"
    assert operator.get("/encoders?camera=North+gate", headers=live)["HX-Refresh"] == "true"
    assert switching.missing(camera, encoder).exists()


def test_embedding_without_switching(operator: Client, footage: Footage) -> None:
    camera = north_gate(footage).camera
    encoder = second_encoder(camera)
    page = operator.post(f"/encoders/{encoder.pk}/build", follow=True).text
    assert "has embedded all the footage already" in page
    Chunk.objects.update(features="kept")
    operator.post(f"/encoders/{encoder.pk}/build")
    assert Job.objects.get(kind=Job.Kind.BUILD).switch is False


@pytest.mark.parametrize("action", ["activate", "build"])
def test_a_damaged_encoder_is_refused_with_a_sentence(
    operator: Client, footage: Footage, action: str
) -> None:
    encoder = second_encoder(north_gate(footage).camera)
    Path(settings.REPRISE_DATA / encoder.file).write_bytes(b"nonsense")
    page = operator.post(f"/encoders/{encoder.pk}/{action}", follow=True).text
    assert f"The file of encoder {encoder.pk} is damaged or missing" in page
    page = operator.get(f"/encoders/{encoder.pk}/file", follow=True).text
    assert "is damaged or missing, so it cannot be exported" in page


def test_analysts_look_and_change_nothing(footage: Footage) -> None:
    analyst = signed_in("analysts")
    recording = north_gate(footage)
    encoder = second_encoder(recording.camera)
    page = analyst.get(f"/encoders/{encoder.pk}").text
    assert "Put in use" not in page
    assert "/delete" not in page
    for path in (
        f"/encoders/{encoder.pk}/activate",
        f"/encoders/{encoder.pk}/build",
        f"/encoders/{encoder.pk}/delete",
        f"/cameras/{recording.camera.pk}/train",
    ):
        assert analyst.post(path).status_code == 403
    recording.camera.refresh_from_db()
    assert recording.camera.encoder != encoder


def test_only_admins_delete_and_import(operator: Client, footage: Footage) -> None:
    encoder = second_encoder(north_gate(footage).camera)
    assert "Import an encoder" not in operator.get("/encoders").text
    assert operator.get(f"/encoders/{encoder.pk}/delete").status_code == 403
    file = SimpleUploadedFile("x.safetensors", b"x")
    response = operator.post(f"/cameras/{encoder.camera.pk}/encoders", {"file": file})
    assert response.status_code == 403


def test_deleting_asks_first(admin: Client, footage: Footage) -> None:
    encoder = second_encoder(north_gate(footage).camera)
    assert "Delete this encoder for good?" in admin.get(f"/encoders/{encoder.pk}/delete").text
    assert Encoder.objects.filter(pk=encoder.pk).exists()
    page = admin.post(f"/encoders/{encoder.pk}/delete", follow=True).text
    assert f"Encoder {encoder.pk} of North gate was deleted." in page
    assert not Encoder.objects.filter(pk=encoder.pk).exists()


def test_the_encoder_in_use_is_not_deleted(admin: Client, footage: Footage) -> None:
    encoder = north_gate(footage).camera.encoder
    assert encoder
    page = admin.post(f"/encoders/{encoder.pk}/delete", follow=True).text
    assert "is in use at North gate; put another in use first." in page
    assert Encoder.objects.filter(pk=encoder.pk).exists()


def test_an_encoder_travels_as_a_file(admin: Client, footage: Footage) -> None:
    encoder = north_gate(footage).camera.encoder
    assert encoder
    sent = admin.get(f"/encoders/{encoder.pk}/file")
    assert f"north-gate-{encoder.pk}.encoder.safetensors" in sent["Content-Disposition"]
    body = sent.getvalue()
    yard = Camera.objects.create(name="Yard")
    file = SimpleUploadedFile("gate.encoder.safetensors", body)
    page = admin.post(f"/cameras/{yard.pk}/encoders", {"file": file}, follow=True).text
    assert "It is not in use yet." in page
    assert "Imported from gate.encoder.safetensors" in page
    assert yard.encoders.get().sha256 == encoder.sha256

    again = SimpleUploadedFile("gate.encoder.safetensors", body)
    page = admin.post(f"/cameras/{yard.pk}/encoders", {"file": again}, follow=True).text
    assert "is here already" in page
    cut = SimpleUploadedFile("cut.encoder.safetensors", body[: len(body) // 2])
    page = admin.post(f"/cameras/{yard.pk}/encoders", {"file": cut}, follow=True).text
    assert "cut.encoder.safetensors is truncated or damaged" in page
    assert yard.encoders.count() == 1


def test_an_import_without_a_file_says_what_to_do(admin: Client, footage: Footage) -> None:
    camera = north_gate(footage).camera
    page = admin.post(f"/cameras/{camera.pk}/encoders", follow=True).text
    assert "Choose the file of an encoder" in page


def test_starters_that_were_replaced_are_folded(operator: Client, footage: Footage) -> None:
    camera = north_gate(footage).camera
    second_encoder(camera, kind=Encoder.Kind.STARTER, method="", state=Encoder.State.RETIRED)
    assert "1 earlier starter" in operator.get("/encoders").text


def test_the_search_and_the_recording_say_which_encoder_is_used(
    operator: Client, footage: Footage
) -> None:
    recording = north_gate(footage)
    link = f"/search?recording={recording.pk}&second=40&exclusion=10"
    for address in (link, f"/recordings/{recording.pk}"):
        page = flat(operator.get(address).text)
        assert "This camera has not been trained yet" in page
        assert 'href="/encoders?camera=North%20gate">Train this camera</a>' in page
        assert "Compare with another encoder" not in page
    encoder = second_encoder(recording.camera)
    Shard.objects.update(encoder=encoder)
    old = recording.camera.encoder
    assert old
    operator.post(f"/encoders/{encoder.pk}/activate")
    for address in (link, f"/recordings/{recording.pk}"):
        page = flat(operator.get(address).text)
        assert f'href="/encoders/{encoder.pk}">Encoder {encoder.pk}</a>, trained on 4 h' in page
    page = operator.get(link).text
    operator.post(f"/encoders/{old.pk}/activate")
    assert "a starter that is not trained" in operator.get(f"/recordings/{recording.pk}").text
    kept = f"recording={recording.pk}&amp;second=40&amp;exclusion=10"
    assert f"/encoders/compare?left={encoder.pk}&right={old.pk}&{kept}" in page
