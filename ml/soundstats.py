"""What a second's sound is, against its surroundings: a strong description without training.

Most of a street's spectrum is traffic and wind, and seconds are alike or unlike by them. So only
what stands out from the chunk's own background is described, as in the picture (`ml.foreground`).
numpy and scipy only.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

COEFFICIENTS = 30
BANDS = 16
# Columns, block by block: the cepstrum's mean over the second, how much each coefficient varies
# within it, and how fast; the same three of how tonal each band is.
BLOCKS = {
    "mean": COEFFICIENTS,
    "variation": COEFFICIENTS,
    "flux": COEFFICIENTS,
    "tone": 3 * BANDS,
}
SOUND_DIM = sum(BLOCKS.values())

# What falls further below the background says nothing: a pause in the traffic is no event.
FLOOR_DB = -6.0
# A tone stands out from the mean of this many mel bins around it.
TONE_WIDTH = 13
CONTEXT = (0.25, 0.5, 0.25)

Floats = NDArray[np.float32]


def sound_statistics(mel: Floats) -> Floats:
    """Describe each second of one chunk: log-mel in dB, f32 (n, 128, 64) -> (n, SOUND_DIM).

    The background of a mel bin is the median over the seconds of its median within each, so hand
    over a chunk of many consecutive seconds: what sounds for more than half of them is background.
    What exceeds it goes through an orthonormal DCT over the bins to the first 30 cepstral
    coefficients (Davis and Mermelstein 1980), and through `tones`. Of each: the mean over time, the
    standard deviation, and the mean absolute change from frame to frame. Half of each row is the
    second's own and a quarter each neighbour's, since a sound rarely ends with the second. A louder
    or quieter recording gives the same numbers.
    """
    mel = np.asarray(mel, np.float32)
    if not len(mel):
        return np.zeros((0, SOUND_DIM), np.float32)
    background = np.median(np.median(mel, axis=2), axis=0)
    above = np.maximum(mel - background[:, None], FLOOR_DB)
    cepstrum = fft.dct(above, axis=1, norm="ortho")[:, :COEFFICIENTS]
    rows = np.concatenate([_moments(cepstrum), _moments(tones(above))], axis=1)
    return np.asarray(ndimage.convolve1d(rows, CONTEXT, axis=0, mode="nearest"), np.float32)


def tones(above: Floats) -> Floats:
    """How far the strongest tone of each band stands out: dB (n, 128, t) -> (n, BANDS, t).

    A siren, a horn or a bell is told from noise of the same colour by this, whatever its pitch.
    """
    heard = np.maximum(above, 0)
    out = np.maximum(heard - ndimage.uniform_filter1d(heard, TONE_WIDTH, axis=1), 0)
    strongest: Floats = out.reshape(len(out), BANDS, -1, out.shape[2]).max(axis=2)
    return strongest


def _moments(tracks: Floats) -> Floats:
    """Mean, deviation and mean absolute change over time: (n, c, t) -> (n, 3c)."""
    flux = np.abs(np.diff(tracks, axis=2)).mean(axis=2)
    return np.concatenate([tracks.mean(axis=2), tracks.std(axis=2), flux], axis=1)
