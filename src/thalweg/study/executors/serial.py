"""Evaluating one batch after the other, in this process."""

from dataclasses import dataclass, field
from typing import final

from thalweg.errors import InvalidSettings
from thalweg.problem import Candidates, Evaluations
from thalweg.study.executors.base import Executor, Lost, Pool, Task

__all__ = ["Serial"]


@final
@dataclass(frozen=True)
class Serial(Executor):
    """Evaluate in this process, one batch at a time: the default, and exactly repeatable."""

    def open(self, task: Task, time_limit: float | None) -> Pool:
        """Refuse a time limit: only a process can be stopped."""
        if time_limit is not None:
            raise InvalidSettings(
                "a time limit for a trial needs a process that can be stopped: use executor=Processes(1)"
            )
        return _SerialPool(task)


@final
@dataclass
class _SerialPool(Pool):
    task: Task
    waiting: list[tuple[int, Candidates]] = field(default_factory=list)

    @property
    def free(self) -> int:
        return 1 - len(self.waiting)

    def submit(self, key: int, candidates: Candidates) -> None:
        self.waiting.append((key, candidates))

    def wait(self, timeout: float | None) -> list[tuple[int, Evaluations | Lost]]:
        key, candidates = self.waiting[0]
        evaluations = self.task(candidates)
        del self.waiting[0]
        return [(key, evaluations)]

    def close(self) -> None:
        self.waiting.clear()
