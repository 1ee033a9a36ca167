"""The contract of everything that searches: ask for points, tell what they are worth.

An optimizer is a frozen dataclass of settings. Its state is another frozen dataclass, made with
:func:`thalweg.serial.frozen` and returned anew by every call, so that it can be stored at any moment and continued to the
last bit. Optimizers see the columns of a matrix, never names, configurations, a study or a storage; every objective is
to be minimized. Randomness comes from ``generator(seed, counter)`` with both integers in the state.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np

from thalweg.arrays import Floats, Ints
from thalweg.errors import IncompatibleProblem
from thalweg.problem import Candidates, Evaluations, Need, Problem
from thalweg.space import CATEGORICAL

__all__ = ["AnyOptimizer", "Capabilities", "Optimizer", "Recommends", "order", "require"]

State = TypeVar("State")


@dataclass(frozen=True)
class Capabilities:
    """What an optimizer needs, and which problems it serves.

    Attributes:
        needs: What it must be told of a point.
        integers: Serves integer columns and grids.
        categories: Serves categorical columns.
        conditions: Serves columns that are active only for some values of others.
        unbounded: Serves columns without finite bounds.
        several_objectives: Serves more than one objective.
        constraints: Serves constraints.
        fidelity: Proposes points at a share of a full evaluation.
        terminates: Comes to an end by itself, so that a run needs no budget.
    """

    needs: Need = Need.VALUE
    integers: bool = True
    categories: bool = True
    conditions: bool = True
    unbounded: bool = False
    several_objectives: bool = False
    constraints: bool = False
    fidelity: bool = False
    terminates: bool = False


class Optimizer(ABC, Generic[State]):
    """Settings of a search method, and its five pure functions."""

    capabilities: ClassVar[Capabilities]

    @abstractmethod
    def init(self, problem: Problem, seed: int) -> State:
        """Make the state before the first point.

        Raises:
            IncompatibleProblem: The problem has something that this optimizer does not serve (see :func:`require`).
        """

    @abstractmethod
    def ask(self, state: State, n: int, pending: Candidates) -> tuple[Candidates, State]:
        """Propose up to n points.

        Args:
            state: Not changed; the same state, n and pending give the same answer.
            n: At least 1. Fewer may come back; none means "tell me first".
            pending: Points that were proposed and are still being evaluated. A point proposed, not pending and never
                told is lost, and may be proposed again.

        Returns:
            The points, with the optimizer's slots, and the next state.
        """

    @abstractmethod
    def tell(self, state: State, evaluations: Evaluations) -> State:
        """Take in what points are worth: any subset, in any order, failed ones and foreign ones (slot −1) among them.

        A slot that was told before is ignored.
        """

    @abstractmethod
    def stop(self, state: State) -> str:
        """Say why the search is done, in words; an empty string while it is not."""


AnyOptimizer = Optimizer[Any]


@runtime_checkable
class Recommends(Protocol):
    """An optimizer whose best guess is not one of the points that it has seen."""

    def recommend(self, state: Any) -> Floats | None:
        """Give the row (d,) that is believed best, or None before anything was told."""


def require(optimizer: AnyOptimizer, problem: Problem) -> None:
    """Refuse, in words, a problem that an optimizer cannot serve.

    Raises:
        IncompatibleProblem: The first thing that does not fit, and what to do.
    """
    can, columns = optimizer.capabilities, problem.columns
    plain = columns.kind != CATEGORICAL
    for refused, what in (
        (can.needs & ~problem.provides, "gradients: give gradient= a function, or 'torch'"),
        (not can.integers and (columns.discrete & plain).any(), "real-valued columns, without integers or steps"),
        (not can.categories and not plain.all(), "columns without choices (Categorical)"),
        (not can.conditions and columns.conditions, "a space without conditions (when=)"),
        (not can.unbounded and not columns.bounded, "finite bounds of every column"),
        (not can.several_objectives and problem.objectives > 1, f"a single objective, got {problem.objectives}"),
        (not can.constraints and problem.constraints, "a problem without constraints"),
    ):
        if refused:
            raise IncompatibleProblem(
                f"{type(optimizer).__name__} needs {what}; change the problem, or choose another optimizer"
            )


def order(value: Floats, infeasibility: Floats) -> Ints:
    """Sort points from best to worst by Deb's feasibility rules.

    Feasible ones come first, by value; then infeasible ones, by how much they violate; failed ones last. Equal points
    keep their order.

    Args:
        value: (n,) objective, NaN where it failed.
        infeasibility: (n,) total violation ≥ 0, inf where it failed.

    Returns:
        (n,) indices.

    Example:
        >>> order(np.array([3.0, 1.0, np.nan, 2.0]), np.array([0.0, 0.5, np.inf, 0.0])).tolist()
        [3, 0, 1, 2]

    Reference:
        K. Deb, "An efficient constraint handling method for genetic algorithms", 2000.
    """
    return np.lexsort((np.where(np.isnan(value), np.inf, value), infeasibility))
