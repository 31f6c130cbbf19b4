"""The browser's copy keeps our clock: what it shows at second s is clip s."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexing.media.decode import decode_chunk
from indexing.media.errors import MediaError
from indexing.media.preview import make_preview
from indexing.media.probe import probe

Make = Callable[..., Any]
Run = Callable[[str, Path], Path]
X264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p"
TEN_BIT = "-c:v libx264 -preset veryfast -pix_fmt yuv420p10le"
FRAGMENTS = "-movflags frag_keyframe+empty_moov"

# Name, options, the codecs of the copy, and whether the original is played as it is.
ORIGINALS = [
    ("plain.mp4", f"{X264} -g 50 -c:a aac", ("h264", "aac"), True),
    ("silent.mp4", f"{X264} -g 50 -an", ("h264", None), True),
    ("remuxed.mkv", f"{X264} -bf 2 -g 50 -c:a aac", ("h264", "aac"), False),
    ("remuxed.ts", f"{X264} -bf 2 -g 50 -c:a aac", ("h264", "aac"), False),
    ("late.mp4", f"{X264} -bf 2 -g 50 -c:a aac -output_ts_offset 8.31", ("h264", "aac"), False),
    ("fragments.mp4", f"{X264} -g 25 -an {FRAGMENTS}", ("h264", None), False),
    ("long-gop.mp4", f"{X264} -g 9999 -sc_threshold 0 -an", ("h264", None), False),
    ("open.mkv", f"{X264} -bf 3 -g 30 -x264-params open-gop=1 -an", ("h264", None), False),
    ("ten-bit.mp4", f"{TEN_BIT} -an", ("h264", None), False),
    ("old.avi", "-c:v mpeg4 -q:v 2 -bf 2 -c:a libmp3lame", ("h264", "mp3"), False),
    ("h264.avi", f"{X264} -bf 2 -g 50 -an", ("h264", None), False),
    ("web.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p -c:a libopus",
     ("vp9", "opus"), True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "codecs", "playable"), ORIGINALS)
def test_the_copy_keeps_the_clock(
    name: str,
    options: str,
    codecs: tuple[str, str | None],
    playable: bool,
    make_numbered: Make,
    read: Any,
    tmp_path: Path,
) -> None:
    recording = make_numbered(name, options, seconds=14)
    info = probe(recording.path)
    assert info.browser_playable == playable
    out = tmp_path / "preview.mp4"
    heard: list[float] = []
    make_preview(recording.path, info, out, heard.append)
    assert heard
    assert max(heard) <= 1
    copy = probe(out)
    assert (copy.video and copy.video.codec, copy.audio and copy.audio.codec) == codecs
    assert copy.browser_playable
    assert copy.start_time == pytest.approx(0, abs=0.001)
    assert copy.duration_s == info.duration_s
    chunk = decode_chunk(out, copy, 7, 4)
    assert read.strangers(recording, copy, chunk, 7, 4) == []
    if chunk.samples is not None:
        original = decode_chunk(recording.path, info, 7, 4)
        starts = read.beep_starts(original.samples)
        assert np.abs(read.beep_starts(chunk.samples) - starts).max() < 0.03


def test_holes_stay_where_they_are(make_numbered: Make, read: Any, tmp_path: Path) -> None:
    recording = make_numbered("hole.mkv", X264 + " -g 25 -an", seconds=8, jump=6.5, every=110)
    info = probe(recording.path)
    for encode in (False, True):
        out = tmp_path / f"preview-{encode}.mp4"
        make_preview(recording.path, info, out, encode=encode)
        copy = probe(out)
        assert copy.gaps == info.gaps
        chunk = decode_chunk(out, copy, 11, 3)
        assert read.strangers(recording, copy, chunk, 11, 3) == []


def test_a_hole_in_the_sound_is_filled(run_ffmpeg: Run, tmp_path: Path) -> None:
    sine = "-f lavfi -i sine=frequency=500:duration=9"
    hole = "aselect='lt(t,3)+gt(t,6.5)'"
    path = run_ffmpeg(f"{sine} -af {hole} -c:a flac", tmp_path / "hole.mkv")
    info = probe(path)
    assert [(gap.start, gap.end) for gap in info.gaps] == [(4, 6)]
    make_preview(path, info, tmp_path / "preview.mp4")
    copy = probe(tmp_path / "preview.mp4")
    assert copy.gaps == ()
    chunk = decode_chunk(tmp_path / "preview.mp4", copy, 0, 9)
    assert chunk.has_audio.tolist() == [True] * 4 + [False] * 2 + [True] * 3


def test_size_and_rotation(run_ffmpeg: Run, tmp_path: Path) -> None:
    source = "-f lavfi -i testsrc2=size=1441x811:rate=10 -t 1 -c:v mjpeg -pix_fmt yuvj420p"
    flat = run_ffmpeg(source, tmp_path / "flat.mov")
    turned = run_ffmpeg(f"-i {flat} -c copy -metadata:s:v:0 rotate=90", tmp_path / "turned.mov")
    for path, size in ((flat, (1280, 720)), (turned, (720, 1280))):
        out = tmp_path / "preview.mp4"
        make_preview(path, probe(path), out)
        video = probe(out).video
        assert video is not None
        assert (video.width, video.height, video.rotation) == (*size, 0)
        assert video.pix_fmt == "yuvj420p" or video.pix_fmt == "yuv420p"


def test_keyframes_are_close_when_encoded(make_numbered: Make, tmp_path: Path) -> None:
    recording = make_numbered("long-gop.ts", X264 + " -g 9999 -sc_threshold 0 -an", seconds=14)
    info = probe(recording.path)
    make_preview(recording.path, info, tmp_path / "preview.mp4")
    video = probe(tmp_path / "preview.mp4").video
    assert video is not None
    assert video.keyframe_interval_s <= 2.05


def test_nothing_is_left_behind_by_a_failure(make_numbered: Make, tmp_path: Path) -> None:
    recording = make_numbered("plain.mp4", f"{X264} -g 50 -c:a aac", seconds=14)
    info = probe(recording.path)
    with pytest.raises(MediaError, match="not there"):
        make_preview(tmp_path / "gone.mp4", info, tmp_path / "preview.mp4")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(recording.path.read_bytes()[:500])
    with pytest.raises(MediaError, match="could not be made"):
        make_preview(broken, info, tmp_path / "preview.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["broken.mp4"]
