"""What judged hits say: how likely a clip is meant, from its distances to what was judged. numpy.

Each clip that was asked for or marked "this" lends the clips around it a density of what is meant,
each marked "not this" one of what is not, and a few clips from all over the footage one of what is
ordinary: nearly everything is not what is meant. The odds are those of Bayes' rule between these
Parzen (1962) windows, as in the kernel and nearest-neighbour schemes of relevance feedback
(Meilhac and Nastar 1999; Giacinto and Roli 2004). Windows are as wide as the distances
from their own clip are long (Breiman, Meisel and Purcell 1977), so that distances of picture, sound
and both go together, and an encoder needs no training for it.

A mark is one term of a sum: it moves the ranking at once, and taken away leaves nothing behind.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A window's width as a share of its clip's typical distance. Anything from .2 to .8 is alike.
WIDTH = 0.4
# So many ordinary clips, evenly spread, are held against what is wanted; more were no better.
ORDINARY = 32
# How many unwanted clips their mean counts as, and how many lie at the typical distance from all:
# where nothing was judged and nothing is ordinary, odds are about even.
ORDINARY_WEIGHT = 2.0
FLOOR = 0.2

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Near:
    """Distances of n clips to m examples (m, n), and each example's typical distance (m,) > 0.

    Infinite where a clip and the example have nothing to compare.
    """

    distances: Doubles
    typical: Doubles

    def log_windows(self) -> Doubles:
        """Log of the sum of windows of height one around the examples (n,); -inf without any."""
        exponents = -self.distances / (WIDTH * self.typical[:, None])
        return np.asarray(np.logaddexp.reduce(exponents, axis=0))


def log_odds_against(wanted: Near, unwanted: Near, ordinary: Near) -> Doubles:
    """Log of the odds that clips are not what is meant: ascending, the likeliest first -> (n,).

    Args:
        wanted: near what was asked for or marked "this", one or more.
        unwanted: near what was marked "not this".
        ordinary: near clips from all over the footage.

    It grows with the distance to anything wanted and falls with that to anything else, so that
    bounds of the distances give bounds of it.
    """
    share = ORDINARY_WEIGHT / max(1, len(ordinary.typical))
    against = np.logaddexp(unwanted.log_windows(), ordinary.log_windows() + np.log(share))
    against = np.logaddexp(against, np.log(FLOOR) - 1.0 / WIDTH)
    return np.asarray(against - wanted.log_windows())


def chance(log_odds: float) -> float:
    """Turn the log of odds against into a chance, 0 to 1."""
    return float(0.5 * (1.0 - np.tanh(0.5 * log_odds)))
