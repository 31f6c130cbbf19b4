from pathlib import Path

import numpy as np
import pytest

from indexing.evaluation.frames import frame_features
from indexing.evaluation.runs import Training
from indexing.evaluation.sources import Composition, Street
from indexing.evaluation.streams import DAY_S, VIDEO, Stream
from indexing.media.probe import probe
from ml.baselines.pretrained import EfficientNet
from ml.baselines.trunks import Look, TrunkAlone


@pytest.fixture
def stream(store: object, trainings: list[Training]) -> Stream:
    return trainings[0].train


def test_a_stream_is_an_ordinary_recording_with_its_truth(stream: Stream) -> None:
    info = probe(stream.folder / VIDEO)
    assert info.video is not None
    assert info.audio is not None
    assert (info.video.codec, info.audio.codec, info.duration_s) == ("h264", "aac", 20)
    assert stream.truth.seconds == 20
    assert len(stream.truth.kinds) >= 5


def test_its_features_are_a_corpus_of_its_day(stream: Stream) -> None:
    corpus = stream.corpus(3)
    assert len(corpus) == 20
    assert corpus.at[0] == 3 * DAY_S
    assert corpus.has_video.all()
    assert corpus.has_audio.all()
    assert np.abs(corpus.foreground).sum() > 0
    assert corpus.mel.std() > 0


def test_every_second_has_a_picture_to_show(stream: Stream) -> None:
    assert all(stream.thumbnail(second)[:2] == b"\xff\xd8" for second in (0, 11, 19))


def test_what_is_there_is_not_made_again(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Street, "write", lambda *_: pytest.fail("rendered again"))
    stream.prepare(jobs=1)


def test_frames_are_described_once_and_kept(stream: Stream) -> None:
    system = EfficientNet("random")
    rows = frame_features(stream, system, None)
    assert rows.shape == (20, 1280)
    assert rows.std(axis=0).max() > 0
    (stream.folder / VIDEO).rename(stream.folder / "elsewhere.mp4")
    try:
        np.testing.assert_array_equal(frame_features(stream, system, None), rows)
    finally:
        (stream.folder / "elsewhere.mp4").rename(stream.folder / VIDEO)


def test_a_look_describes_a_stream_once(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Look("shallow, at what moves", moving=True, blocks=2, peaks=True)
    rows = frame_features(stream, TrunkAlone(look), None)
    assert rows.shape == (20, 24)
    assert rows.std(axis=0).max() > 0
    monkeypatch.setattr(Look, "describe", lambda _: pytest.fail("looked again"))
    np.testing.assert_array_equal(frame_features(stream, TrunkAlone(look), None), rows)
    other = Look("shallow, at what moves", moving=True, blocks=2, peaks=False)
    with pytest.raises(pytest.fail.Exception):
        frame_features(stream, TrunkAlone(other), None)


def test_the_key_holds_everything_but_the_name(tmp_path: Path) -> None:
    one = Stream.of(Street("one", 5, 30), tmp_path)
    assert Stream.of(Street("another", 5, 30), tmp_path).key == one.key
    others = [Street("one", 6, 30), Street("one", 5, 31), Street("one", 5, 30, view="B")]
    assert one.key not in {Stream.of(other, tmp_path).key for other in others}
    (tmp_path / "siren").mkdir()
    (tmp_path / "siren" / "a.wav").write_bytes(b"a")
    sounding = Stream.of(Street("one", 5, 30, sounds=tmp_path), tmp_path).key
    (tmp_path / "siren" / "b.wav").write_bytes(b"b")
    assert Stream.of(Street("one", 5, 30, sounds=tmp_path), tmp_path).key != sounding


@pytest.mark.media
def test_halves_of_a_composition_share_no_recording(media: Path, tmp_path: Path) -> None:
    from indexing.evaluation.composition.schedule import schedule
    from indexing.media.sounds import original

    sounds = media / "sounds" / "urbansound"
    halves = [{original(one.path) for one in schedule(sounds, 900, 3, half=h)} for h in (0, 1)]
    assert all(halves)
    assert halves[0].isdisjoint(halves[1])
    keys = {Stream.of(Composition("c", 3, 900, media, half), tmp_path).key for half in (0, 1)}
    assert len(keys) == 2
