"""Trials: what was tried and what became of it, as columns; and one of them, for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from thalweg.arrays import Floats, Ints
from thalweg.problem import Candidates, Status

__all__ = ["Trial", "Trials"]


@final
@dataclass(frozen=True)
class Trials:
    """n trials of one study, in the order of their numbers.

    Attributes:
        number: (n,) 0, 1, 2 … in the order of asking.
        candidates: The points.
        value: (n, m) objectives to be minimized (a maximized one is negated); NaN where there is none.
        violation: (n, c) constraints, feasible where ≤ 0; NaN where there is none.
        cost: (n,) seconds of evaluation; NaN while running.
        status: (n,) of :class:`thalweg.problem.Status`.
        started: (n,) seconds since 1970, when the point was asked for.
        errors: What happened to the trials that failed, by number.
    """

    number: Ints
    candidates: Candidates
    value: Floats
    violation: Floats
    cost: Floats
    status: Ints
    started: Floats
    errors: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of trials."""
        return len(self.number)

    def take(self, rows: Any) -> "Trials":
        """Select rows by a slice, a mask or indices."""
        number = self.number[rows]
        kept = set(number.tolist()) & self.errors.keys() if self.errors else ()
        return Trials(
            number, self.candidates.take(rows), self.value[rows], self.violation[rows], self.cost[rows],
            self.status[rows], self.started[rows], {i: self.errors[i] for i in kept},
        )  # fmt: skip

    def count(self, status: Status) -> int:
        """Count the trials with a status."""
        return int(np.count_nonzero(self.status == status))


@final
@dataclass(frozen=True)
class Trial:
    """One trial, in the user's terms.

    Attributes:
        number: Its place in the order of asking.
        params: The configuration: a dict of the active parameters, or an array where the space is a single Box.
        value: The objective as the user's function returned it, a tuple of several; None where there is none.
        violation: The constraints' values, feasible where ≤ 0.
        status: What became of it.
        seconds: Time its evaluation took; None while it runs.
        error: What happened where it failed.
        study: The study that asked for it.
    """

    number: int
    params: Any
    value: Any = None
    violation: tuple[float, ...] = ()
    status: Status = Status.RUNNING
    seconds: float | None = None
    error: str = ""
    study: str = ""
