"""What a run tells its observers: progress displays, loggers, your own function.

An observer is any function of one event. It is called in the process that runs the loop, after the commit that it speaks
of; what it raises ends the run, and nothing that was computed is lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.study.budget import Budget

__all__ = ["Event", "Observer", "RunStarted", "RunStopped", "TrialsFinished", "TrialsStarted"]


@final
@dataclass(frozen=True)
class RunStarted:
    """A run begins, or continues.

    Attributes:
        name: The study.
        problem: What is optimized.
        budget: Its limits.
        asked: Trials asked for in earlier runs of the study.
        seconds: Running time of earlier runs.
        best: The best feasible value so far, in the user's sign, or None.
    """

    name: str
    problem: Problem
    budget: Budget
    asked: int
    seconds: float
    best: float | None


@final
@dataclass(frozen=True)
class TrialsStarted:
    """Trials were asked for and are on their way to be evaluated."""

    numbers: Sequence[int]
    candidates: Candidates


@final
@dataclass(frozen=True)
class TrialsFinished:
    """Trials have results.

    Attributes:
        numbers: Their numbers.
        evaluations: Their results.
        best: The best feasible value of the study so far, in the user's sign, or None.
        improved: Whether one of these trials is that best.
    """

    numbers: Sequence[int]
    evaluations: Evaluations
    best: float | None
    improved: bool


@final
@dataclass(frozen=True)
class RunStopped:
    """The run is over, for this reason."""

    reason: str


Event = RunStarted | TrialsStarted | TrialsFinished | RunStopped
Observer = Callable[[Event], None]
