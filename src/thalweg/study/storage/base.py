"""The contract of a storage: append and read, in two transactions.

``ask`` commits {new state, n RUNNING trials} and ``tell`` commits {results, new state}, each whole or not at all. Every
commit raises the study's revision, and carries the revision that its state was computed from: where another worker has
committed in between, nothing is written and :class:`StaleRevision` is raised; the worker reads again and recomputes.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from thalweg.errors import StorageError
from thalweg.problem import Candidates, Evaluations
from thalweg.study.trial import Trials

__all__ = ["StaleRevision", "Storage", "StudyRecord"]


class StaleRevision(StorageError):
    """Another worker has committed since the state was read; nothing was written."""


@final
@dataclass(frozen=True)
class StudyRecord:
    """What a storage holds of a study beside its trials.

    Attributes:
        name: Unique in the storage.
        settings: JSON tree of what the study searches and how; never changed.
        notes: JSON mapping of what belongs to the study (why it stopped, where its model lies); entries may be replaced.
        shape: (d columns, m objectives, c constraints).
        state: The optimizer's state (a value that :func:`thalweg.serial.to_bytes` can write), or None before the first.
        revision: Number of commits.
        asked: Trials asked for: the next trial's number.
        finished: Trials that are no longer running.
        seconds: Running time so far, over all continuations.
        created: Seconds since 1970.
    """

    name: str
    settings: Mapping[str, Any]
    notes: Mapping[str, Any]
    shape: tuple[int, int, int]
    state: Any
    revision: int
    asked: int
    finished: int
    seconds: float
    created: float


class Storage(ABC):
    """Studies by name, their states and trials. Safe to use from several threads and, where durable, processes."""

    @abstractmethod
    def create(self, name: str, settings: Mapping[str, Any], shape: tuple[int, int, int], state: Any) -> bool:
        """Create a study at revision 0; return False, and change nothing, where the name exists."""

    @abstractmethod
    def read(self, name: str) -> StudyRecord:
        """Read a study's record.

        Raises:
            StudyNotFound: There is no such study; the error names those that exist.
        """

    @abstractmethod
    def names(self) -> list[str]:
        """Give the names of all studies, oldest first."""

    @abstractmethod
    def ask(self, name: str, revision: int, state: Any, candidates: Candidates, worker: str, now: float) -> None:
        """Commit RUNNING trials of a worker, numbered from ``asked`` on, together with the state that proposed them.

        Args:
            name: The study.
            revision: The revision that the state was computed from.
            state: The new state, or None where it did not change.
            candidates: n points, n may be 0.
            worker: Who evaluates them.
            now: Seconds since 1970.

        Raises:
            StaleRevision: The study has moved on.
        """

    @abstractmethod
    def tell(
        self, name: str, revision: int, state: Any, numbers: Sequence[int], evaluations: Evaluations, seconds: float
    ) -> None:
        """Commit the results of running trials together with the state that has taken them in.

        Args:
            name: The study.
            revision: The revision that the state was computed from.
            state: The new state, or None where it did not change.
            numbers: n trial numbers, each RUNNING; one that is not is left as it is (the first result counts).
            evaluations: Their n results.
            seconds: Running time of the study so far; the stored one never decreases.

        Raises:
            StaleRevision: The study has moved on.
        """

    @abstractmethod
    def trials(self, name: str, first: int = 0) -> Trials:
        """Read the trials numbered ``first`` and later, in order, running ones included."""

    @abstractmethod
    def running(self, name: str) -> dict[int, str]:
        """Give the worker of every RUNNING trial, by number; an empty string where nobody works on it."""

    @abstractmethod
    def claim(self, name: str, numbers: Collection[int], before: Collection[str], worker: str) -> list[int]:
        """Make a worker the owner of RUNNING trials whose owner is one of ``before``; return the numbers it got.

        Of several workers that claim one trial at a time, exactly one gets it. The empty string is a worker that gives
        trials back.
        """

    @abstractmethod
    def note(self, name: str, **entries: Any) -> None:
        """Add or replace entries (JSON values) of a study's notes."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections. Everything committed stays."""
