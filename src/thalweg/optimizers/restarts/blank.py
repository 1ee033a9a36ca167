"""A problem as an optimizer sees it, in a form that can be stored: for runs that begin later."""

from functools import cached_property
from typing import Any, NoReturn, final

from thalweg.problem import Need, Problem
from thalweg.serial import frozen
from thalweg.space import CATEGORICAL, CONTINUOUS, Box, Categorical, Columns, Dimension, Float, Int

__all__ = ["Blank"]


@final
@frozen
class Blank:
    """All of a problem but its functions.

    Example:
        >>> blank = Blank.of(Problem(sum, Box(-1, 1, dim=3)))
        >>> blank.problem.columns.dim, blank.problem.provides
        (3, <Need.VALUE: 1>)
    """

    columns: Columns
    objectives: int
    constraints: int
    gradient: bool
    vectorized: bool

    @classmethod
    def of(cls, problem: Problem) -> "Blank":
        """Leave out the functions."""
        gradient = Need.GRADIENT in problem.provides
        return cls(problem.columns, problem.objectives, len(problem.constraints), gradient, problem.vectorized)

    @cached_property
    def problem(self) -> Problem:
        """A problem of the same kind, that cannot be evaluated."""
        return Problem(
            _nothing,
            _dimensions(self.columns),
            goal=["minimize"] * self.objectives,
            constraints=[_nothing] * self.constraints,
            gradient=_nothing if self.gradient else None,
            vectorized=self.vectorized,
        )


def _nothing(*arguments: Any) -> NoReturn:
    raise NotImplementedError("this problem only says what is searched; its functions are with whoever evaluates")


def _dimensions(c: Columns) -> dict[str, Dimension]:
    """Give one dimension a column, named by its number; of choices, their codes."""
    made: dict[str, Dimension] = {}
    for j in range(c.dim):
        when = {
            str(rule.parent): [int(code) for code in rule.codes] for rule in c.conditions if rule.child == j
        } or None
        low, high, log, step = float(c.low[j]), float(c.high[j]), bool(c.log[j]), float(c.step[j])
        if c.kind[j] == CATEGORICAL:
            made[str(j)] = Categorical(range(int(high) + 1), when=when)
        elif c.kind[j] != CONTINUOUS:
            made[str(j)] = Int(int(low), int(high), log=log, when=when)
        elif log or step:
            made[str(j)] = Float(low, high, log=log, step=step or None, when=when)
        else:
            made[str(j)] = Box(low, high, dim=1, when=when)
    return made
