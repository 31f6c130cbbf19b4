"""Vectors in one block of memory that grows without ever changing what a reader holds."""

import faiss
import numpy as np

from indexing.arrays import Doubles, Floats

# Below this many rows a scan ends sooner than a second thread would start.
ROWS_PER_THREAD = 16_384


class Vectors:
    """The first rows of a shared block: float32 (n, D), with their norms in float64 (n,).

    ``extended`` writes behind the last row of whoever holds this, or into a larger copy, so a
    search in progress keeps reading the very rows it started with (search beside add is not safe
    on one growing index).
    """

    def __init__(self, rows: Floats, norms: Doubles, block: "_Block") -> None:
        self.rows = rows
        self.norms = norms
        self._block = block

    @classmethod
    def empty(cls, dimension: int) -> "Vectors":
        """Return no vectors of this dimension."""
        block = _Block(dimension, capacity=4096)
        return cls(block.rows[:0], block.norms[:0], block)

    def __len__(self) -> int:
        return len(self.rows)

    def extended(self, more: Floats) -> "Vectors":
        """Return these vectors and more behind them; this object stays as it is."""
        count = len(self) + len(more)
        block = self._block
        if block.used != len(self) or count > block.capacity:
            block = _Block(self.rows.shape[1], capacity=max(2 * count, 4096))
            block.rows[: len(self)] = self.rows
            block.norms[: len(self)] = self.norms
        block.rows[len(self) : count] = more
        block.norms[len(self) : count] = np.sqrt(np.sum(more.astype(np.float64) ** 2, axis=1))
        block.used = count
        return Vectors(block.rows[:count], block.norms[:count], block)

    def inner_products(self, query: Floats) -> Floats:
        """Return the inner product of the query (D,) with every row: float32 (n,), by FAISS."""
        products = np.empty(len(self), np.float32)
        query = np.ascontiguousarray(query, np.float32)
        if len(self):
            faiss.fvec_inner_products_ny(  # type: ignore[attr-defined]  # made by SWIG
                faiss.swig_ptr(products),
                faiss.swig_ptr(query),
                faiss.swig_ptr(self.rows),
                self.rows.shape[1],
                len(self),
            )
        return products

    def all_inner_products(self, queries: Floats) -> Floats:
        """Return the inner product of every query (m, D) with every row: float32 (m, n), by BLAS.

        Rows are read once for all queries, which is what takes the time.
        """
        return np.ascontiguousarray((self.rows @ queries.astype(np.float32).T).T)


class _Block:
    """Memory for ``capacity`` vectors, of which ``used`` are taken."""

    def __init__(self, dimension: int, capacity: int) -> None:
        self.rows = np.zeros((capacity, dimension), np.float32)
        self.norms = np.zeros(capacity, np.float64)
        self.capacity = capacity
        self.used = 0
