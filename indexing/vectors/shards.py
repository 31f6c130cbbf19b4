"""Shards: the embeddings of one chunk, in one immutable file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from indexing.arrays import Floats

# By the names in files. What earlier versions kept as video_novelty was another measure.
NOVELTY = {"novelty_of_video": "video_novelty", "novelty_of_audio": "audio_novelty"}


@dataclass(frozen=True)
class Embeddings:
    """The embeddings of n clips by one encoder.

    video (n, Dv) and audio (n, Da) float32, not normalised; has_video and has_audio (n,) bool.
    Rows of an absent modality hold zeros and are never read. video_novelty and audio_novelty (n,)
    float32 tell how far each stands out (`ml.starter`), NaN where that is absent; None where that
    was not told when the shard was written.
    """

    video: Floats
    audio: Floats
    has_video: NDArray[np.bool_]
    has_audio: NDArray[np.bool_]
    video_novelty: Floats | None = None
    audio_novelty: Floats | None = None

    def __len__(self) -> int:
        return len(self.has_video)

    @property
    def novelty(self) -> tuple[Floats, Floats] | None:
        """How far pictures and sounds stand out, where both were told."""
        if self.video_novelty is None or self.audio_novelty is None:
            return None
        return self.video_novelty, self.audio_novelty


def save(embeddings: Embeddings, path: Path) -> None:
    """Write a shard."""
    arrays: dict[str, NDArray[np.generic]] = {
        "video": np.ascontiguousarray(embeddings.video, np.float32),
        "audio": np.ascontiguousarray(embeddings.audio, np.float32),
        "has_video": embeddings.has_video.astype(np.uint8),
        "has_audio": embeddings.has_audio.astype(np.uint8),
    }
    for name, field in NOVELTY.items():
        novelty: Floats | None = getattr(embeddings, field)
        if novelty is not None:
            arrays[name] = np.ascontiguousarray(novelty, np.float32)
    save_file(arrays, path)


def load(path: Path) -> Embeddings:
    """Read a shard."""
    stored = load_file(path)
    return Embeddings(
        stored["video"],
        stored["audio"],
        stored["has_video"].astype(np.bool_),
        stored["has_audio"].astype(np.bool_),
        *(stored.get(name) for name in NOVELTY),
    )
