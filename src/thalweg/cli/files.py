"""Files of a run: written whole or not at all."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from thalweg.errors import StorageError

__all__ = ["new_directory", "sha256_of", "write_whole"]


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under another name beside it, then rename it: a reader sees the old file or the new one.

    Args:
        path: The file; its directory is made where it does not exist.
        write: Writes to the path that it is given.

    Raises:
        StorageError: The file cannot be written.
    """
    temporary = path.with_name(f".{os.getpid()}.{path.name}")  # the ending stays: writers look at it
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: not writable: {error.strerror or error}") from error


def new_directory(path: Path) -> bool:
    """Make a directory; return False where it exists, which of two processes at a time happens to one.

    Raises:
        StorageError: It cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir()
    except FileExistsError:
        if not path.parent.is_dir():
            raise StorageError(f"{path.parent}: not a directory; choose another --output") from None
        return False
    except OSError as error:
        raise StorageError(f"{path}: not writable: {error.strerror or error}; choose another --output") from error
    return True


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
