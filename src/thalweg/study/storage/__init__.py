"""Where studies live: in memory, or in an SQL database."""

import os
import re
from typing import TYPE_CHECKING, Any

from thalweg.errors import StorageError
from thalweg.study.storage.base import StaleRevision, Storage, StudyRecord
from thalweg.study.storage.memory import MemoryStorage

if TYPE_CHECKING:
    from thalweg.study.storage.sql import SQLStorage

__all__ = ["MemoryStorage", "SQLStorage", "StaleRevision", "Storage", "StudyRecord", "open_storage"]


def open_storage(what: str | os.PathLike[str] | Storage | None) -> Storage:
    """Open what a user calls a storage.

    Args:
        what: ``None`` for memory; a URL, ``"sqlite:///runs.db"`` or ``"postgresql://…"``; the path of an
            SQLite file, which is made where there is none; or a storage, which is given back.

    Raises:
        StorageError: It cannot be opened, or is no storage.
        MissingDependency: The database's driver is not installed.

    Example:
        >>> type(open_storage(None)).__name__
        'MemoryStorage'
    """
    if what is None:
        return MemoryStorage()
    if isinstance(what, Storage):
        return what
    if not isinstance(what, str | os.PathLike) or not os.fspath(what):
        raise StorageError(f"storage={what!r}: expected None, a URL, the path of a file, or a Storage")
    from thalweg.study.storage.sql import (
        SQLStorage,
    )  # here, for it loads SQLAlchemy, which takes a quarter of a second

    text = os.fspath(what)
    has_scheme = re.match(r"[A-Za-z][\w+.-]+:", text)  # two letters at least: "C:" is a drive
    return SQLStorage(text if has_scheme else f"sqlite:///{text}")


def __getattr__(name: str) -> Any:
    """Import SQLStorage at its first use, for the same reason."""
    if name != "SQLStorage":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from thalweg.study.storage.sql import SQLStorage

    return SQLStorage
