"""Data frames of any library brought to one form: a pandas frame of few, plain column types."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa

from thalweg.errors import InvalidData

__all__ = ["as_frame", "as_text", "from_arrow", "refuse_equal_names", "refuse_infinite"]

_TEXT = {"string", "mixed-integer", "mixed"}
_NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal"}
_DATES = {"datetime", "datetime64", "date"}


def as_frame(source: Any) -> pd.DataFrame:
    """Bring a data frame, an Arrow table or a matrix to a pandas frame of plain columns.

    Columns are bool, integer, float, ``str``, ``category``, datetime or, where booleans are missing,
    ``boolean``; names are strings; the index is dropped, since it is no feature. The source stays as it was.

    Args:
        source: A frame of pandas, polars (lazy too), PyArrow or another library that narwhals knows; or an
            array (n, d), whose columns are then called ``x0``, ``x1`` …

    Raises:
        InvalidData: no table, no rows, two columns of one name, cells that are no numbers, text or dates.
    """
    if isinstance(source, np.ndarray):
        if source.ndim != 2:
            raise InvalidData(
                f"expected a table: an array of two axes (rows, columns), got one of shape {source.shape}"
            )
        frame = pd.DataFrame(source, columns=[f"x{j}" for j in range(source.shape[1])])
    elif isinstance(source, pd.DataFrame):
        frame = source
    elif isinstance(source, pa.Table):
        frame = from_arrow(source)
    else:
        try:
            foreign = nw.from_native(source)
        except TypeError as error:
            raise InvalidData(
                f"expected a path, array, or table of pandas, polars or PyArrow, got {type(source).__name__}"
            ) from error
        eager = foreign.collect("pyarrow") if isinstance(foreign, nw.LazyFrame) else foreign
        frame = from_arrow(eager.to_arrow())
    return _plain(frame)


def from_arrow(table: Any) -> pd.DataFrame:
    """Turn a PyArrow table into a pandas frame, dates as datetimes.

    Raises:
        InvalidData: two columns of one name.
    """
    refuse_equal_names(table.column_names)
    frame: pd.DataFrame = table.to_pandas(date_as_object=False)
    return frame


def as_text(value: Any) -> str:
    """Write a cell as text: the whole number 3 is "3", be it stored as 3 or (beside missing cells) as 3.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def refuse_equal_names(names: Sequence[str]) -> None:
    """Refuse two columns of one name, with their places.

    Raises:
        InvalidData: a name stands twice.
    """
    places: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if name in places:
            raise InvalidData(f"two columns are called {name!r} (columns {places[name]} and {place}): rename one")
        places[name] = place


def refuse_infinite(frame: pd.DataFrame) -> None:
    """Refuse infinite numbers, with their column and their first row.

    Raises:
        InvalidData: a cell is infinite.
    """
    for name in frame.select_dtypes("float").columns:
        infinite = np.isinf(frame[name].to_numpy())
        if infinite.any():
            count = int(infinite.sum())
            raise InvalidData(
                f"column {name!r} holds {count:,} infinite {'value' if count == 1 else 'values'} "
                f"(the first in row {int(infinite.argmax()) + 1:,}): correct those cells or leave them empty"
            )


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    if not len(frame):
        raise InvalidData(f"the table has {frame.shape[1]} columns and no rows")
    names = [str(name) for name in frame.columns]
    refuse_equal_names(names)
    columns = {name: _plain_column(name, frame.iloc[:, j]) for j, name in enumerate(names)}
    return pd.DataFrame({name: column.reset_index(drop=True) for name, column in columns.items()})


def _plain_column(name: str, column: "pd.Series[Any]") -> "pd.Series[Any]":
    dtype: Any = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return column.map({category: as_text(category) for category in column.cat.categories}).astype("category")
    if isinstance(dtype, np.dtype) and dtype.kind in "biufM":
        return column
    if isinstance(dtype, pd.StringDtype):
        return column.astype("str")
    if isinstance(dtype, pd.DatetimeTZDtype):
        # One form for every zone: wall-clock features of mixed zones would not be comparable.
        return pd.Series(column.dt.tz_convert("UTC").dt.tz_localize(None))
    if pd.api.types.is_bool_dtype(dtype):
        return column.astype("boolean" if column.hasnans else "bool")
    if pd.api.types.is_integer_dtype(dtype) and not column.hasnans:
        return column.astype("int64")
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        return column.astype("float64")
    if pd.api.types.is_timedelta64_dtype(dtype):
        return pd.Series(column.dt.total_seconds())
    return _plain_objects(name, column.astype("object"))


def _plain_objects(name: str, column: "pd.Series[Any]") -> "pd.Series[Any]":
    found = pd.api.types.infer_dtype(column, skipna=True)
    present = column.dropna()
    if found == "empty" or present.empty:
        return column.astype("float64")
    if found in _NUMBERS:
        return column.astype("float64")
    if found == "boolean":
        return column.astype("boolean")
    if found in _DATES:
        return pd.Series(pd.to_datetime(column, utc=True).dt.tz_localize(None))
    strange = next((value for value in present if not isinstance(value, str | bool | int | float | np.generic)), None)
    if found in _TEXT and strange is None:
        return column.where(column.isna(), column.map(as_text)).astype("str")
    example = present.iloc[0] if strange is None else strange
    raise InvalidData(
        f"column {name!r} holds values of type {type(example).__name__} (such as {str(example)[:40]}): "
        "expected numbers, text, booleans or dates; convert or drop it"
    )
