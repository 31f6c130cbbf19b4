"""Folders of real sounds: one folder a class, decoded to what the renderer of streets plays."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from indexing.media.encode import SAMPLE_RATE
from indexing.media.errors import MediaError

Samples = NDArray[np.float32]

# Names of folders, as UrbanSound8K, ESC-50 and people give them, and the sounds they stand for.
CLASSES = {
    "siren": ("ambulance", "police"),
    "ambulance": ("ambulance",),
    "police": ("police",),
    "car_horn": ("horn",),
    "horn": ("horn",),
    "train": ("train",),
    "glass": ("glass",),
    "glass_breaking": ("glass",),
    "ice_cream_truck": ("melody_truck",),
    "melody_truck": ("melody_truck",),
    "music_box": ("melody_truck",),
    "sports_car": ("sports_car",),
    "engine": ("sports_car",),
    "car_engine": ("sports_car",),
    "street": ("ambience",),
    "ambience": ("ambience",),
    "ambient": ("ambience",),
}
SUFFIXES = {".wav", ".ogg", ".flac", ".mp3", ".m4a", ".opus"}
_MOST = 60


def read_sounds(folder: Path, *, half: int | None = None) -> dict[str, list[Samples]]:
    """Decode a folder's sounds, float32 mono (n,) at 44.1 kHz, by the kind they stand for.

    At any depth, a file belongs to the class it is named after, else to that of its folder. Sirens
    are dealt out in turn to ambulance and police, so that the two stay different. `half` 0 or 1
    keeps about half of the original recordings, so that what is trained on and what is tested on
    share none; a class that cannot be halved is then in neither, but for the ambience, which
    belongs to the place.

    Raises MediaError where there is no such folder or no known class in it.
    """
    if not folder.is_dir():
        raise MediaError(f"There is no folder of sounds at {folder}.")
    files = {name: _files(folder, name) for name in CLASSES}
    halves = dealt(files)
    sounds: dict[str, list[Samples]] = {}
    for name, kinds in CLASSES.items():
        chosen = files[name]
        if half is not None and kinds != ("ambience",):
            sides = [[path for path in chosen if halves[original(path)] == h] for h in (0, 1)]
            # Each of a class's kinds needs an original of its own in either half.
            enough = all(len(originals(side)) >= len(kinds) for side in sides)
            chosen = sides[half] if enough else []
        numbers = {one: number for number, one in enumerate(originals(chosen))}
        for number, path in enumerate(chosen[:_MOST]):
            turn = number if half is None else numbers[original(path)]
            sounds.setdefault(kinds[turn % len(kinds)], []).append(read_sound(path))
    if not sounds:
        raise MediaError(
            f"No known class of sound is in {folder}: name its subfolders {', '.join(CLASSES)}."
        )
    return sounds


def _files(folder: Path, name: str) -> list[Path]:
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and name == (path.stem if path.stem in CLASSES else path.parent.name)
    ]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def original(path: Path) -> str:
    """Name the recording a file was cut from: UrbanSound8K's fold1_ID-7-0-3, ESC-50's 1-ID-A-0."""
    found = re.match(r"(?:fold\d+_|\d-)(\d+)-", path.stem)
    return found[1] if found else path.stem


def originals(files: list[Path]) -> list[str]:
    """Name the recordings that files were cut from, each once, in the order of the files."""
    return list(dict.fromkeys(map(original, files)))


def dealt(files: Mapping[str, list[Path]]) -> dict[str, int]:
    """Deal out original recordings to half 0 or 1, given the files of every class.

    Every class is shared out as evenly as can be; a recording that several classes were cut from
    is in one half alone.
    """
    halves: dict[str, int] = {}
    for name in sorted(files):
        names = originals(files[name])
        counts = [sum(halves.get(one) == half for one in names) for half in (0, 1)]
        for one in names:
            if one not in halves:
                halves[one] = int(counts[1] < counts[0])
                counts[halves[one]] += 1
    return halves


def read_sound(path: Path) -> Samples:
    """Decode one sound file to float32 mono (n,) at 44.1 kHz; raises MediaError."""
    stream = ffmpeg.input(f"file:{path}").output("pipe:1", format="f32le", ar=SAMPLE_RATE, ac=1)
    command = ffmpeg.compile(stream.global_args("-v", "error", "-nostdin"))
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    except FileNotFoundError as error:
        raise MediaError(
            "ffmpeg is not installed on this machine: install it with 'apt install ffmpeg'."
        ) from error
    except subprocess.SubprocessError as error:
        raise MediaError(f"The sound {path} cannot be read: it is damaged or no sound.") from error
    samples = np.frombuffer(done.stdout, dtype="<f4")
    if len(samples) < SAMPLE_RATE // 20:
        raise MediaError(f"The sound {path} is shorter than a twentieth of a second.")
    return np.asarray(samples, dtype=np.float32)
