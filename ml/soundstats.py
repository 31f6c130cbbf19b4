"""What a second's sound is, against its surroundings: a strong description without training.

Most of a street's spectrum is traffic and wind, and seconds are alike or unlike by them. So only
what stands out from the chunk's own background is described, as in the picture (`ml.foreground`).
numpy and scipy only.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

COEFFICIENTS = 30
# Columns, block by block: the cepstrum's mean over the second, how much each coefficient varies
# within it, and how fast.
BLOCKS = {"mean": COEFFICIENTS, "variation": COEFFICIENTS, "flux": COEFFICIENTS}
SOUND_DIM = sum(BLOCKS.values())

# What falls further below the background says nothing: a pause in the traffic is no event.
FLOOR_DB = -6.0

Floats = NDArray[np.float32]


def sound_statistics(mel: Floats) -> Floats:
    """Describe each second of one chunk: log-mel in dB, f32 (n, 128, 64) -> (n, SOUND_DIM).

    The background of a mel bin is the median over the seconds of its median within each, so hand
    over a chunk of many seconds: what sounds for more than half of them is background. What exceeds
    it goes through an orthonormal DCT over the bins to the first 30 cepstral coefficients (Davis
    and Mermelstein 1980). Of each: the mean over time, the standard deviation, and the mean
    absolute change from frame to frame. A louder or quieter recording gives the same numbers.
    """
    mel = np.asarray(mel, np.float32)
    if not len(mel):
        return np.zeros((0, SOUND_DIM), np.float32)
    background = np.median(np.median(mel, axis=2), axis=0)
    above = np.maximum(mel - background[:, None], FLOOR_DB)
    cepstrum = fft.dct(above, axis=1, norm="ortho")[:, :COEFFICIENTS]
    flux = np.abs(np.diff(cepstrum, axis=2)).mean(axis=2)
    rows = [cepstrum.mean(axis=2), cepstrum.std(axis=2), flux]
    return np.concatenate(rows, axis=1).astype(np.float32)
