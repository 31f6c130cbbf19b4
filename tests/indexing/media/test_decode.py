"""Every frame is the picture shown at its time, and every chunk what a whole decode gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from indexing.media.decode import DAMAGED_PICTURE, DecodedChunk, decode_chunk
from indexing.media.errors import MediaError
from indexing.media.extract import frame_size
from indexing.media.info import NO_PICTURE, NO_SOUND, Gap, MediaInfo, VideoStream
from indexing.media.probe import probe

X264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p"
AAC = "-c:a aac -b:a 96k"
# Containers that keep times in milliseconds may put a picture on the other side of a slot.
MILLISECOND = 0.0011

KINDS = {
    "h264-b-frames.mp4": (f"{X264} -bf 3 -g 25 {AAC}", "25"),
    "h264-long-gop.mp4": (f"{X264} -bf 3 -g 1000 -sc_threshold 0 {AAC}", "25"),
    "h264-open-gop.mkv": (f"{X264} -bf 3 -g 30 -x264-params open-gop=1 {AAC}", "25"),
    "ntsc.mp4": (f"{X264} -g 60 {AAC}", "30000/1001"),
    "slow.mp4": (f"{X264} -g 12 {AAC}", "6"),
    "one-a-second.mp4": (f"{X264} -g 4 {AAC}", "1"),
    "fast.mkv": (f"{X264} -g 120 -c:a libopus", "60"),
    "fragmented.mp4": (f"{X264} -g 50 {AAC} -movflags +frag_keyframe+empty_moov", "25"),
    "mpeg4.mov": (f"-c:v mpeg4 -q:v 2 -bf 2 -g 50 {AAC}", "25"),
    "hevc.mkv": ("-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=50 "
                 "-pix_fmt yuv420p10le -c:a flac", "25"),
    "vp9.webm": ("-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 50 -pix_fmt yuv420p "
                 "-c:a libopus", "25"),
    "av1.mp4": ("-c:v libaom-av1 -usage realtime -cpu-used 8 -g 50 -pix_fmt yuv420p "
                f"{AAC}", "12"),
    "mpeg4-b-frames.avi": ("-c:v mpeg4 -q:v 2 -bf 2 -g 50 -c:a libmp3lame", "25"),
    "mjpeg.avi": ("-c:v mjpeg -q:v 3 -pix_fmt yuvj420p -c:a pcm_s16le", "12"),
    "h264.avi": (f"{X264} -bf 2 -g 50 -c:a libmp3lame", "25"),
    "h264.ts": (f"{X264} -bf 3 -g 75 {AAC}", "25"),
    "mpeg2.ts": ("-c:v mpeg2video -q:v 2 -bf 2 -g 15 -pix_fmt yuv420p -c:a mp2", "25"),
    "h264.flv": (f"{X264} -bf 2 -g 50 -c:a libmp3lame -ar 44100", "25"),
    "late.mp4": (f"{X264} -bf 2 -g 50 {AAC} -output_ts_offset 8.31", "25"),
    "late.ts": (f"{X264} -bf 2 -g 50 {AAC} -output_ts_offset 95400", "25"),
}  # fmt: skip


Make = Callable[..., Any]
Run = Callable[[str, Path], Path]


def frames_of(chunk: DecodedChunk) -> npt.NDArray[np.uint8]:
    assert chunk.frames is not None
    return chunk.frames


def samples_of(chunk: DecodedChunk) -> npt.NDArray[np.float32]:
    assert chunk.samples is not None
    return chunk.samples


@pytest.mark.parametrize("name", KINDS)
def test_frames_are_what_is_shown_and_sound_is_in_its_place(
    name: str, make_numbered: Make, read: Any
) -> None:
    options, rate = KINDS[name]
    recording = make_numbered(name, options, rate=rate)
    info = probe(recording.path)
    assert info.duration_s == 16
    assert info.gaps == ()
    delay_s = None
    for start_s, clips in ((0, 7), (7, 7), (14, 2)):
        chunk = decode_chunk(recording.path, info, start_s, clips)
        assert read.strangers(recording, info, chunk, start_s, clips) == []
        starts = read.beep_starts(samples_of(chunk))
        offsets = starts - np.round(starts)
        delay_s = offsets[0] if delay_s is None else delay_s
        # An encoder's own delay, which some containers cannot tell, is the same everywhere.
        assert np.abs(offsets).max() < 0.09
        assert np.abs(offsets - delay_s).max() < 0.04
        assert chunk.has_video.all()
        assert chunk.gaps == []
        assert not chunk.damaged


def test_a_variable_rate_is_followed(make_numbered: Make, read: Any) -> None:
    recording = make_numbered("vfr.mkv", X264 + " -g 40 -an", seconds=6, jump=0.31)
    info = probe(recording.path)
    assert info.video is not None
    assert info.video.variable_rate
    for start_s in range(0, info.duration_s, 3):
        clips = min(3, info.duration_s - start_s)
        chunk = decode_chunk(recording.path, info, start_s, clips)
        assert read.strangers(recording, info, chunk, start_s, clips) == []


def test_chunks_do_not_depend_on_where_they_begin(make_numbered: Make) -> None:
    recording = make_numbered("whole.ts", X264 + " -bf 3 -g 60 -c:a mp2", seconds=16)
    info = probe(recording.path)
    whole = decode_chunk(recording.path, info, 0, 16)
    for start_s in (1, 5, 11):
        part = decode_chunk(recording.path, info, start_s, 3)
        assert np.array_equal(frames_of(part), frames_of(whole)[5 * start_s : 5 * start_s + 15])
        samples = samples_of(whole)[44_100 * start_s : 44_100 * (start_s + 3)]
        assert np.abs(samples_of(part) - samples).max() < 0.02


def test_a_hole_is_a_gap_on_both_sides_of_chunks(make_numbered: Make, read: Any) -> None:
    recording = make_numbered("hole.mkv", X264 + " -g 25 -an", seconds=8, jump=6.5, every=110)
    info = probe(recording.path)
    # Pictures up to 4.4 s, and again from 10.9 s on.
    assert info.gaps == (Gap(5, 11, NO_PICTURE),)
    found = []
    for start_s in range(0, info.duration_s, 4):
        clips = min(4, info.duration_s - start_s)
        chunk = decode_chunk(recording.path, info, start_s, clips)
        seconds = np.arange(start_s, start_s + clips)
        assert np.array_equal(chunk.has_video, (seconds < 5) | (seconds >= 11))
        if chunk.frames is not None:
            assert not chunk.frames.reshape(clips, -1)[~chunk.has_video].any()
        found += chunk.gaps
    assert sum(gap.end - gap.start for gap in found) == 6
    assert {gap.reason for gap in found} == {NO_PICTURE}


def test_sound_that_begins_late_and_ends_early(
    make_numbered: Make, run_ffmpeg: Run, tmp_path: Path
) -> None:
    video = make_numbered("silent.mp4", X264 + " -an", seconds=10, sound=False)
    path = tmp_path / "late_sound.mkv"
    tone = "-itsoffset 3.5 -f lavfi -i sine=frequency=500:duration=4"
    run_ffmpeg(f"-i {video.path} {tone} -map 0:v -map 1:a -c:v copy", path)
    info = probe(path)
    assert info.gaps == (Gap(0, 3, NO_SOUND), Gap(8, 10, NO_SOUND))
    chunk = decode_chunk(path, info, 0, 10)
    assert chunk.has_audio.nonzero()[0].tolist() == [3, 4, 5, 6, 7]
    loud = np.flatnonzero(np.abs(samples_of(chunk)) > 0.01)
    assert loud[0] / 44_100 == pytest.approx(3.5, abs=0.03)
    assert loud[-1] / 44_100 == pytest.approx(7.5, abs=0.03)
    assert chunk.gaps == list(info.gaps)
    assert decode_chunk(path, info, 8, 2).samples is None


def test_digital_silence_is_no_sound_but_no_gap(run_ffmpeg: Run, tmp_path: Path) -> None:
    silence = "-f lavfi -i anullsrc=r=44100:cl=stereo -t 3 -c:a aac"
    path = run_ffmpeg(silence, tmp_path / "silence.mp4")
    info = probe(path)
    chunk = decode_chunk(path, info, 0, 3)
    assert info.audio is not None
    assert not chunk.has_audio.any()
    assert chunk.samples is None
    assert chunk.gaps == []


def test_damage_in_the_middle_costs_only_what_is_damaged(make_numbered: Make, read: Any) -> None:
    recording = make_numbered("damaged.ts", X264 + " -g 25 -an", seconds=16)
    data = bytearray(recording.path.read_bytes())
    spoilt = slice(len(data) * 5 // 16 // 188 * 188, len(data) * 10 // 16 // 188 * 188)
    for start in range(spoilt.start, spoilt.stop, 188):
        data[start + 4 : start + 188] = bytes(184)
    path = recording.path.with_name("spoilt.ts")
    path.write_bytes(data)
    info = probe(path)
    assert info.duration_s == 16
    chunks = [decode_chunk(path, info, start_s, 8) for start_s in (0, 8)]
    present = np.concatenate([chunk.has_video for chunk in chunks])
    assert present[:4].all()
    assert present[12:].all()
    assert not present[7:9].any()
    missing = {s for chunk in chunks for gap in chunk.gaps for s in range(gap.start, gap.end)}
    assert missing == set(np.flatnonzero(~present).tolist())


def test_undecodable_packets_are_told_as_damage(make_numbered: Make) -> None:
    recording = make_numbered("mjpeg.mkv", "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p -an", seconds=8)
    data = recording.path.read_bytes()
    pieces = data.split(b"\xff\xd8\xff")
    # Pictures 75 to 149 are seconds 3, 4 and 5: take their frame headers from them.
    for number in range(76, 151):
        pieces[number] = pieces[number].replace(b"\xff\xc0", b"\xff\xc9")
    path = recording.path.with_name("undecodable.mkv")
    path.write_bytes(b"\xff\xd8\xff".join(pieces))
    info = probe(path)
    chunk = decode_chunk(path, info, 0, 8)
    assert chunk.gaps == [Gap(3, 6, DAMAGED_PICTURE)]
    assert chunk.has_video.tolist() == [True] * 3 + [False] * 3 + [True] * 2
    assert chunk.damaged


def test_a_change_of_size_midway_keeps_the_clock(make_numbered: Make, read: Any) -> None:
    small = make_numbered("small.ts", X264 + " -g 25 -an", seconds=4)
    large = make_numbered(
        "large.ts", X264 + " -g 25 -an -s 128x128 -output_ts_offset 4.08", seconds=4
    )
    path = small.path.with_name("growing.ts")
    path.write_bytes(small.path.read_bytes() + large.path.read_bytes())
    info = probe(path)
    assert info.duration_s == 8
    chunk = decode_chunk(path, info, 0, 8)
    assert frames_of(chunk).shape == (40, 224, 224, 3)
    numbers = [read.number(frame) for frame in frames_of(chunk)]
    assert numbers[:20] == numbers[20:]


@pytest.mark.parametrize(
    ("width", "height", "aspect", "rotation", "size"),
    [
        (1920, 1080, 1.0, 0, (398, 224)),
        (1920, 1080, 1.0, 90, (224, 398)),
        (720, 576, 16 / 15, 0, (298, 224)),
        (4000, 500, 1.0, 0, (448, 224)),
        (1, 1, 1.0, 0, (224, 224)),
        (300, 224, 1.0, 0, (300, 224)),
    ],
)
def test_frame_sizes(
    width: int, height: int, aspect: float, rotation: int, size: tuple[int, int]
) -> None:
    stream = VideoStream(
        0, "h264", width, height, "yuv420p", aspect, rotation, 25.0, False, 1.0, True, 0.0, 1.0
    )
    assert frame_size(stream) == size


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_rotation_is_applied(
    turn: int, make_numbered: Make, run_ffmpeg: Run, tmp_path: Path
) -> None:
    coded = make_numbered("coded.mp4", X264 + " -an -s 128x64", seconds=1)
    turned = f"-i {coded.path} -c copy -metadata:s:v:0 rotate={turn}"
    path = run_ffmpeg(turned, tmp_path / "turned.mp4")
    info = probe(path)
    assert info.video is not None
    assert info.video.rotation in (turn, 360 - turn)
    frames = frames_of(decode_chunk(path, info, 0, 1))
    flat = frames_of(decode_chunk(coded.path, probe(coded.path), 0, 1))
    expected = np.rot90(flat, -info.video.rotation // 90, axes=(1, 2))
    assert frames.shape == expected.shape
    assert np.abs(frames.astype(int) - expected).mean() < 5


def test_seconds_outside_and_a_file_gone_are_refused(make_numbered: Make, tmp_path: Path) -> None:
    recording = make_numbered("short.mp4", X264 + " -an", seconds=2)
    info = probe(recording.path)
    with pytest.raises(ValueError, match="not in the recording"):
        decode_chunk(recording.path, info, 1, 2)
    with pytest.raises(MediaError, match="not there"):
        decode_chunk(tmp_path / "gone.mp4", info, 0, 2)


def test_info_survives_json(make_numbered: Make) -> None:
    recording = make_numbered("hole.mkv", X264 + " -g 25 -an", seconds=8, jump=6.5, every=110)
    info = probe(recording.path)
    assert MediaInfo.from_json(info.to_json()) == info
