"""Statistics of a second's log-mel spectrogram: a strong description of sound without training."""

import numpy as np
from numpy.typing import NDArray

from ml.preprocess import MEL_BINS

# Columns, block by block: the spectrum's shape, how much each mel bin varies within the second,
# and how fast.
BLOCKS = {"shape": MEL_BINS, "variation": MEL_BINS, "flux": MEL_BINS}
SOUND_DIM = sum(BLOCKS.values())

Floats = NDArray[np.float32]


def sound_statistics(mel: Floats) -> Floats:
    """Describe each second's sound: log-mel in dB, f32 (n, 128, 64) -> (n, 384).

    The mean of each bin over time, less the mean of all bins, so that the same sound is known again
    near and far; its standard deviation; and its mean absolute change from frame to frame.
    """
    mel = np.asarray(mel, np.float32)
    level = mel.mean(axis=2)
    shape = level - level.mean(axis=1, keepdims=True)
    flux = np.abs(np.diff(mel, axis=2)).mean(axis=2)
    return np.concatenate([shape, mel.std(axis=2), flux], axis=1).astype(np.float32)
