"""Compact copies of the columns that a model of the loss is made of, and of as many rows as it needs."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy.sparse import csr_array

from thalweg.arrays import AnyArray, Floats, Ints
from thalweg.rng import generator
from thalweg.training.rows import DenseRows, Rows, SparseRows

__all__ = ["Copy", "Kept", "compact", "shares"]

COPY_BYTES = 32 * 2**20  # of a copy
FULL = 0.99  # of the room is asked for, since the number of entries drawn is left to chance
BLOCK = 1_000  # rows that are copied at once
ENTRY_BYTES = 8  # of a sparse one: a float32 and an int32
ROWS_PER_PRODUCT = 5  # rows per column that a copy has, at least


@final
@dataclass(frozen=True)
class Copy:
    """Some columns of some rows in single precision.

    Attributes:
        rows: What was copied; its targets mean nothing.
        columns: (p,) the columns, ascending.
        sample: (k,) numbers of the rows; all of them: a slice.
        share: Of the rows, nearly.
    """

    rows: Rows
    columns: Ints
    sample: Ints | slice
    share: float

    def serves(self, chosen: Ints, least: float) -> bool:
        """Whether it has these columns, not many others, and rows enough."""
        few = len(self.columns) <= 2 * len(chosen)
        return few and least <= self.share and bool(np.isin(chosen, self.columns, assume_unique=True).all())


@final
class Kept:
    """The copy that was made last: it serves as long as the columns only become fewer."""

    def __init__(self, seed: int) -> None:
        """Begin without one."""
        self.seed = seed
        self.copy: Copy | None = None

    def serving(self, rows: Rows, chosen: Ints, filled: Floats, h: AnyArray, least: float, most: float) -> Copy | None:
        """Give a copy as :func:`compact` does; one of rows with some weight v ℓ″ at least."""
        if self.copy is None or not self.copy.serves(chosen, least):
            self.copy = None  # two of them would take twice the room
            self.copy = compact(rows, chosen, filled, least, most, self.seed)
        if self.copy is not None and not h[self.copy.sample].any():
            self.copy = compact(rows, chosen, filled, 1.0, 1.0, self.seed)
        return self.copy


def compact(rows: Rows, chosen: Ints, filled: Floats, least: float, most: float, seed: int) -> Copy | None:
    """Copy some columns; None where the copy would be large, or no smaller.

    Args:
        rows: The rows.
        chosen: (p,) columns.
        filled: (d,) share of the rows with an entry in a column.
        least: Share of the rows that must be there.
        most: Share that is wanted; as many are there as there is room for.
        seed: Of the sample.
    """
    size = float(filled[chosen].sum()) * rows.n * (ENTRY_BYTES if rows.sparse else 4)
    share = most if most * size <= COPY_BYTES else FULL * COPY_BYTES / size
    if share < least or (len(chosen) == rows.d and share == 1):
        return None
    samples = [_drawn(seed + chunk.start, len(chunk), share) for chunk in rows.chunks()]
    X = _sparse(rows, chosen, samples) if rows.sparse else _dense(rows, chosen, samples)
    if X is None:
        return None
    y = np.zeros(X.shape[0], np.float32)
    copy = SparseRows(X, y) if rows.sparse else DenseRows(X, y)
    numbers = [np.arange(chunk.start, chunk.start + len(chunk)) for chunk in rows.chunks()]
    sample = slice(None) if share == 1 else np.concatenate([i[s] for i, s in zip(numbers, samples, strict=True)])
    return Copy(copy, chosen, sample, share)


def _drawn(seed: int, k: int, share: float) -> Ints | slice:
    """Take about a share of k rows, at random and in order."""
    return np.flatnonzero(generator(seed).random(k) < share) if share < 1 else slice(None)


def _dense(rows: Rows, chosen: Ints, samples: list[Ints | slice]) -> AnyArray:
    parts = [
        chunk.take(sample).X.take(chosen, axis=1).astype(np.float32, copy=False)
        for chunk, sample in zip(rows.chunks(), samples, strict=True)
    ]
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def _sparse(rows: Rows, chosen: Ints, samples: list[Ints | slice]) -> Any:
    """Write into room for as much as is allowed, of which the system gives what is written to; None where it is less."""
    most = COPY_BYTES // ENTRY_BYTES
    data, indices, starts = np.empty(most, np.float32), np.empty(most, np.int32), [np.zeros(1, np.int32)]
    place, last = np.full(rows.d, -1, np.int32), 0
    place[chosen] = np.arange(len(chosen))
    for chunk, sample in zip(rows.chunks(), samples, strict=True):
        X, taken = chunk.X, np.zeros(len(chunk), bool)
        taken[sample] = True
        for i in range(0, len(chunk), BLOCK):
            ends, used = X.indptr[i : i + BLOCK + 1], taken[i : i + BLOCK]
            at = place.take(X.indices[ends[0] : ends[-1]])
            here = np.flatnonzero((at >= 0) & np.repeat(used, np.diff(ends)))
            first, last = last, last + len(here)
            if last > most:
                return None
            data[first:last], indices[first:last] = X.data[ends[0] : ends[-1]].take(here), at.take(here)
            starts.append((first + np.searchsorted(here, ends[1:] - ends[0])[used]).astype(np.int32))
    shape = (sum(map(len, starts)) - 1, len(chosen))
    return csr_array((data[:last], indices[:last], np.concatenate(starts)), shape=shape)


def shares(columns: float, share: float, rough: bool) -> tuple[float, float]:
    """Give the shares of the rows that a copy must have, and may have."""
    least = min(1.0, max(share, ROWS_PER_PRODUCT * columns, 0.0 if rough else 0.5))
    return least, max(0.25, least) if rough else 1.0
