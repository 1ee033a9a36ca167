"""Tables from files and from data frames of any library, as one pandas frame."""

import difflib
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from thalweg.data.delimited import first_line, read_delimited
from thalweg.data.frames import as_frame, from_arrow
from thalweg.errors import InvalidData

__all__ = ["read_table"]

_DELIMITED = (".csv", ".tsv", ".tab", ".txt", ".csv.gz", ".tsv.gz", ".tab.gz", ".txt.gz")
_PARQUET = (".parquet", ".pq")
_ARROW = (".feather", ".arrow", ".ipc")


def read_table(source: Any) -> pd.DataFrame:
    """Read a table from a file, or take over a data frame of any library.

    Files: text (``.csv``, ``.tsv``, ``.tab``, ``.txt``, each with ``.gz`` or without), Parquet (``.parquet``,
    ``.pq``), Feather and Arrow (``.feather``, ``.arrow``, ``.ipc``). Columns come as booleans, integers,
    floats, text, categories or datetimes (UTC), without an index; dates in a text file come as text.

    Args:
        source: A path; or a frame of pandas, polars, PyArrow …; or an array (n, d).

    Returns:
        A pandas frame of at least one row.

    Raises:
        InvalidData: whatever is wrong, in one line.

    Example:
        >>> import pyarrow
        >>> read_table(pyarrow.table({"rooms": [3, 5], "town": ["Bern", None]})).shape
        (2, 2)
    """
    if not isinstance(source, str | Path):
        return as_frame(source)
    path = Path(source).expanduser()
    try:
        return as_frame(_read_file(path))
    except OSError as error:
        raise InvalidData(f"{path}: not readable: {error.strerror or first_line(error)}") from error
    except InvalidData as error:
        raise InvalidData(f"{path}: {error}") from error


def _read_file(path: Path) -> pd.DataFrame:
    if path.is_dir():
        raise InvalidData("this is a directory: name the file in it that holds the table")
    if not path.exists():
        raise InvalidData(f"no such file{_near_files(path)}")
    name = path.name.lower()
    if not name.endswith(_DELIMITED + _PARQUET + _ARROW):
        known = ", ".join(_DELIMITED[:4]) + " (each also with .gz), " + ", ".join(_PARQUET + _ARROW)
        raise InvalidData(f"unknown kind of file {path.suffix!r}: expected one of {known}")
    if not path.stat().st_size:
        raise InvalidData("the file is empty: 0 bytes")
    if name.endswith(_DELIMITED):
        return read_delimited(path)
    try:
        return from_arrow(_read_parquet(path) if name.endswith(_PARQUET) else _read_arrow(path))
    except pa.ArrowException as error:
        kind = "Parquet" if name.endswith(_PARQUET) else "Feather or Arrow"
        raise InvalidData(f"not a readable {kind} file: {first_line(error)}") from error


def _read_parquet(path: Path) -> Any:
    with path.open("rb") as file:
        return pyarrow.parquet.read_table(file)


def _read_arrow(path: Path) -> Any:
    """Read either form of Arrow's interprocess format: the random-access file (Feather) or the stream."""
    with path.open("rb") as file:
        is_stream = not file.read(4).startswith((b"ARRO", b"FEA1"))
        file.seek(0)
        return pa.ipc.open_stream(file).read_all() if is_stream else pyarrow.feather.read_table(file)


def _near_files(path: Path) -> str:
    if not path.parent.is_dir():
        return f": the directory {path.parent} does not exist"
    near = difflib.get_close_matches(path.name, [entry.name for entry in path.parent.iterdir()], n=1)
    return f": did you mean {path.parent / near[0]}?" if near else ""
