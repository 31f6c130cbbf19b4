"""How loud every second of a recording is, from its kept features."""

from functools import lru_cache

import numpy as np

from indexing.arrays import Doubles, Floats
from indexing.files import absolute
from indexing.footage.features import levels
from indexing.models import Chunk, Recording

# A day is 1,440 chunks and less than a megabyte.
MOST_HELD = 20_000


def loudness(recording: Recording) -> Doubles:
    """Return the level of each second in dB below full scale (n,); NaN where it has no sound."""
    found: Doubles = np.full(recording.duration_s, np.nan)
    chunks = Chunk.objects.filter(recording=recording).exclude(features="")
    for start, clips, file in chunks.values_list("start_s", "clips", "features"):
        found[start : start + clips] = _of_chunk(file, clips)
    return found


@lru_cache(maxsize=MOST_HELD)
def _of_chunk(file: str, clips: int) -> Floats:
    """Read a chunk's levels; files never change, so this is never wrong once it is read."""
    try:
        return levels(absolute(file))
    except OSError:  # made anew at this moment
        return np.full(clips, np.nan, np.float32)
