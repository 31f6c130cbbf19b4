"""Clips cut exactly to the frame: copied at key frames, encoded anew elsewhere, the same twice."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from indexing.files import checksum
from indexing.media import cut
from indexing.media.errors import MediaError
from indexing.media.info import MediaInfo
from indexing.media.probe import probe

FONT = Path(__file__).parents[3] / "static/vendor/fonts/martian-mono.woff2"


def pictures(path: Path, *filters: str) -> list[str]:
    """The checksum of every decoded picture of a clip, in order."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", *filters]
    done = subprocess.run([*command, "-f", "framemd5", "-"], capture_output=True, check=True)
    lines = done.stdout.decode().splitlines()
    return [line.split()[-1] for line in lines if not line.startswith("#")]


def length(path: Path) -> float:
    """How long a clip lasts, in seconds."""
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"]
    return float(subprocess.run([*command, str(path)], capture_output=True, check=True).stdout)


@pytest.fixture(scope="module")
def street(make_video: Callable[..., Path]) -> tuple[Path, MediaInfo]:
    """A recording with a key frame every two seconds, and what it holds."""
    path = make_video(24)
    return path, probe(path)


@pytest.fixture(scope="module")
def shown(street: tuple[Path, MediaInfo]) -> list[str]:
    """Its pictures, ten a second."""
    return pictures(street[0])


@pytest.mark.parametrize(("start", "end"), [(4, 10), (0, 6), (6, 8), (20, 24)])
def test_between_key_frames_the_streams_are_copied(
    street: tuple[Path, MediaInfo], shown: list[str], tmp_path: Path, start: int, end: int
) -> None:
    made = twice(street, tmp_path, start, end)
    assert (made.copied, made.frames, made.why) == (True, 10 * (end - start), "")
    assert pictures(tmp_path / "c.mp4") == shown[10 * start : 10 * end]


def twice(street: tuple[Path, MediaInfo], folder: Path, start: int, end: int) -> cut.Cut:
    """Cut a stretch two times, which gives the same bytes."""
    path, info = street
    planned = cut.plan(path, info, start, end)
    made = cut.make(path, info, planned, folder / "c.mp4")
    assert cut.make(path, info, planned, folder / "d.mp4") == made
    assert checksum(folder / "c.mp4") == checksum(folder / "d.mp4")
    return made


@pytest.mark.parametrize(
    ("start", "end", "why"), [(3, 9, "begin at a key"), (4, 9, "end at a key")]
)
def test_elsewhere_pictures_are_encoded_anew(
    street: tuple[Path, MediaInfo], tmp_path: Path, start: int, end: int, why: str
) -> None:
    made = twice(street, tmp_path, start, end)
    assert not made.copied
    assert why in made.why
    assert made.frames == 10 * (end - start)
    assert length(tmp_path / "c.mp4") == pytest.approx(end - start, abs=0.06)


def test_time_and_camera_are_written_into_the_picture(
    street: tuple[Path, MediaInfo], tmp_path: Path
) -> None:
    path, info = street
    odd = tmp_path / "it's: [odd], 100 %; \\ x"
    odd.mkdir()
    font = odd / "f.woff2"
    font.write_bytes(FONT.read_bytes())
    clocks = [cut.Clock(0, 1_782_000_000, "+02:00"), cut.Clock(1, 1_782_003_600, "+03:00")]
    burn = cut.Burn("North: 'gate' 100 % \\ ,;[x]", clocks, font)
    planned = cut.plan(path, info, 4, 6, burn=True)
    made = cut.make(path, info, planned, odd / "c.mp4", burn)
    assert not made.copied
    assert "written into the picture" in made.why
    plain = cut.make(path, info, cut.plan(path, info, 5, 6), tmp_path / "p.mp4")
    assert plain.frames == 10
    assert made.frames == 20
    shown = pictures(odd / "c.mp4")
    assert len(set(shown)) > 1


def test_a_recording_without_picture_gives_its_sound(
    street: tuple[Path, MediaInfo], tmp_path: Path
) -> None:
    sound = tmp_path / "s.m4a"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(street[0]), "-vn", "-c", "copy", str(sound)],
        check=True,
    )
    info = probe(sound)
    made = cut.make(sound, info, cut.plan(sound, info, 4, 9), tmp_path / "c.mp4")
    assert (made.copied, made.frames) == (True, 0)
    assert length(tmp_path / "c.mp4") == pytest.approx(5, abs=0.06)


def test_what_is_not_there_gets_a_sentence(street: tuple[Path, MediaInfo], tmp_path: Path) -> None:
    path, info = street
    with pytest.raises(MediaError, match="no picture in this stretch"):
        cut.plan(path, info, 90, 95)
    with pytest.raises(MediaError):
        cut.plan(tmp_path / "gone.mp4", info, 1, 2)
