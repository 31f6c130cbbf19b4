import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexing.media.errors import MediaError
from indexing.media.thumbnails import jpeg, pack, read, read_thumbnail


def test_a_jpeg_keeps_the_picture() -> None:
    frame = np.zeros((224, 398, 3), np.uint8)
    frame[:, :200] = (200, 30, 60)
    picture = Image.open(io.BytesIO(jpeg(frame)))
    assert picture.format == "JPEG"
    assert picture.size == (398, 224)
    assert np.abs(np.asarray(picture).astype(int) - frame)[:, :180].max() < 12


def test_a_packed_file_gives_back_each_second(tmp_path: Path) -> None:
    thumbnails = {61: b"one", 60: b"sixty", 119: b"last"}
    path = tmp_path / "thumbnails.zip"
    pack(path, thumbnails)
    assert read(path) == thumbnails
    assert read_thumbnail(path, 61) == b"one"
    with pytest.raises(KeyError):
        read_thumbnail(path, 7)
    assert [file.name for file in tmp_path.iterdir()] == ["thumbnails.zip"]


def test_the_same_thumbnails_give_the_same_bytes(tmp_path: Path) -> None:
    pack(tmp_path / "a", {1: b"x", 2: b"y"})
    pack(tmp_path / "b", {2: b"y", 1: b"x"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_broken_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "broken.zip"
    path.write_bytes(b"not a zip")
    with pytest.raises(MediaError, match="cannot be read"):
        read_thumbnail(path, 0)
    with pytest.raises(MediaError, match="cannot be read"):
        read(tmp_path / "missing.zip")
