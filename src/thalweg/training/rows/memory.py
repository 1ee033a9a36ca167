"""Rows in memory: views of a dense array, or of a CSR matrix; nothing is copied."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.training.rows.rows import CHUNK_BYTES, Chunk, Rows, chunk_rows, cut

__all__ = ["DenseRows", "SparseRows", "rows_of"]


@final
class DenseRows(Rows):
    """An array (n, d). One that is not in C order is copied a chunk at a time.

    Args:
        X: (n, d) float32 or float64, finite.
        y: (n,) targets.
        weight: (n,) or None.
    """

    sparse = False

    def __init__(self, X: AnyArray, y: AnyArray, weight: AnyArray | None = None) -> None:
        """Keep references."""
        self.X, self.y, self.weight = X, y, weight
        self.n, self.d = X.shape
        self.dtype = X.dtype
        self._size = chunk_rows(self.d, X.itemsize)
        self.total_weight = float(self.n if weight is None else _total(weight, self._size))

    @property
    def nbytes(self) -> int:
        """Size of the array."""
        return int(self.X.nbytes)

    def fingerprint(self) -> str:
        """Give a hash of all numbers."""
        return _hash(self)

    def chunks(self) -> Iterator[Chunk]:
        """Give views."""
        for i in range(0, self.n, self._size):
            part = slice(i, i + self._size)
            weight = None if self.weight is None else self.weight[part]
            yield Chunk(i, np.ascontiguousarray(self.X[part]), self.y[part], weight)


@final
class SparseRows(Rows):
    """A CSR matrix (n, d) with sorted indices.

    Args:
        X: (n, d) csr_array or csr_matrix of float32 or float64, finite.
        y: (n,) targets.
        weight: (n,) or None.
    """

    sparse = True

    def __init__(self, X: Any, y: AnyArray, weight: AnyArray | None = None) -> None:
        """Cut the matrix once: making a view of rows costs more than a look at few of them."""
        self.X, self.y, self.weight = X, y, weight
        self.n, self.d = X.shape
        self.dtype = X.dtype
        self.total_weight = float(self.n if weight is None else weight.sum(dtype=np.float64))
        entries = max(1, X.nnz // max(1, self.n)) * (X.data.itemsize + X.indices.itemsize)
        size = max(256, CHUNK_BYTES // entries)
        self._parts = [self._part(slice(i, min(i + size, self.n))) for i in range(0, self.n, size)]

    @property
    def nbytes(self) -> int:
        """Size of the entries and their columns."""
        return int(self.X.data.nbytes + self.X.indices.nbytes)

    def fingerprint(self) -> str:
        """Give a hash of all numbers."""
        return _hash(self)

    def chunks(self) -> Iterator[Chunk]:
        """Give views."""
        return iter(self._parts)

    def _part(self, rows: slice) -> Chunk:
        weight = None if self.weight is None else self.weight[rows]
        return Chunk(rows.start, cut(self.X, rows.start, rows.stop), self.y[rows], weight)


def rows_of(X: Any, y: AnyArray, weight: AnyArray | None = None) -> Rows:
    """Wrap a checked matrix."""
    return DenseRows(X, y, weight) if isinstance(X, np.ndarray) else SparseRows(X, y, weight)


def _total(weight: AnyArray, size: int) -> float:
    """Add up chunk by chunk, as it is done where the rows are in files."""
    return sum(float(weight[i : i + size].sum(dtype=np.float64)) for i in range(0, len(weight), size))


def _hash(rows: Rows) -> str:
    digest = blake2b(f"{rows.n} {rows.d} {rows.dtype}".encode(), digest_size=16)
    for chunk in rows.chunks():
        X = [chunk.X.data, chunk.X.indices, chunk.X.indptr] if rows.sparse else [chunk.X]
        for array in (*X, chunk.y, chunk.weight):
            digest.update(b"" if array is None else np.ascontiguousarray(array).data)
    return digest.hexdigest()
