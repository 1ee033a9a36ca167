"""What the columns of a table hold, seen from their cells."""

import re
from dataclasses import dataclass
from typing import Any, Literal, final

import pandas as pd
from skrub import ToDatetime
from skrub.core import RejectColumn

from thalweg.data.frames import as_frame
from thalweg.errors import InvalidData

__all__ = ["BOOLEAN_WORDS", "Column", "Kind", "describe_columns", "feature_columns"]

Kind = Literal["number", "boolean", "category", "date", "text", "identifier", "constant", "empty"]

BOOLEAN_WORDS = {"true": 1.0, "yes": 1.0, "y": 1.0, "t": 1.0, "false": 0.0, "no": 0.0, "n": 0.0, "f": 0.0}

_IDENTIFIER_NAME = re.compile(r"(?i:^(unnamed: \d+|index|.*[\W_](id|key|index)|id|key|uuid|guid)$)|[a-z](Id|ID|Key)$")
_FEW_DIFFERENT = 40
_NUMERIC_SHARE = 0.9


@final
@dataclass(frozen=True)
class Column:
    """What one column holds.

    Args:
        name: The column's name.
        kind: How its cells are understood. ``identifier``, ``constant`` and ``empty`` columns teach nothing.
        distinct: Number of different values.
        missing: Number of missing cells.
        note: What else a reader should know; often empty.
        date_format: Of dates stored as text, their ``strftime`` format; else empty.
    """

    name: str
    kind: Kind
    distinct: int
    missing: int
    note: str = ""
    date_format: str = ""

    @property
    def is_feature(self) -> bool:
        """Tell whether a model can learn from the column."""
        return self.kind not in ("identifier", "constant", "empty")

    def __str__(self) -> str:
        """Say in one line what the column holds."""
        parts: list[str] = [self.kind]
        if self.kind not in ("constant", "empty"):
            parts.append(f"{self.distinct:,} different {'value' if self.distinct == 1 else 'values'}")
        if self.missing and self.kind != "empty":
            parts.append(f"{self.missing:,} missing")
        parts += [self.note] if self.note else []
        return f"{self.name}: {', '.join(parts)}"


def describe_columns(table: Any) -> tuple[Column, ...]:
    """Say what every column of a table holds.

    Args:
        table: Whatever :func:`~thalweg.data.read_table` takes, except paths.

    Returns:
        One description per column, in the table's order.

    Example:
        >>> table = pd.DataFrame({"when": ["2024-05-13", "2024-06-01"], "rooms": [3.5, None], "land": "CH"})
        >>> for column in describe_columns(table):
        ...     print(column)
        when: date, 2 different values, written as %Y-%m-%d
        rooms: number, 1 different value, 1 missing
        land: constant, always 'CH'
    """
    frame = as_frame(table)
    return tuple(_describe(str(name), frame[name]) for name in frame.columns)


def feature_columns(columns: tuple[Column, ...]) -> list[Column]:
    """Keep the columns that a model can learn from.

    Raises:
        InvalidData: there is none.
    """
    features = [column for column in columns if column.is_feature]
    if not features:
        found = "; ".join(str(column) for column in columns[:5]) + ("; …" if len(columns) > 5 else "")
        raise InvalidData(f"no column can be learnt from, each is empty, constant or an identifier ({found})")
    return features


def _describe(name: str, column: "pd.Series[Any]") -> Column:
    present = column.dropna()
    distinct, missing = int(present.nunique()), len(column) - len(present)
    if present.empty:
        return Column(name, "empty", 0, missing)
    if distinct == 1 and not missing:
        return Column(name, "constant", 1, 0, f"always {str(present.iloc[0])[:40]!r}")
    kind: Kind
    note = date_format = ""
    if pd.api.types.is_bool_dtype(column.dtype):
        kind = "boolean"
    elif pd.api.types.is_numeric_dtype(column.dtype):
        kind = _kind_of_numbers(name, present, distinct)
    elif pd.api.types.is_datetime64_dtype(column.dtype):
        kind = "date"
    elif isinstance(column.dtype, pd.CategoricalDtype):
        kind = "category"
    else:
        kind, note, date_format = _kind_of_strings(name, present, distinct)
    return Column(name, kind, distinct, missing, note, date_format)


def _kind_of_numbers(name: str, present: "pd.Series[Any]", distinct: int) -> Kind:
    if distinct <= 2 and present.isin([0, 1]).all():
        return "boolean"
    # Whole numbers that never repeat may be a quantity (a population); only a telling name makes them a key.
    never_repeats = distinct == len(present) and bool((present % 1 == 0).all())
    return "identifier" if never_repeats and _IDENTIFIER_NAME.search(name) else "number"


def _kind_of_strings(name: str, present: "pd.Series[Any]", distinct: int) -> tuple[Kind, str, str]:
    numbers = pd.to_numeric(present, errors="coerce")
    words = int(numbers.isna().sum())
    if words == 0:
        return _kind_of_numbers(name, numbers, distinct), "", ""
    if distinct > _FEW_DIFFERENT and words <= (1 - _NUMERIC_SHARE) * len(present):
        example = str(present[numbers.isna()].iloc[0])[:40]
        return "number", f"{words:,} cells of text such as {example!r} count as missing", ""
    values = pd.Series(present.unique(), dtype="str")
    if distinct <= 2 and values.str.lower().isin(list(BOOLEAN_WORDS)).all():
        return "boolean", "", ""
    if date_format := _date_format(values):
        return "date", f"written as {date_format}", date_format
    word_count = float((values.str.count(r"\s+") + 1).mean())
    if distinct == len(present) and word_count < 1.5:
        return "identifier", "", ""
    is_prose = word_count >= 3 or float(values.str.len().mean()) >= 30
    if is_prose and distinct > max(_FEW_DIFFERENT, 0.1 * len(present)):
        return "text", "", ""
    return "category", "", ""


def _date_format(values: "pd.Series[Any]") -> str:
    """Find the one format in which all of some strings are dates; empty where there is none."""
    parser = ToDatetime()
    try:
        parser.fit(values)
    except RejectColumn:
        return ""
    return parser.format_ or ""
