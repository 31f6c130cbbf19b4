"""What the two encoders of a camera are fed, from its kept features. numpy only.

Everything is measured once, on the footage that is trained on, and kept with the encoder.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.corpus import Corpus
from ml.method import Method
from ml.preprocess import MEL_BINS
from ml.soundstats import FLOOR_DB
from ml.starter import Standardiser, StarterEncoder

# As many clips say how far a spectrogram usually stands out as a day of them.
MEASURED_CLIPS = 2000
# The most that a branch is fed of any column, in its root mean squares.
FARTHEST = 8.0
SHAPES = {
    "descriptor_scale": (2,),
    "above": (1,),
    "mel_mean": (MEL_BINS,),
    "mel_scale": (MEL_BINS,),
    "trunk.mean": (432,),
    "trunk.scale": (432,),
}

Floats = NDArray[np.float32]
Pair = tuple[Floats, Floats]  # of pictures and of sounds
Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class Descriptions:
    """What n clips look and sound like without a network: (n, Dv) and (n, Da) each.

    Rows of an absent modality are zero.
    """

    # What an encoder keeps of a modality beside what is learnt, and what neighbours are found by:
    # rows of one length, the starter encoder's where whitening is wanted.
    private: Pair
    # What the branches beside the two networks are fed: the same rows with the lengths they have,
    # cut off where they are so far out that a branch would follow them alone.
    beside: Pair
    novelty: Pair  # (n,), (n,) the starter encoder's


@dataclass(frozen=True)
class Inputs:
    """From kept features to what networks take: near zero on average, of a deviation near one."""

    starter: StarterEncoder
    # (2,) by which descriptions of pictures and of sounds become inputs
    descriptor_scale: Floats
    trunk: Standardiser | None  # None: as it is
    above: bool  # the log-mel above its chunk's background, or as it is
    mel_mean: Floats  # (128,) dB
    mel_scale: Floats  # (128,) one over dB
    whitened: bool  # what is fed and kept of the descriptions, or standardised and no more

    @classmethod
    def fit(cls, corpus: Corpus, method: Method, *, pretrained: bool) -> "Inputs":
        """Measure on the clips that are trained on."""
        masks = {"has_video": corpus.has_video, "has_audio": corpus.has_audio}
        trunk = corpus.trunk.astype(np.float32) if pretrained else None
        starter = StarterEncoder.fit(corpus.foreground, corpus.sound, trunk, **masks)
        found = starter.describe(corpus.foreground, corpus.sound, trunk, **masks)
        rows = found.white if method.whitened else found.plain
        sizes = [root_mean_square(z[mask]) for z, mask in zip(rows, masks.values(), strict=True)]
        above = method.mel_input == "above"
        return cls(
            starter,
            np.array([1 / max(size, 1e-6) for size in sizes], np.float32),
            _trunk_standardiser(corpus) if method.trunk_input == "standardised" else None,
            above,
            *_mel_statistics(corpus, above),
            whitened=method.whitened,
        )

    def describe(self, corpus: Corpus) -> Descriptions:
        """Describe n clips in every way that a training or an encoder needs, each once."""
        found = self.starter.describe(
            corpus.foreground,
            corpus.sound,
            corpus.trunk.astype(np.float32) if self.starter.uses_trunk else None,
            has_video=corpus.has_video,
            has_audio=corpus.has_audio,
        )
        rows = found.white if self.whitened else found.plain
        kept = found.embedded if self.whitened else (unit(rows[0]), unit(rows[1]))
        seen, heard = (
            np.clip(z * scale, -FARTHEST, FARTHEST)
            for z, scale in zip(rows, self.descriptor_scale, strict=True)
        )
        return Descriptions(kept, (seen, heard), found.novelty)

    def crops(self, trunk: NDArray[np.generic]) -> Floats:
        """Return the trunk's features of crops (m, 2, 432) for the head, the same shape."""
        rows = np.asarray(trunk, np.float32)
        return rows if self.trunk is None else self.trunk(rows)

    def spectrogram(self, mel: NDArray[np.generic], background: Floats) -> Floats:
        """Return log-mels (m, 128, 64), above their own background (m, 128), for E_a."""
        rows = np.asarray(mel, np.float32)
        if self.above:
            rows = np.maximum(rows - background[:, :, None], np.float32(FLOOR_DB))
        return (rows - self.mel_mean[:, None]) * self.mel_scale[:, None]

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All it knows as named arrays."""
        arrays: dict[str, NDArray[np.generic]] = {
            "descriptor_scale": self.descriptor_scale,
            "above": np.array([self.above], np.uint8),
            "whitened": np.array([self.whitened], np.uint8),
            "mel_mean": self.mel_mean,
            "mel_scale": self.mel_scale,
        }
        if self.trunk is not None:
            arrays["trunk.mean"], arrays["trunk.scale"] = self.trunk.mean, self.trunk.scale
        return arrays | {f"starter.{name}": a for name, a in self.starter.arrays().items()}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "Inputs":
        """Make again what `arrays` gave out; raises ValueError for shapes that do not fit."""
        for name, shape in SHAPES.items():
            if name in arrays and arrays[name].shape != shape:
                raise ValueError(f"“{name}” is {arrays[name].shape} where {shape} is wanted.")
        prefix = "starter."
        starter = {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
        trunk = None
        if "trunk.mean" in arrays:
            mean, scale = (np.asarray(arrays[f"trunk.{n}"], np.float32) for n in ("mean", "scale"))
            trunk = Standardiser(mean, scale, np.ones_like(mean))
        return cls(
            StarterEncoder.from_arrays(starter),
            np.asarray(arrays["descriptor_scale"], np.float32),
            trunk,
            bool(arrays["above"][0]),
            np.asarray(arrays["mel_mean"], np.float32),
            np.asarray(arrays["mel_scale"], np.float32),
            bool(arrays["whitened"][0]),
        )


def backgrounds(corpus: Corpus) -> Floats:
    """Return the background of each clip's sound in dB, f32 (n, 128), as `ml.soundstats` takes it.

    It is the median over the clips of a chunk of each bin's median over the second.
    """
    background = np.zeros((len(corpus), MEL_BINS), np.float32)
    for number in np.unique(corpus.chunk[corpus.has_audio]):
        chunk = corpus.chunk == number
        mel = corpus.mel[chunk & corpus.has_audio].astype(np.float32)
        background[chunk] = np.median(np.median(mel, axis=2), axis=0)
    return background


def root_mean_square(rows: Floats) -> float:
    """Root mean square of all values of rows (m, d); 0 without any."""
    return float(np.sqrt(np.square(rows, dtype=np.float64).mean())) if rows.size else 0.0


def unit(rows: Floats) -> Floats:
    """Scale rows (n, d) to length one; zeros stay."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, np.float32(1e-6)), np.float32)


def _trunk_standardiser(corpus: Corpus) -> Standardiser | None:
    rows = corpus.trunk[corpus.has_video].astype(np.float32)
    if not len(rows):
        return None
    width = rows.shape[2]
    flat = rows.reshape(-1, width)
    fitted = Standardiser.fit(flat, {"trunk": width}, {"trunk": 1.0}, 1.0)
    # The weight that the starter gives its blocks is not wanted here: every input weighs the same.
    return Standardiser(fitted.mean, fitted.scale, np.ones(width, np.float32))


def _mel_statistics(corpus: Corpus, above: bool) -> tuple[Floats, Floats]:
    """Mean and one over the deviation of each mel bin; above the background zero has a meaning."""
    heard = np.flatnonzero(corpus.has_audio)
    if not len(heard):
        return np.zeros(MEL_BINS, np.float32), np.ones(MEL_BINS, np.float32)
    some = heard[np.linspace(0, len(heard) - 1, min(len(heard), MEASURED_CLIPS)).astype(int)]
    mel = corpus.mel[some].astype(np.float32)
    if above:
        excess = np.maximum(mel - backgrounds(corpus)[some, :, None], FLOOR_DB)
        deviation = max(root_mean_square(excess), 1e-3)
        return np.zeros(MEL_BINS, np.float32), np.full(MEL_BINS, 1 / deviation, np.float32)
    mean, deviations = mel.mean(axis=(0, 2)), mel.std(axis=(0, 2))
    return mean, 1 / np.maximum(deviations, np.float32(1.0))
