"""A recording's journey in one process: real ffmpeg, real trunk, real files."""

import shutil
import wave
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from django.conf import settings

from indexing import ingest
from indexing.encoders import starter
from indexing.files import absolute, checksum
from indexing.footage import weights
from indexing.footage.intake import IntakeError, free_start, take_in
from indexing.models import Camera, Chunk, Encoder, Job, Recording, Shard, Work
from indexing.search.query import SearchError, SearchQuery, With
from indexing.search.ranking import search
from indexing.verify import garbage, verify
from indexing.work import jobs
from indexing.work.status import recording_status
from ml import thirdparty

pytestmark = pytest.mark.django_db

Ingest = Callable[..., Recording]
Make = Callable[..., Path]


def test_a_recording_becomes_searchable(ingest_file: Ingest, make_video: Make) -> None:
    path = make_video(8)
    recording = ingest_file(path)

    assert recording.state == Recording.State.READY
    assert (recording.has_video, recording.has_audio) == (True, True)
    assert recording.duration_s == 8
    assert checksum(recording.original_path) == checksum(path) == recording.sha256
    assert recording.playable == recording.original
    report = verify()
    assert (report.ok, report.clips_searchable) == (True, 8)
    result = search(SearchQuery(recording.pk, 2, exclusion_s=1, k=3))
    assert [abs(hit.second - 2) > 1 for hit in result.hits] == [True] * len(result.hits)
    assert len(result.hits) >= 2
    assert recording_status(recording).finished


def test_the_same_bytes_are_recognised(ingest_file: Ingest, make_video: Make) -> None:
    path = make_video(8)
    first = ingest_file(path)
    with path.open("rb") as stream:
        again = take_in(stream, name="copy.mp4", size=path.stat().st_size, camera="Elsewhere")

    assert again.known
    assert again.recording.pk == first.pk
    assert [camera.name for camera in Camera.objects.all()] == ["North gate"]
    assert list((settings.REPRISE_DATA / "incoming").iterdir()) == []


def test_a_stream_that_breaks_off_publishes_nothing(make_video: Make) -> None:
    path = make_video(8)
    with path.open("rb") as stream, pytest.raises(IntakeError, match="stopped after"):
        take_in(stream, name="a.mp4", size=path.stat().st_size + 1, camera="North gate")

    assert not Recording.objects.exists()
    assert list((settings.REPRISE_DATA / "incoming").iterdir()) == []


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with empty.open("rb") as stream, pytest.raises(IntakeError, match="is empty"):
        take_in(stream, name="empty.mp4", size=0, camera="North gate")


def test_a_file_larger_than_the_disk_is_refused_before_it_is_copied(make_video: Make) -> None:
    with make_video(8).open("rb") as stream:
        with pytest.raises(IntakeError, match="GB free"):
            take_in(stream, name="a.mp4", size=10**15, camera="North gate")
        assert stream.tell() == 0


def test_text_is_refused_with_a_reason(ingest_file: Ingest, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("Remember to turn the camera on.\n")

    recording = ingest_file(text)

    assert recording.state == Recording.State.REFUSED
    assert recording.reason.startswith("The file is not a video")
    assert not Chunk.objects.exists()
    with pytest.raises(SearchError, match="was refused"):
        search(SearchQuery(recording.pk, 0))


def test_silence_without_a_picture_is_refused_and_leaves_nothing_to_search(
    ingest_file: Ingest, tmp_path: Path
) -> None:
    path = tmp_path / "silence.wav"
    with wave.open(str(path), "wb") as silence:
        silence.setparams((1, 2, 44_100, 0, "NONE", ""))
        silence.writeframes(bytes(2 * 44_100 * 3))

    recording = ingest_file(path)

    assert recording.state == Recording.State.REFUSED
    assert "digital silence" in recording.reason
    assert not Shard.objects.exists()
    assert verify().ok


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (1, [(0, 1)]),
        (60, [(0, 60)]),
        (61, [(0, 30), (30, 31)]),
        (150, [(0, 50), (50, 50), (100, 50)]),
    ],
)
def test_the_plan_covers_every_second_once(duration: int, expected: list[tuple[int, int]]) -> None:
    assert ingest.plan(duration) == expected


@pytest.mark.parametrize("duration", [59, 119, 121, 3599, 3600, 3601, 86_400])
def test_no_chunk_is_too_long_or_too_short(duration: int) -> None:
    chunks = ingest.plan(duration)
    assert sum(clips for _, clips in chunks) == duration
    assert max(clips for _, clips in chunks) <= ingest.CHUNK_S
    assert duration < 60 or min(clips for _, clips in chunks) >= 30


def test_without_sound_the_sound_is_absent(ingest_file: Ingest, make_video: Make) -> None:
    recording = ingest_file(make_video(6, audio=False))

    assert (recording.has_video, recording.has_audio) == (True, False)
    with pytest.raises(SearchError, match="has no sound"):
        search(SearchQuery(recording.pk, 2, modality=With.AUDIO))
    joint = search(SearchQuery(recording.pk, 2, exclusion_s=1))
    assert any("no sound" in note for note in joint.notes)
    assert all(hit.audio_distance is None for hit in joint.hits)


def test_the_encoder_learns_of_sound_that_comes_later(
    ingest_file: Ingest, make_video: Make
) -> None:
    silent = ingest_file(make_video(6, audio=False))
    first = silent.camera.encoder
    heard = ingest_file(make_video(8, tone=660))

    heard.camera.refresh_from_db()
    encoder = heard.camera.encoder
    assert first is not None
    assert encoder is not None
    assert not first.has_audio
    assert encoder.has_audio
    assert encoder.version > first.version
    assert search(SearchQuery(heard.pk, 1, modality=With.AUDIO, exclusion_s=1)).hits
    assert verify().ok


def test_a_chunk_done_twice_is_published_once(ingest_file: Ingest, make_video: Make) -> None:
    recording = ingest_file(make_video(8))
    chunk = recording.chunks.get()
    Chunk.objects.filter(pk=chunk.pk).update(state=Work.State.WAITING)

    ingest.run_chunk(chunk.pk)
    ingest.run_chunk(chunk.pk)

    recording.camera.refresh_from_db()
    assert Shard.objects.filter(chunk=chunk, encoder=recording.camera.encoder).count() == 1
    assert verify().clips_searchable == 8


def test_a_damaged_shard_is_an_alarm_and_is_made_again(
    ingest_file: Ingest, make_video: Make, drain: Callable[[], None]
) -> None:
    recording = ingest_file(make_video(8))
    recording.camera.refresh_from_db()
    shard = Shard.objects.get(encoder=recording.camera.encoder)
    absolute(shard.file).write_bytes(b"rust")

    report = verify(repair=True)
    assert not report.ok
    assert any("no longer has the bytes" in problem for problem in report.problems)
    drain()

    assert verify().ok


def test_damaged_features_are_made_again_before_settling(
    ingest_file: Ingest, make_video: Make, drain: Callable[[], None]
) -> None:
    recording = ingest_file(make_video(8))
    chunk = recording.chunks.get()
    absolute(chunk.features).write_bytes(b"rust")
    job = Job.objects.create(kind=Job.Kind.SETTLE, camera=recording.camera)

    ingest.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Work.State.FAILED
    assert "no longer has the bytes" in job.error
    chunk.refresh_from_db()
    assert chunk.state == Work.State.WAITING
    assert search(SearchQuery(recording.pk, 1, exclusion_s=1)).hits, "its shard is still there"
    drain()

    assert verify().ok
    again = Job.objects.create(kind=Job.Kind.SETTLE, camera=recording.camera)
    ingest.run_job(again.pk)
    again.refresh_from_db()
    assert again.state == Work.State.DONE


def test_a_damaged_encoder_is_replaced_by_the_next_footage(
    ingest_file: Ingest, make_video: Make
) -> None:
    recording = ingest_file(make_video(8))
    recording.camera.refresh_from_db()
    encoder = recording.camera.encoder
    assert encoder is not None
    absolute(encoder.file).write_bytes(b"rust")
    assert any("The encoder of" in problem for problem in verify().problems)

    ingest_file(make_video(10, tone=587))

    recording.camera.refresh_from_db()
    assert recording.camera.encoder != encoder
    assert verify().ok
    assert verify().clips_searchable == 18


def test_a_start_is_read_from_the_file(ingest_file: Ingest, make_video: Make) -> None:
    first = ingest_file(make_video(6, name="dated.mp4", created="2026-05-04T18:40:00Z"))
    again = ingest_file(make_video(6, name="dated.mp4", tone=523, created="2026-05-04T18:40:03Z"))

    assert (first.start, first.start_known) == (datetime(2026, 5, 4, 18, 40, tzinfo=UTC), True)
    assert not again.start_known, "it would cover the first, so its own clock is not believed"
    assert again.start > first.end


def test_quarantined_work_can_be_tried_again(
    ingest_file: Ingest, make_video: Make, drain: Callable[[], None]
) -> None:
    recording = ingest_file(make_video(8))
    recording.chunks.update(state=Work.State.FAILED, error="The disk was full.")
    Recording.objects.filter(pk=recording.pk).update(state=Recording.State.REFUSED)

    assert jobs.retry_recording(recording) == 1
    drain()

    recording.refresh_from_db()
    assert recording.state == Recording.State.READY


def test_the_camera_switches_only_when_everything_is_embedded(
    ingest_file: Ingest, make_video: Make
) -> None:
    recording = ingest_file(make_video(8))
    camera = recording.camera
    camera.refresh_from_db()
    before = camera.encoder
    assert before is not None
    job = Job.objects.create(kind=Job.Kind.SETTLE, camera=camera)

    ingest.run_job(job.pk)

    camera.refresh_from_db()
    after = camera.encoder
    assert after is not None
    assert after.version == before.version + 1
    assert Encoder.objects.get(pk=before.pk).shards.count() == 1, "kept to switch back to"
    assert Encoder.objects.get(pk=after.pk).state == Encoder.State.BUILT
    old = search(SearchQuery(recording.pk, 1, exclusion_s=1, encoder_id=before.pk))
    assert old.encoder_id == before.pk


def test_learnt_weights_come_into_use_without_a_gap_in_search(
    ingest_file: Ingest, make_video: Make, drain: Callable[[], None], tmp_path: Path
) -> None:
    recording = ingest_file(make_video(8))
    checkpoint = tmp_path / "X3D_M.pyth"
    model = thirdparty.x3d().create_x3d(
        input_clip_length=16, input_crop_size=224, model_num_class=400
    )
    torch.save({"model_state": model.state_dict()}, checkpoint)
    imported = weights.import_weights(checkpoint)
    try:
        assert ingest.describe_again(imported.name) == 8
        before = search(SearchQuery(recording.pk, 1, exclusion_s=1))
        drain()
        after = search(SearchQuery(recording.pk, 1, exclusion_s=1))
    finally:
        shutil.rmtree(weights.folder())

    assert before.hits
    assert after.hits
    assert after.encoder_id != before.encoder_id
    assert Encoder.objects.get(pk=before.encoder_id).trunk == ""
    assert Encoder.objects.get(pk=after.encoder_id).trunk == imported.name
    assert ingest.describe_again(imported.name) == 0


def test_settling_that_was_given_up_is_not_asked_for_again_and_again(
    ingest_file: Ingest, make_video: Make
) -> None:
    recording = ingest_file(make_video(8))
    camera = recording.camera
    camera.refresh_from_db()
    camera.encoders.update(fitted_on=1)
    starter.request(camera)
    Job.objects.filter(kind=Job.Kind.SETTLE, state=Work.State.WAITING).update(
        state=Work.State.FAILED, finished_at=datetime.max.replace(tzinfo=UTC)
    )

    starter.request(camera)

    assert not Job.objects.filter(state=Work.State.WAITING).exists()


def test_no_file_is_left_without_a_row(ingest_file: Ingest, make_video: Make) -> None:
    ingest_file(make_video(8))
    known = set(garbage())
    ingest_file(make_video(6, tone=880), camera="South gate")
    assert set(garbage()) <= known


def test_recordings_without_a_start_do_not_overlap() -> None:
    camera = Camera.objects.create(name="North gate")
    assert camera.recordings.count() == 0
    first = free_start(camera)
    Recording.objects.create(
        camera=camera, name="a", sha256="a", size=1, original="a", start=first, duration_s=600
    )
    assert (free_start(camera) - first).total_seconds() >= 660
