"""Runs as the database holds them, without what they search: enough to list them and show what they found."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from thalweg.cli.wording import Metric, number
from thalweg.errors import NoCompletedTrial, StorageError, StudyNotFound
from thalweg.optimizers.auto import AutoState
from thalweg.problem import Problem, Status
from thalweg.serial import construct
from thalweg.space import Space
from thalweg.study import Result, Storage, open_storage
from thalweg.study.storage import StudyRecord
from thalweg.study.worker import is_alive

__all__ = ["StoredRun", "best_text", "find_run", "open_runs", "read_run"]


@final
@dataclass(frozen=True)
class StoredRun:
    """A run and its trials.

    Attributes:
        record: Settings and notes.
        result: The trials.
        status: Why it stopped, or that it runs, or that it was killed.
    """

    record: StudyRecord
    result: Result
    status: str

    @property
    def notes(self) -> Mapping[str, Any]:
        """What the command line has noted."""
        return self.record.notes

    @property
    def kind(self) -> str:
        """The verb that made the run."""
        return str(self.notes.get("kind", "minimize"))

    @property
    def method(self) -> str:
        """The optimizer, and why it was chosen where it was chosen automatically."""
        state = self.record.state
        if isinstance(state, AutoState):
            return f"{type(state.optimizer).__name__}: {state.reason}"
        return type(self.result.optimizer).__name__

    @property
    def failed(self) -> int:
        """Number of trials that have an error instead of a value."""
        trials = self.result.trials
        return trials.count(Status.FAILED) + trials.count(Status.TIMED_OUT)

    def score(self, row: int) -> float:
        """Give the objective of the trial in a row as a score: greater is better."""
        return -float(self.result.trials.value[row, 0])

    def value_text(self, row: int) -> str:
        """Name the objective's value of the trial in a row, in the unit of the scorer, or the user's."""
        if "scoring" in self.notes:
            return Metric(self.notes["scoring"]).text(self.score(row))
        values = self.result.trials.value[row] * self.result.problem.signs
        return ", ".join(number(float(value)) for value in values)

    def best_rows(self, most: int) -> list[int]:
        """Give the rows of the best completed trials, the best first."""
        if self.result.problem.objectives > 1:
            return [trial.number for trial in self.result.front[:most]]
        trials = self.result.trials
        violation = np.maximum(np.nan_to_num(trials.violation), 0.0).sum(axis=1)
        complete = trials.status == Status.COMPLETE
        order = np.lexsort((trials.value[:, 0], violation, ~complete))
        return order[: min(most, int(complete.sum()))].tolist()  # type: ignore[no-any-return]


def open_runs(storage: str) -> Storage:
    """Open a database that exists.

    Raises:
        StorageError: It does not.
    """
    if "://" not in storage and not Path(storage).is_file():
        raise StorageError(f"{storage}: no such database; thalweg tune makes one, --storage names another")
    return open_storage(storage)


def find_run(store: Storage, name: str) -> str:
    """Find the run of that name, or the only one whose name begins so.

    Raises:
        StudyNotFound: There is none, or there are several.
    """
    names = store.names()
    if name in names:
        return name
    found = [candidate for candidate in names if candidate.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise StudyNotFound(f"several runs begin with {name!r}: {', '.join(found[:10])}; write one in full")
    known = f"there are {', '.join(names[-10:])}" if names else "there is none yet"
    raise StudyNotFound(f"there is no run {name!r}; {known}")


def read_run(store: Storage, name: str) -> StoredRun:
    """Read a run.

    Raises:
        StudyNotFound: There is none of that name.
        UnreadableState: Another version of thalweg has written it, or its space holds choices of other kinds.
    """
    record = store.read(name)
    settings = record.settings
    problem = Problem(
        _not_stored,
        Space.construct(settings["space"]),
        goal=settings["goals"],
        constraints=[_not_stored] * settings["constraints"],
    )
    reason = str(record.notes.get("stop_reason", ""))
    workers = {str(record.notes.get("worker", "")), *store.running(name).values()} - {""}
    status = "running" if any(map(is_alive, workers)) else reason or "killed before its end"
    method = construct(settings["optimizer"])
    result = Result(name, problem, method, settings["seed"], store.trials(name), reason)
    return StoredRun(record, result, status)


def best_text(run: StoredRun) -> str:
    """Say in a few words what the run has found."""
    rows = run.best_rows(2)
    if not rows:
        return ""
    return run.value_text(rows[0]) if run.result.problem.objectives == 1 else f"front of {len(run.result.front)}"


def _not_stored(configuration: Any) -> float:
    raise NoCompletedTrial("the objective is not in the database, only what it gave")
