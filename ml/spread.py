"""How much of its space an embedding uses: the sign of a collapse. numpy only."""

import numpy as np
from numpy.typing import NDArray


def effective_rank(z: NDArray[np.float32]) -> float:
    """Effective rank of embeddings (n, d) about their mean (Roy and Vetterli 2007).

    The exponential of the entropy of the normalised singular values: 1 where all lie on a line, d
    where they fill the space evenly, 0 where they are all the same.
    """
    rows = np.asarray(z, np.float64)
    if len(rows) < 2:
        return 0.0
    centred = rows - rows.mean(axis=0)
    # Singular values from the smaller of the two Gram matrices.
    gram = centred.T @ centred if centred.shape[1] <= len(centred) else centred @ centred.T
    values = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0))
    # What rounding leaves of equal rows is no spread.
    if values.sum() <= 1e-6 * np.sqrt(np.square(rows).sum()):
        return 0.0
    share = values[values > 0] / values.sum()
    return float(np.exp(-(share * np.log(share)).sum()))
