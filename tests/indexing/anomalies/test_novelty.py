"""The novelty that a trained encoder measures: kept in shards, and what anomalies are told by."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from indexing.anomalies.camera_scores import camera_scores
from indexing.anomalies.drift import drift
from indexing.anomalies.normal import Score
from indexing.anomalies.recording_scores import AnomalyError, AnomalyQuery, find_anomalies
from indexing.encoders import material, snapshots
from indexing.encoders.embedding import ordinary, store
from indexing.encoders.embedding import trained as stored
from indexing.encoders.publishing import publish_shard, read_features, record_shard
from indexing.files import absolute, publish
from indexing.footage import features as kept
from indexing.models import Camera, Encoder, Recording, Shard
from indexing.vectors import shards
from indexing.work.jobs import do_again
from ml.baselines.descriptions import surprise
from ml.corpus import Corpus
from ml.method import Method
from ml.ordinary import Ordinary
from ml.soundstats import SOUND_DIM, sound_statistics
from ml.trained import TrainedEncoder
from ml.training import Training
from tests.footage import TRUNK, add_chunk, add_footage

pytestmark = pytest.mark.django_db

METHOD = Method(epochs=1, audio_depth=1, batch=64)


@pytest.fixture
def recording() -> Recording:
    return trained_street()


def trained_street() -> Recording:
    """A camera with an encoder that measures novelty, trained on its first six minutes."""
    found = add_footage("north", 480, seed=1)
    corpus, _ = split(found)
    session = Training(corpus, METHOD, 0, pretrained=False)
    session.run_epoch()
    file = store(session.encoder())
    encoder = Encoder.objects.create(
        camera=found.camera,
        kind=Encoder.Kind.EPG,
        version=99,
        state=Encoder.State.BUILT,
        crossable=True,
        shared=512,
        has_video=True,
        has_audio=True,
        trunk=TRUNK,
        fitted_on=len(corpus),
        file=file.file,
        size=file.size,
        sha256=file.sha256,
    )
    for chunk in found.chunks.all():
        record_shard(chunk, encoder, publish_shard(encoder, chunk, read_features(chunk, mel=True)))
    Camera.objects.update(encoder=encoder)
    return Recording.objects.get()


def split(recording: Recording) -> tuple[Corpus, Corpus]:
    """What the encoder is trained on, and all."""
    whole = material.read_corpus(material.described(recording.camera))
    return whole.rows(slice(0, 360)), whole


def encoder_of(recording: Recording) -> tuple[Encoder, TrainedEncoder]:
    encoder = recording.camera.encoder
    assert encoder is not None
    return encoder, stored(encoder)


def test_the_command_scores_by_what_the_encoder_was_trained_on(recording: Recording) -> None:
    corpus, whole = split(recording)
    row, encoder = encoder_of(recording)
    _, told = encoder.embed_with_novelty(whole)

    found = find_anomalies(AnomalyQuery(recording.pk))

    assert found.from_training
    assert found.clips_known == len(corpus)
    np.testing.assert_allclose(
        np.array(found.scores, float), surprise(encoder.ordinary, told), rtol=1e-5
    )
    known = ordinary(row)
    assert known is not None
    assert found.mean == pytest.approx(known.own.combined.mean())
    assert found.std == pytest.approx(known.own.combined.std())
    # Of the training set itself one second in twenty is beyond its level, by definition.
    assert (known.own.video > known.level("video")).mean() == pytest.approx(0.05, abs=0.01)


def test_the_neighbours_score_is_the_mean_novelty(recording: Recording) -> None:
    _, whole = split(recording)
    _, encoder = encoder_of(recording)
    _, (video, audio) = encoder.embed_with_novelty(whole)

    found = find_anomalies(AnomalyQuery(recording.pk, Score.NEIGHBOUR))

    np.testing.assert_allclose(np.array(found.scores, float), (video + audio) / 2, rtol=1e-5)


def test_crossings_are_scored_by_the_embeddings(recording: Recording) -> None:
    found = find_anomalies(AnomalyQuery(recording.pk, Score.CROSS))
    assert not found.from_training
    assert found.clips_known == 480
    assert found.mean == pytest.approx(np.mean(np.array(found.scores, float)))


def test_without_novelty_in_every_shard_the_embeddings_tell(recording: Recording) -> None:
    encoder, _ = encoder_of(recording)
    shard = Shard.objects.filter(encoder=encoder)[0]
    older = replace(shards.load(absolute(shard.file)), video_novelty=None, audio_novelty=None)
    published = publish("shards/older", ".safetensors", lambda path: shards.save(older, path))
    Shard.objects.filter(pk=shard.pk).update(file=published.file, sha256=published.sha256)
    snapshots.forget()

    found = find_anomalies(AnomalyQuery(recording.pk))

    assert not found.from_training
    assert found.clips_known == 480
    assert None not in found.scores


def test_a_damaged_encoder_gets_a_sentence(recording: Recording) -> None:
    Encoder.objects.filter(kind=Encoder.Kind.EPG).update(sha256="0" * 64)
    with pytest.raises(
        AnomalyError, match=r"What is normal cannot be told: .* no longer has the bytes"
    ):
        find_anomalies(AnomalyQuery(recording.pk))


def test_a_starters_is_held_against_all_the_footage_there_is() -> None:
    found = add_footage("south", 240)
    told = [
        shards.load(absolute(shard.file)).novelty
        for shard in Shard.objects.filter(chunk__recording=found)
    ]
    video, audio = (np.concatenate(parts) for parts in zip(*[t for t in told if t], strict=True))
    assert len(video) == 240
    known = Ordinary.of(video, audio)
    assert known is not None

    scored = find_anomalies(AnomalyQuery(found.pk))

    assert not scored.from_training
    assert scored.clips_known == 240
    np.testing.assert_allclose(np.array(scored.scores, float), known.own.combined, rtol=1e-5)


def test_features_kept_with_an_older_description_of_sound_are_described_anew() -> None:
    chunk = add_footage("south", 240).chunks.all()[0]
    features = read_features(chunk, mel=True)
    heard = np.arange(len(features)) % 5 > 0
    mel = features.mel * heard[:, None, None]
    older = replace(features, sound=features.sound[:, :90], mel=mel, has_audio=heard)
    file = publish("features/older", ".safetensors", lambda path: kept.save(older, path))

    found = kept.load(absolute(file.file))

    assert found.sound.shape == (len(features), SOUND_DIM)
    np.testing.assert_array_equal(found.sound[heard], sound_statistics(mel[heard]))
    assert not found.sound[~heard].any()
    assert found.mel.size == 0  # read for the repair only


def test_a_shard_with_novelty_is_read_as_it_was_written(recording: Recording) -> None:
    encoder, _ = encoder_of(recording)
    shard = Shard.objects.filter(encoder=encoder)[0]
    made = shards.load(absolute(shard.file))
    assert made.video_novelty is not None
    assert np.isfinite(made.video_novelty).all()
    arrays = load_file(absolute(shard.file))
    save_file(arrays, absolute("again.safetensors"))
    np.testing.assert_array_equal(
        shards.load(absolute("again.safetensors")).video_novelty, made.video_novelty
    )


def test_drift_is_measured_against_what_was_trained_on(recording: Recording) -> None:
    usual = drift(camera_scores(recording.camera))
    assert usual is not None
    assert usual.sentences == []
    assert usual.clips == 480

    turn_and_mute()
    found = drift(camera_scores(Camera.objects.get()))

    assert found is not None
    assert found.clips == 1080
    assert found.video is not None
    assert found.video > 0.5
    assert found.lost_audio == pytest.approx(600 / 1080)
    seen, moved, silent = found.sentences
    assert "of the pictures of the last 18 min" in seen
    assert "moved, turned or covered" in moved
    assert "have no sound" in silent


def turn_and_mute() -> None:
    """Add ten minutes in which pictures are others and there is no sound any more."""
    later = add_footage("north", 600, audio=False, seed=2)
    for chunk in later.chunks.all():
        features = read_features(chunk, mel=True)
        turned = replace(features, foreground=features.foreground[:, ::-1] * 2)
        do_again(chunk)
        add_chunk(later, chunk.start_s, turned)
