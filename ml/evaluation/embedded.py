"""A system's embeddings of one stream, as the measures take them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Embedded:
    """Embeddings of n clips; rows of an absent modality are zero and never read.

    A system without a modality has no columns there, (n, 0). One that compares picture and sound
    as a whole, by one distance, has `joint`, and may have nothing else.
    """

    z_v: Floats
    z_a: Floats
    has_video: Mask
    has_audio: Mask
    at: Integers  # (n,) whole seconds, ascending; training and test are days apart
    # Picture and sound (n, d) in one space, where the system has such a space.
    common: tuple[Floats, Floats] | None = None
    joint: Floats | None = None  # (n, d)
    # Anomaly scores of a system's own, (n,) by name, the higher the odder, NaN where there is none.
    own_scores: dict[str, Doubles] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.at)

    def rows(self, modality: str) -> Floats | None:
        """What a linear layer reads, (n, d), NaN where absent; None where there is no such thing.

        `joint` needs both modalities, or an embedding of the two together.
        """
        seen = np.where(self.has_video[:, None], self.z_v, np.float32(np.nan))
        heard = np.where(self.has_audio[:, None], self.z_a, np.float32(np.nan))
        if modality == "joint":
            both = bool(seen.shape[1] and heard.shape[1])
            return np.concatenate([seen, heard], axis=1) if both else self.joint
        rows = seen if modality == "video" else heard
        return rows if rows.shape[1] else None
