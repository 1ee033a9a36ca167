"""Rows of Parquet files, for tables larger than memory."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import pyarrow as pa

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidData
from thalweg.training.rows.classes import Classes, find_classes
from thalweg.training.rows.parquet_files import ParquetFiles, Source
from thalweg.training.rows.rows import Chunk, Rows, chunk_rows

__all__ = ["ParquetRows"]

BATCH_BYTES = 2**20  # of all columns of a batch: they are still in a core's cache when they are made into rows
LABELS = 2**16  # of a batch of targets alone
LEAST_BATCH = 4096  # rows, for which a column is worth a call


@final
class ParquetRows(Rows):
    """Numeric columns of Parquet files: the same numbers, in the same chunks, as if they were in memory.

    Of integers and booleans float64 is made; float32 is kept where every column of X is float32. A pass holds one chunk
    of 8 MB for each thread and two more, and about 4 MB for every column: pages are decoded as they are needed.

    Args:
        source: A file, a folder of files, or a list of them.
        target: The column of y.
        columns: Those of X, in order; all but target and weight where it is None.
        weight: The column of the sample weights.
        classes: Whether y holds classes: text, whole numbers or booleans. They are collected in a pass over this column
            alone, and coded 0 … K − 1.
        observe: Called with the rows read so far and their number, after every chunk of every pass.

    Raises:
        InvalidData: A file cannot be read, or has changed since; or a column is missing, not numeric, or has a value
            that is missing or infinite. Values are looked at in every pass.

    Example:
        >>> import tempfile, pyarrow.parquet
        >>> table = pa.table({"rooms": [2, 3, 5], "area": [50.5, 61.0, 140.0], "price": [200.0, 250.0, 700.0]})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     pyarrow.parquet.write_table(table, f"{folder}/part-0.parquet")
        ...     [chunk] = ParquetRows(folder, target="price").chunks()
        >>> chunk.X, chunk.y
        (array([[  2. ,  50.5],
               [  3. ,  61. ],
               [  5. , 140. ]]), array([200., 250., 700.]))
    """

    sparse = False
    finite = True
    names: tuple[str, ...]

    def __init__(
        self,
        source: Source,
        target: str,
        columns: Sequence[str] | None = None,
        weight: str | None = None,
        classes: bool = False,
        observe: Callable[[int, int], None] | None = None,
    ) -> None:
        """Check names and types; find the classes, and the sum of the weights."""
        self._files = files = ParquetFiles(source)
        self._beside = [target] if weight is None else [target, weight]
        self.names = tuple([name for name in files.types if name not in self._beside] if columns is None else columns)
        self._check(classes)
        self.n, self.d = files.n, len(self.names)
        single = all(files.types[name] == pa.float32() for name in self.names)
        self.dtype = np.dtype(np.float32 if single else np.float64)
        self._codes: Classes | None = None
        if classes:
            self._codes = find_classes(target, files.batches([target], LABELS))
            self.classes = self._codes.labels
        self.total_weight = float(self.n if weight is None else self._weigh(weight))
        self._observe = observe

    @property
    def nbytes(self) -> int:
        """Size of X if it were in memory."""
        return self.n * self.d * self.dtype.itemsize

    def fingerprint(self) -> str:
        """Give the hash of the files' footers, and the columns."""
        return f"{self._files.fingerprint} {self._beside} {self._codes is not None} {self.names}"

    def chunks(self) -> Iterator[Chunk]:
        """Read the files once."""
        return self._gathered(self.names, self._beside, self._observe)

    def _check(self, classes: bool) -> None:
        parts = [*self._beside, *self.names]
        if not self.names:
            raise InvalidData(f"{self._files.name}: no column is left for X beside {', '.join(self._beside)}")
        for name in parts:
            kind = self._files.require(name)
            if parts.count(name) > 1:
                raise InvalidData(f"{self._files.name}: column {name!r} is named twice: expected one part for each")
            numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
            if not numeric and not (classes and name == self._beside[0]):
                raise InvalidData(
                    f"{self._files.name}: column {name!r} is of type {kind}: expected numbers; encode it, or leave it "
                    "out by naming the others in columns="
                )

    def _weigh(self, weight: str) -> float:
        """Add up the weights, chunk by chunk as it is done in memory."""
        total = 0.0
        for chunk in self._gathered((), [weight]):
            weights = chunk.y
            if (weights < 0).any():
                row = int(np.argmax(weights < 0))
                raise InvalidData(
                    f"{self._files.name}: the weight {weight!r} is {weights[row]} in row {chunk.start + row:,}: expected "
                    "numbers of at least 0"
                )
            total += float(weights.sum(dtype=np.float64))
        if not total > 0:
            raise InvalidData(f"{self._files.name}: the weight {weight!r} is 0 in every row: none would count")
        return total

    def _gathered(
        self, columns: Sequence[str], beside: Sequence[str], observe: Callable[[int, int], None] | None = None
    ) -> Iterator[Chunk]:
        """Read columns into X, and those beside them into y and the weights. No chunk is kept once it is given away."""
        names = [*columns, *beside]
        size = chunk_rows(self.d, self.dtype.itemsize)
        batch_rows = min(size, max(LEAST_BATCH, BATCH_BYTES // (8 * len(names))))
        start, filled = 0, 0
        X, arrays = self._empty(min(size, self.n), len(columns), len(beside))
        for path, batch in self._files.batches(names, batch_rows):
            values = [self._numbers(path, name, batch.column(name)) for name in names]
            done = 0
            while done < len(batch):
                k = min(len(batch) - done, len(X) - filled)
                rows = slice(filled, filled + k)
                for place, value in zip((*X.T, *arrays), values, strict=True):
                    place[rows] = value[done : done + k]
                if not all(_all_finite(array[rows]) for array in (X, *arrays)):
                    raise self._infinite(path, names, values)
                filled, done = filled + k, done + k
                if filled == len(X):
                    yield Chunk(start, X, arrays[0], arrays[1] if len(arrays) > 1 else None)
                    start, filled = start + filled, 0
                    if observe is not None:
                        observe(start, self.n)
                    del X, arrays, place  # or both chunks would be in memory
                    X, arrays = self._empty(min(size, self.n - start), len(columns), len(beside))

    def _empty(self, rows: int, columns: int, beside: int) -> tuple[AnyArray, list[AnyArray]]:
        return np.empty((rows, columns), self.dtype), [np.empty(rows, self.dtype) for _ in range(beside)]

    def _numbers(self, path: Path, name: str, column: Any) -> AnyArray:
        if column.null_count:
            raise InvalidData(f"{path}: column {name!r} has missing values: fill them in, or leave these rows out")
        if name == self._beside[0] and self._codes is not None:
            return self._codes.codes(column)
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.uint8())
        return np.from_dlpack(column)  # to_numpy would import pandas, which takes more memory than a chunk

    def _infinite(self, path: Path, names: list[str], values: list[AnyArray]) -> InvalidData:
        wrongs = [value[~np.isfinite(value.astype(self.dtype))] for value in values]
        name, wrong = next((name, wrong) for name, wrong in zip(names, wrongs, strict=True) if len(wrong))
        hint = "leave these rows out" if np.isnan(wrong[0]) else "replace them"
        return InvalidData(f"{path}: column {name!r} has values that are {wrong[0]}: expected finite numbers; {hint}")


def _all_finite(array: AnyArray) -> bool:
    """Ask the sum first: it is finite if every number is, unless they are huge."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(array.sum()) or np.isfinite(array).all())
