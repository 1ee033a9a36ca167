"""The same rows with other targets or weights: for one class against the rest, and for the folds of a cross-validation."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import blake2b
from typing import final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.training.rows.rows import Chunk, Rows

__all__ = ["Changed", "with_targets", "with_weights"]


@final
class Changed(Rows):
    """Rows of which every chunk is changed as it is read; X is not copied.

    Args:
        rows: The rows.
        change: From chunk to chunk, the same X in both.
        total_weight: Sum of the weights afterwards.
    """

    def __init__(self, rows: Rows, change: Callable[[Chunk], Chunk], total_weight: float) -> None:
        """Keep references."""
        self._rows, self._change = rows, change
        self.n, self.d, self.dtype, self.sparse = rows.n, rows.d, rows.dtype, rows.sparse
        self.total_weight = total_weight

    @property
    def nbytes(self) -> int:
        """Size of X."""
        return self._rows.nbytes

    def chunks(self) -> Iterator[Chunk]:
        """Change one after the other."""
        return map(self._change, self._rows.chunks())

    def fingerprint(self) -> str:
        """Give that of the rows, and a hash of what the first ones were changed to."""
        first = next(self.chunks())
        parts = [array.tobytes() for array in (first.y, first.weight) if array is not None]
        return f"{self._rows.fingerprint()} {blake2b(b'|'.join(parts), digest_size=16).hexdigest()}"


def with_targets(rows: Rows, target: Callable[[AnyArray], AnyArray]) -> Rows:
    """Give rows with other targets, a function of the present ones."""
    return Changed(rows, lambda chunk: replace(chunk, y=target(chunk.y)), rows.total_weight)


def with_weights(rows: Rows, factor: Callable[[slice], AnyArray]) -> Rows:
    """Give rows whose weights are multiplied by factors ≥ 0, a function of their numbers."""

    def change(chunk: Chunk) -> Chunk:
        factors = factor(slice(chunk.start, chunk.start + len(chunk))).astype(rows.dtype)
        return replace(chunk, weight=factors if chunk.weight is None else chunk.weight * factors)

    total = sum(
        float(np.sum(weight, dtype=np.float64))
        for chunk in map(change, rows.chunks())
        if (weight := chunk.weight) is not None
    )
    return Changed(rows, change, total)
