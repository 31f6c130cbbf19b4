"""Files that people search with: read as recordings are, embedded by whoever is searched."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from indexing.casework import saved, standing
from indexing.casework.standing import Terms
from indexing.events import labels
from indexing.footage.intake import SAMPLES, IntakeError, find_known, take_in, take_sample
from indexing.models import Camera, Check, Chunk, Encoder, Recording, Shard
from indexing.search.query import Clip, SearchError, SearchQuery, With
from indexing.search.ranking import SearchResult, search
from indexing.verify import verify
from indexing.work.status import recording_status
from tests.footage import add_footage

pytestmark = pytest.mark.django_db

Ingest = Callable[..., Recording]
Drain = Callable[[], None]


@pytest.fixture
def gates() -> list[Recording]:
    """A recording of each of two cameras."""
    return [add_footage(name, 120, seed=seed) for seed, name in enumerate(("North", "South"))]


@pytest.fixture
def sample(gates: list[Recording]) -> Recording:
    """A file of twenty seconds to search them with."""
    Camera.objects.create(name=SAMPLES, samples=True)
    return add_footage(SAMPLES, 20, seed=7)


def render(path: Path, seconds: int, *cut: str) -> Path:
    """Make a recording of noise with a tone now and then; `cut` encodes a part of it anew."""
    heard = "+".join(
        f"between(t,{start},{start + 2})*0.3*sin(2*PI*{pitch}*t)"
        for start, pitch in ((8, 400), (24, 1700), (33, 3000), (44, 1700))
    )
    tones = f"aevalsrc='{heard}+0.1*(random(0)-0.5)':s=16000:d={seconds}"
    source = ("-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=10:duration={seconds}")
    command = ["ffmpeg", "-v", "error", *source, "-f", "lavfi", "-i", tones, "-pix_fmt", "yuv420p"]
    subprocess.run([*command, *cut, str(path)], check=True)
    return path


def taken(path: Path, drain: Drain, **options: User) -> Recording:
    with path.open("rb") as stream:
        found = take_sample(stream, name=path.name, size=path.stat().st_size, **options).recording
    drain()
    found.refresh_from_db()
    return found


def test_a_part_of_a_recording_encoded_anew_finds_where_it_was_cut_from(
    ingest_file: Ingest, drain: Drain, tmp_path: Path
) -> None:
    whole = ingest_file(render(tmp_path / "street.mp4", 55))
    phone = ("-ss", "20", "-t", "12", "-s", "256x144", "-crf", "32", "-b:a", "40k")
    found = taken(render(tmp_path / "phone.mkv", 55, *phone), drain)

    assert (found.state, found.duration_s) == (Recording.State.READY, 12)
    assert recording_status(found).clips_searchable == 12
    result = search(SearchQuery(found.pk, 5, exclusion_s=5, k=2))
    assert [hit.second for hit in result.hits] == [25, 44]  # the other time this tone is heard
    assert result.around_query == ()  # nothing of a camera's footage is next to a sample
    assert {hit.recording_id for hit in result.hits} == {whole.pk}
    assert not Shard.objects.filter(chunk__recording=found).exists()
    assert verify().ok


def test_all_cameras_are_searched_unless_some_are_named(
    gates: list[Recording], sample: Recording
) -> None:
    every = search(SearchQuery(sample.pk, 3, exclusion_s=0, k=100))
    south = search(SearchQuery(sample.pk, 3, exclusion_s=0, k=100, cameras=("South",)))
    encoder = Encoder.objects.get(serving__name="North")
    by_one = search(SearchQuery(sample.pk, 3, exclusion_s=0, k=100, encoder_id=encoder.pk))

    assert {hit.camera for hit in every.hits} == {"North", "South"}
    assert every.clips_searched == 240
    assert any("encoders of their own" in note for note in every.notes)
    assert {hit.camera for hit in south.hits} == {"South"}
    assert {hit.camera for hit in by_one.hits} == {"North"}
    assert not any(note.startswith("These cameras") for note in south.notes)


def test_what_a_sample_cannot_be_asked_is_refused(
    gates: list[Recording], sample: Recording
) -> None:
    with pytest.raises(SearchError, match="only after a camera has been trained"):
        search(SearchQuery(sample.pk, 3, With.AUDIO_TO_VIDEO))
    with pytest.raises(SearchError, match="There is no camera named Files to search with"):
        search(SearchQuery(gates[0].pk, 3, cameras=(SAMPLES,)))
    with pytest.raises(labels.LabelError, match="no camera's footage; label what it finds"):
        labels.make(sample, "siren", 0, 3)
    Encoder.objects.filter(serving__name="North").update(trunk="x3d-m own")
    result = search(SearchQuery(sample.pk, 3))
    assert {hit.camera for hit in result.hits} == {"South"}
    assert any("other weights" in note and "left out: North." in note for note in result.notes)
    marked = search(SearchQuery(sample.pk, 3, this=(Clip(gates[0].pk, 40),)))
    assert {hit.camera for hit in marked.hits} == {"South"}
    with pytest.raises(SearchError, match="was seen through other weights"):
        search(SearchQuery(sample.pk, 3, cameras=("North",)))
    Camera.objects.update(encoder=None)
    with pytest.raises(SearchError, match="No footage can be searched with it yet"):
        search(SearchQuery(sample.pk, 3))


def test_a_search_with_a_sample_is_saved_and_stands_over_all_cameras(
    gates: list[Recording], sample: Recording
) -> None:
    user = User.objects.create_user("analyst")
    kept = saved.save(user, "siren", SearchQuery(sample.pk, 3))
    assert saved.replay(kept).same
    standing.stand(kept, Terms("percentile", 90.0, 60, "", ""))
    Check.objects.all().delete()
    add_footage("South", 30, seed=9)
    assert Check.objects.filter(saved=kept).exists()
    Check.objects.all().delete()
    again = Chunk.objects.filter(recording=sample).get()
    assert not Check.objects.filter(chunk=again).exists()


@pytest.mark.parametrize("seconds", [61, 75])
def test_a_file_that_is_too_long_is_refused(drain: Drain, tmp_path: Path, seconds: int) -> None:
    found = taken(render(tmp_path / "long.mp4", seconds), drain)

    assert found.state == Recording.State.REFUSED
    assert f"lasts up to 60 seconds, and this one lasts {seconds}" in found.reason


def test_a_sample_that_is_uploaded_as_footage_becomes_footage(
    ingest_file: Ingest, drain: Drain, tmp_path: Path
) -> None:
    path = render(tmp_path / "street.mp4", 8)
    found = taken(path, drain)
    assert find_known(path) is None
    moved = ingest_file(path)

    assert moved.pk == found.pk
    assert (moved.camera.name, moved.state) == ("North gate", Recording.State.READY)
    assert search(SearchQuery(moved.pk, 3, exclusion_s=1)).clips_searched == 8
    assert verify().ok
    assert taken(path, drain).camera.name == "North gate"  # footage is not taken away again


def test_no_camera_can_be_called_what_samples_are(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"anything")
    with path.open("rb") as stream, pytest.raises(IntakeError, match="is no camera"):
        take_in(stream, name="a.mp4", size=8, camera=SAMPLES)
    assert not Camera.objects.exists()


def test_the_command_takes_a_sample_and_refuses_what_is_none(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "siren.mp4"
    path.write_bytes(b"anything")
    call_command("sample", str(path), json=True)
    assert json.loads(capsys.readouterr().out)["camera"] == SAMPLES
    with pytest.raises(SystemExit):
        call_command("sample", str(tmp_path / "nothing.mp4"))
    assert "There is no file" in capsys.readouterr().err


def test_a_mark_that_an_encoder_cannot_see_does_not_stop_the_search(
    gates: list[Recording],
) -> None:
    other = add_footage("West", 60, seed=4, trunk="x3d-m own")
    Encoder.objects.filter(serving__name="North").update(trunk=gates[0].chunks.all()[0].trunk)
    query = SearchQuery(gates[0].pk, 3, exclusion_s=0, k=100, cameras=("North", "South"))
    plain, marked = search(query), search(replace(query, this=(Clip(other.pk, 40),)))

    assert {hit.camera for hit in marked.hits} == {"North", "South"}

    def ranked(result: SearchResult, camera: str) -> list[int]:
        return [hit.second for hit in result.hits if hit.camera == camera]

    # South learns from the mark; North, which cannot see it, ranks as it did.
    assert ranked(marked, "South") != ranked(plain, "South")
    shared = min(len(ranked(result, "North")) for result in (plain, marked))
    assert ranked(marked, "North")[:shared] == ranked(plain, "North")[:shared]
