from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from ml.corpus import Corpus
from ml.encoders import VideoHead
from ml.foreground import FOREGROUND_DIM
from ml.method import METHODS, Method
from ml.trained import TrainedEncoder
from ml.training import EpochReport, Training, TrainingError
from tests.ml.planted import planted

# The least there may be, made smaller so that the tests are quick.
CLIPS = 128
TRAIN, _ = planted(CLIPS, 1, rate=0.1)
OURS = Method(
    epochs=3,
    batch=64,
    views=2,
    lr_video=1e-3,
    lr_audio=1e-3,
    branch_rate=2.0,
)
# Embedded once a batch, and cosines are products.
QUICK = replace(
    OURS, views=1, private_video=0, private_audio=0, length_pictures=2.0, length_sounds=2.0
)


@pytest.fixture(autouse=True)
def _less_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.footage.LEAST_CLIPS", 100)


def finished(training: Training) -> list[EpochReport]:
    reports = []
    while not training.finished:
        reports.append(training.run_epoch())
    return reports


def start(method: Method = QUICK, seed: int = 0, corpus: Corpus = TRAIN) -> Training:
    return Training(corpus, method, seed, pretrained=False)


def weights(training: Training) -> dict[str, np.ndarray]:
    return {name: a for name, a in training.checkpoint().items() if name != "settings"}


def same(one: Training, other: Training) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_training_brings_what_is_seen_and_heard_together_on_held_out_footage() -> None:
    train, _ = planted(400, 1, rate=0.1)
    test, labels = planted(240, 2, rate=0.1)
    eventful = np.array([bool(some) for some in labels])

    def crossing(training: Training) -> float:
        """Chance that the sound of an event is nearer to its picture than an empty second's."""
        encoder = training.encoder()
        z_v, z_a = (z[:, : encoder.shared] for z in encoder.embed(test))
        cosine = z_v @ z_a.T  # of one length all of them
        own = np.diag(cosine)[eventful, None]
        return float((own > cosine[eventful][:, ~eventful]).mean())

    training = start(replace(QUICK, epochs=3), corpus=train)
    before = crossing(training)
    reports = finished(training)
    assert before < 0.8
    assert crossing(training) > 0.95
    assert reports[-1].alignment > reports[0].alignment + 0.1
    assert reports[-1].loss < reports[0].loss
    assert all(report.spread > 10 and not report.warning for report in reports)


@pytest.mark.parametrize("pretrained", [False, True])
def test_without_a_trunk_its_features_change_nothing(pretrained: bool) -> None:
    method = replace(OURS, epochs=2, trunk=False, lengths="kept")
    training = Training(TRAIN, method, 0, pretrained=pretrained, head=VideoHead())
    reports = finished(training)
    assert reports[1].loss < reports[0].loss
    assert not training.checkpoint()["video.head.project.weight"].any()
    other = replace(TRAIN, trunk=TRAIN.trunk[::-1])
    encoder = TrainedEncoder.from_arrays(training.encoder().arrays())
    np.testing.assert_array_equal(encoder.embed(TRAIN)[0], encoder.embed(other)[0])
    assert encoder.embed(TRAIN)[0].std(axis=0).max() > 0


def test_the_seed_alone_decides_the_weights() -> None:
    method = replace(OURS, epochs=1)
    one, again, other = start(method), start(method), start(method, seed=1)
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    finished(one)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(5)
    finished(again)
    finished(other)
    assert same(one, again)
    assert not same(one, other)


@pytest.mark.parametrize(
    "method",
    [
        OURS,
        replace(QUICK, loss="hinge", within="none", sampling="random"),
        replace(METHODS["epg"], epochs=3, batch=64, frozen_epochs=1),
        replace(QUICK, neighbours_of="encoder", sampling="pairs", pretext_epochs=1),
    ],
    ids=["consensus", "margin measured once", "epg", "encoder's neighbours"],
)
def test_a_checkpoint_goes_on_to_the_identical_result(method: Method) -> None:
    through = start(method)
    stopped = start(method)
    for _ in range(2):
        through.run_epoch()
        stopped.run_epoch()
    resumed = Training.resume(TRAIN, stopped.checkpoint())
    assert resumed.epochs_done == 2
    assert same(resumed, stopped)
    ahead, behind = finished(through), finished(resumed)
    assert same(through, resumed)
    one, other = through.encoder().arrays(), resumed.encoder().arrays()
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert [replace(r, seconds=0) for r in ahead] == [replace(r, seconds=0) for r in behind]


def test_a_checkpoint_is_not_changed_by_what_follows() -> None:
    training = start()
    training.run_epoch()
    arrays = training.checkpoint()
    before = {name: array.copy() for name, array in arrays.items()}
    training.run_epoch()
    assert all(np.array_equal(arrays[name], before[name]) for name in before)


def broken_checkpoints() -> dict[str, Callable[[dict[str, Any]], Any]]:
    def drop(a: dict[str, Any]) -> None:
        del a["audio.encoder.embed.weight"]

    def reshape(a: dict[str, Any]) -> None:
        a["video.head.embed.weight"] = np.zeros((3, 3), np.float32)

    def moment(a: dict[str, Any]) -> None:
        name = next(n for n in a if n.endswith("exp_avg") and a[n].ndim == 2)
        a[name] = a[name][:1]

    def garble(a: dict[str, Any]) -> None:
        a["settings"] = np.frombuffer(b"not json", np.uint8)

    def stranger(a: dict[str, Any]) -> None:
        a["optimizer.9999.step"] = np.zeros((), np.float32)

    return {f.__name__: f for f in (drop, reshape, moment, garble, stranger)} | {
        "empty": lambda a: a.clear()
    }


@cache
def a_checkpoint() -> dict[str, Any]:
    training = start(replace(QUICK, epochs=1))
    training.run_epoch()
    return training.checkpoint()


@pytest.mark.parametrize("how", broken_checkpoints())
def test_a_broken_checkpoint_is_refused_with_a_sentence(how: str) -> None:
    arrays = dict(a_checkpoint())
    broken_checkpoints()[how](arrays)
    with pytest.raises(TrainingError, match="no checkpoint of a training"):
        Training.resume(TRAIN, arrays)


def test_other_footage_is_refused() -> None:
    arrays = start().checkpoint()
    other, _ = planted(CLIPS, 5)
    with pytest.raises(TrainingError, match="footage is not what this training began on"):
        Training.resume(other, arrays)


def test_settings_that_ruin_the_numbers_stop_with_a_sentence() -> None:
    training = start(replace(METHODS["tpg"], batch=64, frozen_epochs=1, lr_audio=1e6))
    with pytest.raises(TrainingError, match="no longer numbers") as error:
        finished(training)
    assert error.value.sentence.endswith("begin again.")


@pytest.mark.parametrize(("field", "what"), [("mel", "sounds"), ("trunk", "pictures")])
def test_damaged_features_are_refused(field: str, what: str) -> None:
    array = getattr(TRAIN, field).copy()
    array[7].flat[3] = np.nan
    with pytest.raises(TrainingError, match=f"the {what} of 1 of 128 seconds is damaged"):
        start(corpus=replace(TRAIN, **{field: array}))


def test_what_is_absent_is_never_read() -> None:
    mel, sound = TRAIN.mel.copy(), TRAIN.sound.copy()
    mel[118:], sound[118:] = np.nan, np.nan
    heard = np.arange(CLIPS) < 118
    training = start(corpus=replace(TRAIN, mel=mel, sound=sound, has_audio=heard))
    training.run_epoch()
    assert any("10 seconds lack picture or sound" in note for note in training.notes)


def test_too_little_footage_says_how_much_is_missing() -> None:
    with pytest.raises(TrainingError, match=r"90 seconds .* 100 are needed: 10 more\."):
        start(corpus=TRAIN.rows(slice(0, 90)))


@pytest.mark.parametrize("within", ["none", "seconds", "pairs", "mutual"])
@pytest.mark.parametrize("lacking", ["has_audio", "has_video"])
def test_one_modality_is_trained_where_the_other_lacks(lacking: str, within: Any) -> None:
    corpus = replace(TRAIN, **{lacking: np.zeros(CLIPS, bool)})
    training = start(replace(QUICK, epochs=2, within=within, sampling="random"), corpus=corpus)
    missing = "sound" if lacking == "has_audio" else "pictures"
    assert training.notes[0].startswith(f"This footage has no {missing}: the ")
    before = weights(training)
    reports = finished(training)
    after = weights(training)
    moved = {n.split(".")[0] for n in before if not np.array_equal(before[n], after[n])}
    assert moved == {"video" if lacking == "has_audio" else "audio"}
    assert reports[-1].positive_rate > 0
    assert np.isnan(reports[-1].alignment)
    encoder = training.encoder()
    assert encoder.shared == 0
    z_v, z_a = encoder.embed(corpus)
    assert z_v.any() == (lacking == "has_audio")
    assert z_a.any() == (lacking == "has_video")


@pytest.mark.parametrize("lacking", ["has_audio", "has_video"])
@pytest.mark.parametrize("neighbours_of", ["descriptor", "encoder"])
def test_one_modality_alone_is_of_its_length(lacking: str, neighbours_of: Any) -> None:
    corpus = replace(TRAIN, **{lacking: np.zeros(CLIPS, bool)})
    training = start(replace(OURS, epochs=1, neighbours_of=neighbours_of), corpus=corpus)
    assert finished(training)[0].positive_rate > 0
    encoder = training.encoder()
    there = 0 if lacking == "has_audio" else 1
    z = encoder.embed(corpus)
    assert not z[1 - there].any()
    np.testing.assert_allclose(np.linalg.norm(z[there], axis=1), (1.5, 4.0)[there], rtol=1e-4)
    # Footage that has both is embedded by what was learnt.
    assert all(np.isfinite(other).all() for other in encoder.embed(TRAIN))
    again = TrainedEncoder.from_arrays(encoder.arrays())
    np.testing.assert_array_equal(again.embed(corpus)[there], encoder.embed(corpus)[there])


def test_one_modality_within_seconds_knows_no_generated_pairs() -> None:
    corpus = replace(TRAIN, has_audio=np.zeros(CLIPS, bool))
    seconds = replace(QUICK, within="seconds", epochs=1, batch=CLIPS)
    few, more = (
        start(method, corpus=corpus).run_epoch().positive_rate
        for method in (seconds, replace(seconds, within="mutual"))
    )
    assert 0 < few < more


def test_what_stands_out_is_told_by_its_novelty() -> None:
    train, labels = planted(600, 3, rate=0.01)
    eventful = np.array([bool(some) for some in labels])
    encoder = start(replace(OURS, private_audio=0), corpus=train).encoder()
    (z_v, z_a), novelty = encoder.embed_with_novelty(train)
    assert (z_v.shape, z_a.shape) == ((600, 512 + FOREGROUND_DIM), (600, 512))
    for told in novelty:
        assert (told[eventful][:, None] > told[~eventful]).mean() > 0.8
        assert np.median(told) == pytest.approx(1, abs=1e-5)
    assert encoder.ordinary is not None


def test_a_second_view_is_taken_only_where_it_is_compared() -> None:
    """Views are drawn one after the other, so a view too many would change the weights."""
    for method, matters in ((OURS, True), (replace(OURS, within="none"), False)):
        one, two = (start(replace(method, views=views, epochs=1)) for views in (1, 2))
        finished(one)
        finished(two)
        assert same(one, two) != matters


def test_a_modality_too_short_to_train_keeps_its_starter() -> None:
    training = start(
        replace(QUICK, epochs=1), corpus=replace(TRAIN, has_audio=np.arange(CLIPS) < 90)
    )
    training.run_epoch()
    z_v, z_a = training.encoder().embed(TRAIN)
    assert not z_a[:, :512].any()
    assert z_a[:, 512:].any()
    assert z_v.shape[1] == 512


def test_beside_a_frozen_picture_the_sound_is_trained() -> None:
    frozen = replace(
        TRAIN, foreground=np.zeros_like(TRAIN.foreground), trunk=np.ones_like(TRAIN.trunk)
    )
    training = start(replace(QUICK, epochs=1), corpus=frozen)
    finished(training)
    assert training.sides == "audio"
    encoder = training.encoder()
    assert encoder.shared == 0
    assert all(np.isfinite(z).all() for z in encoder.embed(frozen))


def test_a_collapse_is_reported() -> None:
    hardly = np.zeros((CLIPS, 1), np.float32)
    hardly[::30] = 1
    same = replace(
        TRAIN,
        foreground=np.repeat(hardly, TRAIN.foreground.shape[1], axis=1),
        trunk=np.ones_like(TRAIN.trunk),
        sound=np.repeat(hardly, TRAIN.sound.shape[1], axis=1),
        mel=np.full_like(TRAIN.mel, -30),
    )
    training = start(replace(QUICK, epochs=1, pretext_epochs=1, dropout=0, noise=0), corpus=same)
    assert "collapsed" in finished(training)[-1].warning
    assert all(np.isfinite(z).all() for z in training.encoder().embed(same))


def test_nearly_everything_positive_is_reported() -> None:
    reports = finished(start(replace(METHODS["epg"], epochs=2, frozen_epochs=1, batch=64)))
    assert reports[0].positive_rate == 0
    assert reports[1].positive_rate > 0.9
    assert "Nearly all pairs" in reports[1].warning


def test_the_first_epoch_knows_temporal_pairs_only() -> None:
    method = replace(QUICK, epochs=2, temporal_epochs=1, sampling="pairs", neighbours=20)
    reports = finished(start(replace(method, neighbour_gap_s=0)))
    assert reports[0].positive_rate == 0
    assert reports[1].positive_rate > 0


def test_a_frozen_encoder_keeps_its_weights() -> None:
    training = start(replace(METHODS["epg"], epochs=3, frozen_epochs=1, batch=64))
    before = weights(training)
    training.run_epoch()
    alone = weights(training)
    assert not any(moved(before, alone, "video."))
    assert all(moved(before, alone, "audio.encoder.stages.0.0.conv1"))
    training.run_epoch()
    top = weights(training)
    assert not any(moved(alone, top, "audio."))
    assert all(moved(alone, top, "video.head.embed"))
    assert not any(moved(alone, top, "video.head.project"))


def moved(before: dict[str, np.ndarray], after: dict[str, np.ndarray], prefix: str) -> list[bool]:
    names = [name for name in before if name.startswith(prefix)]
    assert names
    return [not np.array_equal(before[name], after[name]) for name in names]


def test_the_pretext_moves_sounds_to_where_their_statistics_are() -> None:
    training = start(replace(QUICK, epochs=1, pretext_epochs=6, cosine=False))
    reports = [training.run_epoch() for _ in range(6)]
    assert reports[0].stage == "sound statistics"
    assert np.isnan(reports[0].alignment)
    assert reports[-1].loss < 0.7 * reports[0].loss


@pytest.mark.parametrize(
    "method",
    [
        replace(QUICK, epochs=1, pairs="and", loss="hinge", balanced=True, tau="centred"),
        replace(QUICK, epochs=1, pairs="mutual", pair_weight=0.3, neighbour_gap_s=60),
        replace(QUICK, epochs=1, within="seconds", sampling="seconds", crops="mean"),
        replace(QUICK, epochs=1, within="pairs", pairs="or", tau="share", foreground=False),
        replace(
            QUICK,
            epochs=1,
            mel_input="raw",
            trunk_input="raw",
            head_dropout=0,
            length_pictures=None,
        ),
        replace(QUICK, epochs=1, margin=2.0, loss="hinge", within="seconds", lengths="kept"),
        replace(OURS, epochs=1, statistics=False, neighbours_of="encoder", ignore_s=0),
        replace(OURS, epochs=1, crops="mean", within="pairs", loss="hinge", private_audio=0),
    ],
)
def test_options_combine(method: Method) -> None:
    training = start(method)
    parts: list[float] = []
    report = training.run_epoch(parts.append)
    assert parts == sorted(parts)
    assert parts[-1] == 1
    assert np.isfinite([report.loss, report.alignment, report.spread]).all()
    assert all(np.isfinite(z).all() for z in training.encoder().embed(TRAIN))


def test_a_pretrained_head_is_where_the_picture_begins() -> None:
    head = VideoHead()
    training = Training(TRAIN, QUICK, 0, pretrained=True, head=head)
    assert training.video.branch is None
    assert torch.equal(training.video.head.project.weight, head.project.weight)


def test_no_epoch_follows_the_last() -> None:
    training = start(replace(QUICK, epochs=1))
    finished(training)
    with pytest.raises(TrainingError, match="finished"):
        training.run_epoch()
