"""Features of pictures for the systems that look for themselves: computed once and kept."""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexing.evaluation.fingerprint import fingerprint
from indexing.evaluation.sources import digest
from indexing.evaluation.streams import Stream
from ml.baselines.efficientnet import FrameNetwork
from ml.baselines.system import System
from ml.baselines.trunks import TrunkAlone


@cache
def frame_network(weights: Path | None) -> FrameNetwork:
    """Return EfficientNet-B0, loaded once; raises WeightsError for an unusable file."""
    return FrameNetwork(weights)


def frame_features(stream: Stream, system: System, weights: Path | None) -> NDArray[np.float32]:
    """Return a system's own features (n, d) of every second.

    They are those of its look, or else EfficientNet-B0's of the middle frame (n, 1280).
    """
    if isinstance(system, TrunkAlone):
        look = system.look
        stem = look.weights.stem if look.weights else "random"
        key = digest([look.name, stem, look.moving, look.blocks, look.peaks])
        return stream.described(f"look-{key}", fingerprint("ml.baselines.trunks"), look.describe)
    code = fingerprint("ml.baselines.efficientnet")
    name = f"efficientnet-b0-{weights.stem if weights else 'random'}"
    return stream.described(name, code, lambda: frame_network(weights).features)
