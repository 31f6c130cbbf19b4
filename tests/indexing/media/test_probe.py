"""What files are told to be, and the sentences with which others are refused."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexing.media.decode import decode_chunk
from indexing.media.errors import MediaError
from indexing.media.info import CUT_OFF, JUMPS_BACK, Gap, MediaInfo, VideoStream
from indexing.media.probe import probe

Make = Callable[..., Any]
Run = Callable[[str, Path], Path]
X264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p"


def video_of(info: MediaInfo) -> VideoStream:
    assert info.video is not None
    return info.video


def refusal(path: Path) -> str:
    with pytest.raises(MediaError) as caught:
        probe(path)
    assert caught.value.sentence.endswith(".")
    assert "\n" not in caught.value.sentence
    return caught.value.sentence


def test_streams_and_sizes(run_ffmpeg: Run, tmp_path: Path) -> None:
    sources = "-f lavfi -i testsrc2=size=200x120:rate=30000/1001 -f lavfi -i sine=sample_rate=32000"
    path = run_ffmpeg(f"{sources} -t 3 {X264} -vf setsar=4/3 -c:a aac -ac 2", tmp_path / "a.mov")
    info = probe(path)
    video = video_of(info)
    assert info.audio is not None
    assert (video.codec, video.width, video.height, video.fps) == ("h264", 200, 120, 29.97)
    assert video.display_size == pytest.approx((200 * 4 / 3, 120))
    assert (info.audio.codec, info.audio.sample_rate, info.audio.channels) == ("aac", 32_000, 2)
    assert info.duration_s == 3


@pytest.mark.parametrize(("seconds", "clips"), [(0.2, 1), (3.4, 3), (3.52, 4)])
def test_whole_clips_are_counted(
    seconds: float, clips: int, run_ffmpeg: Run, tmp_path: Path
) -> None:
    options = f"-f lavfi -i testsrc2=size=64x64:rate=25 -t {seconds} {X264}"
    assert probe(run_ffmpeg(options, tmp_path / "a.mp4")).duration_s == clips


def test_progress_is_told(make_numbered: Make) -> None:
    recording = make_numbered("long.mkv", X264 + " -an", rate="50", seconds=60)
    heard: list[float] = []
    probe(recording.path, heard.append)
    assert heard == sorted(heard)
    assert 0 < heard[0] < heard[-1] <= 1


def test_a_cover_picture_is_no_video(run_ffmpeg: Run, tmp_path: Path) -> None:
    cover = run_ffmpeg("-f lavfi -i testsrc2=size=64x64 -frames:v 1", tmp_path / "cover.png")
    inputs = f"-f lavfi -i sine=duration=2 -i {cover} -map 0 -map 1"
    options = f"{inputs} -c:a aac -c:v png -disposition:v attached_pic"
    info = probe(run_ffmpeg(options, tmp_path / "song.m4a"))
    assert info.video is None
    assert info.audio is not None
    assert info.gaps == ()


def test_an_undecodable_stream_is_left_out_and_told(make_numbered: Make, tmp_path: Path) -> None:
    recording = make_numbered("known.mkv", X264 + " -c:a aac", seconds=3)
    path = tmp_path / "unknown_sound.mkv"
    path.write_bytes(recording.path.read_bytes().replace(b"A_AAC", b"A_XYZ"))
    info = probe(path)
    assert info.audio is None
    assert len(info.gaps) == 1
    assert info.gaps[0].reason.startswith("the sound is in a format this ffmpeg cannot decode")
    assert (info.gaps[0].start, info.gaps[0].end) == (0, 3)
    assert decode_chunk(path, info, 0, 3).gaps == list(info.gaps)


def test_an_mp4_cut_off_at_the_end_tells_what_is_lost(make_numbered: Make, tmp_path: Path) -> None:
    options = X264 + " -g 25 -c:a aac -movflags +faststart"
    data = make_numbered("whole.mp4", options).path.read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: len(data) // 2])
    info = probe(path)
    assert info.duration_s == 16
    lost = info.gaps[-1]
    assert lost.reason == CUT_OFF
    assert lost.end == 16
    assert 4 < lost.start < 12
    assert not info.browser_playable
    chunk = decode_chunk(path, info, 0, 16)
    assert Gap(lost.start, 16, CUT_OFF) in chunk.gaps
    assert chunk.has_video[: lost.start].all()


def test_files_joined_as_they_are_tell_what_cannot_be_placed(make_numbered: Make) -> None:
    recording = make_numbered("part.ts", X264 + " -g 25 -an", seconds=6)
    path = recording.path.with_name("joined.ts")
    path.write_bytes(recording.path.read_bytes() * 2)
    info = probe(path)
    assert info.duration_s in (11, 12)
    assert info.gaps == (Gap(6, info.duration_s, JUMPS_BACK),)
    chunk = decode_chunk(path, info, 0, info.duration_s)
    assert chunk.has_video.nonzero()[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert chunk.gaps == list(info.gaps)
    assert decode_chunk(path, info, 7, 4).frames is None


@pytest.mark.parametrize("name", ["cut.mkv", "cut.avi", "cut.ts", "cut.flv", "cut.webm"])
def test_files_cut_off_before_their_index(
    name: str, make_numbered: Make, read: Any, tmp_path: Path
) -> None:
    vp8 = "-c:v libvpx -deadline realtime -c:a libopus"
    codecs = vp8 if name == "cut.webm" else X264 + " -c:a mp3 -ar 44100"
    recording = make_numbered(f"whole.{name}", f"{codecs} -g 50", seconds=20)
    data = recording.path.read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: len(data) * 4 // 5])
    info = probe(path)
    assert 14 <= info.duration_s <= 18
    start_s = info.duration_s - 4
    chunk = decode_chunk(path, info, start_s, 3)
    assert chunk.has_video.all()
    assert read.strangers(recording, info, chunk, start_s, 3) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "The file is empty (0 bytes)"),
        (b"not a video\n", "The file is not a video or a sound recording"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "The file is not a video or a sound recording"),
        (struct.pack(">I4s4s", 16, b"ftyp", b"isom") + bytes(4), "The file has no index"),
        (b"\x1a\x45\xdf\xa3" + b"\xff" * 64, "The file's header is damaged"),
    ],
)
def test_what_is_no_recording_is_refused(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "upload.mp4"
    path.write_bytes(content)
    assert refusal(path).startswith(expected)


def test_files_that_cannot_be_opened_are_refused(tmp_path: Path) -> None:
    assert "not there" in refusal(tmp_path / "missing.mp4")
    assert "not a file" in refusal(tmp_path)


def test_a_recording_of_zero_length_is_refused(run_ffmpeg: Run, tmp_path: Path) -> None:
    options = f"-f lavfi -i testsrc2=size=64x64 -t 0 {X264}"
    path = run_ffmpeg(options + " -movflags +empty_moov", tmp_path / "a.mp4")
    assert "not one second of it" in refusal(path)


def test_only_a_cover_picture_is_refused(run_ffmpeg: Run, tmp_path: Path) -> None:
    source = "-f lavfi -i testsrc2=size=64x64 -frames:v 1 -c:v mjpeg -pix_fmt yuvj420p"
    path = run_ffmpeg(source + " -disposition:v attached_pic", tmp_path / "a.m4a")
    assert "still picture" in refusal(path)


def test_subtitles_alone_are_refused(run_ffmpeg: Run, tmp_path: Path) -> None:
    text = tmp_path / "a.srt"
    text.write_text("1\n00:00:00,000 --> 00:00:02,000\nHello\n")
    assert "neither video nor sound" in refusal(run_ffmpeg(f"-i {text}", tmp_path / "a.mkv"))


def test_an_unknown_codec_is_named(make_numbered: Make, tmp_path: Path) -> None:
    recording = make_numbered("soundless.mp4", X264 + " -an", seconds=2)
    path = tmp_path / "unknown.mp4"
    path.write_bytes(recording.path.read_bytes().replace(b"avc1", b"zzz1"))
    sentence = refusal(path)
    assert "in a format this ffmpeg cannot decode" in sentence
    assert "zzz1" in sentence


def test_an_encrypted_recording_is_refused(
    make_numbered: Make, run_ffmpeg: Run, tmp_path: Path
) -> None:
    recording = make_numbered("clear.mp4", X264 + " -an", seconds=2)
    key = "-encryption_key 76a6c65c5ea762046bd749a2e632ccbb"
    scheme = "-encryption_scheme cenc-aes-ctr -encryption_kid a7e61c373e219033c21091fa607bf3b8"
    options = f"-i {recording.path} -c copy {scheme} {key}"
    assert "encrypted" in refusal(run_ffmpeg(options, tmp_path / "encrypted.mp4"))


def test_an_absurd_length_is_refused(make_numbered: Make) -> None:
    recording = make_numbered("absurd.mkv", X264, seconds=2, sound=False, jump=2e7, every=30)
    sentence = refusal(recording.path)
    assert "claims to last 231 days" in sentence


def test_an_absurd_size_is_refused(make_numbered: Make, tmp_path: Path) -> None:
    data = bytearray(make_numbered("sized.avi", "-c:v rawvideo -an", seconds=1).path.read_bytes())
    for mark, offset in ((b"strf", 12), (b"avih", 40)):
        place = data.index(mark) + offset
        data[place : place + 8] = struct.pack("<II", 100_000, 100_000)
    path = tmp_path / "huge.avi"
    path.write_bytes(data)
    assert "an impossible size" in refusal(path)
