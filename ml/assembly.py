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
from ml.salience import Outlet, Salience
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
    salient = method.lengths == "salient"
    return TrainedEncoder(
        inputs,
        None if video is None else video_weights(video),
        None if audio is None else audio_weights(audio),
        method.crops == "mean",
        method.lengths == "unit",
        _scales(corpus, method, described.starter, shared),
        _outlets(corpus, method, described.plain, shared) if salient else None,
    )


def _outlets(
    corpus: Corpus, method: Method, plain: Pair, shared: Pair
) -> tuple[Outlet | None, Outlet | None]:
    """Measure what stands out, and the middle of what was embedded, in either modality."""
    pictures = (method.length_pictures, method.private_video, method.anchor_pictures)
    sounds = (method.length_sounds, method.private_audio, method.anchor_sounds)
    quiet = method.quiet_pictures, method.quiet_sounds
    present = (corpus.has_video, corpus.has_audio)
    return (
        _outlet(
            shared[0], plain[0], corpus.at, present[0], (*pictures, quiet[0], method.loud_pictures)
        ),
        _outlet(
            shared[1], plain[1], corpus.at, present[1], (*sounds, quiet[1], method.loud_sounds)
        ),
    )


def _outlet(
    shared: Floats,
    described: Floats,
    at: NDArray[np.int64],
    present: NDArray[np.bool_],
    numbers: tuple[float, float, float, float, float],
) -> Outlet | None:
    """Return the outlet of one modality; None where the camera never had it."""
    if not present.any():
        return None
    centre = shared.mean(axis=0) if len(shared) else np.zeros(EMBEDDING, np.float32)
    five = np.array(numbers, np.float32)
    # What is not trained has nothing but the starter's embedding.
    five[1] = max(five[1], float(not len(shared)))
    return Outlet(Salience.fit(described[present], at[present]), centre, five)


def _scales(corpus: Corpus, method: Method, described: Pair, shared: Pair) -> Floats:
    """Scale of shared pictures and sounds, which is one, and of private pictures and sounds.

    The private part of a modality whose shared part is not trained is all that it has.
    """
    typical = 1.0 if method.lengths == "unit" else _typical_length(np.concatenate(shared))
    scale = 1.0 if method.length is None else method.length / max(typical, 1e-6)
    weights = (
        method.private_video if len(shared[0]) else 1.0,
        method.private_audio if len(shared[1]) else 1.0,
    )
    present = (corpus.has_video, corpus.has_audio)
    private = [
        weight * scale * typical / max(_typical_length(rows[mask]), 1e-6)
        for weight, rows, mask in zip(weights, described, present, strict=True)
    ]
    return np.array([scale, scale, *private], np.float32)


def _typical_length(rows: Floats) -> float:
    """Root mean square of the lengths of rows (m, d); 0 without any."""
    return root_mean_square(rows) * math.sqrt(rows.shape[1]) if rows.size else 0.0
