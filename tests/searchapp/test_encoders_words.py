"""Encoders and trainings in words."""

import json
from datetime import UTC, datetime

import pytest

from indexing.models import Camera, Encoder, Training
from ml.method import METHODS
from searchapp.templatetags import learning

MOMENT = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)


def encoder(**values: object) -> Encoder:
    camera = Camera(name="North gate", zone="Europe/Brussels")
    return Encoder(pk=12, camera=camera, kind=Encoder.Kind.EPG, created_at=MOMENT, **values)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            {"data": {"trained_on": 14_400, "clips": 18_000}},
            "trained on 4 h 00 min of this camera's footage on Tue 24 Nov 2026",
        ),
        ({"fitted_on": 90}, "trained on 1 min 30 s of this camera's footage on Tue 24 Nov 2026"),
        ({"data": {"clips": "many"}}, "trained on some of this camera's footage on"),
        ({"origin": "imported from a.safetensors"}, "imported from a.safetensors on Tue 24 Nov"),
        ({"kind": "starter"}, "a starter fitted to some of this camera's footage on"),
    ],
)
def test_where_an_encoder_comes_from(values: dict[str, object], text: str) -> None:
    made = encoder()
    for name, value in values.items():
        setattr(made, name, value)
    assert learning.provenance(made).startswith(text)


def test_every_method_has_a_name_and_a_sentence_and_ours_comes_first() -> None:
    assert set(learning.methods()) == set(METHODS) == set(learning.METHOD_NAMES)
    assert learning.methods()[0] == "consensus"
    assert all(learning.method_words(name).endswith(".") for name in METHODS)
    assert learning.method_name("forgotten") == "forgotten"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("neighbours.video", "Neighbours found, picture"),
        ("positive_rate", "Positive rate"),
        ("lr_video", "Lr video"),
        ("unheard_of.night", "Unheard of, night"),
    ],
)
def test_names_of_measures_and_settings(name: str, text: str) -> None:
    assert learning.named(name) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        ("", "–"),
        (True, "yes"),
        (False, "no"),
        ("hinge", "hinge"),
        (12_345, "12,345"),
        (0.73125, "0.731"),
        (0.0, "0"),
        (1234.5, "1,234"),
    ],
)
def test_measured_values(value: object, text: str) -> None:
    assert learning.measure(value) == text


def test_several_curves_carry_names_and_one_alone_does_not() -> None:
    curve = [{"epoch": 1, "loss": 2.0}]
    trained, plain = encoder(curves=curve), encoder()
    assert json.loads(learning.series(trained)) == [{"name": "", "epochs": curve}]
    assert json.loads(learning.series(trained, plain)) == [{"name": "Encoder 12", "epochs": curve}]
    assert json.loads(learning.series(Training())) == [{"name": "", "epochs": []}]
