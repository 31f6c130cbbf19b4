"""Ten-second subclips, which TACMA and MAViL are trained on (Wang et al. 2025, section 4.2.3)."""

import numpy as np
from numpy.typing import NDArray

from ml.corpus import Corpus

LENGTH = 10


def subclips(corpus: Corpus, length: int = LENGTH) -> NDArray[np.int64]:
    """Cut footage into non-overlapping runs of consecutive seconds: rows (m, length) of the corpus.

    Only seconds that have both picture and sound; what is left of a run is dropped.
    """
    both = np.flatnonzero(corpus.has_video & corpus.has_audio)
    breaks = np.flatnonzero((np.diff(both) != 1) | (np.diff(corpus.at[both]) != 1)) + 1
    runs = np.split(both, breaks)
    parts = [run[: len(run) // length * length].reshape(-1, length) for run in runs]
    return np.concatenate([np.zeros((0, length), np.int64), *parts])
