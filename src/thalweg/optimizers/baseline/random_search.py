"""Random search.

J. Bergstra, Y. Bengio, "Random search for hyper-parameter optimization", JMLR 13, 2012.
"""

from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from thalweg.optimizers.base import Capabilities, Optimizer, require
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["RandomSearch", "RandomState"]


@final
@frozen
class RandomState:
    """Where a random search stands."""

    columns: Columns
    seed: int
    asked: int = 0  # points proposed so far


@final
@frozen
class RandomSearch(Optimizer[RandomState]):
    """Draw every point independently, uniform on the searched scale.

    It serves every problem, never stops by itself, and is what every other method has to beat.

    Example:
        >>> import thalweg as tw
        >>> result = tw.minimize(
        ...     lambda p: (p["x"] - 1) ** 2,
        ...     {"x": tw.Float(-5, 5)},
        ...     optimizer=tw.RandomSearch(),
        ...     trials=200,
        ...     seed=0,
        ... )
        >>> result.best.value < 0.01
        True
    """

    capabilities: ClassVar[Capabilities] = Capabilities(several_objectives=True, constraints=True)

    def init(self, problem: Problem, seed: int) -> RandomState:
        """Begin at the first point."""
        require(self, problem)
        return RandomState(problem.columns, seed)

    def ask(self, state: RandomState, n: int, pending: Candidates) -> tuple[Candidates, RandomState]:
        """Draw the next n points."""
        x = state.columns.random(generator(state.seed, state.asked), n)
        slot = np.arange(state.asked, state.asked + n)
        return Candidates.at(state.columns, x, slot), replace(state, asked=state.asked + n)

    def tell(self, state: RandomState, evaluations: Evaluations) -> RandomState:
        """Learn nothing."""
        return state

    def stop(self, state: RandomState) -> str:
        """Never stop."""
        return ""
