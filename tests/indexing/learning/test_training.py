"""A training from beginning to end in one process, and everything that can be in its way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from indexing import ingest
from indexing.encoders import registry, switching
from indexing.encoders.embedding import trained
from indexing.files import absolute, publish
from indexing.footage import features as kept
from indexing.learning import trainer, training
from indexing.learning.training import LEAST_CLIPS, TrainingRefused, training_status
from indexing.models import Camera, Chunk, Encoder, Job, Recording, Training, Work
from indexing.search.query import SearchQuery, With
from indexing.search.ranking import search
from indexing.verify import garbage, verify
from ml import training as ml_training
from tests.footage import add_footage

pytestmark = pytest.mark.django_db

Drain = Callable[[], None]
# The paper's baseline made quick, beside so much of the starter's own that it cannot search worse.
QUICK: dict[str, Any] = {
    "loss": "info_nce",
    "frozen_epochs": 0,
    "unfreezing": "together",
    "trunk_input": "standardised",
    "mel_input": "above",
    "lr_video": 1e-3,
    "lr_audio": 1e-3,
    "foreground_width": 32,
    "batch": 128,
    "audio_depth": 1,
    "lengths": "unit",
    "private_video": 20,
    "private_audio": 20,
}


@pytest.fixture
def camera() -> Camera:
    """A camera with eleven minutes of picture and sound, and its starter in use."""
    return add_footage().camera


def in_short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a turn be over at once, as where other work has been waiting for long."""
    monkeypatch.setattr(switching, "TURN_S", -1.0)
    camera = Camera.objects.get()
    Job.objects.create(kind=Job.Kind.SETTLE, camera=camera)


def begin(camera: Camera, **options: Any) -> Training:
    settings = {**QUICK, **options.pop("settings", {})}
    asked = {"method": "tpg", "epochs": 2, "settings": settings, **options}
    return training.start(camera, **asked)


def turn(row: Training) -> Training:
    """Do the next piece of work of a training, as a worker would."""
    assert row.job is not None
    ingest.run_job(row.job.pk)
    return reread(row)


def ended(row: Training) -> Training:
    """Do all the work of a training."""
    while row.state in (Training.State.RUNNING, Training.State.BUILDING):
        row = turn(row)
    return row


def reread(row: Training) -> Training:
    return Training.objects.select_related("camera__encoder", "encoder", "job").get(pk=row.pk)


def weights(row: Training) -> dict[str, Any]:
    assert row.encoder is not None
    return dict(trained(row.encoder).arrays())


def assert_same(left: dict[str, Any], right: dict[str, Any]) -> None:
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def test_a_camera_is_trained_and_its_search_goes_over(camera: Camera) -> None:
    recording = camera.recordings.get()
    starter = camera.encoders.get()
    row = ended(begin(camera, seed=3, requested_by="ann"))

    assert (row.state, row.error) == (Training.State.DONE, "")
    encoder = row.encoder
    assert encoder is not None
    assert [report["epoch"] for report in row.curves] == [1, 2]
    assert all(report["loss"] > 0 and report["clips"] == 420 for report in row.curves)
    assert row.sentence == encoder.note != ""
    assert (encoder.method, encoder.seed, encoder.trunk) == ("tpg", 3, row.trunk)
    assert encoder.data["trained_on"] == 420
    assert encoder.data["held_back"] == 180
    assert encoder.data["recordings"] == [
        {"id": recording.pk, "name": recording.name, "clips": 660}
    ]
    assert encoder.metrics
    assert row.checkpoint == ""
    assert row.camera.encoder == encoder, row.sentence
    assert encoder.crossable
    assert encoder.shared == 512
    assert verify().ok
    assert verify().clips_searchable == 660
    for way in With:
        hits = search(SearchQuery(recording.pk, 300, modality=way)).hits
        assert hits, way
    old = search(SearchQuery(recording.pk, 300, encoder_id=starter.pk))
    assert old.hits, "the starter keeps being available"
    assert_new_footage_follows(encoder)
    assert registry.activate(starter) is not None, "it has not embedded the new footage"
    assert registry.activate(encoder) is None


def assert_new_footage_follows(encoder: Encoder) -> None:
    """What comes in later is embedded by a trained encoder, queries of other cameras too."""
    late = add_footage(clips=60, seed=1)
    other = add_footage("South gate", clips=60, seed=2)

    assert search(SearchQuery(late.pk, 10)).encoder_id == encoder.pk
    found = search(SearchQuery(other.pk, 10, cameras=("North gate", "South gate")))
    assert {hit.camera for hit in found.hits} == {"North gate"}, "a minute excludes the other's"
    assert verify().ok


def test_without_activation_the_encoder_stays_in_the_registry(camera: Camera) -> None:
    row = ended(begin(camera, activate=False))

    assert row.state == Training.State.DONE
    assert row.sentence.startswith("It was not put in use, as asked.")
    assert row.encoder is not None
    assert row.camera.encoder != row.encoder
    assert switching.embedded(row.encoder) == 0
    assert verify().ok


def test_the_same_seed_gives_the_same_weights_after_a_pause_too(camera: Camera) -> None:
    whole = ended(begin(camera, activate=False))
    row = begin(camera, activate=False)
    monkey = pytest.MonkeyPatch()
    in_short_turns(monkey)
    row = turn(row)
    monkey.undo()
    assert row.epochs_done == 1
    training.pause(row)
    assert reread(row).job is None
    assert "Paused after 1 of 2 epochs" in training_status(reread(row)).sentence
    training.resume(row)
    row = ended(reread(row))

    assert_same(weights(whole), weights(row))


def test_a_pause_in_mid_epoch_loses_that_epoch_alone(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "REPORT_EVERY_S", 0.0)
    row = begin(camera, activate=False)
    session = ml_training.Training.run_epoch
    steps = []

    def interrupted(self: Any, on_step: Callable[[float], None]) -> Any:
        def step(part: float) -> None:
            steps.append(part)
            if self.epochs_done == 1:
                training.pause(reread(row))
            on_step(part)

        return session(self, step)

    monkeypatch.setattr(ml_training.Training, "run_epoch", interrupted)
    paused = turn(row)
    assert (paused.state, paused.epochs_done) == (Training.State.PAUSED, 1)
    assert steps[-1] < 1, "it stopped at the next step"
    monkeypatch.setattr(ml_training.Training, "run_epoch", session)
    training.resume(paused)
    done = ended(reread(paused))

    assert_same(weights(done), weights(ended(begin(camera, activate=False))))


def test_a_cancelled_training_leaves_nothing_behind(
    camera: Camera, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    before = set(garbage())
    in_short_turns(monkeypatch)
    row = turn(begin(camera))
    checkpoint = absolute(row.checkpoint)
    assert checkpoint.exists()

    with django_capture_on_commit_callbacks(execute=True):
        training.cancel(row)

    row = reread(row)
    assert (row.state, row.checkpoint, row.job) == (Training.State.CANCELLED, "", None)
    assert not checkpoint.exists()
    assert set(garbage()) <= before
    assert camera.encoders.count() == 1
    with pytest.raises(TrainingRefused, match="is cancelled"):
        training.resume(row)
    begin(camera)


def test_one_training_at_a_time(camera: Camera) -> None:
    row = begin(camera)
    with pytest.raises(TrainingRefused, match=f"number {row.pk}; wait for it or cancel it first"):
        begin(camera)
    training.pause(row)
    with pytest.raises(TrainingRefused, match="resume it or cancel it first"):
        begin(camera)
    with pytest.raises(TrainingRefused, match="is paused"):
        training.pause(row)


def test_too_little_footage_says_how_much_is_missing() -> None:
    camera = add_footage(clips=240).camera
    with pytest.raises(TrainingRefused, match=r"has 4 min 00 s .* so 6 min 00 s more are needed"):
        begin(camera)
    assert training.available(camera).clips == 240
    assert not Job.objects.filter(kind=Job.Kind.TRAIN).exists()


def test_the_least_footage_leaves_enough_to_train_on() -> None:
    camera = add_footage(clips=LEAST_CLIPS).camera
    row = begin(camera)
    train_part, held_back = trainer.read(row)
    assert len(train_part) >= ml_training.LEAST_CLIPS
    assert len(held_back) >= LEAST_CLIPS // 5


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"method": "magic"}, "There is no method named magic; choose one of consensus"),
        ({"epochs": 0}, "“epochs” lies between 1"),
        ({"seed": -1}, "A seed is a whole number from 0"),
        ({"settings": {"lr_video": float("nan")}}, "“lr_video” lies between"),
        ({"settings": {"colour": 1}}, "no setting “colour”"),
    ],
)
def test_nonsense_is_refused(camera: Camera, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TrainingRefused, match=sentence):
        begin(camera, **options)
    assert not Training.objects.exists()


@pytest.mark.parametrize(("video", "audio"), [(True, False), (False, True)])
def test_what_can_be_trained_is_trained(video: bool, audio: bool) -> None:
    recording = add_footage(video=video, audio=audio)
    row = ended(begin(recording.camera))

    assert row.state == Training.State.DONE
    assert any(note.startswith("This footage has no ") for note in row.notes)
    encoder = row.encoder
    assert encoder is not None
    assert (encoder.has_video, encoder.has_audio) == (video, audio)
    assert not encoder.crossable
    assert search(SearchQuery(recording.pk, 300)).hits
    assert verify().ok


def test_footage_in_which_nothing_happens_changes_nothing() -> None:
    recording = add_footage(varied=False)
    before = recording.camera.encoders.get()

    row = ended(begin(recording.camera))

    assert row.camera.encoder == before
    assert row.state == Training.State.FAILED
    assert row.error.startswith("Neither picture nor sound ever changes")
    assert search(SearchQuery(recording.pk, 300)).hits


def test_settings_that_break_the_numbers_end_in_a_sentence(camera: Camera) -> None:
    before = camera.encoders.get()
    row = ended(begin(camera, settings={"lr_video": 1e6, "lr_audio": 1e6, "cosine": False}))

    assert row.camera.encoder == before
    if row.state == Training.State.FAILED:
        assert "lower the learning rates" in row.error
        assert training_status(row).sentence == row.error
    assert verify().ok


def test_a_checkpoint_of_another_shape_ends_in_a_sentence(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_short_turns(monkeypatch)
    row = turn(begin(camera))
    arrays = load_file(absolute(row.checkpoint))
    name = next(name for name, array in arrays.items() if array.ndim == 2)
    arrays[name] = np.ascontiguousarray(arrays[name][:-1])
    file = publish("checkpoints", ".safetensors", lambda path: save_file(arrays, path))
    Training.objects.filter(pk=row.pk).update(checkpoint=file.file, checkpoint_sha256=file.sha256)

    row = turn(row)

    assert row.state == Training.State.FAILED
    assert "no checkpoint of a training" in row.error
    assert row.checkpoint == ""
    with pytest.raises(TrainingRefused, match="cannot go on; start a new one"):
        training.resume(row)


def test_a_damaged_checkpoint_ends_in_a_sentence(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_short_turns(monkeypatch)
    row = turn(begin(camera))
    absolute(row.checkpoint).write_bytes(b"rust")

    row = turn(row)

    assert (row.state, row.error) == (Training.State.FAILED, trainer.UNFIT)


def test_footage_made_anew_under_a_training_ends_it(camera: Camera) -> None:
    row = begin(camera)
    chunk = Chunk.objects.filter(recording__camera=camera)[0]
    features = kept.load(absolute(chunk.features), mel=True)
    features.foreground[0] += 1
    file = publish("features/1", ".safetensors", lambda path: kept.save(features, path))
    Chunk.objects.filter(pk=chunk.pk).update(features=file.file, features_sha256=file.sha256)

    row = turn(row)

    assert (row.state, row.error) == (Training.State.FAILED, trainer.CHANGED)


def test_footage_of_two_trunks_is_not_trained_on(camera: Camera) -> None:
    Chunk.objects.filter(start_s=0).update(trunk="x3d-m kinetics-400 12345678")
    with pytest.raises(TrainingRefused, match="still being seen anew"):
        begin(camera)


def test_a_full_disk_postpones_the_training(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = begin(camera)

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trainer, "save_file", full)
    monkeypatch.setattr("indexing.work.jobs.disk_is_full", lambda: True)
    row = turn(row)

    assert row.job is not None
    assert (row.state, row.job.state) == (Training.State.RUNNING, Work.State.WAITING)
    assert "disk" in training_status(row).sentence
    monkeypatch.undo()
    assert turn(row).epochs_done == 2


def test_a_worker_that_dies_three_times_ends_it_but_it_can_go_on(camera: Camera) -> None:
    row = begin(camera)
    Job.objects.filter(kind=Job.Kind.TRAIN).update(
        state=Work.State.FAILED, error="Its worker stopped."
    )
    training.close()
    row = reread(row)
    assert (row.state, row.error) == (Training.State.FAILED, "Its worker stopped.")

    training.resume(row)

    row = reread(row)
    assert (row.state, row.error) == (Training.State.RUNNING, "")
    assert row.job is not None


def test_footage_that_overlaps_is_trained_on_once(camera: Camera) -> None:
    recording = camera.recordings.get()
    again = add_footage(clips=120, seed=2)
    Recording.objects.filter(pk=again.pk).update(start=recording.start)

    assert training.available(camera).clips == 660


def test_the_registry_shows_what_an_encoder_learnt_from(camera: Camera, tmp_path: Path) -> None:
    row = ended(begin(camera, activate=False))
    assert row.encoder is not None
    shown = registry.document(row.encoder)
    assert shown["kind"] == "trained"
    assert (shown["method"], shown["seed"], shown["active"]) == ("tpg", 0, False)
    assert shown["curves"] == row.curves
    assert Encoder.objects.get(pk=row.encoder.pk).settings["batch"] == 128
