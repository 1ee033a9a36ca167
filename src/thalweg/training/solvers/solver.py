"""The contract of a solver: from an objective to the parameters that minimize it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

from thalweg.arrays import Floats
from thalweg.training.objective import LinearObjective

__all__ = ["Solution", "Solver"]


@final
@dataclass(frozen=True)
class Solution:
    """Where a solver ended, and why.

    Attributes:
        theta: The parameters, shaped as the objective wants them.
        value: F there.
        gap: An estimate of F − min F, or an upper bound where the solver has one; NaN where it knows nothing.
        iterations: Number of iterations, in the solver's own sense.
        converged: Whether the tolerance was reached.
        reason: Why it stopped, in words.
        warning: What the user should know of the answer; empty where nothing is wrong.
    """

    theta: Floats
    value: float
    gap: float
    iterations: int
    converged: bool
    reason: str
    warning: str = ""


class Solver(ABC):
    """Settings of a method for linear models. A solver is made with :func:`thalweg.serial.frozen`.

    Its tolerance is relative: it is done where the gap F − min F is at most tolerance·|F|, as well as it can tell.

    Attributes:
        sees_all: Whether a number that is not finite, anywhere in X or y, makes the value of the solution not finite:
            then nobody needs to look for one beforehand.
    """

    sees_all: ClassVar[bool] = False

    @abstractmethod
    def refusal(self, objective: LinearObjective) -> str:
        """Say why it cannot solve this: the loss, the penalty, the kind of data; empty where it can. Looks at no row."""

    @abstractmethod
    def solve(self, objective: LinearObjective, start: Floats | None = None) -> Solution:
        """Minimize.

        Args:
            objective: One that is not refused.
            start: Parameters to begin at (a warm start), shaped as the objective wants them.
        """
