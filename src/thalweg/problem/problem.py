"""A problem: what is searched, what it is worth, and how that is computed."""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Any, Literal, final

from thalweg.errors import InvalidProblem, MissingDependency
from thalweg.problem.minibatches import Minibatches
from thalweg.space import Columns, Space, SpaceLike

__all__ = ["Goal", "Need", "Problem"]

Goal = Literal["minimize", "maximize"]


class Need(IntFlag):
    """What an optimizer needs to be told of a point."""

    VALUE = 1
    GRADIENT = 2


@final
@dataclass(frozen=True)
class Problem:
    """An objective over a space, with its goals, constraints and gradient.

    Args:
        objective: ``f(configuration)``: a dict of the active parameters, or an array (d,) where the space is a single
            Box. It returns one number, or one a goal. With ``vectorized`` it is given n configurations at once (a matrix
            (n, d), or a dict of arrays) and returns (n,) or (n, m). With ``minibatches`` it is given the batch's arrays
            as further arguments.
        space: A dict of names to dimensions, a Box, or a Space.
        goal: ``"minimize"`` or ``"maximize"``, or one of them for each of several objectives.
        constraints: Functions of a configuration, called like the objective; a point is feasible where all are ≤ 0.
        gradient: ``None``; a function with the objective's arguments that returns the partial derivatives (an array
            (d,), or a dict by name; vectorized (n, d)); or ``"torch"``, when the objective is written with PyTorch
            operations and backpropagation computes the gradient.
        vectorized: Whether the functions take many configurations at once.
        minibatches: Data of which every evaluation sees one batch: the objective becomes an unbiased sample.

    Raises:
        InvalidProblem: The parts do not fit together.
        MissingDependency: ``gradient="torch"``, and PyTorch is not installed.
        InvalidSpace: The space contradicts itself.

    Example:
        >>> from thalweg.space import Box
        >>> Problem(lambda x: float(x @ x), Box(-1, 1, dim=3)).columns.dim
        3
    """

    objective: Callable[..., Any]
    space: Space
    goals: tuple[Goal, ...] = ("minimize",)
    constraints: tuple[Callable[..., Any], ...] = ()
    gradient: Callable[..., Any] | Literal["torch"] | None = None
    vectorized: bool = False
    minibatches: Minibatches | None = None

    def __init__(
        self,
        objective: Callable[..., Any],
        space: SpaceLike,
        *,
        goal: Goal | Sequence[Goal] = "minimize",
        constraints: Callable[..., Any] | Sequence[Callable[..., Any]] = (),
        gradient: Callable[..., Any] | Literal["torch"] | None = None,
        vectorized: bool = False,
        minibatches: Minibatches | None = None,
    ) -> None:
        """Accept what is convenient, keep what is strict."""
        goals = (goal,) if isinstance(goal, str) else tuple(goal)
        functions = tuple(constraints) if isinstance(constraints, Sequence) else (constraints,)
        for name, value in (
            ("objective", objective), ("space", Space(space)), ("goals", goals), ("constraints", functions),
            ("gradient", gradient), ("vectorized", vectorized), ("minibatches", minibatches),
        ):  # fmt: skip
            object.__setattr__(self, name, value)
        self._check()

    @property
    def columns(self) -> Columns:
        """The columns of the space: all that an optimizer sees of it."""
        return self.space.columns

    @property
    def objectives(self) -> int:
        """Number of objectives, m."""
        return len(self.goals)

    @property
    def provides(self) -> Need:
        """What can be computed of a point."""
        return Need.VALUE if self.gradient is None else Need.VALUE | Need.GRADIENT

    @property
    def signs(self) -> list[float]:
        """1 for a goal that is minimized, −1 for one that is maximized."""
        return [1.0 if goal == "minimize" else -1.0 for goal in self.goals]

    def _check(self) -> None:
        if not callable(self.objective):
            raise InvalidProblem(f"the objective must be a function, got {self.objective!r}")
        if not self.goals or any(goal not in ("minimize", "maximize") for goal in self.goals):
            raise InvalidProblem(f"a goal is 'minimize' or 'maximize', got {self.goals!r}")
        for constraint in self.constraints:
            if not callable(constraint):
                raise InvalidProblem(f"a constraint must be a function, feasible where ≤ 0; got {constraint!r}")
        if self.gradient is None:
            return
        if self.gradient != "torch" and not callable(self.gradient):
            raise InvalidProblem(f"gradient must be a function, 'torch' or None, got {self.gradient!r}")
        if self.gradient == "torch" and importlib.util.find_spec("torch") is None:
            raise MissingDependency("PyTorch", "gradient='torch'", "torch")
        if self.objectives > 1:
            raise InvalidProblem("a gradient is given for one objective, and this problem has several goals")
        if self.columns.discrete.any() or self.columns.conditions:
            raise InvalidProblem("a gradient needs real-valued columns: no integers, choices, steps or conditions")
