"""Studies in an SQL database: SQLite in a file, or PostgreSQL, through SQLAlchemy Core."""

import json
import os
import time
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from thalweg.errors import StorageError
from thalweg.problem import Candidates, Evaluations
from thalweg.serial import from_bytes, to_bytes
from thalweg.study.storage.base import StaleRevision, Storage, StudyRecord
from thalweg.study.storage.engine import for_writing, in_words, open_engine
from thalweg.study.storage.missing import study_not_found
from thalweg.study.storage.records import ORDER, as_trials, result_rows, trial_rows
from thalweg.study.storage.tables import advance, finish, running, studies, trials
from thalweg.study.trial import Trials

__all__ = ["SQLStorage"]

_ADVANCE = {with_state: advance(with_state) for with_state in (False, True)}
_APPEND = sa.insert(trials)
_PENDING = sa.select(sa.func.count()).where(trials.c.study_id == studies.c.id, running).scalar_subquery()
_RECORD = sa.select(studies, _PENDING.label("pending")).where(studies.c.name == sa.bindparam("at_name"))
_TRIALS = (
    sa.select(*(trials.c[name] for name in ORDER))
    .where(trials.c.study_id == sa.bindparam("at_id"), trials.c.number >= sa.bindparam("first"))
    .order_by(trials.c.number)
)


@final
class SQLStorage(Storage):
    """Keep studies in a database, safe for threads, processes and, with PostgreSQL, machines.

    Args:
        url: ``sqlite:///runs.db`` (relative), ``sqlite:////home/me/runs.db`` (absolute) or ``postgresql://…``.
        timeout: Seconds to wait while others write.

    Raises:
        StorageError: The database cannot be opened, or its tables are of another version.
        MissingDependency: The database's driver is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     storage = SQLStorage(f"sqlite:///{folder}/runs.db")
        ...     created = storage.create("sand", settings={}, shape=(1, 1, 0), state=None)
        ...     print(storage.names())
        ...     storage.close()
        ['sand']
    """

    def __init__(self, url: str, timeout: float = 60.0) -> None:
        """Open the database, and make its tables where there are none."""
        self._engine, self._where = open_engine(url, timeout)
        self._writer = for_writing(self._engine)
        self._pid = os.getpid()
        self._left_to_parent: list[sa.Pool] = []
        self._known: dict[str, tuple[int, tuple[int, int, int]]] = {}  # ids and shapes, which never change
        weakref.finalize(self, _dispose, self._engine, self._pid)

    def create(self, name: str, settings: Mapping[str, Any], shape: tuple[int, int, int], state: Any) -> bool:
        """Create a study, unless the name exists."""
        d, m, c = shape
        row = {
            "name": name, "settings": json.dumps(settings), "notes": "{}", "d": d, "m": m, "c": c,
            "state": None if state is None else to_bytes(state), "revision": 0, "asked": 0, "seconds": 0.0,
            "created": time.time(),
        }  # fmt: skip
        try:
            with self._transaction(writes=True) as connection:
                connection.execute(sa.insert(studies), row)
        except StorageError as error:
            if isinstance(error.__cause__, IntegrityError):
                return False
            raise
        return True

    def read(self, name: str) -> StudyRecord:
        """Read a study's record."""
        with self._transaction() as connection:
            row = connection.execute(_RECORD, {"at_name": name}).first()
        if row is None:
            raise study_not_found(name, self.names())
        return StudyRecord(
            name, json.loads(row.settings), json.loads(row.notes), (row.d, row.m, row.c),
            None if row.state is None else from_bytes(row.state), row.revision, row.asked,
            row.asked - row.pending, row.seconds, row.created,
        )  # fmt: skip

    def names(self) -> list[str]:
        """Give the names of all studies, oldest first."""
        with self._transaction() as connection:
            return list(connection.scalars(sa.select(studies.c.name).order_by(studies.c.id)))

    def ask(self, name: str, revision: int, state: Any, candidates: Candidates, worker: str, now: float) -> None:
        """Insert running trials."""
        study, _ = self._find(name)
        with self._transaction(writes=True) as connection:
            n = len(candidates)
            first = _advance(connection, name, study, revision, state, more=n, so_far=0.0) - n
            if n:
                connection.execute(_APPEND, trial_rows(study, first, candidates, worker, now))

    def tell(
        self,
        name: str,
        revision: int,
        state: Any,
        numbers: Sequence[int],
        evaluations: Evaluations,
        seconds: float,
    ) -> None:
        """Update running trials with their results."""
        study, _ = self._find(name)
        with self._transaction(writes=True) as connection:
            _advance(connection, name, study, revision, state, more=0, so_far=seconds)
            if len(numbers):
                connection.execute(finish, result_rows(study, numbers, evaluations))

    def trials(self, name: str, first: int = 0) -> Trials:
        """Read trials as columns."""
        study, shape = self._find(name)
        with self._transaction() as connection:
            rows = connection.execute(_TRIALS, {"at_id": study, "first": first}).all()
        return as_trials(rows, shape)

    def running(self, name: str) -> dict[int, str]:
        """Give the worker of every running trial."""
        study, _ = self._find(name)
        with self._transaction() as connection:
            return _running(connection, study)

    def claim(self, name: str, numbers: Collection[int], before: Collection[str], worker: str) -> list[int]:
        """Change the owner of running trials."""
        study, _ = self._find(name)
        wanted = set(numbers)
        with self._transaction(writes=True) as connection:
            owners = _running(connection, study)
            got = [number for number, owner in owners.items() if number in wanted and owner in before]
            if got:
                here = (trials.c.study_id == study, trials.c.number == sa.bindparam("at_number"))
                change = sa.update(trials).where(*here).values(worker=worker)
                connection.execute(change, [{"at_number": number} for number in got])
        return got

    def note(self, name: str, **entries: Any) -> None:
        """Add or replace entries of a study's notes."""
        study, _ = self._find(name)
        here = studies.c.id == study
        with self._transaction(writes=True) as connection:
            text = connection.execute(sa.select(studies.c.notes).where(here).with_for_update()).scalar_one()
            notes = json.dumps({**json.loads(text), **entries})
            connection.execute(sa.update(studies).where(here).values(notes=notes))

    def close(self) -> None:
        """Close the connections."""
        _dispose(self._engine, self._pid)

    @contextmanager
    def _transaction(self, writes: bool = False) -> Iterator[sa.Connection]:
        """Give a connection in a transaction; commit it, or where something is raised leave nothing of it."""
        if self._pid != os.getpid():
            # What came through a fork is the parent's: neither to be used nor, by losing it, closed here.
            self._left_to_parent.append(self._engine.pool)
            self._engine.dispose(close=False)
            self._pid = os.getpid()
        with in_words(self._where), (self._writer if writes else self._engine).begin() as connection:
            yield connection

    def _find(self, name: str) -> tuple[int, tuple[int, int, int]]:
        if name not in self._known:
            columns = (studies.c.id, studies.c.d, studies.c.m, studies.c.c)
            with self._transaction() as connection:
                row = connection.execute(sa.select(*columns).where(studies.c.name == name)).first()
            if row is None:
                raise study_not_found(name, self.names())
            self._known[name] = (row.id, (row.d, row.m, row.c))
        return self._known[name]


def _dispose(engine: sa.Engine, pid: int) -> None:
    if pid == os.getpid():
        engine.dispose()


def _advance(
    connection: sa.Connection, name: str, study: int, revision: int, state: Any, more: int, so_far: float
) -> int:
    """Raise the revision and give the number of trials asked for."""
    parameters: dict[str, Any] = {"at_id": study, "at_revision": revision, "more": more, "so_far": so_far}
    if state is not None:
        parameters["new_state"] = to_bytes(state)
    asked: int | None = connection.execute(_ADVANCE[state is not None], parameters).scalar()
    if asked is None:
        raise StaleRevision(f"the study {name!r} has moved on from revision {revision}")
    return asked


def _running(connection: sa.Connection, study: int) -> dict[int, str]:
    """Read the owners of running trials; where the transaction writes, other writers wait for it."""
    wanted = sa.select(trials.c.number, trials.c.worker).where(trials.c.study_id == study, running)
    wanted = wanted.order_by(trials.c.number)
    if connection.get_execution_options().get("thalweg_writes"):
        wanted = wanted.with_for_update()
    return {number: worker for number, worker in connection.execute(wanted)}
