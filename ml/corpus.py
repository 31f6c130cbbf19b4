"""The kept features of a camera's clips: what trainings read and encoders embed. numpy only."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

# What lies within a minute of a moment is the same moment (Wang et al. 2025, section 4.1), so this
# much lies between what is trained on and what is held back.
GAP_S = 60

Floats = NDArray[np.float32]
HalfOrFloats = NDArray[np.float16] | NDArray[np.float32]
Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Corpus:
    """The kept features of n clips of one camera, in time order.

    Rows of an absent modality hold zeros and are never read. The background of a chunk's sound is
    taken over the rows of that chunk which are here, so hand over whole chunks where possible.
    Raises ValueError where the fields differ in length or time does not ascend.
    """

    foreground: Floats  # (n, F)
    sound: Floats  # (n, S)
    trunk: HalfOrFloats  # (n, 2, 432), crop by crop
    mel: HalfOrFloats  # (n, 128, 64), dB
    has_video: Mask  # (n,)
    has_audio: Mask  # (n,)
    at: Integers  # (n,) whole seconds on the camera's clock, ascending
    chunk: Integers  # (n,) number of the chunk of up to 60 consecutive clips each came from

    def __post_init__(self) -> None:
        if len({len(getattr(self, field.name)) for field in fields(self)}) > 1:
            raise ValueError("The features of a corpus describe different numbers of clips.")
        if (np.diff(self.at) < 0).any():
            raise ValueError("The clips of a corpus come in the order of time.")

    def __len__(self) -> int:
        return len(self.at)

    def rows(self, index: NDArray[np.generic] | slice) -> "Corpus":
        """Return the clips of an ascending index, a mask (n,) or a slice."""
        return Corpus(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def split(self, held_back_share: float = 0.2) -> tuple["Corpus", "Corpus"]:
        """Split into what is trained on and, from the end of time, what is held back.

        Chunks stay whole, and those that come within 60 s of what is held back are in neither
        part. Raises ValueError for a share outside [0, 1).
        """
        if not 0 <= held_back_share < 1:
            raise ValueError(f"A share lies between 0 and 1, not at {held_back_share}.")
        cut = len(self) - round(len(self) * held_back_share)
        if cut == len(self):
            return self, self.rows(slice(0, 0))
        held_back = np.arange(len(self)) >= cut
        held_back |= np.isin(self.chunk, self.chunk[held_back])
        near = self.at >= self.at[held_back].min() - GAP_S
        near = np.isin(self.chunk, self.chunk[near])
        return self.rows(~near), self.rows(held_back)


def joined(corpora: Sequence[Corpus]) -> Corpus:
    """Join corpora of one camera, given in the order of time; chunks are numbered anew.

    Raises ValueError where there is none or they are not in that order.
    """
    if not corpora:
        raise ValueError("There is nothing to join.")
    chunks: list[Integers] = []
    for corpus in corpora:
        first = int(chunks[-1].max()) + 1 if chunks and len(chunks[-1]) else 0
        _, numbers = np.unique(corpus.chunk, return_inverse=True)
        chunks.append(numbers.astype(np.int64) + first)
    columns = {
        field.name: np.concatenate([getattr(corpus, field.name) for corpus in corpora])
        for field in fields(Corpus)
    }
    return Corpus(**{**columns, "chunk": np.concatenate(chunks)})
