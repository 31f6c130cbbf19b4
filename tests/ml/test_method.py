import json
from dataclasses import fields, replace
from typing import Any

import pytest

from ml.method import METHODS, RANGES, Method


def test_methods_survive_json() -> None:
    for name, method in METHODS.items():
        assert method.name == name
        assert Method.from_json(json.loads(json.dumps(method.to_json()))) == method


def test_the_default_is_ours() -> None:
    assert Method() == METHODS["consensus"]


def test_tpg_is_epg_with_temporal_pairs_alone() -> None:
    assert replace(METHODS["epg"], name="tpg", pairs="temporal") == METHODS["tpg"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pairs", "some"),
        ("pairs", 3),
        ("delta", -1),
        ("delta", 1.5),
        ("batch", 1),
        ("batch", True),
        ("lam", 1.01),
        ("lr_video", float("nan")),
        ("lr_audio", float("inf")),
        ("margin", 0),
        ("margin", "wide"),
        ("cosine", 1),
        ("name", None),
        ("epochs", None),
    ],
)
def test_nonsense_is_refused_with_a_sentence(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^“{name}” .*\\.$"):
        Method(**{name: value})


def test_unknown_settings_and_other_things_are_refused() -> None:
    with pytest.raises(ValueError, match="no setting “speed”"):
        Method.from_json({"speed": 1})
    wrongs: tuple[Any, ...] = ([], None, "epg", {1: 2})
    for wrong in wrongs:
        with pytest.raises(ValueError, match="object"):
            Method.from_json(wrong)


def test_layers_in_turn_need_a_frozen_start() -> None:
    with pytest.raises(ValueError, match="frozen_epochs"):
        Method(unfreezing="alternating", frozen_epochs=0)


def test_pictures_need_something_to_be_seen_by() -> None:
    assert not Method(trunk=False).trunk
    with pytest.raises(ValueError, match="“trunk” and “foreground” cannot both be off"):
        Method(trunk=False, foreground=False)


def test_a_margin_may_be_left_to_the_data() -> None:
    assert Method(margin=None).margin is None
    assert Method(margin=2).margin == 2


def test_every_number_has_a_range() -> None:
    numbers = {f.name for f in fields(Method) if "int" in str(f.type) or "float" in str(f.type)}
    assert numbers == set(RANGES)
