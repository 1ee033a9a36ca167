"""Opening an SQL database, and saying in words what goes wrong with it."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from thalweg.errors import MissingDependency, StorageError
from thalweg.study.storage.tables import VERSION, metadata, schema

__all__ = ["for_writing", "in_words", "open_engine"]

_HINTS = {
    "unable to open database file": "the file cannot be opened or made; check its folder and your rights",
    "readonly database": "the file, or its folder, may not be written to",
    "not a database": "the file is something else than an SQLite database; choose another path",
    "malformed": "the file is damaged; restore a copy, or recover it with the command sqlite3 (.recover)",
    "database is locked": "another process has held the database all this time; end it, or try again",
    "disk is full": "the disk is full; make room and continue the run: what was committed is safe",
    "disk I/O error": "the disk fails; make it right and continue the run: what was committed is safe",
}


def open_engine(url: str, timeout: float) -> tuple[sa.Engine, str]:
    """Connect to a database, make the tables where there are none, and check their version.

    Args:
        url: ``sqlite:///path`` or ``postgresql://…``.
        timeout: Seconds to wait for a lock.

    Returns:
        The engine, and the URL without its password.

    Raises:
        StorageError: It cannot be opened, or belongs to another version.
        MissingDependency: The driver is not installed.
    """
    parsed = _parse(url)
    where = parsed.render_as_string(hide_password=True)
    with in_words(where):
        engine = _engine(parsed, where, timeout)
        try:
            _prepare(engine, where, time.monotonic() + timeout)
        except BaseException:
            engine.dispose()
            raise
    return engine, where


@contextlib.contextmanager
def in_words(where: str) -> Iterator[None]:
    """Turn an error of the database into a StorageError that says what to do."""
    try:
        yield
    except SQLAlchemyError as error:
        text = str(error.orig if isinstance(error, DBAPIError) else error)
        reason = next(iter(text.splitlines()), type(error).__name__)
        hint = next((hint for key, hint in _HINTS.items() if key in reason), "")
        raise StorageError(f"{where}: {hint} ({reason})" if hint else f"{where}: {reason}") from error


def for_writing(engine: sa.Engine) -> sa.Engine:
    """Give the same engine, the same connections, with transactions that write."""
    return engine.execution_options(thalweg_writes=True)


def _parse(url: str) -> sa.URL:
    known = "expected 'sqlite:///path', 'postgresql://user:password@host/database', or the path of a file"
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StorageError(f"storage={url!r} is no database URL; {known}") from error
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise StorageError(f"storage={url!r} is of an unknown kind, {backend!r}; {known}")
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StorageError(f"storage={url!r} names no file; for a study in memory leave storage out (None)")
    return parsed


def _engine(url: sa.URL, where: str, timeout: float) -> sa.Engine:
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and url.database and (folder := Path(url.database).parent) and not folder.is_dir():
        raise StorageError(f"{where}: the folder {str(folder)!r} does not exist; make it first")
    options: dict[str, Any] = {"pool_pre_ping": True}
    if sqlite:  # every transaction is ended before its connection goes back to the pool: nothing to reset
        options = {"connect_args": {"timeout": timeout}, "pool_reset_on_return": None}
    try:
        engine = sa.create_engine(url, max_overflow=-1, **options)
    except NoSuchModuleError as error:
        raise StorageError(f"{where}: SQLAlchemy knows no such driver ({error})") from error
    except ModuleNotFoundError as error:
        raise MissingDependency(str(error.name), f"storage={where!r}", "postgres") from error
    if sqlite:
        sa.event.listen(engine, "connect", _configure)
        sa.event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: Any, record: object) -> None:
    """Set up a new SQLite connection.

    With the write-ahead log, readers and the writer do not wait for each other. NORMAL is safe against a
    killed process; only a machine that loses its power can lose the last commits, and never the database.
    """
    connection.isolation_level = None  # transactions are begun below, not by the driver's guess
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")


def _begin(connection: sa.Connection) -> None:
    """Take the write lock at once: a read lock that is raised later fails instead of waiting."""
    writes = connection.get_execution_options().get("thalweg_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare(engine: sa.Engine, where: str, deadline: float) -> None:
    """Make the tables, or check their version; try again where another process is just making them."""
    while True:
        try:
            with engine.begin() as connection:
                made = sa.inspect(connection).has_table(schema.name)
            if not made:
                with for_writing(engine).begin() as connection:
                    metadata.create_all(connection)
                    if connection.scalar(sa.select(schema.c.version)) is None:
                        connection.execute(sa.insert(schema), {"version": VERSION})
            with engine.begin() as connection:
                version = connection.scalar(sa.select(schema.c.version))
            break
        except DBAPIError as error:
            if time.monotonic() > deadline or not _is_race(error):
                raise
            time.sleep(0.05)
    if version != VERSION:
        raise StorageError(
            f"{where} holds version {version} of Thalweg's tables, and this Thalweg has version {VERSION}: "
            "use the Thalweg that wrote it, or another database"
        )


def _is_race(error: DBAPIError) -> bool:
    return any(word in str(error.orig) for word in ("locked", "exists", "duplicate"))
