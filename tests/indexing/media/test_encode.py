from pathlib import Path

import numpy as np
import pytest

from indexing.media.decode import decode_chunk
from indexing.media.encode import VideoWriter, write_video
from indexing.media.errors import MediaError
from indexing.media.probe import probe

SIZE = (320, 180)
GREY = np.full((180, 320, 3), 90, dtype=np.uint8)
TONE = (0.3 * np.sin(np.arange(44100) / 20)).astype(np.float32)


def test_pictures_and_sound_come_back(tmp_path: Path) -> None:
    path = tmp_path / "two: seconds.mp4"
    write_video(path, [GREY] * 20, [TONE, TONE], size=SIZE, fps=10)
    info = probe(path)
    chunk = decode_chunk(path, info, 0, 2)
    assert info.duration_s == 2
    assert chunk.frames is not None
    assert chunk.samples is not None
    assert np.abs(chunk.frames.astype(int) - 90).max() < 6
    assert np.std(chunk.samples) == pytest.approx(np.std(TONE), rel=0.05)


def test_either_may_be_left_out(tmp_path: Path) -> None:
    write_video(tmp_path / "mute.mp4", [GREY] * 10, size=SIZE, fps=10)
    write_video(tmp_path / "sound.mp4", [], [TONE], size=SIZE, fps=10)
    assert probe(tmp_path / "mute.mp4").audio is None
    assert probe(tmp_path / "sound.mp4").video is None


def test_nothing_is_left_where_the_work_fails(tmp_path: Path) -> None:
    path = tmp_path / "half.mp4"

    def stop_halfway() -> None:
        with VideoWriter(path, size=SIZE, fps=10) as writer:
            writer.frames(GREY)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stop_halfway()
    with pytest.raises(MediaError, match="Nothing was written"):
        write_video(path, [], size=SIZE, fps=10)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="Cannot write to the folder"):
        write_video(tmp_path / "no" / "out.mp4", [GREY], size=SIZE, fps=10)


def test_ffmpeg_that_gives_up_says_why(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="ffmpeg could not write the video"):
        write_video(tmp_path / "out.mp4", [GREY] * 30, size=SIZE, fps=10, preset="no such preset")
    assert not list(tmp_path.iterdir())
