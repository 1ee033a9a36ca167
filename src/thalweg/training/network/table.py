"""Columns of a table as a network's input: numbers scaled and softly clipped, categories as codes.

D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data",
NeurIPS 2024 (robust scaling, smooth clipping).
"""

from typing import Any, Self, final

import numpy as np
import pandas as pd
from sklearn.preprocessing import OrdinalEncoder
from skrub import SquashingScaler

from thalweg.arrays import AnyArray
from thalweg.data.frames import as_frame, refuse_infinite
from thalweg.errors import InvalidData
from thalweg.rng import generator

__all__ = ["TableInput", "framed", "is_mixed"]

SEEN = 10_000  # rows from which quartiles are taken, at most
UNKNOWN = -1
ENCODE = "encode them first, with thalweg.data.TableEncoder or skrub.DatetimeEncoder"


def framed(X: Any) -> Any:
    """Give a frame of any library as one of pandas with plain columns; what is no frame, and one of numbers, as it is.

    Raises:
        InvalidData: It has columns of dates, infinite numbers, or cells that are neither numbers nor texts; or it is an
            array of texts.
    """
    if isinstance(X, np.ndarray) and X.dtype.kind in "US":
        raise InvalidData(
            f"X is an array of text, {X.dtype}: give numbers, or a frame, whose columns of text are taken as categories"
        )
    if not hasattr(type(X), "columns") or (isinstance(X, pd.DataFrame) and not is_mixed(X)):
        return X
    frame = as_frame(X)
    dates = [str(name) for name, kind in frame.dtypes.items() if pd.api.types.is_datetime64_any_dtype(kind)]
    if dates:
        raise InvalidData(
            f"the columns {', '.join(dates)} are dates, and a network wants numbers and categories: {ENCODE}"
        )
    refuse_infinite(frame)
    return frame


def is_mixed(X: Any) -> bool:
    """Whether X is a frame of pandas that has columns other than numbers."""
    return isinstance(X, pd.DataFrame) and not all(map(_is_number, X.dtypes))


@final
class TableInput:
    """Learn from training rows how columns become numbers of about the same size.

    A number x becomes z / √(1 + (z/3)²) with z its distance to the median in units of the quartiles' distance, so that no
    outlier is larger than 3. A missing one becomes 0, and a column of its own says so where the training rows have missing
    ones. Categories become codes 0, 1, 2 …, with −1 for one that the training rows do not have, or a missing one.

    Attributes:
        names: Of the columns of categories.
        cardinalities: Their numbers of categories, by column.
        numbers: Of the columns of numbers that come out.

    Example:
        >>> table = pd.DataFrame({"rooms": [1.0, 2.0, 3.0, 4.0, None], "town": ["Bern", "Chur", "Bern", "Bern", "Basel"]})
        >>> TableInput().fit(table).transform(table).round(2)
        array([[-0.95,  0.  ,  1.  ],
               [-0.33,  0.  ,  2.  ],
               [ 0.33,  0.  ,  1.  ],
               [ 0.95,  0.  ,  1.  ],
               [ 0.  ,  1.  ,  0.  ]], dtype=float32)
    """

    def fit(self, X: Any, seed: int = 0) -> Self:
        """Look at the training rows (n, d): an array of numbers, or a frame that ``framed`` gave.

        Raises:
            InvalidData: Every cell is missing.
        """
        self.names = [name for name, kind in X.dtypes.items() if not _is_number(kind)] if is_mixed(X) else []
        numbers = self._numbers(X)
        missing = np.isnan(numbers)
        self._present = np.flatnonzero(~missing.all(axis=0))  # a column of nothing has no quartiles, and says nothing
        self._missing = np.flatnonzero(missing.any(axis=0) & ~missing.all(axis=0))
        if not len(self._present) and not self.names:
            raise InvalidData(f"none of the {numbers.shape[1]} columns has a value: every cell is missing")
        rows = slice(None) if len(numbers) <= SEEN else generator(seed).choice(len(numbers), SEEN, replace=False)
        self._scaler = SquashingScaler(3.0).fit(numbers[rows][:, self._present]) if len(self._present) else None
        self._encoder = OrdinalEncoder(
            dtype=np.float32, handle_unknown="use_encoded_value", unknown_value=UNKNOWN, encoded_missing_value=UNKNOWN
        )
        known: Any = self._encoder.fit(_texts(X[self.names])).categories_ if self.names else ()
        self.cardinalities = tuple(int(pd.notna(categories).sum()) for categories in known)
        self.numbers: int = len(self._present) + len(self._missing)
        return self

    @property
    def width(self) -> int:
        """Number of columns that come out: numbers first, then categories."""
        return self.numbers + len(self.cardinalities)

    def transform(self, X: Any) -> AnyArray:
        """Give the network's input (n, width), float32.

        Raises:
            InvalidData: A column has turned from numbers to categories, or the other way round.
        """
        self._check_kinds(X)
        numbers, present = self._numbers(X), len(self._present)
        scaled = np.empty((len(numbers), self.width), np.float32)
        if self._scaler is not None:
            scaled[:, :present] = self._scaler.transform(numbers[:, self._present])
        missing = np.isnan(numbers)
        if missing.any():
            np.nan_to_num(scaled[:, :present], copy=False)
        scaled[:, present : self.numbers] = missing[:, self._missing]
        if self.names:
            scaled[:, self.numbers :] = self._encoder.transform(_texts(X[self.names]))
        return scaled

    def _check_kinds(self, X: Any) -> None:
        if not isinstance(X, pd.DataFrame):
            if self.names:
                raise InvalidData(
                    f"expected a frame with the columns of the fit, {', '.join(self.names)} of categories among them, "
                    f"got {type(X).__name__}"
                )
            return
        for name, kind in X.dtypes.items():
            if _is_number(kind) == (name in self.names) and not X[name].isna().all():
                now, then = ("numbers", "categories") if name in self.names else ("categories", "numbers")
                raise InvalidData(f"the column {name!r} holds {now}, and held {then} in the fit: give it as it was")

    def _numbers(self, X: Any) -> AnyArray:
        if isinstance(X, pd.DataFrame):
            return X.drop(columns=self.names).to_numpy(np.float64, na_value=np.nan)
        return np.asarray(X)


def _is_number(kind: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(kind)) and not isinstance(kind, pd.CategoricalDtype)


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Give categories as text, whatever they are, missing ones as None."""
    return frame.astype(object).where(frame.notna(), None).map(lambda cell: cell if cell is None else str(cell))
