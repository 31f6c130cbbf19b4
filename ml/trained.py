"""A trained encoder in numpy alone, so that the web process embeds a query without torch."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ml.corpus import Corpus

Floats = NDArray[np.float32]


class TrainedEncoder:
    """Maps the kept features of clips to embeddings; immutable."""

    shared: int  # the leading columns of both that are comparable across modalities

    def embed(self, corpus: Corpus) -> tuple[Floats, Floats]:
        """Embed n clips -> z_v (n, Dv), z_a (n, Da), float32; zero where a modality is absent."""
        raise NotImplementedError

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All it knows as named arrays, for a file."""
        raise NotImplementedError

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "TrainedEncoder":
        """Make again what `arrays` gave out."""
        raise NotImplementedError
