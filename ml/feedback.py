"""What judged hits say: how likely a clip is meant, from its distances to what was judged. numpy.

Each clip that was asked for or marked "this" lends the clips around it a density of what is meant,
each marked "not this" one of what is not, and all that nobody judged lies in the background, which
is as likely as one unwanted clip at the typical distance. The odds are those of Bayes' rule between
these Parzen (1962) windows, as in the kernel and nearest-neighbour schemes of relevance feedback
(Meilhac and Nastar 1999; Giacinto and Roli 2004). Windows are as wide as the distances
from their own clip are long (Breiman, Meisel and Purcell 1977), so that distances of picture, sound
and both go together, and an encoder needs no training for it.

A mark is one term of a sum: it moves the ranking at once, and taken away leaves nothing behind.
"""

import numpy as np
from numpy.typing import NDArray

# A window's width as a share of its clip's typical distance. Anything from .2 to .8 is alike.
WIDTH = 0.4

Doubles = NDArray[np.float64]


def log_odds_against(
    wanted: Doubles, unwanted: Doubles, wanted_typical: Doubles, unwanted_typical: Doubles
) -> Doubles:
    """Log of the odds that clips are not what is meant: ascending, the likeliest first -> (n,).

    Args:
        wanted: distances (p, n) to what was asked for or marked "this"; infinite where a clip and
            the marked one have nothing to compare.
        unwanted: distances (m, n) to what was marked "not this".
        wanted_typical: the typical distance (p,) of a clip to each of these, above 0.
        unwanted_typical: likewise (m,).

    It grows with the distance to anything wanted and falls with that to anything unwanted, so that
    bounds of the distances give bounds of it.
    """
    against = np.logaddexp.reduce(
        _log_windows(unwanted, unwanted_typical), axis=0, initial=-1.0 / WIDTH
    )
    return np.asarray(against - np.logaddexp.reduce(_log_windows(wanted, wanted_typical), axis=0))


def chance(log_odds: float) -> float:
    """Turn the log of odds against into a chance, 0 to 1."""
    return float(0.5 * (1.0 - np.tanh(0.5 * log_odds)))


def _log_windows(distances: Doubles, typical: Doubles) -> Doubles:
    """Log of a window of height one around each mark (m,), at all clips: (m, n) -> (m, n)."""
    return np.asarray(-distances / (WIDTH * typical[:, None]))
