"""Categories as codes: what the layers that take them have in common."""

from collections.abc import Sequence
from numbers import Integral

import numpy as np

from thalweg.arrays import AnyArray, Ints
from thalweg.errors import InvalidSettings

__all__ = ["check_cardinalities", "check_columns", "read_codes"]


def check_cardinalities(owner: object, cardinalities: Sequence[int]) -> None:
    """Refuse what are not counts of at least 1."""
    if not cardinalities or not all(isinstance(count, Integral) and count >= 1 for count in cardinalities):
        raise InvalidSettings(
            f"{type(owner).__name__}: cardinalities={cardinalities!r}, expected the number of categories of every "
            "column, such as (3, 12)"
        )


def check_columns(owner: object, cardinalities: Sequence[int], inputs: int) -> None:
    """Refuse another number of columns."""
    if inputs != len(cardinalities):
        raise InvalidSettings(
            f"{type(owner).__name__}: {inputs} columns, but {len(cardinalities)} cardinalities: expected one for "
            "every column"
        )


def read_codes(x: AnyArray, cardinalities: Sequence[int]) -> Ints:
    """Give the codes (n, c) of c columns as integers, −1 for whatever is none of 0 … cardinality − 1, such as NaN."""
    known = (x >= 0) & (x < np.array(cardinalities, x.dtype))
    return np.where(known, x, -1).astype(np.int64)
