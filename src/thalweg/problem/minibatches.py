"""Minibatches: which part of the data an evaluation sees, as a pure function of a number."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, final

import numpy as np

from thalweg.arrays import AnyArray, Ints
from thalweg.errors import InvalidProblem
from thalweg.problem.stream import Stream
from thalweg.rng import generator

__all__ = ["Minibatches"]


@final
class Minibatches:
    """Data that is seen a batch at a time: from arrays, from a function of row numbers (:meth:`of`), or a :meth:`stream`.

    Batch number k always holds the same rows, whoever asks for it and whenever: a stochastic run is repeatable and can be
    continued. Without replacement every epoch has a new random order, and its last batch is smaller where the size does
    not divide the number of rows; batches 0 … :attr:`batches_per_epoch` − 1 then are a partition of the rows.

    Args:
        arrays: Arrays, data frames (or anything indexed by an integer array) with one entry a row, at least one row.
        size: Rows a batch, from 1 to the number of rows.
        seed: Seed of the orders.
        replacement: Draw each row of each batch from all rows, instead of every row once an epoch.

    Raises:
        InvalidProblem: The arrays differ in length or are empty, or the size is out of range.

    Example:
        >>> import numpy as np
        >>> X, y = np.arange(10.0)[:, None], np.arange(10.0)
        >>> batches = Minibatches(X, y, size=4)
        >>> sorted(float(v) for k in range(3) for v in batches.at(k)[1]) == list(range(10))
        True
    """

    def __init__(self, *arrays: AnyArray, size: int, seed: int = 0, replacement: bool = False) -> None:
        """Check lengths and size."""
        lengths = {len(array) for array in arrays}
        if len(lengths) != 1 or 0 in lengths:
            raise InvalidProblem(f"minibatches need arrays of one common length of at least 1, got {sorted(lengths)}")
        # A data frame is indexed by names, its array by rows.
        plain = tuple(np.asarray(array) if hasattr(array, "iloc") else array for array in arrays)
        self._source: _Sample | Stream = _Sample(_Take(plain), lengths.pop(), size, seed, replacement)

    @classmethod
    def of(
        cls, function: Callable[[Ints], Any], *, rows: int, size: int, seed: int = 0, replacement: bool = False
    ) -> "Minibatches":
        """Make batches by a function of row numbers: data that is read, rendered or simulated when it is needed.

        Args:
            function: Of row numbers (size,) in 0 … rows − 1; it returns the objective's further argument, or a tuple of
                them, the same whenever it is given the same numbers.
            rows: Number of rows.
            size: Rows a batch.
            seed: Seed of the orders.
            replacement: As for arrays.

        Raises:
            InvalidProblem: The size is out of range.

        Example:
            >>> batches = Minibatches.of(lambda rows: (rows**2).sum(), rows=4, size=4)
            >>> int(batches.at(0)[0])
            14
        """
        return cls._by(_Sample(function, rows, size, seed, replacement))

    @classmethod
    def stream(cls, batches: Callable[[int], Iterable[Any]]) -> "Minibatches":
        """Take batches in the order in which they are read: from a file, a database, a queue that can be read again.

        One epoch follows the other. A batch is asked for in ascending order by a run in one process; going back (a run
        that is continued, several processes) reads the epoch again from its beginning and passes over what lies before.

        Args:
            batches: Of the epoch's number 0, 1, 2 …; it returns an iterable of batches, each the objective's further
                argument or a tuple of them. For the same number it must give the same batches.

        Raises:
            InvalidProblem: When a batch is asked for: an epoch is empty, or has another length than before.

        Example:
            >>> batches = Minibatches.stream(lambda epoch: (10 * epoch + i for i in range(3)))
            >>> [batches.at(k)[0] for k in range(7)]
            [0, 1, 2, 10, 11, 12, 20]
        """
        return cls._by(Stream(batches))

    @classmethod
    def _by(cls, source: "_Sample | Stream") -> "Minibatches":
        made = cls.__new__(cls)
        made._source = source
        return made

    @property
    def rows(self) -> int | None:
        """Number of rows; None for a stream, whose length nobody knows."""
        return self._source.rows if isinstance(self._source, _Sample) else None

    @property
    def size(self) -> int | None:
        """Rows a batch; None for a stream."""
        return self._source.size if isinstance(self._source, _Sample) else None

    @property
    def seed(self) -> int | None:
        """Seed of the orders; None for a stream."""
        return self._source.seed if isinstance(self._source, _Sample) else None

    @property
    def replacement(self) -> bool:
        """Whether a row may come again before all others were seen."""
        return isinstance(self._source, _Sample) and self._source.replacement

    @property
    def batches_per_epoch(self) -> int | None:
        """Number of batches in which as many rows are seen as there are; None for a stream."""
        return self._source.batches if isinstance(self._source, _Sample) else None

    @property
    def arrays(self) -> tuple[AnyArray, ...] | None:
        """The arrays, row by row as they were given; None where batches come from a function or a stream."""
        function = self._source.function if isinstance(self._source, _Sample) else None
        return function.arrays if isinstance(function, _Take) else None

    @property
    def shares(self) -> tuple[float, ...] | None:
        """Shares of the rows in batches 0 … B − 1 of the first epoch; None where these are no partition of the rows."""
        source = self._source
        if not isinstance(source, _Sample) or source.replacement:
            return None
        sizes = [source.size] * (source.batches - 1)
        return tuple(size / source.rows for size in (*sizes, source.rows - sum(sizes)))

    def at(self, number: int) -> tuple[Any, ...]:
        """Give batch number k = 0, 1, 2 …: the further arguments of the objective."""
        return _tuple(self._source.at(number))

    def rows_of(self, number: int) -> Ints | None:
        """Give the numbers (size,) of the rows of batch k; None for a stream."""
        return self._source.rows_of(number) if isinstance(self._source, _Sample) else None

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Any, ...]]:
        """Give the batches of one epoch in their order, from batch number ``start`` of it.

        Example:
            >>> batches = Minibatches.stream(lambda epoch: (10 * epoch + i for i in range(3)))
            >>> list(batches.epoch(2, start=1))
            [(21,), (22,)]
        """
        return map(_tuple, self._source.epoch(number, start))


@final
class _Sample:
    """Batches of random rows, which a function turns into data."""

    def __init__(self, function: Callable[[Ints], Any], rows: int, size: int, seed: int, replacement: bool) -> None:
        if size != int(size) or not 1 <= size <= rows:
            raise InvalidProblem(f"a minibatch of {size} rows: expected 1 to {rows}, the number of rows")
        self.function, self.rows, self.size, self.seed = function, int(rows), int(size), int(seed)
        self.replacement, self.batches = replacement, -(-int(rows) // int(size))
        self._order = lru_cache(maxsize=2)(self._permutation)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process without the cached order."""
        return _Sample, (self.function, self.rows, self.size, self.seed, self.replacement)

    def at(self, number: int) -> Any:
        return self.function(self.rows_of(number))

    def rows_of(self, number: int) -> Ints:
        if self.replacement:
            return generator(self.seed, number).integers(self.rows, size=self.size)
        epoch, batch = divmod(number, self.batches)
        return self._order(epoch)[batch * self.size : (batch + 1) * self.size]

    def epoch(self, number: int, start: int) -> Iterator[Any]:
        return map(self.at, range(number * self.batches + start, (number + 1) * self.batches))

    def _permutation(self, epoch: int) -> Ints:
        return generator(self.seed, epoch).permutation(self.rows)


@final
class _Take:
    """The rows of some arrays."""

    def __init__(self, arrays: tuple[AnyArray, ...]) -> None:
        self.arrays = arrays

    def __call__(self, rows: Ints) -> tuple[AnyArray, ...]:
        return tuple(array[rows] for array in self.arrays)


def _tuple(batch: Any) -> tuple[Any, ...]:
    return batch if isinstance(batch, tuple) else (batch,)
