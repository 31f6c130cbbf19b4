"""The starter encoder: search from a camera's first minute, without training.

It standardises three descriptions on the camera's own footage: the foreground's (`ml.foreground`),
the sound's (`ml.soundstats`) and, where pretrained weights are there, the trunk's features. Each is
then whitened against the ordinary (`ml.whitening`) and given one length, so that the distance of
Eq. 5 is decided by what sets a moment apart and not by how far. How far is told beside it, as the
clip's novelty. numpy only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml import foreground as fg
from ml import soundstats
from ml.ordinary import Ordinary
from ml.whitening import Whitening

# How much each block counts, by its root mean square. Place, motion and size lead from the kind of
# thing to its lane and direction, which is rarely what was asked, so they only break ties.
VIDEO_WEIGHTS = {"colour": 1.0, "patch": 1.0, "size": 0.1, "place": 0.1, "motion": 0.1}
SOUND_WEIGHTS = {"mean": 1.0, "variation": 1.0, "flux": 1.0, "tone": 1.0}
TRUNK_WEIGHT = 1.0

# A column that hardly varies is divided by this part of its block's typical deviation instead of
# by its own, so that sensor noise in an empty colour is not blown up to the size of a bus.
LEAST_DEVIATION = 0.3
# Beyond this many deviations a value counts no further.
MOST_DEVIATIONS = 8.0
# Lengths of what is embedded: of every picture, of every sound, which tells more clips apart.
VIDEO_LENGTH = 1.5
SOUND_LENGTH = 4.0
# So many of the clips fitted on are remembered by their novelty.
NOVELTIES = 1800
# In a file, for the novelty of what is not there: files hold numbers only.
ABSENT = -1.0
# A typical length below this is that of rounding errors: nothing ever varied.
LEAST_TYPICAL = 1e-6

# The parts of a picture, in the order of their columns.
_PICTURES = ("foreground", "trunk")

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Pair = tuple[Floats, Floats]  # of pictures and of sounds


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
class Description:
    """What n clips look and sound like without a network; rows of an absent modality are zero."""

    embedded: Pair  # (n, Dv), (n, Da) of one length each: the starter's embeddings
    white: Pair  # the same before they were given that length
    plain: Pair  # standardised and no more
    # (n,), (n,) how far from the ordinary, of which the typical second has 1; NaN where absent.
    novelty: Pair


@dataclass(frozen=True)
class StarterEncoder:
    """Maps descriptions of clips to embeddings; immutable, made by `fit` or `from_arrays`.

    A modality that the footage fitted on lacks has no standardiser, and its embeddings are zero.
    """

    video: Standardiser | None
    audio: Standardiser | None
    uses_trunk: bool
    fitted_on: int
    # Against the ordinary, by part: "foreground", "trunk" and "sound", as far as they are there.
    whitenings: Mapping[str, Whitening]
    typical: Floats  # (2,) how long whitened pictures and sounds typically are
    known: Floats  # (2, m) novelty of the pictures and sounds fitted on, NaN where there is none

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
        plain = cls(
            _fit_pictures(video, trunk),
            _fit_sounds(audio),
            trunk is not None,
            len(foreground),
            {},
            np.ones(2, np.float32),
            np.zeros((2, 0), np.float32),
        )
        masks = {"has_video": has_video, "has_audio": has_audio}
        parts = plain._parts(foreground, sound, trunk, **masks)
        whitenings = {
            name: Whitening.of_seconds(rows[present])
            for name, rows in parts.items()
            if (present := has_audio if name == "sound" else has_video).any()
        }
        white = replace(plain, whitenings=whitenings)
        lengths = white._novelty(white._white(parts), **masks)
        typical = np.array([_typical(row) for row in lengths], np.float32)
        some = np.linspace(0, len(foreground) - 1, min(len(foreground), NOVELTIES))
        known = lengths[:, some.astype(np.int64)] / typical[:, None]
        return replace(white, typical=typical, known=known)

    def embed(
        self,
        foreground: Floats,
        sound: Floats,
        trunk: Floats | None = None,
        *,
        has_video: Mask,
        has_audio: Mask,
    ) -> Pair:
        """Embed n clips -> z_v (n, Dv), z_a (n, Da), float32; zero where a modality is absent.

        Raises ValueError where trunk features are given to an encoder fitted without, or the
        other way round.
        """
        masks = {"has_video": has_video, "has_audio": has_audio}
        return self.describe(foreground, sound, trunk, **masks).embedded

    def describe(
        self,
        foreground: Floats,
        sound: Floats,
        trunk: Floats | None = None,
        *,
        has_video: Mask,
        has_audio: Mask,
    ) -> Description:
        """Describe n clips in every way there is; takes and raises what `embed` does.

        Novelty is the length of a whitened row, which is the Mahalanobis distance from the ordinary
        (Reed and Yu 1990, "Adaptive multiple-band CFAR detection", IEEE Transactions on Acoustics,
        Speech, and Signal Processing 38), as a multiple of the typical one.
        """
        masks = {"has_video": has_video, "has_audio": has_audio}
        parts = self._parts(foreground, sound, trunk, **masks)
        white = self._white(parts)
        seen, heard = has_video[:, None], has_audio[:, None]
        pictures = [white[name] * seen for name in _PICTURES if name in white]
        # Each part of a picture weighs the same, whatever its number of columns.
        length = VIDEO_LENGTH / len(pictures) ** 0.5
        z_v = np.concatenate([_of_length(length, rows) for rows in pictures], axis=1)
        novelty = self._novelty(white, **masks)
        return Description(
            (z_v, _of_length(SOUND_LENGTH, white["sound"]) * heard),
            (np.concatenate(pictures, axis=1), white["sound"] * heard),
            (
                np.concatenate([parts[name] for name in _PICTURES if name in parts], axis=1),
                parts["sound"],
            ),
            (novelty[0], novelty[1]),
        )

    @property
    def ordinary(self) -> Ordinary | None:
        """How novel what it was fitted on is; None where that is too little."""
        return Ordinary.of(*self.known)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All it knows as named arrays, for a file."""
        arrays: dict[str, NDArray[np.generic]] = {
            "fitted_on": np.array([self.fitted_on], np.int64),
            "uses_trunk": np.array([self.uses_trunk], np.uint8),
            "typical": self.typical,
            "known": np.where(np.isnan(self.known), np.float32(ABSENT), self.known),
        }
        for name, whitening in self.whitenings.items():
            arrays |= {f"whitening.{name}.{n}": a for n, a in whitening.arrays().items()}
        for name, part in (("video", self.video), ("audio", self.audio)):
            if part is not None:
                arrays[f"{name}.mean"] = part.mean
                arrays[f"{name}.scale"] = part.scale
                arrays[f"{name}.weight"] = part.weight
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "StarterEncoder":
        """Make again what `arrays` gave out; raises ValueError for shapes that do not fit."""

        def part(name: str) -> Standardiser | None:
            if f"{name}.mean" not in arrays:
                return None
            columns = (arrays[f"{name}.{field}"] for field in ("mean", "scale", "weight"))
            return Standardiser(*(np.asarray(column, np.float32) for column in columns))

        whitenings = {
            name: Whitening.from_arrays(kept)
            for name in (*_PICTURES, "sound")
            if (kept := _named(arrays, f"whitening.{name}."))
        }
        typical, known = (np.asarray(arrays[name], np.float32) for name in ("typical", "known"))
        if typical.shape != (2,) or not (typical > 0).all():
            raise ValueError("What is typical for a starter encoder is not two lengths.")
        if known.ndim != 2 or len(known) != 2:
            raise ValueError("What a starter encoder knows of its own clips has not two rows.")
        known = np.where(known < 0, np.float32(np.nan), known)
        fitted_on, uses_trunk = int(arrays["fitted_on"][0]), bool(arrays["uses_trunk"][0])
        return cls(part("video"), part("audio"), uses_trunk, fitted_on, whitenings, typical, known)

    def _parts(
        self,
        foreground: Floats,
        sound: Floats,
        trunk: Floats | None,
        *,
        has_video: Mask,
        has_audio: Mask,
    ) -> dict[str, Floats]:
        """Standardised rows of n clips by part, as they are whitened."""
        if (trunk is not None) != self.uses_trunk:
            raise ValueError("Trunk features belong to this encoder exactly if it was fitted so.")
        seen = _standard(self.video, _video_rows(foreground, trunk), has_video)
        parts = {"foreground": seen[:, : fg.FOREGROUND_DIM]}
        if trunk is not None:
            parts["trunk"] = seen[:, fg.FOREGROUND_DIM :]
        return parts | {"sound": _standard(self.audio, np.asarray(sound, np.float32), has_audio)}

    def _white(self, parts: Mapping[str, Floats]) -> dict[str, Floats]:
        """Whiten each part; what it was not fitted on stays as it is, which is zero."""
        whitenings = self.whitenings
        return {
            name: whitenings[name](rows) if name in whitenings else rows
            for name, rows in parts.items()
        }

    def _novelty(self, white: Mapping[str, Floats], *, has_video: Mask, has_audio: Mask) -> Floats:
        """How far n clips are from the ordinary, pictures and sounds: (2, n), NaN where absent.

        white are their whitened rows by part.
        """
        lengths = {name: np.linalg.norm(rows, axis=1) for name, rows in white.items()}
        pictures = np.sqrt(sum(lengths[name] ** 2 for name in _PICTURES if name in lengths))
        seen = np.where(has_video & (self.video is not None), pictures, np.nan)
        heard = np.where(has_audio & (self.audio is not None), lengths["sound"], np.nan)
        return np.asarray(np.stack([seen, heard]) / self.typical[:, None], np.float32)


def _typical(lengths: Floats) -> float:
    """The median of lengths (n,), NaN left out; 1 where nothing is known or nothing varies."""
    known = lengths[np.isfinite(lengths)]
    median = float(np.median(known)) if len(known) else 0.0
    return median if median > LEAST_TYPICAL else 1.0


def _named(
    arrays: Mapping[str, NDArray[np.generic]], prefix: str
) -> dict[str, NDArray[np.generic]]:
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}


def _fit_pictures(rows: Floats, trunk: Floats | None) -> Standardiser | None:
    if not len(rows):
        return None
    blocks, weights = dict(fg.BLOCKS), dict(VIDEO_WEIGHTS)
    if trunk is not None:
        blocks["trunk"], weights["trunk"] = trunk.shape[2], TRUNK_WEIGHT
    return Standardiser.fit(rows, blocks, weights, VIDEO_LENGTH)


def _fit_sounds(rows: Floats) -> Standardiser | None:
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
