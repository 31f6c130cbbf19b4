"""Statistics of a second's log-mel spectrogram: a strong description of sound without training."""

import numpy as np
from numpy.typing import NDArray

from ml.preprocess import MEL_BINS

# Columns, block by block: the level of each mel bin, and how much it varies within the second.
BLOCKS = {"level": MEL_BINS, "variation": MEL_BINS}
SOUND_DIM = sum(BLOCKS.values())

Floats = NDArray[np.float32]


def sound_statistics(mel: Floats) -> Floats:
    """Mean and standard deviation over time of each mel bin: dB f32 (n, 128, 64) -> (n, 256)."""
    mel = np.asarray(mel, np.float32)
    return np.concatenate([mel.mean(axis=2), mel.std(axis=2)], axis=1).astype(np.float32)
