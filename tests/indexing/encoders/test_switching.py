"""Going over to another encoder: nothing is missing when it happens, and there is a way back."""

from collections.abc import Callable

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from indexing import ingest
from indexing.encoders import registry, starter, switching
from indexing.encoders.registry import RegistryError
from indexing.files import absolute, publish
from indexing.models import Camera, Encoder, Job, Shard, Work
from indexing.search.query import SearchQuery
from indexing.search.ranking import search
from indexing.verify import verify
from indexing.work import jobs
from tests.footage import add_chunk, add_footage, drawn_features

pytestmark = pytest.mark.django_db

Drain = Callable[[], None]


@pytest.fixture
def camera() -> Camera:
    """A camera with three minutes and two starters, the second of which is in use."""
    recording = add_footage(clips=180)
    job = Job.objects.create(kind=Job.Kind.SETTLE, camera=recording.camera)
    ingest.run_job(job.pk)
    return refreshed(recording.camera)


def in_short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a turn be over at once, as where other work has been waiting for long."""
    monkeypatch.setattr(switching, "TURN_S", -1.0)
    camera = Camera.objects.get()
    Job.objects.create(kind=Job.Kind.SETTLE, camera=camera)


def refreshed(camera: Camera) -> Camera:
    return Camera.objects.select_related("encoder").get(pk=camera.pk)


def first(camera: Camera) -> Encoder:
    return camera.encoders.get(version=1)


def used(camera: Camera) -> Encoder:
    encoder = refreshed(camera).encoder
    assert encoder is not None
    return encoder


def test_an_encoder_that_has_embedded_everything_is_switched_to_at_once(camera: Camera) -> None:
    assert used(camera).version == 2

    assert registry.activate(first(camera)) is None

    assert used(camera) == first(camera)
    assert registry.activate(first(camera)) is None, "it is in use already"
    assert verify().ok


def test_what_is_missing_is_embedded_before_the_switch(camera: Camera, drain: Drain) -> None:
    recording = camera.recordings.get()
    switching.retire(first(camera))
    query = SearchQuery(recording.pk, 5, exclusion_s=1)

    job = registry.activate(first(camera))

    assert job is not None
    assert used(camera).version == 2, "searches go on with the old one meanwhile"
    assert search(query).hits
    drain()
    assert used(camera).version == 1
    assert used(camera).state == Encoder.State.BUILT
    assert search(query).hits
    report = verify()
    assert (report.ok, report.clips_searchable) == (True, 180)


def test_what_comes_in_during_the_switch_is_embedded_by_both(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    switching.retire(first(camera))
    job = registry.activate(first(camera))
    assert job is not None
    in_short_turns(monkeypatch)

    ingest.run_job(job.pk)
    assert switching.embedded(first(camera)) == 60, "a turn is over after one chunk"
    late = add_footage(clips=60, seed=1)
    assert used(camera).version == 2
    for _ in range(4):
        ingest.run_job(job.pk)

    assert used(camera).version == 1
    assert Shard.objects.filter(chunk__recording=late).count() == 2
    assert verify().ok
    assert verify().clips_searchable == 240


def test_the_last_wish_counts(camera: Camera) -> None:
    switching.retire(first(camera))
    registry.activate(first(camera))

    registry.activate(used(camera))

    assert not Job.objects.filter(kind=Job.Kind.BUILD).exists()
    assert used(camera).version == 2


def test_one_job_builds_an_encoder_whoever_asks(camera: Camera) -> None:
    switching.retire(first(camera))
    built, wanted = registry.build(first(camera)), registry.activate(first(camera))

    assert built == wanted
    assert Job.objects.get(kind=Job.Kind.BUILD).switch


def test_damaged_features_delay_the_switch_and_nothing_else(camera: Camera) -> None:
    switching.retire(first(camera))
    recording = camera.recordings.get()
    chunk = recording.chunks.order_by("start_s")[0]
    absolute(chunk.features).write_bytes(b"rust")
    job = registry.activate(first(camera))
    assert job is not None

    ingest.run_job(job.pk)

    job.refresh_from_db()
    assert (job.state, job.attempts, job.error) == (
        Work.State.WAITING,
        0,
        switching.BEING_REMADE,
    )
    assert used(camera).version == 2
    assert switching.embedded(first(camera)) == 120
    noise = np.random.default_rng(0)
    add_chunk(recording, 0, drawn_features(60, noise, video=True, audio=True, varied=True))
    ingest.run_job(job.pk)
    assert used(camera).version == 1


def test_a_damaged_encoder_does_not_come_into_use(camera: Camera) -> None:
    absolute(first(camera).file).write_bytes(b"rust")
    with pytest.raises(RegistryError, match="is damaged or missing"):
        registry.activate(first(camera))
    assert used(camera).version == 2


def test_settling_does_not_replace_a_trained_encoder(camera: Camera) -> None:
    encoder = used(camera)
    Encoder.objects.filter(pk=encoder.pk).update(kind=Encoder.Kind.EPG)
    camera.encoders.update(fitted_on=1)
    starter.request(camera)
    assert not Job.objects.filter(state=Work.State.WAITING).exists()
    job = Job.objects.create(kind=Job.Kind.SETTLE, camera=camera)

    ingest.run_job(job.pk)

    assert used(camera) == encoder
    settled = camera.encoders.get(version=3)
    assert settled.state == Encoder.State.BUILT
    assert switching.embedded(settled) == 180, "the starter keeps being available"


def test_a_worker_that_lost_the_job_switches_nothing(camera: Camera) -> None:
    switching.retire(first(camera))
    job = registry.activate(first(camera))
    assert job is not None
    claimed = jobs.claim(Job, job.pk)
    assert claimed is not None
    Job.objects.filter(pk=job.pk).update(owner="another:1:token")

    with pytest.raises(jobs.LeaseLost):
        switching.build(claimed)
    assert used(camera).version == 2
    assert switching.embedded(first(camera)) == 0


def test_a_starter_of_another_version_is_fitted_anew_and_searched_meanwhile(
    camera: Camera, drain: Drain
) -> None:
    older = camera.encoder
    assert older is not None
    arrays = load_file(absolute(older.file))
    del arrays["typical"]
    file = publish("encoders", ".safetensors", lambda path: save_file(arrays, path))
    Encoder.objects.filter(pk=older.pk).update(file=file.file, size=file.size, sha256=file.sha256)
    recording = camera.recordings.all()[0]
    query = SearchQuery(recording_id=recording.pk, second=30)
    assert search(query).encoder_id == older.pk

    ingest.close_recordings()
    drain()

    camera.refresh_from_db()
    assert camera.encoder != older
    assert search(query).encoder_id == camera.encoder_id
    assert verify().ok
