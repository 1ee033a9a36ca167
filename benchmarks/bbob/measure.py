"""One run of one method on one function of the BBOB suite, and how far it got."""

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from cocoex import BareProblem

FUNCTIONS = range(1, 25)
LOW, HIGH = -5.0, 5.0
TARGETS = 10.0 ** np.linspace(2, -8, 51)  # of f − f_opt
GROUPS = {
    "separable": range(1, 6),
    "moderate": range(6, 10),
    "ill-conditioned": range(10, 15),
    "multimodal": range(15, 20),
    "weak structure": range(20, 25),
}


class Spent(Exception):
    """The budget is spent: ends a method that does not count."""


class Function:
    """A BBOB function that knows its optimum, counts, and remembers the best value within its budget.

    It takes a matrix (n, d) to (n,) values. What comes after the budget is spent counts for nothing.
    """

    def __init__(self, number: int, dim: int, instance: int, budget: int) -> None:
        self._problem = BareProblem("bbob", number, dim, instance)
        self.dim, self.budget, self.seed = dim, budget, 1000 * number + instance
        self.evaluations, self.best = 0, math.inf

    def __call__(self, x: np.ndarray) -> np.ndarray:
        left = self.budget - self.evaluations
        if left <= 0:
            raise Spent
        rows = np.ascontiguousarray(x, dtype=np.float64)
        values = np.asarray(self._problem(rows))
        self.evaluations += len(rows)
        self.best = min(self.best, float(values[:left].min()))
        return values

    def one(self, x: np.ndarray) -> float:
        """Evaluate a single point (d,)."""
        return float(self(np.asarray(x)[None])[0])

    @property
    def share(self) -> float:
        """Share of the targets that were reached."""
        return float((self.best - self._problem.best_value() <= TARGETS).mean())


Method = Callable[[Function], None]


@dataclass(frozen=True)
class Run:
    """How far a method got on one function, in CPU seconds; what went wrong, if anything."""

    function: int
    dim: int
    instance: int
    share: float
    evaluations: int
    seconds: float
    failure: str = ""


def run(method: Method, number: int, dim: int, instance: int, per_column: int) -> Run:
    """Run a method until it stops or its budget, so many evaluations a column, is spent."""
    function = Function(number, dim, instance, per_column * dim)
    failure, begun = "", time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            method(function)
    except Exception as error:  # a peer may wrap Spent in whatever it likes
        if function.evaluations < function.budget:
            failure = f"{type(error).__name__}: {error}"
    seconds = time.process_time() - begun
    return Run(number, dim, instance, function.share, function.evaluations, seconds, failure)
