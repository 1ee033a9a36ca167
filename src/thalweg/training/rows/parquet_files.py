"""Parquet files read as one table, a batch of rows at a time, in bounded memory."""

import difflib
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, final

import pyarrow as pa
import pyarrow.parquet as pq

from thalweg.errors import InvalidData

__all__ = ["ParquetFiles", "Source"]

T = TypeVar("T")
Source = str | Path | Sequence[str | Path]

SUFFIXES = (".parquet", ".pq")
# Only so much of a column is fetched at a time. With pyarrow's own settings a whole group of rows is held, twice.
LEAN = {"pre_buffer": False, "buffer_size": 2**16}


@final
@dataclass(frozen=True)
class _File:
    path: Path
    stamp: tuple[int, int]  # size in bytes, and the time of the last change in ns
    rows: int
    types: dict[str, Any]
    footer: bytes  # a hash of what the file says of its contents


@final
class ParquetFiles:
    """One Parquet file or many of the same columns: their rows one after the other, those of a folder by file name.

    Args:
        source: A file; or a folder, of which every ``.parquet`` and ``.pq`` in it is taken, but not what lies in folders
            within; or a list of files.

    Attributes:
        n: Number of rows.
        types: The type of every column.

    Raises:
        InvalidData: There is no such file, or it cannot be read, or the files are not of the same columns.
    """

    def __init__(self, source: Source) -> None:
        """Read the footers only."""
        self._files = [_read(path, partial(_described, path)) for path in _listed(source)]
        self.n = sum(file.rows for file in self._files)
        self.types = self._files[0].types
        for file in self._files[1:]:
            _compare(self._files[0], file)
        if not self.n:
            raise InvalidData(f"{self.name}: no rows: there is nothing to learn from")

    @property
    def name(self) -> str:
        """What to call them in an error."""
        first = self._files[0].path
        return str(first) if len(self._files) == 1 else f"{first} and {len(self._files) - 1} more"

    @property
    def fingerprint(self) -> str:
        """A hash of the footers: they hold where every column lies, its size, and its least and largest value."""
        return blake2b(b"".join(file.footer for file in self._files), digest_size=16).hexdigest()

    def require(self, column: str) -> Any:
        """Give the type of a column.

        Raises:
            InvalidData: There is none of that name.
        """
        if column in self.types:
            return self.types[column]
        near = difflib.get_close_matches(str(column), self.types, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(list(self.types)[:10])} …"
        raise InvalidData(f"{self.name}: there is no column {column!r}: {hint}")

    def batches(self, columns: Sequence[str], size: int) -> Iterator[tuple[Path, Any]]:
        """Go through all rows once: up to ``size`` of them at a time, with the file that they are from.

        Raises:
            InvalidData: A file cannot be read (any more), or is another one than when this was made.
        """
        for file in self._files:
            _check_unchanged(file)
            with _read(file.path, partial(pq.ParquetFile, file.path, **LEAN)) as opened:
                batches = opened.iter_batches(size, columns=list(columns), use_threads=False)
                while (batch := _read(file.path, partial(next, batches, None))) is not None:
                    yield file.path, batch
            _check_unchanged(file)


def _listed(source: Source) -> list[Path]:
    if not isinstance(source, str | Path):
        paths = [Path(path).expanduser() for path in source]
        if not paths:
            raise InvalidData("an empty list of Parquet files: name at least one")
        return paths
    path = Path(source).expanduser()
    if not path.is_dir():
        return [path]
    paths = sorted(entry for entry in path.iterdir() if entry.name.endswith(SUFFIXES) and entry.name[0] not in "._")
    if not paths:
        raise InvalidData(f"{path}: this folder holds no file that ends in {' or '.join(SUFFIXES)}")
    return paths


def _read(path: Path, action: Callable[[], T]) -> T:
    """Say what is wrong with a file."""
    try:
        return action()
    except FileNotFoundError as error:
        raise InvalidData(f"{path}: no such file") from error
    except (pa.ArrowException, OSError, struct.error) as error:
        reason = getattr(error, "strerror", None) or str(error).strip().split("\n", 1)[0]
        raise InvalidData(f"{path}: not a readable Parquet file: {reason}") from error


def _described(path: Path) -> _File:
    stat = path.stat()
    with pq.ParquetFile(path, **LEAN) as opened:
        rows, schema = opened.metadata.num_rows, opened.schema_arrow
    for name in schema.names:
        if schema.names.count(name) > 1:
            raise InvalidData(f"{path}: two columns are named {name!r}: rename one")
    with path.open("rb") as file:  # the footer lies before its own length and four letters
        file.seek(-8, 2)
        (length,) = struct.unpack("<I", file.read(4))
        file.seek(-8 - length, 2)
        footer = blake2b(file.read(length)).digest()
    types = dict(zip(schema.names, schema.types, strict=True))
    return _File(path, (stat.st_size, stat.st_mtime_ns), rows, types, footer)


def _compare(first: _File, other: _File) -> None:
    for name in first.types | other.types:
        expected, got = first.types.get(name, "nothing"), other.types.get(name, "nothing")
        if expected != got:
            raise InvalidData(
                f"{other.path}: column {name!r} is {got} here and {expected} in {first.path}: all files must have the "
                "same columns"
            )


def _check_unchanged(file: _File) -> None:
    stat = _read(file.path, file.path.stat)
    if (stat.st_size, stat.st_mtime_ns) != file.stamp:
        raise InvalidData(f"{file.path}: the file was changed while it was being learned from: begin again")
