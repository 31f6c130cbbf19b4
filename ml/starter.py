"""The starter encoder: search from a camera's first minute, without training.

It standardises three descriptions on the camera's own footage: the foreground's (`ml.foreground`),
the sound's (`ml.soundstats`) and, where pretrained weights are there, the trunk's features. What is
ordinary here becomes small and what is rare becomes large, so the distance of Eq. 5 is decided by
what sets a moment apart. numpy only.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml import foreground as fg
from ml import soundstats

# How much each block counts, by its root mean square. Place, motion and size lead from the kind of
# thing to its lane and direction, which is rarely what was asked, so they only break ties.
VIDEO_WEIGHTS = {"colour": 0.3, "patch": 1.0, "size": 0.1, "place": 0.1, "motion": 0.1}
SOUND_WEIGHTS = {"mean": 1.0, "variation": 1.0, "flux": 1.0, "tone": 0.5}
TRUNK_WEIGHT = 1.0

# A column that hardly varies is divided by this part of its block's typical deviation instead of
# by its own, so that sensor noise in an empty colour is not blown up to the size of a bus.
LEAST_DEVIATION = 0.3
# Beyond this many deviations a value counts no further.
MOST_DEVIATIONS = 8.0
# Lengths of what is embedded: of the typical picture, of every sound. Sound tells more clips apart
# than the picture does, and in a joint query the one that says nothing must not drown the other.
VIDEO_LENGTH = 1.5
SOUND_LENGTH = 4.0
# One constant coordinate more in the picture: without it the cosine in Eq. 5 compares directions
# of noise in ordinary clips, with it they all look alike until something stands out.
ANCHOR = 2.0

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Standardiser:
    """A linear map of one modality's descriptions (n, d) -> (n, d), its extremes cut off."""

    mean: Floats  # (d,)
    scale: Floats  # (d,) one over the deviation
    weight: Floats  # (d,) the block's weight, applied after the cut

    @classmethod
    def fit(
        cls,
        rows: Floats,
        blocks: Mapping[str, int],
        weights: Mapping[str, float],
        typical_length: float,
    ) -> "Standardiser":
        """Fit on rows (n, d), n >= 1, whose columns are these blocks in order."""
        deviation = rows.std(axis=0, dtype=np.float64)
        weight = np.empty(rows.shape[1])
        start = 0
        for name, width in blocks.items():
            block = slice(start, start + width)
            typical = np.sqrt(np.mean(np.square(deviation[block])))
            deviation[block] = np.maximum(deviation[block], LEAST_DEVIATION * typical)
            weight[block] = weights[name] / np.sqrt(width)
            start += width
        # Where nothing varied at all, as on a single clip, differences are taken as they are.
        deviation[deviation < 1e-6] = 1.0
        raw = cls(*(a.astype(np.float32) for a in (rows.mean(axis=0), 1 / deviation, weight)))
        length = float(np.median(np.linalg.norm(raw(rows), axis=1)))
        stretch = typical_length / length if length > 1e-3 else 1.0
        return cls(raw.mean, raw.scale, raw.weight * np.float32(stretch))

    def __call__(self, rows: Floats) -> Floats:
        """Standardise rows (n, d) -> (n, d)."""
        deviations = (rows - self.mean) * self.scale
        cut = np.clip(deviations, -MOST_DEVIATIONS, MOST_DEVIATIONS)
        return np.asarray(cut * self.weight, np.float32)


@dataclass(frozen=True)
class StarterEncoder:
    """Maps descriptions of clips to embeddings; immutable, made by `fit` or `from_arrays`.

    A modality that the footage fitted on lacks has no standardiser, and its embeddings are zero.
    """

    video: Standardiser | None
    audio: Standardiser | None
    uses_trunk: bool
    fitted_on: int

    @classmethod
    def fit(
        cls,
        foreground: Floats,
        sound: Floats,
        trunk: Floats | None = None,
        *,
        has_video: Mask,
        has_audio: Mask,
    ) -> "StarterEncoder":
        """Fit on n clips: (n, FOREGROUND_DIM), (n, SOUND_DIM), trunk (n, 2, 432) or None.

        Rows are read only where their mask is set; one clip is enough to begin with. Pass trunk
        features only where the trunk's weights were learnt.
        """
        video = _video_rows(foreground, trunk)[has_video]
        audio = np.asarray(sound, np.float32)[has_audio]
        blocks = dict(fg.BLOCKS)
        weights = dict(VIDEO_WEIGHTS)
        if trunk is not None:
            blocks["trunk"], weights["trunk"] = trunk.shape[2], TRUNK_WEIGHT
        return cls(
            Standardiser.fit(video, blocks, weights, VIDEO_LENGTH) if len(video) else None,
            _fit_sound(audio),
            trunk is not None,
            len(foreground),
        )

    def embed(
        self,
        foreground: Floats,
        sound: Floats,
        trunk: Floats | None = None,
        *,
        has_video: Mask,
        has_audio: Mask,
    ) -> tuple[Floats, Floats]:
        """Embed n clips -> z_v (n, Dv), z_a (n, Da), float32; zero where a modality is absent.

        Raises ValueError where trunk features are given to an encoder fitted without, or the
        other way round.
        """
        if (trunk is not None) != self.uses_trunk:
            raise ValueError("Trunk features belong to this encoder exactly if it was fitted so.")
        seen = _standard(self.video, _video_rows(foreground, trunk), has_video)
        anchor = np.where(has_video & (self.video is not None), np.float32(ANCHOR), np.float32(0))
        heard = _standard(self.audio, np.asarray(sound, np.float32), has_audio)
        return np.concatenate([seen, anchor[:, None]], axis=1), _of_length(SOUND_LENGTH, heard)

    def plain_sound(self, sound: Floats, has_audio: Mask) -> Floats:
        """Standardise sounds (n, SOUND_DIM) but keep their lengths: loud and rare is long."""
        return _standard(self.audio, np.asarray(sound, np.float32), has_audio)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All it knows as named arrays, for a file."""
        arrays: dict[str, NDArray[np.generic]] = {
            "fitted_on": np.array([self.fitted_on], np.int64),
            "uses_trunk": np.array([self.uses_trunk], np.uint8),
        }
        for name, part in (("video", self.video), ("audio", self.audio)):
            if part is not None:
                arrays[f"{name}.mean"] = part.mean
                arrays[f"{name}.scale"] = part.scale
                arrays[f"{name}.weight"] = part.weight
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "StarterEncoder":
        """Make again what `arrays` gave out."""

        def part(name: str) -> Standardiser | None:
            if f"{name}.mean" not in arrays:
                return None
            columns = (arrays[f"{name}.{field}"] for field in ("mean", "scale", "weight"))
            return Standardiser(*(np.asarray(column, np.float32) for column in columns))

        fitted_on, uses_trunk = int(arrays["fitted_on"][0]), bool(arrays["uses_trunk"][0])
        return cls(part("video"), part("audio"), uses_trunk, fitted_on)


def _fit_sound(rows: Floats) -> Standardiser | None:
    if not len(rows):
        return None
    return Standardiser.fit(rows, soundstats.BLOCKS, SOUND_WEIGHTS, SOUND_LENGTH)


def _video_rows(foreground: Floats, trunk: Floats | None) -> Floats:
    """Join foreground and trunk (the mean over the two crops) into rows (n, d)."""
    rows = np.asarray(foreground, np.float32)
    if trunk is None:
        return rows
    return np.concatenate([rows, trunk.mean(axis=1, dtype=np.float32)], axis=1)


def _standard(standardiser: Standardiser | None, rows: Floats, present: Mask) -> Floats:
    """Standardise the rows of the clips that are present; the others are zero."""
    standard = np.zeros(rows.shape, np.float32)
    if standardiser is not None and present.any():
        standard[present] = standardiser(rows[present])
    return standard


def _of_length(length: float, rows: Floats) -> Floats:
    """Scale rows (n, d) to one length, so that near and far sound alike."""
    # Rounding errors, all that is left of a clip exactly like the average, are not blown up.
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows * (np.float32(length) / np.maximum(norms, 1e-3)), np.float32)
