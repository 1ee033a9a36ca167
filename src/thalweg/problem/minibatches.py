"""Minibatches: which rows of the data an evaluation sees, as a pure function of its number."""

from functools import lru_cache
from typing import Any, final

import numpy as np

from thalweg.arrays import AnyArray, Ints
from thalweg.errors import InvalidProblem
from thalweg.rng import generator

__all__ = ["Minibatches"]


@final
class Minibatches:
    """Arrays of equal length, seen a batch at a time: every epoch in a new random order, without replacement.

    Evaluation number k always sees the same rows, whoever computes it and whenever: a stochastic run is repeatable and
    can be continued. The last batch of an epoch is smaller where the size does not divide the number of rows.

    Args:
        arrays: Arrays, data frames (or anything indexed by an integer array) with one entry a row, at least one row.
        size: Rows a batch, from 1 to the number of rows.
        seed: Seed of the orders.

    Raises:
        InvalidProblem: The arrays differ in length or are empty, or the size is out of range.

    Example:
        >>> import numpy as np
        >>> X, y = np.arange(10.0)[:, None], np.arange(10.0)
        >>> batches = Minibatches(X, y, size=4)
        >>> sorted(float(v) for k in range(3) for v in batches.at(k)[1]) == list(range(10))
        True
    """

    def __init__(self, *arrays: AnyArray, size: int, seed: int = 0) -> None:
        """Check lengths and size."""
        lengths = {len(array) for array in arrays}
        if len(lengths) != 1 or 0 in lengths:
            raise InvalidProblem(f"minibatches need arrays of one common length of at least 1, got {sorted(lengths)}")
        (self.rows,) = lengths
        if size != int(size) or not 1 <= size <= self.rows:
            raise InvalidProblem(f"a minibatch of {size} rows: expected 1 to {self.rows}, the number of rows")
        # A data frame is indexed by names, its array by rows.
        self.arrays = tuple(np.asarray(array) if hasattr(array, "iloc") else array for array in arrays)
        self.size, self.seed = int(size), seed
        self._order = lru_cache(maxsize=2)(self._permutation)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process without the cached order."""
        return _rebuild, (self.arrays, self.size, self.seed)

    @property
    def batches_per_epoch(self) -> int:
        """Number of batches in which every row is seen once."""
        return -(-self.rows // self.size)

    def at(self, evaluation: int) -> tuple[Any, ...]:
        """Give the arrays' rows for evaluation number k = 0, 1, 2 …."""
        epoch, batch = divmod(evaluation, self.batches_per_epoch)
        rows = self._order(epoch)[batch * self.size : (batch + 1) * self.size]
        return tuple(array[rows] for array in self.arrays)

    def _permutation(self, epoch: int) -> Ints:
        return generator(self.seed, epoch).permutation(self.rows)


def _rebuild(arrays: tuple[AnyArray, ...], size: int, seed: int) -> Minibatches:
    return Minibatches(*arrays, size=size, seed=seed)
