"""What is kept of every clip, from which any encoder of its camera embeds it again.

One file a chunk: the foreground descriptor, the sound statistics, the trunk's features and the
log-mel of each clip, and which of picture and sound it has.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from indexing.arrays import Floats
from ml.soundstats import SOUND_DIM, sound_statistics


@dataclass(frozen=True)
class Features:
    """The features of n clips; rows of an absent modality hold zeros and are never read.

    foreground (n, F), sound (n, S), trunk (n, 2, 432) and mel (n, 128, 64), float32 in memory;
    the last two are kept as float16. has_video and has_audio (n,) bool.
    """

    foreground: Floats
    sound: Floats
    trunk: Floats
    mel: Floats
    has_video: NDArray[np.bool_]
    has_audio: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.has_video)

    def rows(self, which: slice) -> "Features":
        """Return the features of some of these clips."""
        return Features(**{f.name: getattr(self, f.name)[which] for f in fields(Features)})


def save(features: Features, path: Path) -> None:
    """Write the features of a chunk to a safetensors file."""
    save_file(
        {
            "foreground": features.foreground,
            "sound": features.sound,
            "trunk": features.trunk.astype(np.float16),
            "mel": features.mel.astype(np.float16),
            "has_video": features.has_video.astype(np.uint8),
            "has_audio": features.has_audio.astype(np.uint8),
            "level": level(features.mel),
        },
        path,
    )


def load(path: Path, *, mel: bool = False) -> Features:
    """Read the features of a chunk; the log-mels, by far the largest part, only on request."""
    with safe_open(path, framework="np") as stored:

        def floats(name: str) -> Floats:
            return np.asarray(stored.get_tensor(name), np.float32)

        def mask(name: str) -> NDArray[np.bool_]:
            return np.asarray(stored.get_tensor(name), np.bool_)

        has_video = mask("has_video")
        return Features(
            foreground=floats("foreground"),
            sound=_sound(floats("sound"), lambda: floats("mel"), mask("has_audio")),
            trunk=floats("trunk"),
            mel=floats("mel") if mel else np.zeros((len(has_video), 0, 0), np.float32),
            has_video=has_video,
            has_audio=mask("has_audio"),
        )


def level(mel: Floats) -> Floats:
    """How loud each clip is, by its log-mel: dB (n, 128, 64) -> dB (n,)."""
    power = np.power(10.0, mel.astype(np.float32) / 10)
    return np.asarray(10 * np.log10(np.maximum(power.mean(axis=(1, 2)), 1e-12)), np.float32)


def levels(path: Path) -> Floats:
    """Return how loud each clip of a chunk is, in dB (n,); NaN where it has no sound."""
    with safe_open(path, framework="np") as stored:
        heard = np.asarray(stored.get_tensor("has_audio"), np.bool_)
        if "level" in stored.keys():  # noqa: SIM118  (it is no dictionary)
            found = np.asarray(stored.get_tensor("level"), np.float32)
        else:  # kept before levels were
            found = level(stored.get_tensor("mel"))
    return np.where(heard, found, np.float32(np.nan))


def log_mels(path: Path, clips: Sequence[int]) -> Floats:
    """Return the log-mels of some clips of a chunk, dB (n, 128, 64); NaN where it has no sound.

    Only these clips are read from the disk: an hour's log-mels are 59 MB.
    """
    with safe_open(path, framework="np") as stored:
        heard = np.asarray(stored.get_tensor("has_audio"), np.bool_)
        kept = stored.get_slice("mel")
        _, bins, frames = kept.get_shape()
        found = np.full((len(clips), bins, frames), np.nan, np.float32)
        for row, clip in enumerate(clips):
            if heard[clip]:
                found[row] = kept[clip]
    return found


def _sound(kept: Floats, mel: Callable[[], Floats], heard: NDArray[np.bool_]) -> Floats:
    """Return the sound's statistics as they are described today.

    What was kept when the description had fewer columns is described anew, from its log-mels.
    """
    if kept.shape[1] == SOUND_DIM:
        return kept
    sound = np.zeros((len(kept), SOUND_DIM), np.float32)
    sound[heard] = sound_statistics(mel()[heard])
    return sound


def joined(parts: list[Features]) -> Features:
    """Return the features of several chunks as one, in order."""

    def stack(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    return Features(**{field.name: stack(field.name) for field in fields(Features)})
