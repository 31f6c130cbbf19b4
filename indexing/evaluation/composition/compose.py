"""Write a composed recording: a fixed camera's video, looped and drifting, under a soundtrack."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexing.evaluation.composition.schedule import KINDS, ORIGINALS, schedule
from indexing.evaluation.composition.sound import Ambience, Soundtrack
from indexing.evaluation.fingerprint import fingerprint
from indexing.evaluation.streams import listing
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


@dataclass(frozen=True)
class Composition:
    """A composed recording as a stream of the benchmark."""

    name: str
    seed: int
    minutes: int
    media: Path
    half: int

    def settings(self) -> dict[str, Any]:
        """Everything that determines picture and sound, but for the code."""
        return {
            "seed": self.seed,
            "minutes": self.minutes,
            "half": self.half,
            "media": [listing(self.media / part) for part in (VIDEO.parent, SOUNDS)],
            "code": fingerprint("indexing.evaluation.composition.compose"),
        }

    def write(self, out: Path, jobs: int) -> None:
        """Compose it."""
        compose(out, self.media, seconds=60 * self.minutes, seed=self.seed, half=self.half)
