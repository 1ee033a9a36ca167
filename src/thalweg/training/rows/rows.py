"""The contract of training data: rows that are seen a chunk at a time, always the same ones in the same chunk."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy.sparse import csc_array, csr_array

from thalweg.arrays import AnyArray

__all__ = ["BLOCK_BYTES", "CHUNK_BYTES", "Chunk", "Rows", "chunk_rows", "cut", "transposed"]

CHUNK_BYTES = 2**23  # of a dense chunk: what one thread works on, and what is summed in order
BLOCK_BYTES = 2**20  # of a part of it that stays in a core's cache between two looks at it


@final
@dataclass(frozen=True)
class Chunk:
    """k consecutive rows.

    Attributes:
        start: Number of the first row.
        X: (k, d) array in C order, or CSR matrix.
        y: (k,) targets as the loss wants them.
        weight: (k,) sample weights ≥ 0, or None where all are 1.
    """

    start: int
    X: Any
    y: AnyArray
    weight: AnyArray | None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.y)

    def take(self, rows: Any) -> "Chunk":
        """Select rows by a slice or by indices; the number of the first one is kept."""
        weight = None if self.weight is None else self.weight[rows]
        return Chunk(self.start, self.X[rows], self.y[rows], weight)

    def blocks(self) -> Iterator["Chunk"]:
        """Cut a dense chunk into parts that fit into a cache; a sparse one is one part."""
        if not isinstance(self.X, np.ndarray):
            yield self
            return
        size = max(64, BLOCK_BYTES // max(1, self.X.shape[1] * self.X.itemsize))
        for i in range(0, len(self), size):
            yield self.take(slice(i, i + size))


class Rows(ABC):
    """A design matrix with its targets, in memory or not.

    The chunks depend on nothing but the number of columns (of stored entries, for a sparse matrix) and rows. Sums over
    them are taken in order, so they come out the same to the last bit wherever the rows are kept and however many
    threads work on them.

    Attributes:
        n: Number of rows.
        d: Number of columns.
        dtype: float32 or float64, of X and of everything computed a row.
        sparse: Whether X is sparse.
        total_weight: Sum of the sample weights; n where there are none.
        finite: Whether the rows see to it themselves that every number is finite.
        names: (d,) names of the columns, or None.
        classes: (K,) the classes that the targets 0 … K − 1 stand for, or None where they are numbers.
    """

    n: int
    d: int
    dtype: np.dtype[Any]
    sparse: bool
    total_weight: float
    finite: bool = False
    names: Sequence[str] | None = None
    classes: AnyArray | None = None

    @abstractmethod
    def chunks(self) -> Iterator[Chunk]:
        """Go through all rows once, in order."""

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Size of X: what one pass has to read."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Give a text that other data would not have, so that a fit is never continued on other rows."""


def chunk_rows(d: int, itemsize: int = 8) -> int:
    """Give the number of rows of a dense chunk of d columns."""
    return max(256, min(d, 4096), CHUNK_BYTES // max(1, d * itemsize))


def cut(X: Any, first: int, last: int) -> Any:
    """Give the rows from first to before last of a matrix, as a view: SciPy would copy a small part of a large one.

    Args:
        X: (n, d) array or CSR matrix, whose indices are narrowed to 32 bits: a chunk never needs more.
        first: Number of the first row.
        last: Number of the row after the last one.
    """
    if isinstance(X, np.ndarray):
        return X[first:last]
    begin, end = X.indptr[first], X.indptr[last]
    view = csr_array((last - first, X.shape[1]), dtype=X.dtype)
    view.data, view.indices = X.data[begin:end], X.indices[begin:end].astype(np.int32, copy=False)
    view.indptr = (X.indptr[first : last + 1] - begin).astype(np.int32, copy=False)
    return view


def transposed(X: Any) -> Any:
    """Give Xᵀ of a chunk, as a view: SciPy's own ``X.T`` copies what is a small part of a large matrix.

    Args:
        X: (k, d) array or CSR matrix.
    """
    if isinstance(X, np.ndarray):
        return X.T
    view = csc_array((X.shape[1], X.shape[0]), dtype=X.dtype)
    view.data, view.indices, view.indptr = X.data, X.indices, X.indptr
    return view
