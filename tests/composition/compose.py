"""Write a composed recording: a fixed camera's video, looped and drifting, under a soundtrack."""

import subprocess
from pathlib import Path

from ml.crossroads import truth
from tests.composition.schedule import KINDS, ORIGINALS, schedule
from tests.composition.sound import RATE, Ambience, Soundtrack

VIDEO = Path("video") / "traffic_camera.mp4"
AMBIENCE = Path("sounds") / "ambient" / "street.ogg"
SOUNDS = Path("sounds") / "urbansound"
# Light, contrast and colour drift with periods of minutes, and every picture has noise of its own.
DRIFT = (
    "fps=10,scale=640:360,"
    "eq=eval=frame:brightness='0.05*sin(t/97)+0.02*sin(t/31)'"
    ":contrast='1+0.08*sin(t/143)':saturation='1+0.2*sin(t/211)',"
    "noise=alls=6:allf=t:all_seed={seed},format=yuv420p"
)


def compose(
    out: Path,
    media: Path,
    *,
    seconds: int,
    seed: int,
    kinds: tuple[str, ...] = KINDS,
    originals: int = ORIGINALS,
    video: bool = True,
) -> list[truth.Occurrence]:
    """Write OUT and OUT.csv beside it; return what is heard when.

    `media` is the folder of test media. Without `video` only the sound is written.
    """
    planned = schedule(media / SOUNDS, seconds, seed, kinds, originals)
    soundtrack = Soundtrack(Ambience(media / AMBIENCE, seed), planned, seconds)
    pictures = ("-stream_loop", "-1", "-i", str(media / VIDEO)) if video else ()
    filters = ("-filter:v", DRIFT.format(seed=seed), "-c:v", "libx264") if video else ()
    encoder = subprocess.Popen(
        [
            *("ffmpeg", "-v", "error", "-y"),
            *("-f", "f32le", "-ar", str(RATE), "-ac", "1", "-i", "pipe:0", *pictures),
            *("-map", "0:a", "-c:a", "aac", "-b:a", "128k"),
            *(("-map", "1:v", *filters, "-preset", "veryfast", "-crf", "27", "-g", "50") * video),
            *("-t", str(seconds), "-movflags", "+faststart", str(out)),
        ],
        stdin=subprocess.PIPE,
    )
    assert encoder.stdin is not None
    with encoder.stdin as stream:
        for piece in soundtrack.pieces():
            stream.write(piece.tobytes())
    if encoder.wait():
        raise OSError(f"ffmpeg could not write {out}.")
    out.with_suffix(".csv").write_text(truth.write(soundtrack.truth), encoding="utf-8")
    return soundtrack.truth
