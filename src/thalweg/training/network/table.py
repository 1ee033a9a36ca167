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
from thalweg.errors import InvalidData
from thalweg.rng import generator

__all__ = ["TableInput", "is_mixed"]

SEEN = 10_000  # rows from which quartiles are taken, at most
UNKNOWN = -1


def is_mixed(X: Any) -> bool:
    """Whether X is a frame that has columns other than numbers."""
    return isinstance(X, pd.DataFrame) and not all(map(_is_number, X.dtypes))


@final
class TableInput:
    """Learn from training rows how columns become numbers of about the same size.

    A number x becomes z / √(1 + (z/3)²) with z its distance to the median in units of the quartiles' distance, so that no
    outlier is larger than 3. A missing one becomes 0, and a column of its own says so. Categories become codes 0, 1, 2 …,
    with −1 for one that the training rows do not have, or a missing one.

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
        """Look at the training rows (n, d), an array of numbers or a frame."""
        mixed = is_mixed(X)
        self._names = [name for name, kind in X.dtypes.items() if not _is_number(kind)] if mixed else []
        if mixed:
            _refuse_dates(X[self._names])
        numbers = self._numbers(X)
        rows = slice(None) if len(numbers) <= SEEN else generator(seed).choice(len(numbers), SEEN, replace=False)
        self._scaler = SquashingScaler(3.0).fit(numbers[rows]) if numbers.shape[1] else None
        self._missing = np.flatnonzero(np.isnan(numbers).any(axis=0))
        self._encoder = OrdinalEncoder(
            dtype=np.float32, handle_unknown="use_encoded_value", unknown_value=UNKNOWN, encoded_missing_value=UNKNOWN
        )
        categories: Any = self._encoder.fit(_texts(X[self._names])).categories_ if self._names else ()
        self.cardinalities = tuple(len(known) for known in categories)
        self.numbers: int = numbers.shape[1] + len(self._missing)
        return self

    @property
    def width(self) -> int:
        """Number of columns that come out: numbers first, then categories."""
        return self.numbers + len(self.cardinalities)

    def transform(self, X: Any) -> AnyArray:
        """Give the network's input (n, width), float32."""
        numbers = self._numbers(X)
        scaled = np.empty((len(numbers), self.width), np.float32)
        if self._scaler is not None:
            scaled[:, : numbers.shape[1]] = self._scaler.transform(numbers)
        if np.isnan(numbers).any():
            np.nan_to_num(scaled, copy=False)
        scaled[:, numbers.shape[1] : self.numbers] = np.isnan(numbers[:, self._missing])
        if self._names:
            scaled[:, self.numbers :] = self._encoder.transform(_texts(X[self._names]))
        return scaled

    def _numbers(self, X: Any) -> AnyArray:
        if isinstance(X, pd.DataFrame):
            return X.drop(columns=self._names).to_numpy(np.float64, na_value=np.nan)
        return np.asarray(X)


def _is_number(kind: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(kind)) and not isinstance(kind, pd.CategoricalDtype)


def _refuse_dates(frame: pd.DataFrame) -> None:
    dates = [str(name) for name, kind in frame.dtypes.items() if pd.api.types.is_datetime64_any_dtype(kind)]
    if dates:
        raise InvalidData(
            f"the columns {', '.join(dates)} are dates, and a network wants numbers and categories: encode them first, "
            "with thalweg.data.TableEncoder or skrub.DatetimeEncoder"
        )


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Give categories as text, whatever they are, missing ones as None."""
    return frame.astype(object).where(frame.notna(), None).map(lambda cell: cell if cell is None else str(cell))
