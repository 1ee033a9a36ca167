"""Gradient descent, and stochastic gradient descent: the same method on a problem that samples.

A.-L. Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées", 1847. H. Robbins, S.
Monro, "A stochastic approximation method", Annals of Mathematical Statistics 22(3), 1951. Bounds by
projection: A. A. Goldstein, "Convex programming in Hilbert space", 1964; E. S. Levitin, B. T. Polyak, 1966.
"""

from dataclasses import replace
from typing import Any, ClassVar, final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidProblem, InvalidSettings
from thalweg.optimizers.base import Capabilities, Optimizer, require
from thalweg.optimizers.rules import SGD, AnyRule
from thalweg.problem import Candidates, Evaluations, Need, Problem
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["DescentState", "GradientDescent"]

HALVINGS = 30  # so many failed evaluations in a row, each half way back to the last good point
HOPELESS = 1e10  # a value this many times larger than the first one has diverged


@final
@frozen
class DescentState:
    """Where a descent stands: at the last point with a value, x, on its way to the next."""

    columns: Columns
    sampled: bool  # whether every evaluation sees another minibatch
    x: Floats  # (d,) the last point that has a value; the start before there is one
    value: float  # the objective there, NaN before
    first_value: float  # the objective at the start, NaN before
    rule: Any  # state of the update rule
    next_x: Floats  # (d,) the point to evaluate
    evaluation: int = 0  # its slot
    begun: bool = False  # whether a point of our own was evaluated
    failures: int = 0  # failed evaluations in a row
    ended: str = ""  # why the descent is over


@final
@frozen
class GradientDescent(Optimizer[DescentState]):
    """Go down along the gradient, as an update rule turns it: x ← P(x − α d).

    P puts a point that leaves the bounds back onto them. Plain gradient descent, momentum and Adam are update
    rules. With minibatches in the problem it is stochastic gradient descent: evaluation k sees batch k. It
    begins in the middle of the bounds, at 0 where there are none, or at the best of the points that it is
    told before its own first one.

    It stops where the projected gradient vanishes, ‖P(x − g) − x‖∞ ≤ tolerance; never by this rule on
    minibatches, whose gradients are noise there. After a failed evaluation it goes back half way to the last
    good point.

    Args:
        learning_rate: α, positive, in the units of x²/objective (of x for Adam).
        rule: From gradient to direction d: :class:`~thalweg.optimizers.rules.SGD`, ``HeavyBall``,
            ``Nesterov``, ``Adam``.
        tolerance: Largest component of the projected gradient at which it is done, in the units of
            objective/x.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import numpy as np, thalweg as tw
        >>> random = np.random.default_rng(0)
        >>> inputs = random.normal(size=(500, 3))
        >>> targets = inputs @ [1.0, -2.0, 0.5]
        >>> result = tw.minimize(
        ...     lambda w, X, y: np.mean((X @ w - y) ** 2),
        ...     tw.Box(dim=3),
        ...     gradient=lambda w, X, y: 2 * X.T @ (X @ w - y) / len(y),
        ...     minibatches=tw.Minibatches(inputs, targets, size=20),
        ...     optimizer=tw.GradientDescent(learning_rate=0.1),
        ...     evaluations=300,
        ...     seed=0,
        ... )
        >>> result.recommended.round(6)
        array([ 1. , -2. ,  0.5])
    """

    learning_rate: float = 0.01
    rule: AnyRule = SGD()
    tolerance: float = 1e-6

    capabilities: ClassVar[Capabilities] = Capabilities(
        needs=Need.VALUE | Need.GRADIENT, integers=False, categories=False, conditions=False, unbounded=True
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 < self.learning_rate < np.inf:
            raise InvalidSettings(f"GradientDescent: learning_rate={self.learning_rate}, expected a positive number")
        if not self.tolerance >= 0:
            raise InvalidSettings(f"GradientDescent: tolerance={self.tolerance}, expected at least 0")

    def init(self, problem: Problem, seed: int) -> DescentState:
        """Stand in the middle of the bounds; there is nothing random."""
        require(self, problem)
        columns = problem.columns
        start, unknown = columns.neutral, float("nan")
        sampled = problem.minibatches is not None
        return DescentState(columns, sampled, start, unknown, unknown, self.rule.init(start), start)

    def ask(self, state: DescentState, n: int, pending: Candidates) -> tuple[Candidates, DescentState]:
        """Propose the next point; nothing while it is pending, or at the end."""
        if state.ended or state.evaluation in pending.slot:
            return Candidates.none(state.columns), state
        return Candidates.at(state.columns, state.next_x[None], np.array([state.evaluation])), state

    def tell(self, state: DescentState, evaluations: Evaluations) -> DescentState:
        """Go one step from the point that was asked for, or from a better start."""
        own = np.flatnonzero(evaluations.candidates.slot == state.evaluation)
        if len(own):
            row, state = evaluations.take(own[:1]), replace(state, begun=True)
            return self._step(state, row) if row.complete[0] else _go_back(state)
        foreign = np.flatnonzero((evaluations.candidates.slot < 0) & evaluations.complete)
        if state.begun or not len(foreign):
            return state
        best = foreign[[np.argmin(evaluations.value[foreign, 0])]]
        if evaluations.value[best[0], 0] >= state.value:
            return state
        fresh = replace(state, rule=self.rule.init(state.x), first_value=float("nan"))
        return self._step(fresh, evaluations.take(best))

    def stop(self, state: DescentState) -> str:
        """Stop where the gradient vanishes, or where there is no way on."""
        return state.ended

    def recommend(self, state: DescentState) -> Floats | None:
        """Give the latest point where values are samples: the lowest of them was luck."""
        return state.x if state.sampled and not np.isnan(state.value) else None

    def _step(self, state: DescentState, told: Evaluations) -> DescentState:
        """Take in value and gradient at one point, and go on from there."""
        if told.gradient is None:
            raise InvalidProblem(
                "GradientDescent was told a value without its gradient; tell gradient= with every value"
            )
        columns, x = state.columns, told.candidates.x[0]
        value, gradient = float(told.value[0, 0]), told.gradient[0, 0]
        first_value = value if np.isnan(state.first_value) else state.first_value
        with np.errstate(over="ignore", invalid="ignore"):
            direction, rule = self.rule.update(state.rule, gradient, x, self.learning_rate)
            next_x = np.clip(x - self.learning_rate * direction, columns.low, columns.high)
            descent = np.clip(x - gradient, columns.low, columns.high) - x
        ended = ""
        if not state.sampled and np.abs(descent).max() <= self.tolerance:
            ended = f"the gradient is within the tolerance {self.tolerance:g}"
        elif value - first_value > HOPELESS * (1 + abs(first_value)) or not np.isfinite(next_x).all():
            ended = (
                f"it diverged: the objective was {first_value:.3g} at the start and is {value:.3g}; "
                f"give a learning_rate below {self.learning_rate:g}"
            )
        return replace(
            state,
            x=x,
            value=value,
            first_value=first_value,
            rule=rule,
            next_x=x if ended else next_x,
            evaluation=state.evaluation + 1,
            failures=0,
            ended=ended,
        )


def _go_back(state: DescentState) -> DescentState:
    """Try the point half way to the last good one."""
    failures = state.failures + 1
    ended = ""
    if np.isnan(state.value):
        ended = "the objective failed at the starting point: see its error, or give another start with initial="
    elif failures > HALVINGS:
        ended = (
            f"the objective failed at {failures} points in a row, each half as far from the last good one; "
            "see the error of one of them"
        )
    middle = state.x + (state.next_x - state.x) / 2
    return replace(state, next_x=middle, evaluation=state.evaluation + 1, failures=failures, ended=ended)
