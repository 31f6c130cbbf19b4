from dataclasses import replace

from ml.method import METHODS, Method
from ml.schedule import ALL, plan


def test_the_papers_stages_come_in_its_order() -> None:
    method = replace(METHODS["epg"], epochs=9, frozen_epochs=2, layer_epochs=1, audio_depth=2)
    stages = plan(method)
    assert [(s.video_layers, s.audio_layers) for s in stages] == [
        *[(0, ALL)] * 2,
        *[(1, 0), (0, 1), (2, 0), (0, 2), (2, 0), (0, 2), (2, 0)],
    ]
    assert [s.temporal for s in stages] == [True, *[False] * 8]
    assert stages[0].name == "sound, picture frozen"
    assert stages[2].name == "picture, top layer"
    assert stages[5].name == "sound, top 2 layers"


def test_a_turn_lasts_as_long_as_set() -> None:
    method = replace(METHODS["epg"], epochs=6, frozen_epochs=1, layer_epochs=2)
    turns = [(s.video_layers, s.audio_layers) for s in plan(method)[1:]]
    assert turns == [(1, 0), (1, 0), (0, 1), (0, 1), (2, 0)]


def test_together_opens_both_down_to_their_depth() -> None:
    stages = plan(Method(epochs=3, pretext_epochs=2, audio_depth=4, video_depth=1))
    assert [s.pretext for s in stages] == [True, True, False, False, False]
    assert {(s.video_layers, s.audio_layers) for s in stages[2:]} == {(1, 4)}
    assert len(stages) == Method(epochs=3, pretext_epochs=2).epochs_total


def test_one_modality_is_trained_from_the_first_epoch() -> None:
    method = Method(epochs=3, pretext_epochs=1)
    assert [(s.video_layers, s.audio_layers) for s in plan(method, "video")] == [(ALL, 0)] * 3
    assert [(s.video_layers, s.audio_layers) for s in plan(method, "audio")] == [(0, ALL)] * 4
    assert not any(s.temporal for s in plan(method, "video"))
