"""Classes in a column of a file: their labels, and the codes by which losses know them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidData

__all__ = ["Classes", "find_classes"]

MOST_CLASSES = 1_000


@final
class Classes:
    """Labels (K,) in ascending order, coded 0 … K − 1."""

    def __init__(self, known: Any) -> None:
        """Keep an Arrow array of distinct labels in ascending order."""
        self.labels = np.array(known.to_pylist())
        self._known = known
        self._are_codes = self.labels.dtype.kind == "i" and np.array_equal(self.labels, np.arange(len(known)))

    def codes(self, column: Any) -> AnyArray:
        """Give the codes of labels that are all known."""
        column = _plain(column)
        return np.from_dlpack(column if self._are_codes else pc.index_in(column, self._known))


def find_classes(column: str, batches: Iterable[tuple[Path, Any]]) -> Classes:
    """Collect the labels of a column: whole numbers, texts or booleans.

    Args:
        column: Its name, for errors.
        batches: All of its values, and the file that they are from.

    Raises:
        InvalidData: A label is missing or a fraction, or there are more than a thousand.
    """
    known: Any = None
    for path, batch in batches:
        values = _plain(batch.column(0))
        _check(path, column, values)
        found = pc.unique(values)
        known = found if known is None else pc.unique(pa.concat_arrays([known, found]))
        if len(known) > MOST_CLASSES:
            raise InvalidData(
                f"{path}: the target {column!r} has more than {MOST_CLASSES:,} different values: expected classes; for "
                "a quantity, take a regressor"
            )
    return Classes(known.take(pc.array_sort_indices(known)))


def _check(path: Path, column: str, values: Any) -> None:
    kind = values.type
    if values.null_count:
        raise InvalidData(f"{path}: the target {column!r} has missing values: leave these rows out")
    if pa.types.is_floating(kind):
        numbers = np.from_dlpack(values)
        fractions = numbers[~(np.isfinite(numbers) & (numbers == np.floor(numbers)))]
        if len(fractions):
            raise InvalidData(
                f"{path}: the target {column!r} holds {fractions[0]}: expected classes; for a quantity, take a regressor"
            )
    elif not (pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind)):
        raise InvalidData(f"{path}: the target {column!r} is {kind}: expected whole numbers, texts or booleans")


def _plain(column: Any) -> Any:
    """Give texts as one type of text, however they are stored."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    return column
