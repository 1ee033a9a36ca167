"""Files that are written whole or not at all."""

import os
from pathlib import Path
from typing import final

from thalweg.errors import StorageError

__all__ = ["CheckpointWarning", "require_folder", "write_whole"]


@final
class CheckpointWarning(RuntimeWarning):
    """A checkpoint could not be written; the one before stays, and the training goes on."""


def require_folder(path: Path) -> None:
    """Refuse a file whose folder does not exist, before anything is computed for it.

    Raises:
        StorageError: There is no such folder.
    """
    if not path.parent.is_dir():
        raise StorageError(f"{path}: there is no folder {path.parent}: make it, or name another file")


def write_whole(path: str | Path, data: bytes) -> None:
    """Write a file so that it is on the disk when this returns, and whole at any instant before.

    First beside it, then in its place: whoever reads the file, after a power cut too, finds the old bytes or the new ones.
    Where there is no room for the new ones the old ones stay.

    Args:
        path: The file. Its folder must exist.
        data: All that it is to hold.

    Raises:
        StorageError: It cannot be written: what the system says.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_whole(f"{folder}/a", b"whole")
        ...     Path(f"{folder}/a").read_bytes()
        b'whole'
    """
    path = Path(os.path.realpath(path))  # a link stays one, and the file lies where it points
    beside = path.with_name(path.name + ".part")
    try:
        try:
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)  # what was begun takes room on a disk that has none
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    """Make the new name of a file last; there is nothing to do where folders cannot be opened."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
