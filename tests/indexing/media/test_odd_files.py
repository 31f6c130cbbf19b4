"""Every odd file of the shared media ends as decoded, its gaps named, or as refused in words."""

from pathlib import Path

import numpy as np
import pytest

from indexing.media.decode import decode_chunk
from indexing.media.errors import MediaError
from indexing.media.probe import probe

ODD = Path(__file__).resolve().parents[4] / "shared" / "media" / "odd"
FILES = sorted(path.relative_to(ODD).as_posix() for path in ODD.rglob("*") if path.is_file())
CHUNK_S = 60

# No player shows anything of these.
REFUSED = {
    "moviepy/result.webm": "is empty",
    "mp4parse-rust/av1-clearkey-cbcs-video.mp4": "encrypted",
    "mp4parse-rust/bipbop-cenc-audioinit.mp4": "encrypted",
    "mp4parse-rust/bipbop_480wp_1001kbps-cenc-video-key1-init.mp4": "encrypted",
    "mp4parse-rust/bipbop_audioinit.mp4": "not one second of it",
    "mp4parse-rust/bipbop_cbcs_audio_init.mp4": "encrypted",
    "mp4parse-rust/bipbop_cbcs_video_init.mp4": "encrypted",
    "mp4parse-rust/bipbop_nonfragment_header.mp4": "not one second of it",
    "mp4parse-rust/chunk_out_of_range.mp4": "header is damaged",
    "mp4parse-rust/invalid_userdata.mp4": "not one second of it",
    "mp4parse-rust/short-cenc.mp4": "encrypted",
    "mp4parse-rust/sine-3s-xhe-aac-44khz-mono.mp4": "cannot decode",
    "mp4parse-rust/small.mp4": "damaged beyond decoding",
    "mp4parse-rust/test_case_1185230.mp4": "damaged beyond decoding",
    "mp4parse-rust/zero_empty_stsc.mp4": "damaged beyond decoding",
    "text.mp4": "not a video",
    "truncated_traffic_camera.mp4": "no index",
}


@pytest.mark.media
@pytest.mark.skipif(not FILES, reason="the shared test media are not beside this checkout")
@pytest.mark.parametrize("name", FILES)
def test_an_odd_file_is_decoded_or_refused(name: str) -> None:
    path = ODD / name
    if name in REFUSED:
        with pytest.raises(MediaError, match=REFUSED[name]):
            probe(path)
        return
    info = probe(path)
    assert info.duration_s >= 1
    for start_s in range(0, info.duration_s, CHUNK_S):
        clips = min(CHUNK_S, info.duration_s - start_s)
        chunk = decode_chunk(path, info, start_s, clips)
        gaps = np.zeros(clips, np.bool_)
        for gap in chunk.gaps:
            gaps[gap.start - start_s : gap.end - start_s] = True
        if info.video:
            assert (chunk.has_video | gaps).all()
            assert chunk.has_video.any()
