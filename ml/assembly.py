"""The encoder that a training ends in: its networks, and the lengths that embeddings are to have.

Whatever is measured for that is measured on the footage that was trained on.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ml.corpus import Corpus
from ml.encoders import EMBEDDING
from ml.inputs import Descriptions, Inputs, Pair, root_mean_square
from ml.method import Method
from ml.networks import AudioSide, VideoSide, audio_weights, video_weights
from ml.trained import TrainedEncoder

Floats = NDArray[np.float32]


def assemble(
    corpus: Corpus,
    method: Method,
    inputs: Inputs,
    described: Descriptions,
    networks: tuple[VideoSide | None, AudioSide | None],
    shared: Pair,
) -> TrainedEncoder:
    """Put an encoder together; a side that was not trained has no network.

    `described` is what the inputs make of the corpus. `shared` is what the networks make of some of
    its clips, (m, 512) each, without rows for a side that was not trained.
    """
    video, audio = networks
    unit = method.lengths == "unit"
    return TrainedEncoder(
        inputs,
        None if video is None else video_weights(video),
        None if audio is None else audio_weights(audio),
        method.crops == "mean",
        unit,
        np.stack([_centre(rows) if unit else np.zeros(EMBEDDING, np.float32) for rows in shared]),
        _scales(corpus, method, described.private, shared),
    )


def _centre(shared: Floats) -> Floats:
    """The middle (512,) of what a network makes of clips (m, 512); zero without a network."""
    return shared.mean(axis=0) if len(shared) else np.zeros(EMBEDDING, np.float32)


def _scales(corpus: Corpus, method: Method, private: Pair, shared: Pair) -> Floats:
    """Scales (4,) of shared pictures and sounds, and of private pictures and sounds.

    The private part of a modality whose shared part is not trained is all that it has.
    """
    wanted = (method.length_pictures, method.length_sounds)
    weights = (method.private_video, method.private_audio)
    present = (corpus.has_video, corpus.has_audio)
    pairs = [
        _side_scales(rows, own[mask], length, weight, unit=method.lengths == "unit")
        for rows, own, mask, length, weight in zip(
            shared, private, present, wanted, weights, strict=True
        )
    ]
    return np.array([one for two in zip(*pairs, strict=True) for one in two], np.float32)


def _side_scales(
    shared: Floats, private: Floats, length: float | None, weight: float, *, unit: bool
) -> tuple[float, float]:
    """Scale of one modality's shared part and of its private one, which is `weight` times as long.

    Together they have that length; without one the shared part stays as long as it is.
    """
    typical = 1.0 if unit or not len(shared) else _typical_length(shared)
    own = max(_typical_length(private), 1e-6)
    if not len(shared):
        return 0.0, (length or typical) / own
    whole = typical if length is None else length / math.sqrt(1 + weight**2)
    return whole / max(typical, 1e-6), weight * whole / own


def _typical_length(rows: Floats) -> float:
    """Root mean square of the lengths of rows (m, d); 0 without any."""
    return root_mean_square(rows) * math.sqrt(rows.shape[1]) if rows.size else 0.0
