"""Write a composed recording: a fixed camera's video, looped and drifting, under a soundtrack."""

from pathlib import Path

from indexing.evaluation.composition.schedule import KINDS, ORIGINALS, schedule
from indexing.evaluation.composition.sound import Ambience, Soundtrack
from indexing.media.loop import write_looped
from ml.crossroads import truth

VIDEO = Path("video") / "traffic_camera.mp4"
AMBIENCE = Path("sounds") / "ambient" / "street.ogg"
SOUNDS = Path("sounds") / "urbansound"


def compose(
    out: Path,
    media: Path,
    *,
    seconds: int,
    seed: int,
    kinds: tuple[str, ...] = KINDS,
    originals: int = ORIGINALS,
    video: bool = True,
    half: int | None = None,
) -> list[truth.Occurrence]:
    """Write OUT and OUT.csv beside it; return what is heard when.

    `media` holds `video/traffic_camera.mp4`, `sounds/ambient/street.ogg` and a folder for each
    kind in `sounds/urbansound`. Without `video` only the sound is written. `half` 0 or 1 uses every
    second original recording alone.
    """
    planned = schedule(media / SOUNDS, seconds, seed, kinds, originals, half)
    soundtrack = Soundtrack(Ambience(media / AMBIENCE, seed), planned, seconds)
    pictures = media / VIDEO if video else None
    write_looped(out, soundtrack.pieces(), video=pictures, seconds=seconds, seed=seed)
    out.with_suffix(".csv").write_text(truth.write(soundtrack.truth), encoding="utf-8")
    return soundtrack.truth
