"""Two encoders side by side: numbers, curves, and the hits of one moment."""

import re

import numpy as np
import pytest
from django.conf import settings
from django.test import Client

from indexing.files import checksum
from indexing.models import Camera, Chunk, Encoder, Recording, Shard
from indexing.search import comparison
from indexing.search.query import SearchQuery
from indexing.vectors import shards
from tests.searchapp.conftest import Footage, signed_in

pytestmark = pytest.mark.django_db

CURVE = [{"epoch": 1, "loss": 2.0, "positive_rate": 0.01, "alignment": 0.6}]


@pytest.fixture
def recording(footage: Footage) -> Recording:
    return footage()


@pytest.fixture
def rival(recording: Recording) -> Encoder:
    """A trained encoder that has embedded the same footage otherwise."""
    encoder = Encoder.objects.create(
        camera=recording.camera,
        kind=Encoder.Kind.EPG,
        version=2,
        state=Encoder.State.BUILT,
        method="consensus",
        trunk="",
        file="none",
        size=0,
        has_video=True,
        has_audio=True,
        metrics={"crossing": 0.777},
        curves=CURVE,
    )
    random = np.random.default_rng(3)
    for chunk in recording.chunks.all():
        path = settings.REPRISE_DATA / f"tests/rival-{chunk.pk}.safetensors"
        vectors = random.normal(size=(2, chunk.clips, 5)).astype(np.float32)
        present = np.ones(chunk.clips, np.bool_)
        shards.save(shards.Embeddings(vectors[0], vectors[1], present, present), path)
        Shard.objects.create(
            chunk=chunk,
            encoder=encoder,
            clips=chunk.clips,
            file=f"tests/{path.name}",
            size=path.stat().st_size,
            sha256=checksum(path),
        )
    return encoder


def link(recording: Recording, rival: Encoder, rest: str = "") -> str:
    encoder = recording.camera.encoder
    assert encoder
    return f"/encoders/compare?left={encoder.pk}&right={rival.pk}{rest}"


def test_numbers_and_curves_stand_side_by_side(
    operator: Client, recording: Recording, rival: Encoder
) -> None:
    Encoder.objects.filter(serving=recording.camera).update(curves=CURVE, metrics={"crossing": 0.5})
    page = operator.get(link(recording, rival)).text
    assert "Own sound found" in page
    assert "0.777" in page
    assert f"Encoder {rival.pk}&quot;, &quot;epochs&quot;" in page
    assert "The same moment under both</h2>" not in page


def test_the_other_side_is_found_where_the_link_names_one(
    operator: Client, recording: Recording, rival: Encoder
) -> None:
    page = operator.get(f"/encoders/compare?left={rival.pk}").text
    assert f"Encoder {rival.pk} against Encoder {recording.camera.encoder_id}" in page


def test_hits_in_common_carry_each_others_rank(
    operator: Client, recording: Recording, rival: Encoder
) -> None:
    moment = f"&recording={recording.pk}&second=40&exclusion=5&k=20"
    page = " ".join(operator.get(link(recording, rival, moment)).text.split())
    said = re.search(r"(\d+) of (\d+) hits in common", page)
    assert said
    assert 0 < int(said[1]) <= int(said[2])
    query = SearchQuery(recording.pk, 40, exclusion_s=5)
    assert recording.camera.encoder
    compared = comparison.compare(recording.camera.encoder, rival, query)
    assert compared.shared_hits == int(said[1])
    left, right = page.split('<ol class="picks">')[1:]
    assert left.count('class="pick common"') == int(said[1])
    assert left.count("<article") == int(said[2])
    assert 'class="pick common"' in right


def test_an_encoder_agrees_with_itself(operator: Client, recording: Recording) -> None:
    encoder = recording.camera.encoder
    assert encoder
    moment = f"&recording={recording.pk}&second=40&exclusion=10&k=10"
    page = operator.get(link(recording, encoder, moment)).text
    assert "10 of 10 hits in common" in page
    for rank in range(1, 11):
        assert len(re.findall(rf"</span> {rank}<span", page)) == 2


@pytest.mark.parametrize(
    ("rest", "sentence"),
    [
        ("&second=150", "second 150 is outside."),
        ("&second=soon", "is not a second"),
        ("&second=4&k=0", "The number of hits must be"),
        ("&second=4&with=audio-to-video", "only after this camera has been trained"),
    ],
)
def test_a_query_without_an_answer_gets_a_sentence_beside_the_numbers(
    operator: Client, recording: Recording, rival: Encoder, rest: str, sentence: str
) -> None:
    response = operator.get(link(recording, rival, f"&recording={recording.pk}{rest}"))
    assert response.status_code == 422
    assert sentence in response.text
    assert "In numbers" in response.text


@pytest.mark.parametrize("number", ["77", "x", "9" * 30])
def test_an_unknown_recording_or_encoder_is_not_found(
    operator: Client, recording: Recording, rival: Encoder, number: str
) -> None:
    assert operator.get(f"/encoders/compare?left={rival.pk}&right={number}").status_code == 404
    rest = f"&recording={number}&second=4"
    response = operator.get(link(recording, rival, rest))
    assert response.status_code == (422 if number == "x" else 404)


def test_what_is_not_embedded_is_said_and_can_be_made_good(
    operator: Client, recording: Recording, rival: Encoder
) -> None:
    Chunk.objects.update(features="kept")
    rival.shards.all().delete()
    address = link(recording, rival, f"&recording={recording.pk}&second=4")
    page = " ".join(operator.get(address).text.split())
    assert f"Encoder {rival.pk} has embedded 0 s of 2 min 30 s of footage" in page
    assert "Embed the rest" in page
    assert "Embed the rest" not in signed_in("analysts").get(address).text


def test_encoders_of_two_cameras_are_not_compared(
    operator: Client, recording: Recording, rival: Encoder
) -> None:
    yard = Camera.objects.create(name="Yard")
    Encoder.objects.filter(pk=rival.pk).update(camera=yard)
    response = operator.get(link(recording, rival))
    assert response.status_code == 422
    assert "belong to different cameras" in response.text
