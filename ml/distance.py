"""The distance between two embeddings (Wang et al. 2025, Eq. 5), in float64: the reference.

`D(x, y) = lam * ||x - y||_2 + (1 - lam) * (1 - cos(x, y))`. Whatever computes it faster must agree
with this.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# The text says "2.5", which lies outside [0, 1]; read as 0.25. 0.5 and 0.75 work alike (sec. 4.3).
LAMBDA = 0.25

# The joint distance is the mean of the video's and the audio's: our reading of section 3.4.
AUDIO_WEIGHT = 0.5
# Beyond these one modality alone would be searched.
LEAST_NOVELTY, MOST_NOVELTY = 0.1, 10.0

Doubles = NDArray[np.float64]


def eq5(x: ArrayLike, y: ArrayLike, lam: float = LAMBDA) -> Doubles:
    """Eq. 5 over the last axis, the others broadcast: (..., d), (..., d) -> (...).

    A zero vector has no direction: its cosine with another is 0, and 1 with another zero vector.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    euclidean = np.sqrt(np.square(x - y).sum(axis=-1))
    return np.asarray(lam * euclidean + (1 - lam) * (1 - _cosine(x, y)), np.float64)


def eq5_pairwise(x: ArrayLike, y: ArrayLike, lam: float = LAMBDA) -> Doubles:
    """Eq. 5 between every row of x and every row of y: (n, d), (m, d) -> (n, m)."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    rows = [eq5(row, y, lam) for row in x]
    return np.stack(rows) if rows else np.zeros((0, len(y)))


def directions(z: ArrayLike, shared: int) -> NDArray[np.float32]:
    """The shared columns of embeddings (n, d), each row of length one -> f32 (n, shared).

    Across picture and sound only directions are compared: the lengths of the two weigh them against
    each other in a joint search and say nothing of a clip. A zero row stays zero.
    """
    rows = np.asarray(z, np.float32)[:, :shared]
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1), np.float32)


def joint(video: ArrayLike, audio: ArrayLike, audio_weight: ArrayLike = AUDIO_WEIGHT) -> Doubles:
    """Weighted mean of video and audio distances, element by element, broadcast.

    Raises ValueError for a weight outside [0, 1].
    """
    weight = np.asarray(audio_weight, np.float64)
    if not ((weight >= 0) & (weight <= 1)).all():
        raise ValueError(f"The weight of the sound lies between 0 and 1, not at {weight}.")
    video, audio = np.asarray(video, np.float64), np.asarray(audio, np.float64)
    return np.asarray((1 - weight) * video + weight * audio, np.float64)


def weight_of_sound(
    video_novelty: ArrayLike, audio_novelty: ArrayLike, slider: float = AUDIO_WEIGHT
) -> Doubles:
    """How much sound counts in a joint search from clips of this novelty (`ml.starter`): (n,).

    What says nothing that is not ordinary must not drown what does: each modality counts by the
    square of how far the query stands out in it, times what the `slider` says for all queries. A
    modality whose novelty is not known, NaN, stands out as the typical second does.
    """
    sides = [
        share * np.square(np.clip(np.nan_to_num(novelty, nan=1.0), LEAST_NOVELTY, MOST_NOVELTY))
        for share, novelty in ((1 - slider, video_novelty), (slider, audio_novelty))
    ]
    return np.asarray(sides[1] / (sides[0] + sides[1]), np.float64)


def _cosine(x: Doubles, y: Doubles) -> Doubles:
    norm_x, norm_y = np.linalg.norm(x, axis=-1), np.linalg.norm(y, axis=-1)
    norms = norm_x * norm_y
    cosine = (x * y).sum(axis=-1) / np.where(norms > 0, norms, 1)
    alike = np.where((norm_x == 0) & (norm_y == 0), 1.0, cosine)
    return np.asarray(np.clip(alike, -1, 1), np.float64)
