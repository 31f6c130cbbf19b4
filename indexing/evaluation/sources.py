"""Where streams come from: a rendered crossing, or real video under real sounds."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from indexing.evaluation.composition import compose as composed
from indexing.evaluation.fingerprint import fingerprint
from indexing.footage.rendering import record
from indexing.media.errors import MediaError
from indexing.media.sounds import read_sounds
from ml.crossroads.light import LightName
from ml.crossroads.plan import draw_plan


class Source(Protocol):
    """Where a stream comes from: settings that determine it, and how it is written."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def seconds(self) -> int:
        """How long it is."""

    def settings(self) -> dict[str, Any]:
        """Everything that determines picture and sound, but for the code."""

    def write(self, out: Path, jobs: int) -> None:
        """Write the mp4, and its truth as CSV beside it."""


@dataclass(frozen=True)
class Street:
    """A rendered crossing. `half` says which original recordings of real sounds are heard in it."""

    name: str
    seed: int
    seconds: int
    view: str = "A"
    light: LightName = "mixed"
    sounds: Path | None = None
    half: int = 0

    def settings(self) -> dict[str, Any]:
        """Everything that determines picture and sound, but for the code."""
        listed = asdict(self) | {"sounds": listing(self.sounds), "half": self.half}
        if self.sounds is None:
            del listed["half"]
        del listed["name"]
        return listed | {"code": fingerprint("indexing.footage.rendering", "indexing.media.sounds")}

    def write(self, out: Path, jobs: int) -> None:
        """Render it, telling the terminal how far it is."""
        plan = draw_plan(self.seed, self.view, self.seconds, self.light)
        real = read_sounds(self.sounds, half=self.half) if self.sounds else None
        record(out, plan, 0, self.seconds, real, jobs=jobs, name=f"Rendering {self.name}")


def listing(folder: Path | None) -> str | None:
    """Return a digest of the names and sizes of a folder's files."""
    if folder is None:
        return None
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    text = "\n".join(f"{path.relative_to(folder)} {path.stat().st_size}" for path in files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


_MEDIA = (composed.VIDEO.parent, composed.AMBIENCE.parent, composed.SOUNDS)


@dataclass(frozen=True)
class Composition:
    """A composed recording as a stream of the benchmark."""

    name: str
    seed: int
    seconds: int
    media: Path
    half: int

    def settings(self) -> dict[str, Any]:
        """Everything that determines picture and sound, but for the code."""
        return {
            "seed": self.seed,
            "seconds": self.seconds,
            "half": self.half,
            "media": [listing(self.media / part) for part in _MEDIA],
            "code": fingerprint(composed.__name__),
        }

    def write(self, out: Path, jobs: int) -> None:
        """Compose it, telling the terminal how far it is; MediaError where there is too little."""
        try:
            composed.compose(
                out,
                self.media,
                seconds=self.seconds,
                seed=self.seed,
                half=self.half,
                name=f"Composing {self.name}",
            )
        except ValueError as error:
            raise MediaError(f"{self.name} cannot be composed: {error}") from error


def digest(value: object) -> str:
    """Return 16 hexadecimal digits of a JSON value."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
