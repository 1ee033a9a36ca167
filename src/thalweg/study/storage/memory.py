"""Studies in this process's memory: the storage of a run that need not outlive it."""

import json
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.problem import Candidates, Evaluations, Status
from thalweg.study.storage.base import StaleRevision, Storage, StudyRecord
from thalweg.study.storage.missing import study_not_found
from thalweg.study.trial import Trials

__all__ = ["MemoryStorage"]


@final
class MemoryStorage(Storage):
    """Keep studies as columns that grow by doubling: recording a trial costs a few copied numbers.

    It is safe for several threads. Another process sees nothing of it.

    Example:
        >>> storage = MemoryStorage()
        >>> storage.create("sand", settings={}, shape=(1, 1, 0), state=None)
        True
        >>> storage.names()
        ['sand']
    """

    def __init__(self) -> None:
        """Begin without a study."""
        self._studies: dict[str, _Study] = {}
        self._lock = threading.Lock()

    def create(self, name: str, settings: Mapping[str, Any], shape: tuple[int, int, int], state: Any) -> bool:
        """Create a study, unless the name exists."""
        with self._lock:
            if name in self._studies:
                return False
            self._studies[name] = _Study(json.dumps(settings), shape, state)
            return True

    def read(self, name: str) -> StudyRecord:
        """Read a study's record."""
        with self._lock:
            study = self._find(name)
            return StudyRecord(
                name, json.loads(study.settings), json.loads(study.notes), study.shape, study.state,
                study.revision, study.asked, study.asked - len(study.running()), study.seconds, study.created,
            )  # fmt: skip

    def names(self) -> list[str]:
        """Give the names of all studies, oldest first."""
        with self._lock:
            return list(self._studies)

    def ask(self, name: str, revision: int, state: Any, candidates: Candidates, worker: str, now: float) -> None:
        """Append running trials."""
        with self._lock:
            study = self._find_current(name, revision)
            study.append(candidates, worker, now)
            study.commit(state)

    def tell(
        self,
        name: str,
        revision: int,
        state: Any,
        numbers: Sequence[int],
        evaluations: Evaluations,
        seconds: float,
    ) -> None:
        """Write the results of running trials."""
        with self._lock:
            study = self._find_current(name, revision)
            study.finish(numbers, evaluations)
            study.seconds = max(study.seconds, seconds)
            study.commit(state)

    def trials(self, name: str, first: int = 0) -> Trials:
        """Copy what may still change; show what never does."""
        with self._lock:
            return self._find(name).trials(first)

    def running(self, name: str) -> dict[int, str]:
        """Give the worker of every running trial."""
        with self._lock:
            return self._find(name).running()

    def claim(self, name: str, numbers: Collection[int], before: Collection[str], worker: str) -> list[int]:
        """Change the owner of running trials."""
        with self._lock:
            study, wanted = self._find(name), set(numbers)
            running = study.running().items()
            got = [number for number, owner in running if number in wanted and owner in before]
            study.columns["worker"][got] = study.worker_code(worker)
            return got

    def note(self, name: str, **entries: Any) -> None:
        """Add or replace entries of a study's notes."""
        with self._lock:
            study = self._find(name)
            study.notes = json.dumps({**json.loads(study.notes), **entries})

    def close(self) -> None:
        """Do nothing: memory goes with the object."""

    def _find(self, name: str) -> "_Study":
        if name not in self._studies:
            raise study_not_found(name, list(self._studies))
        return self._studies[name]

    def _find_current(self, name: str, revision: int) -> "_Study":
        study = self._find(name)
        if study.revision != revision:
            raise StaleRevision(f"the study {name!r} has moved on from revision {revision}")
        return study


@final
class _Study:
    """A study's record, and its trials as columns; rows beyond ``asked`` are spare."""

    def __init__(self, settings: str, shape: tuple[int, int, int], state: Any) -> None:
        self.settings, self.notes, self.shape, self.state = settings, "{}", shape, state
        self.revision, self.asked, self.seconds, self.created = 0, 0, 0.0, time.time()
        self.errors: dict[int, str] = {}
        self.workers: dict[str, int] = {}  # names to codes
        d, m, c = shape
        self.columns: dict[str, AnyArray] = {
            "x": np.empty((0, d)), "active": np.empty((0, d), np.bool_), "slot": np.empty(0, np.int64),
            "fidelity": np.empty(0), "parent": np.empty(0, np.int64), "started": np.empty(0),
            "worker": np.empty(0, np.int64), "value": np.empty((0, m)), "violation": np.empty((0, c)),
            "cost": np.empty(0), "status": np.empty(0, np.int64),
        }  # fmt: skip

    def commit(self, state: Any) -> None:
        """Take the new state, where there is one."""
        self.revision += 1
        if state is not None:
            self.state = state

    def append(self, candidates: Candidates, worker: str, now: float) -> None:
        """Write n running trials behind the last one."""
        stop = self.asked + len(candidates)
        if stop > len(self.columns["status"]):
            self._grow(max(64, 2 * stop))
        columns, rows = self.columns, slice(self.asked, stop)
        columns["x"][rows] = candidates.x
        columns["active"][rows] = candidates.active
        columns["slot"][rows] = candidates.slot
        columns["fidelity"][rows] = candidates.fidelity
        columns["parent"][rows] = candidates.parent
        columns["started"][rows] = now
        columns["worker"][rows] = self.worker_code(worker)
        self.asked = stop

    def finish(self, numbers: Sequence[int], evaluations: Evaluations) -> None:
        """Write n results, except over rows that are not running."""
        columns, rows = self.columns, _as_rows(numbers)
        plain = isinstance(rows, slice) and rows.stop <= self.asked
        if not plain or (columns["status"][rows] != Status.RUNNING).any():
            told = np.arange(self.asked)[rows] if isinstance(rows, slice) else rows
            first = np.unique(told, return_index=True)[1]
            known = first[(told[first] >= 0) & (told[first] < self.asked)]
            kept = known[columns["status"][told[known]] == Status.RUNNING]
            rows, evaluations = told[kept], evaluations.take(kept)
        columns["value"][rows] = evaluations.value
        columns["violation"][rows] = evaluations.violation
        columns["cost"][rows] = evaluations.cost
        columns["status"][rows] = evaluations.status
        if evaluations.errors:
            names = np.arange(self.asked)[rows]
            self.errors.update({int(names[row]): text for row, text in evaluations.errors.items()})

    def running(self) -> dict[int, str]:
        """Give the worker of every running trial, by number."""
        numbers = np.flatnonzero(self.columns["status"][: self.asked] == Status.RUNNING)
        names, codes = list(self.workers), self.columns["worker"][numbers]
        return {number: names[code] for number, code in zip(numbers.tolist(), codes.tolist(), strict=True)}

    def worker_code(self, worker: str) -> int:
        """Give the integer that stands for a worker."""
        return self.workers.setdefault(worker, len(self.workers))

    def trials(self, first: int) -> Trials:
        """Show the columns that are written once, and copy those that may still change."""
        rows = slice(first, self.asked)
        shown = {name: column[rows] for name, column in self.columns.items()}
        for name in ("x", "active", "slot", "fidelity", "parent", "started"):
            shown[name].setflags(write=False)
        candidates = Candidates(*(shown[name] for name in ("x", "active", "slot", "fidelity", "parent")))
        changing = ("value", "violation", "cost", "status")
        value, violation, cost, status = (shown[name].copy() for name in changing)
        errors = {number: text for number, text in self.errors.items() if number >= first}
        numbers = np.arange(first, self.asked)
        return Trials(numbers, candidates, value, violation, cost, status, shown["started"], errors)

    def _grow(self, capacity: int) -> None:
        """Move the columns to room for more rows, the spare ones looking like running trials."""
        for name, old in self.columns.items():
            spare = np.nan if name in ("value", "violation", "cost") else 0
            self.columns[name] = np.full((capacity, *old.shape[1:]), spare, old.dtype)
            self.columns[name][: len(old)] = old


def _as_rows(numbers: Sequence[int]) -> Any:
    """Give a slice for consecutive numbers, which NumPy copies to fastest, or else an array."""
    if isinstance(numbers, range) and numbers.step == 1 and numbers.start >= 0:
        return slice(numbers.start, numbers.stop)
    return np.asarray(numbers, dtype=np.int64)
