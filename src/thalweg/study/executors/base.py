"""The contract of an executor: where trials are evaluated."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from thalweg.problem import Candidates, Evaluations, Status

__all__ = ["Executor", "Lost", "Pool", "Task"]

Task = Callable[[Candidates], Evaluations]
"""Evaluates a batch: :func:`thalweg.problem.evaluate` with its problem bound."""


@final
@dataclass(frozen=True)
class Lost:
    """A batch that came back without evaluations: stopped at its time limit, or its process died."""

    status: Status
    error: str
    seconds: float


class Pool(ABC):
    """The live side of an executor: batches go in, and come out in any order."""

    @property
    @abstractmethod
    def free(self) -> int:
        """Number of batches that could start at once."""

    @abstractmethod
    def submit(self, key: int, candidates: Candidates) -> None:
        """Begin to evaluate a batch under a key of the caller's."""

    @abstractmethod
    def wait(self, timeout: float | None) -> list[tuple[int, Evaluations | Lost]]:
        """Wait until at least one batch is done, or the seconds have passed; give all that are done."""

    @abstractmethod
    def close(self) -> None:
        """Stop what runs, at once where that is possible, and let go of everything."""


class Executor(ABC):
    """Settings of where trials are evaluated."""

    @abstractmethod
    def open(self, task: Task, time_limit: float | None) -> Pool:
        """Make ready to evaluate.

        Args:
            task: What evaluates a batch.
            time_limit: Seconds after which a batch is stopped and counts as TIMED_OUT, or None.

        Raises:
            InvalidSettings: A time limit is given and this executor cannot stop a batch, or the task cannot travel.
        """
