"""Features of single frames, for the system that looks at them: computed once a stream and kept."""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexing.evaluation.fingerprint import fingerprint
from indexing.evaluation.streams import Stream
from ml.baselines.efficientnet import FrameNetwork


@cache
def frame_network(weights: Path | None) -> FrameNetwork:
    """Return EfficientNet-B0, loaded once; raises WeightsError for an unusable file."""
    return FrameNetwork(weights)


def frame_features(stream: Stream, weights: Path | None) -> NDArray[np.float32]:
    """Return the features (n, 1280) of every second's middle frame."""
    code = fingerprint("ml.baselines.efficientnet")
    name = f"efficientnet-b0-{weights.stem if weights else 'random'}"
    return stream.described(name, code, lambda: frame_network(weights).features)
