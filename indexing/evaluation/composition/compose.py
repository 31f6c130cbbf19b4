"""Write a composed recording: a fixed camera's video, looped and drifting, under a soundtrack."""

from collections.abc import Iterator
from pathlib import Path

from indexing.evaluation.composition.schedule import KINDS, ORIGINALS, schedule
from indexing.evaluation.composition.sound import PIECE_S, Ambience, Samples, Soundtrack
from indexing.media.loop import write_looped
from indexing.work.progress import Progress
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
    name: str = "Composing",
) -> list[truth.Occurrence]:
    """Write OUT and OUT.csv beside it; return what is heard when.

    `media` holds `video/traffic_camera.mp4`, `sounds/ambient/street.ogg` and a folder for each
    kind in `sounds/urbansound`. Without `video` only the sound is written. `half` 0 or 1 uses every
    second original recording alone. The terminal is told how far it is under this name.
    """
    planned = schedule(media / SOUNDS, seconds, seed, kinds, originals, half)
    soundtrack = Soundtrack(Ambience(media / AMBIENCE, seed), planned, seconds)
    pictures = media / VIDEO if video else None
    pieces = _told(soundtrack, Progress(name, seconds, "s"))
    write_looped(out, pieces, video=pictures, seconds=seconds, seed=seed)
    out.with_suffix(".csv").write_text(truth.write(soundtrack.truth), encoding="utf-8")
    return soundtrack.truth


def lacking(media: Path) -> list[str]:
    """Return what of `media` is not there that a composition is made of."""
    wanted = [VIDEO, AMBIENCE, *(SOUNDS / kind for kind in KINDS)]
    return [str(part) for part in wanted if not (media / part).exists()]


def _told(soundtrack: Soundtrack, progress: Progress) -> Iterator[Samples]:
    """Pass the pieces on; ffmpeg takes them as fast as it encodes the pictures under them."""
    for number, piece in enumerate(soundtrack.pieces()):
        progress.update(number * PIECE_S)
        yield piece
    progress.update(progress.total)
