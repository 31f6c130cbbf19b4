"""A trained encoder in numpy alone, so that the web process embeds a query without torch.

Each embedding is [shared | private]: the shared part, 512 columns, is the network's and comparable
across picture and sound; the private part is the starter encoder's, which keeps what training
erases, a silent event above all.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.corpus import Corpus
from ml.foreground import FOREGROUND_DIM
from ml.inputs import Descriptions, Inputs, Pair, backgrounds, unit
from ml.ordinary import Ordinary
from ml.preprocess import MEL_BINS, MEL_FRAMES
from ml.soundstats import SOUND_DIM

EMBEDDING = 512
# Stages of E_a: two residual blocks each, the first of them with this stride.
STRIDES = (1, 2, 2, 2)
BLOCK = 128

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Weights = Mapping[str, Floats]
Arrays = Mapping[str, NDArray[np.generic]]

# Weights by name; a convolution is a matrix (kernel * width in, width out), its batch norm folded.
VIDEO_SHAPES = {"project": (432, 2048), "embed": (2048, EMBEDDING), "embed.bias": (EMBEDDING,)}


class EncoderError(ValueError):
    """Arrays that are no trained encoder; the text is one plain sentence."""


@dataclass(frozen=True, eq=False)
class TrainedEncoder:
    """Maps the kept features of clips to embeddings; immutable.

    A side that was not trained has no weights, and its shared columns are zero.
    """

    inputs: Inputs
    video: Weights | None
    audio: Weights | None
    mean_crop: bool  # crops averaged before the head instead of after it
    unit: bool  # shared embeddings scaled to one length
    centres: Floats  # (2, 512) taken off shared pictures and sounds before that
    scales: Floats  # (4,) of shared pictures and sounds, private pictures and sounds

    @property
    def shared(self) -> int:
        """How many leading columns of both can be compared across picture and sound."""
        return EMBEDDING if self.video is not None and self.audio is not None else 0

    def embed(self, corpus: Corpus) -> tuple[Floats, Floats]:
        """Embed n clips -> z_v (n, 512 + Dv), z_a (n, 512 + Da); zero where a modality is absent.

        The sound's background is that of the rows of a chunk which are here: hand over whole
        chunks. Raises ValueError where the features are not those this encoder was trained on.
        """
        return self.embed_with_novelty(corpus)[0]

    def embed_with_novelty(self, corpus: Corpus) -> tuple[Pair, Pair]:
        """Embed n clips as `embed` does, and tell how novel each is -> their novelty (n,), (n,).

        Novelty is the starter encoder's (`ml.starter`), of picture and of sound: NaN where a clip
        has none.
        """
        described = self.inputs.describe(corpus)
        shared = self.networks(corpus, described)
        present = (corpus.has_video, corpus.has_audio)
        z_v, z_a = (
            self._joined(side, rows, kept, mask)
            for side, (rows, kept, mask) in enumerate(
                zip(shared, described.private, present, strict=True)
            )
        )
        return (z_v, z_a), described.novelty

    @property
    def ordinary(self) -> Ordinary | None:
        """How novel what was trained on is; None where that is too little."""
        return self.inputs.starter.ordinary

    def networks(self, corpus: Corpus, described: Descriptions) -> tuple[Floats, Floats]:
        """Return what the two networks make of n clips, (n, 512) each, before any scaling."""
        pictures = np.zeros((len(corpus), EMBEDDING), np.float32)
        sounds = np.zeros((len(corpus), EMBEDDING), np.float32)
        seen, heard = described.beside
        if self.video is not None:
            for rows in _blocks(corpus.has_video):
                crops = self.inputs.crops(corpus.trunk[rows])
                pictures[rows] = embed_pictures(self.video, crops, seen[rows], self.mean_crop)
        if self.audio is not None:
            background = backgrounds(corpus)
            for rows in _blocks(corpus.has_audio):
                mel = self.inputs.spectrogram(corpus.mel[rows], background[rows])
                sounds[rows] = embed_sounds(self.audio, mel, heard[rows])
        return pictures, sounds

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All it knows as named arrays, for a file."""
        arrays: dict[str, NDArray[np.generic]] = {
            "mean_crop": np.array([self.mean_crop], np.uint8),
            "unit": np.array([self.unit], np.uint8),
            "centres": self.centres,
            "scales": self.scales,
        }
        sides = {"video": self.video or {}, "audio": self.audio or {}}
        for side, weights in sides.items():
            arrays |= {f"{side}.{name}": weight for name, weight in weights.items()}
        return arrays | {f"inputs.{name}": array for name, array in self.inputs.arrays().items()}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "TrainedEncoder":
        """Make again what `arrays` gave out; raises EncoderError for anything else."""
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not (np.abs(array) <= np.finfo(np.float32).max).all():
                raise EncoderError(f"This encoder's “{name}” holds values that are no numbers.")
        try:
            encoder = cls(
                Inputs.from_arrays(_part("inputs", arrays)),
                _weights("video", _part("video", arrays)),
                _weights("audio", _part("audio", arrays)),
                bool(arrays["mean_crop"][0]),
                bool(arrays["unit"][0]),
                _shaped("centres", arrays["centres"], (2, EMBEDDING)),
                _shaped("scales", arrays["scales"], (4,)),
            )
            tried = encoder.embed(_silent_clip())
        except EncoderError:
            raise
        except KeyError as error:
            raise EncoderError(
                f"This is no trained encoder: it lacks “{error.args[0]}”."
            ) from error
        except (ValueError, IndexError, TypeError) as error:
            raise EncoderError(
                "This encoder does not fit the features that are kept here: its arrays have other "
                "shapes."
            ) from error
        if not all(np.isfinite(z).all() for z in tried):
            raise EncoderError("This encoder embeds clips as values that are no numbers.")
        return encoder

    def _joined(self, side: int, shared: Floats, private: Floats, present: Mask) -> Floats:
        """Put shared and private columns of pictures (side 0) or sounds (1) side by side."""
        shared = shared - self.centres[side]
        parts = [(unit(shared) if self.unit else shared) * self.scales[side]]
        if self.scales[2 + side] > 0:
            parts.append(private * self.scales[2 + side])
        return np.concatenate(parts, axis=1).astype(np.float32, copy=False) * present[:, None]


def embed_pictures(weights: Weights, crops: Floats, descriptor: Floats, mean_crop: bool) -> Floats:
    """E_v's head and the branch beside it: (m, 2, 432), (m, F) -> (m, 512), mean over the crops."""
    if mean_crop:
        crops = crops.mean(axis=1, keepdims=True)
    hidden = np.maximum(crops @ weights["project"], 0).mean(axis=1)
    # The last layer is linear, so the mean over the crops may be taken before it.
    embedding = hidden @ weights["embed"] + weights["embed.bias"]
    return np.asarray(embedding + _branch(weights, descriptor), np.float32)


def embed_sounds(weights: Weights, mel: Floats, descriptor: Floats) -> Floats:
    """E_a and the branch beside it: log-mel (m, 128, 64), (m, S) -> (m, 512).

    Convolutions are matrix products over time.
    """
    x = np.maximum(_convolved(weights, "stem", mel.transpose(0, 2, 1), 2), 0)
    x = _max_pooled(x)
    for stage, stride in enumerate(STRIDES):
        for block in range(2):
            name, step = f"{stage}.{block}", stride if block == 0 else 1
            y = np.maximum(_convolved(weights, f"{name}.conv1", x, step), 0)
            y = _convolved(weights, f"{name}.conv2", y, 1)
            if f"{name}.shortcut" in weights:
                x = _convolved(weights, f"{name}.shortcut", x, step)
            x = np.maximum(x + y, 0)
    embedding = x.mean(axis=1) @ weights["embed"] + weights["embed.bias"]
    return np.asarray(embedding + _branch(weights, descriptor), np.float32)


def _branch(weights: Weights, descriptor: Floats) -> Floats:
    """What the branch beside a network adds: (m, F) -> (m, 512), or nothing."""
    if "branch.0" not in weights:
        return np.zeros(1, np.float32)
    inner = np.maximum(descriptor @ weights["branch.0"] + weights["branch.0.bias"], 0)
    return np.asarray(inner @ weights["branch.1"], np.float32)


def audio_shapes(weights: Arrays) -> dict[str, tuple[int, ...]]:
    """Name and shape of each of E_a's weights here."""
    shapes: dict[str, tuple[int, ...]] = {"stem": (7 * MEL_BINS, 64), "stem.bias": (64,)}
    width_in = 64
    for stage, stride in enumerate(STRIDES):
        width = 64 << stage
        for block in range(2):
            name, width_before = f"{stage}.{block}", width_in if block == 0 else width
            shapes[f"{name}.conv1"] = (3 * width_before, width)
            shapes[f"{name}.conv2"] = (3 * width, width)
            if block == 0 and stride > 1:
                shapes[f"{name}.shortcut"] = (width_before, width)
        width_in = width
    biases = {f"{name}.bias": (shape[1],) for name, shape in shapes.items() if len(shape) == 2}
    top = {"embed": (512, EMBEDDING), "embed.bias": (EMBEDDING,)}
    return {**shapes, **biases, **top, **_branch_shapes(weights)}


def video_shapes(weights: Arrays) -> dict[str, tuple[int, ...]]:
    """Name and shape of each weight of the picture's side; the branch's width is its own."""
    return {**VIDEO_SHAPES, **_branch_shapes(weights)}


def _branch_shapes(weights: Arrays) -> dict[str, tuple[int, ...]]:
    if "branch.0" not in weights:
        return {}
    descriptor, width = weights["branch.0"].shape
    return {
        "branch.0": (descriptor, width),
        "branch.0.bias": (width,),
        "branch.1": (width, EMBEDDING),
    }


def _convolved(weights: Weights, name: str, x: Floats, stride: int) -> Floats:
    """Convolve x (m, t, width in) over time, padded with half the kernel: one matrix product."""
    matrix = weights[name]
    kernel = len(matrix) // x.shape[2]
    if kernel > 1:
        x = np.pad(x, ((0, 0), (kernel // 2, kernel // 2), (0, 0)))
    last = x.shape[1] - kernel + 1
    columns = [x[:, tap : tap + last : stride] for tap in range(kernel)]
    y = np.concatenate(columns, axis=2) @ matrix
    y += weights[f"{name}.bias"]
    return np.asarray(y, np.float32)


def _max_pooled(x: Floats) -> Floats:
    """Maximum over 3 steps, every second: (m, t, c) -> (m, ceil(t / 2), c); x is not negative."""
    padded = np.pad(x, ((0, 0), (1, 1), (0, 0)))
    last = x.shape[1]
    taps = [padded[:, tap : tap + last : 2] for tap in range(3)]
    return np.maximum(np.maximum(taps[0], taps[1]), taps[2])


def _blocks(present: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Rows that are present, a few at a time: their inner products stay in the cache."""
    rows = np.flatnonzero(present)
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]


def _part(prefix: str, arrays: Arrays) -> dict[str, NDArray[np.generic]]:
    start = f"{prefix}."
    return {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}


def _weights(side: str, arrays: Arrays) -> dict[str, Floats] | None:
    """Return the weights of one side, float32; raises EncoderError at the first difference."""
    if not arrays:
        return None
    shapes = audio_shapes(arrays) if side == "audio" else video_shapes(arrays)
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise EncoderError(
                f"This encoder's “{side}.{name}” is {arrays[name].shape} where {shape} is wanted."
            )
    return {name: np.ascontiguousarray(arrays[name], np.float32) for name in shapes}


def _shaped(name: str, array: NDArray[np.generic], shape: tuple[int, ...]) -> Floats:
    if array.shape != shape:
        raise EncoderError(f"This encoder's “{name}” are {array.shape} where {shape} is wanted.")
    return np.asarray(array, np.float32)


def _silent_clip() -> Corpus:
    """One clip in which nothing is to be seen or heard, as features are kept today."""
    return Corpus(
        foreground=np.zeros((1, FOREGROUND_DIM), np.float32),
        sound=np.zeros((1, SOUND_DIM), np.float32),
        trunk=np.zeros((1, 2, 432), np.float32),
        mel=np.zeros((1, MEL_BINS, MEL_FRAMES), np.float32),
        has_video=np.ones(1, bool),
        has_audio=np.ones(1, bool),
        at=np.zeros(1, np.int64),
        chunk=np.zeros(1, np.int64),
    )
