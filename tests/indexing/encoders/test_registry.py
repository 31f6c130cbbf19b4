"""The registry of encoders: shown, compared, deleted; as one file, and files that lie."""

import json
import os
import pickle
import struct
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from indexing import ingest
from indexing.encoders import exchange, registry, switching
from indexing.encoders.exchange import read_encoder, write_encoder
from indexing.encoders.registry import RegistryError
from indexing.files import absolute
from indexing.footage.weights import trunk_name
from indexing.learning import training
from indexing.models import Camera, Chunk, Encoder, Job, Recording, Shard, Training, Work
from indexing.search import comparison
from indexing.search.query import SearchQuery
from indexing.search.ranking import search
from indexing.verify import garbage, verify
from tests.footage import add_footage

pytestmark = pytest.mark.django_db

Arrays = dict[str, Any]
Ingest = Callable[..., Recording]
Make = Callable[..., Path]
SETTINGS = {"foreground_width": 16, "batch": 128, "audio_depth": 1, "private_video": 20}


@pytest.fixture(scope="module")
def exported(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any
) -> Path:
    """The file of an encoder that was trained for an epoch, made once."""
    path = tmp_path_factory.mktemp("encoders") / "north.encoder.safetensors"
    with django_db_blocker.unblock():
        camera = add_footage("Elsewhere", clips=600).camera
        row = training.start(camera, epochs=1, seed=7, activate=False, settings=SETTINGS)
        assert row.job is not None
        ingest.run_job(row.job.pk)
        encoder = camera.encoders.get(kind=Encoder.Kind.EPG)
        write_encoder(encoder, path)
        Job.objects.all().delete()
        Training.objects.all().delete()
        Camera.objects.update(encoder=None)
        camera.recordings.all().delete()
        camera.delete()
    return path


@pytest.fixture
def camera() -> Camera:
    """A camera with two minutes and its starter in use."""
    return add_footage(clips=120).camera


def take_in(path: Path, camera: Camera) -> Encoder:
    with path.open("rb") as stream:
        return read_encoder(stream, camera=camera, name=path.name)


def test_an_encoder_goes_out_and_comes_in_whole(
    exported: Path, camera: Camera, tmp_path: Path
) -> None:
    encoder = take_in(exported, camera)

    shown = registry.document(encoder)
    assert (shown["kind"], shown["method"], shown["seed"]) == ("trained", "consensus", 7)
    assert shown["origin"] == "imported from north.encoder.safetensors"
    assert shown["data"]["trained_on"] == 420
    assert len(shown["curves"]) == 1
    assert shown["metrics"]
    assert (shown["active"], shown["clips_embedded"], shown["clips_total"]) == (False, 0, 120)
    again = tmp_path / "again.safetensors"
    write_encoder(encoder, again)
    mine, theirs = load_file(again), load_file(exported)
    assert mine.keys() == theirs.keys()
    assert all((mine[name] == theirs[name]).all() for name in mine)
    with pytest.raises(RegistryError, match=f"here already, as encoder {encoder.pk}"):
        take_in(exported, camera)


def test_an_imported_encoder_is_compared_and_put_in_use(exported: Path, camera: Camera) -> None:
    recording = camera.recordings.get()
    starter, encoder = camera.encoders.get(), take_in(exported, camera)
    query = SearchQuery(recording.pk, 10, exclusion_s=5)
    with pytest.raises(RegistryError, match="has embedded 0 of 120 clips"):
        comparison.compare(starter, encoder, query)
    job = registry.build(encoder)
    assert job is not None
    ingest.run_job(job.pk)

    compared = comparison.compare(starter, encoder, query)

    assert compared.results is not None
    assert [result.encoder_id for result in compared.results] == [starter.pk, encoder.pk]
    assert 0 < compared.shared_hits <= len(compared.results[0].hits)
    assert {row.name for row in compared.metrics} == set(encoder.metrics)
    assert Camera.objects.get().encoder == starter, "building is not switching"
    assert registry.activate(encoder) is None
    assert Camera.objects.get().encoder == encoder


def test_encoders_of_two_cameras_are_not_compared(camera: Camera) -> None:
    elsewhere = add_footage("Elsewhere", clips=120).camera
    with pytest.raises(
        RegistryError, match="belong to different cameras, North gate and Elsewhere"
    ):
        comparison.compare(camera.encoders.get(), elsewhere.encoders.get())


@pytest.mark.parametrize(
    ("exclusion_s", "apart_s", "shared"),
    [(60, 5, True), (60, 6, False), (3, 3, True), (3, 4, False)],
)
def test_a_hit_is_shared_within_five_seconds_and_the_window(
    camera: Camera, exclusion_s: int, apart_s: int, shared: bool
) -> None:
    query = SearchQuery(camera.recordings.get().pk, 10, exclusion_s=exclusion_s, k=1)
    result = search(query)
    later = replace(result.hits[0], at=result.hits[0].at + timedelta(seconds=apart_s), rank=7)
    found = comparison.counterpart(result.hits[0], replace(result, hits=(later,)))
    assert (found == later) if shared else (found is None)


def test_an_encoder_of_other_trunk_weights_is_not_put_in_use(
    exported: Path, camera: Camera
) -> None:
    encoder = take_in(exported, camera)
    Encoder.objects.filter(pk=encoder.pk).update(trunk="x3d-m kinetics-400 12345678")
    with pytest.raises(RegistryError, match="trained with the trunk weights “x3d-m kinetics"):
        registry.activate(registry.find(encoder.pk))
    assert not Job.objects.filter(kind=Job.Kind.BUILD).exists()


def test_a_real_recording_is_embedded_by_the_trained_encoder_in_use(
    exported: Path, camera: Camera, ingest_file: Ingest, make_video: Make
) -> None:
    starter, encoder = camera.encoders.get(), in_use(exported, camera)

    recording = ingest_file(make_video(8))

    assert [shard.encoder for shard in Shard.objects.filter(chunk__recording=recording)] == [
        encoder
    ]
    assert recording.chunks.get().trunk == trunk_name(None)
    assert search(SearchQuery(recording.pk, 2, exclusion_s=1)).encoder_id == encoder.pk
    assert verify().ok
    assert registry.activate(starter) is not None, "it has not embedded the new recording"


def test_a_trained_encoder_keeps_the_trunk_that_it_was_trained_with(
    exported: Path,
    camera: Camera,
    django_capture_on_commit_callbacks: Any,
) -> None:
    starter = camera.encoders.get()
    in_use(exported, camera)
    Chunk.objects.update(trunk="x3d-m kinetics-400 12345678")

    assert ingest.describe_again(trunk_name(None)) == 0, "its footage stays as it is"
    with django_capture_on_commit_callbacks(execute=True):
        registry.activate(starter)

    waiting = Chunk.objects.filter(state=Work.State.WAITING)
    assert waiting.count() == camera.recordings.get().chunks.count(), "a starter sees with others"


def test_footage_whose_trunk_is_gone_is_told_so(
    exported: Path, camera: Camera, ingest_file: Ingest, make_video: Make
) -> None:
    encoder = in_use(exported, camera)
    Encoder.objects.filter(pk=encoder.pk).update(trunk="x3d-m kinetics-400 12345678")

    recording = ingest_file(make_video(6))

    assert recording.state == Recording.State.REFUSED
    assert "“x3d-m kinetics-400 12345678” are not here" in recording.reason


def in_use(exported: Path, camera: Camera) -> Encoder:
    """Return an imported encoder that was put in use."""
    encoder = take_in(exported, camera)
    job = registry.activate(encoder)
    assert job is not None
    ingest.run_job(job.pk)
    assert Camera.objects.get().encoder == encoder
    return encoder


def test_what_is_in_use_is_not_deleted(
    exported: Path, camera: Camera, django_capture_on_commit_callbacks: Any
) -> None:
    starter, encoder = camera.encoders.get(), take_in(exported, camera)
    with pytest.raises(RegistryError, match="is in use"):
        registry.delete(starter)
    registry.build(encoder)
    with pytest.raises(RegistryError, match="is being embedded"):
        registry.delete(encoder)
    Job.objects.filter(kind=Job.Kind.BUILD).delete()
    file = absolute(encoder.file)

    with django_capture_on_commit_callbacks(execute=True):
        registry.delete(encoder)

    assert not file.exists()
    assert list(camera.encoders.all()) == [starter]


def test_the_last_starter_stays(exported: Path, camera: Camera) -> None:
    starter, encoder = camera.encoders.get(), take_in(exported, camera)
    Camera.objects.update(encoder=encoder)
    with pytest.raises(RegistryError, match="the only starter"):
        registry.delete(starter)


def rewritten(path: Path, source: Path, change: Callable[[Arrays, dict[str, Any]], None]) -> Path:
    """Write an encoder's file anew with a change, its checksums made to fit again."""
    arrays = dict(load_file(source))
    with safe_open(source, framework="np") as file:
        about = json.loads(file.metadata()["about"])
    change(arrays, about)
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    about["arrays"] = {name: exchange.digest(array) for name, array in arrays.items()}
    save_file(arrays, path, {"format": exchange.FORMAT, "about": json.dumps(about)})
    return path


def set_array(name: str, made: Callable[[Any], Any]) -> Callable[[Arrays, dict[str, Any]], None]:
    def change(arrays: Arrays, about: dict[str, Any]) -> None:
        arrays[name] = made(arrays[name])

    return change


def set_about(**values: Any) -> Callable[[Arrays, dict[str, Any]], None]:
    return lambda arrays, about: about.update(values)


LIES: list[tuple[str, Callable[[Arrays, dict[str, Any]], None], str]] = [
    ("nan", set_array("video.embed", lambda a: a * np.nan), "not finite numbers"),
    ("shape", set_array("video.embed", lambda a: a[:-1]), "cannot be taken in"),
    ("type", set_array("scales", lambda a: a.astype(np.int64)), "not those of an encoder"),
    ("absent", lambda arrays, about: arrays.pop("audio.stem"), "cannot be taken in"),
    (
        "huge",
        set_array("video.embed", lambda a: np.full_like(a, 3e38)),
        "values that (are no numbers|cannot be compared)",
    ),
    ("kind", set_about(kind="demon"), "of a kind that this version does not know"),
    ("seed", set_about(seed=-1), "“seed” that cannot be true"),
    ("text", set_about(method=["a"]), "does not say its “method”"),
    ("long", set_about(note="a" * 20_000), "“note” that cannot be true"),
    ("nul", set_about(note="a\0b"), "characters that are none"),
    ("shared", set_about(shared=4000), "shapes do not fit"),
]


@pytest.mark.parametrize(("name", "change", "sentence"), LIES, ids=[name for name, _, _ in LIES])
def test_a_file_that_lies_changes_nothing(
    exported: Path,
    camera: Camera,
    tmp_path: Path,
    name: str,
    change: Callable[[Arrays, dict[str, Any]], None],
    sentence: str,
) -> None:
    path = rewritten(tmp_path / f"{name}.safetensors", exported, change)
    assert_refused(path, camera, sentence)


BLAST = Path(tempfile.gettempdir()) / f"reprise-was-here-{os.getpid()}"


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (BLAST,))


def bytes_of(kind: str, good: bytes) -> bytes:
    header = int.from_bytes(good[:8], "little")
    if kind == "zip":
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("data.pkl", pickle.dumps(Bomb()))
        return packed.getvalue()
    return {
        "empty": b"",
        "short": good[:5],
        "cut header": good[: header // 2],
        "cut arrays": good[: len(good) // 2],
        "one byte less": good[:-1],
        "one byte more": good + b"\0",
        "one bit": good[:-100] + bytes([good[-100] ^ 1]) + good[-99:],
        "pickle": pickle.dumps(Bomb()),
        "huge header": struct.pack("<Q", 2**62) + good[8:],
        "long header": struct.pack("<Q", 50 * 2**20) + b"{" + b" " * (50 * 2**20 - 2) + b"}",
        "deep header": struct.pack("<Q", 200_000) + b"[" * 200_000,
        "no json": struct.pack("<Q", 64) + b"x" * 64,
        "other safetensors": struct.pack("<Q", 2) + b"{}",
    }[kind]


DAMAGES = (
    "empty",
    "short",
    "cut header",
    "cut arrays",
    "one byte less",
    "one byte more",
    "one bit",
    "pickle",
    "zip",
    "huge header",
    "long header",
    "deep header",
    "no json",
    "other safetensors",
)


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_or_malicious_file_changes_nothing(
    exported: Path, camera: Camera, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "file.safetensors"
    path.write_bytes(bytes_of(kind, exported.read_bytes()))
    assert_refused(path, camera, "file.safetensors")
    assert not BLAST.exists()


def test_a_file_without_an_end_is_not_copied_whole(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Endless:
        def read(self, size: int) -> bytes:
            return bytes(size)

    monkeypatch.setattr(exchange, "MOST_BYTES", 2**22)
    with pytest.raises(RegistryError, match="is larger than"):
        read_encoder(Endless(), camera=camera, name="endless")  # type: ignore[arg-type]


def assert_refused(path: Path, camera: Camera, sentence: str) -> None:
    before, files = camera.encoder_id, set(garbage())
    with pytest.raises(RegistryError, match=sentence) as refusal:
        take_in(path, camera)
    assert refusal.value.sentence.endswith(".")
    assert camera.encoders.count() == 1
    assert Camera.objects.get().encoder_id == before
    assert set(garbage()) <= files


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    call_command("encoders", *map(str, arguments), "--json")
    return json.loads(capsys.readouterr().out)


def test_the_command_does_all_of_it(
    exported: Path, camera: Camera, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    starter = camera.encoders.get()
    made = run(capsys, "import", exported, "--camera", camera.name)["encoder"]
    listed = run(capsys, "list", "--camera", camera.name)["encoders"]
    assert [(one["encoder"], one["active"]) for one in listed] == [
        (made, False),
        (starter.pk, True),
    ]
    assert run(capsys, "show", made)["method"] == "consensus"
    begun = run(capsys, "activate", made)
    assert not begun["active"]
    ingest.run_job(Job.objects.get(kind=Job.Kind.BUILD).pk)
    assert run(capsys, "activate", made, "--wait")["active"]
    recording = camera.recordings.get().pk
    compared = run(capsys, "compare", starter.pk, made, recording, "0:00:30", "--wait")
    assert compared["hits"]["left"]
    assert compared["hits"]["right"]
    file = tmp_path / "out.safetensors"
    assert run(capsys, "export", made, file)["file"] == str(file)
    assert file.stat().st_size > 1_000_000
    run(capsys, "activate", starter.pk)
    assert run(capsys, "delete", made) == {"deleted": made}


def test_people_read_it_too(
    exported: Path, camera: Camera, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = take_in(exported, camera)
    switching.embedded(encoder)
    call_command("encoders", "list")
    call_command("encoders", "show", str(encoder.pk))
    call_command("encoders", "compare", str(camera.encoders.get(version=1).pk), str(encoder.pk))
    out = capsys.readouterr().out
    assert "trained" in out
    assert f"Encoder {encoder.pk} of North gate is not in use; 0 of 120 clips" in out
    assert "neighbours.joint" in out


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["show", "99"], 1, "There is no encoder 99."),
        (["delete", "99"], 1, "There is no encoder 99."),
        (["import", "nowhere", "--camera", "North gate"], 1, "There is no file nowhere."),
        (["list", "--camera", "attic"], 1, "There is no camera named attic"),
        (["compare", "1", "2", "3"], 1, "There is no encoder"),
    ],
)
def test_the_command_refuses_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, sentence: str
) -> None:
    with pytest.raises(SystemExit) as end:
        call_command("encoders", *arguments)
    assert end.value.code == status
    assert sentence in capsys.readouterr().err
