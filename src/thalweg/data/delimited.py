"""Text tables (CSV, TSV, gzip-compressed or not), read strictly: what is wrong is said with its line."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from thalweg.data.frames import refuse_equal_names
from thalweg.errors import InvalidData

__all__ = ["first_line", "read_delimited"]

_DELIMITERS = ",;\t|"


def read_delimited(path: Path) -> pd.DataFrame:
    """Read a text table whose first line names the columns.

    The delimiter is a tab in ``.tsv`` and ``.tab`` files; elsewhere it is whichever of comma, semicolon, tab
    and bar the header holds most often. Empty cells, ``NA`` and its usual spellings, and ``?`` are missing.

    Args:
        path: A file of UTF-8 text, compressed where its name ends in ``.gz``.

    Raises:
        InvalidData: not UTF-8, no rows, a row of another length than the header, two columns of one name.
    """
    text = _decoded(path, _content(path))
    delimiter = _delimiter(path, text)
    names, quoting = _checked_layout(text, delimiter)
    try:
        return pd.read_csv(
            io.StringIO(text),
            sep=delimiter,
            quoting=quoting,
            names=names,
            header=0,
            index_col=False,
            skipinitialspace=True,
            na_values=["?"],
            decimal=_decimal(text, delimiter),
            low_memory=False,
        )
    except ValueError as error:
        raise InvalidData(f"not readable as a text table: {first_line(error)}") from error


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix.lower() != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidData(f"not a readable gzip file: {first_line(error)}") from error


def _decoded(path: Path, content: bytes) -> str:
    if not content.strip():
        raise InvalidData("the file is empty: expected a line of column names and rows below it")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidData(f"UTF-16 text, expected UTF-8: iconv -f UTF-16 -t UTF-8 {path} > converted.csv")
    if b"\0" in content:
        raise InvalidData(f"binary data (a zero byte at offset {content.index(0):,}), expected a text table")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidData(
            f"not UTF-8 text: byte 0x{content[error.start]:02x} at offset {error.start:,} (line {line:,}); "
            f"if it is in a Western encoding: iconv -f WINDOWS-1252 -t UTF-8 {path} > converted.csv"
        ) from error


def _delimiter(path: Path, text: str) -> str:
    if {".tsv", ".tab"} & {suffix.lower() for suffix in path.suffixes[-2:]}:
        return "\t"
    header = re.sub(r'"[^"]*"', "", text.lstrip().split("\n", 1)[0])
    return max(_DELIMITERS, key=header.count)


def _decimal(text: str, delimiter: str) -> str:
    """Tell the decimal sign: where semicolons part the cells, it is often a comma."""
    if delimiter != ";":
        return "."
    sample = text[:100_000]
    commas, points = (len(re.findall(rf"(?<![\d,.])\d+\{sign}\d+(?![\d,.])", sample)) for sign in ",.")
    return "," if commas > points else "."


def _checked_layout(text: str, delimiter: str) -> tuple[list[str], Literal[0, 3]]:
    """Check that every row has the header's length; return the column names and how quotes are meant.

    pandas fills short rows with missing values and renames equal names, both in silence.
    """
    quoting: Literal[0, 3] = csv.QUOTE_NONE if _quotes_are_plain(text, delimiter) else csv.QUOTE_MINIMAL
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, skipinitialspace=True)
    names: list[str] = []
    seen = 0
    try:
        for cells in rows:
            if not cells:
                continue
            if not names:
                names = _column_names(cells)
            elif len(cells) != len(names):
                raise InvalidData(
                    f"line {rows.line_num:,}: the row has {len(cells)} cells and the header {len(names)} "
                    "(a cell that holds the delimiter must stand in double quotes)"
                )
            else:
                seen += 1
    except csv.Error as error:
        raise InvalidData(f"line {rows.line_num:,}: {error} (is a quote left open?)") from error
    if not seen:
        raise InvalidData(f"a header ({', '.join(names[:5])}) and no rows below it")
    return names, quoting


def _quotes_are_plain(text: str, delimiter: str) -> bool:
    """Tell whether quotes are plain characters: as quotes, they break the rules and merge lines."""
    if '"' not in text:
        return False
    lines = [line for line in text.split("\n") if line.strip("\r")]
    separators = lines[0].count(delimiter)
    if separators == 0 or any(line.count(delimiter) != separators for line in lines):
        return False
    try:
        for _ in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True):
            pass
        return False
    except csv.Error:
        # That lines merge must be seen too, for a blank after a closing quote also breaks the rules.
        return _lenient_row_count(text, delimiter) != len(lines)


def _lenient_row_count(text: str, delimiter: str) -> int:
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
        return sum(1 for cells in rows if cells)
    except csv.Error:
        return -1


def _column_names(cells: Sequence[str]) -> list[str]:
    stripped = [re.sub(r"\s*[\r\n]+\s*", " ", cell).strip() for cell in cells]
    names = [name or f"Unnamed: {position}" for position, name in enumerate(stripped)]
    if all(_is_number(name) for name in names):
        raise InvalidData(
            f"the first line must name the columns, and it holds numbers ({', '.join(names[:3])}): "
            "put a line of names above it"
        )
    refuse_equal_names(names)
    return names


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def first_line(error: Exception) -> str:
    """Shorten another library's message to its first line."""
    return str(error).strip().split("\n", 1)[0]
