"""Gradient descent, and stochastic gradient descent: the same method on a problem that samples.

A.-L. Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées", 1847. H. Robbins, S.
Monro, "A stochastic approximation method", Annals of Mathematical Statistics 22(3), 1951. Bounds by
projection: A. A. Goldstein, "Convex programming in Hilbert space", 1964; E. S. Levitin, B. T. Polyak, 1966.
"""

from dataclasses import replace
from numbers import Real
from typing import Any, ClassVar, Literal, final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidProblem, InvalidSettings
from thalweg.optimizers.base import AnyOptimizer, Capabilities, Optimizer, require
from thalweg.optimizers.gradient.averaged import Averaged
from thalweg.optimizers.gradient.learning_rates import AnyLearningRate, Attempt, Fixed, LearningRate, Point, automatic
from thalweg.optimizers.gradient.race import Race, RaceState
from thalweg.optimizers.rules import SGD, AnyRule, Averages
from thalweg.optimizers.rules.checks import check_not_negative
from thalweg.optimizers.rules.schedules import Schedule
from thalweg.problem import Candidates, Evaluations, Need, Problem
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["DescentState", "GradientDescent"]

FAILURES = 30  # in a row: each half as far from the last good point
HOPELESS = 1e10  # a value this many times larger than the first one has diverged
ROUNDING = 2.0**-50  # a step of this share of x leads nowhere
EPOCH = 100  # minibatches an epoch, where nobody knows
RACE = range(-6, 5)  # rates that run against each other: the middle one times 10^(k/2)
ETA = 8.0  # of their averages


@final
@frozen(version=2)
class DescentState:
    """Where a descent stands: at the last point that it has taken, x, on its way to the next."""

    columns: Columns
    batches: int  # minibatches an epoch; 0 where every evaluation sees all data
    learning_rate: AnyLearningRate
    rate: Any  # its state
    rule: Any  # state of the update rule, which has taken in the gradient at x
    x: Floats  # (d,) the start before there is a value
    value: float  # f(x), NaN before
    gradient: Floats  # (d,) ∇f(x)
    first_value: float  # the objective at the start, NaN before
    direction: Floats  # (d,) d
    alpha: float  # α
    next_x: Floats  # (d,) the point to evaluate: x − α d within the bounds
    arrived: bool = True  # whether that is the next point whatever its value, and no step to be judged
    evaluation: int = 0  # its slot
    batch: int = 0  # the minibatch it sees, where both ends of a step must see the same one
    begun: bool = False  # whether a point of our own was evaluated
    failures: int = 0  # failed evaluations in a row
    ended: str = ""  # why the descent is over


@final
@frozen
class GradientDescent(Optimizer[DescentState | RaceState]):
    """Go down along the gradient, as an update rule turns it: x ← P(x − α d).

    P puts a point that leaves the bounds back onto them. Plain gradient descent, momentum and Adam are update rules, d;
    constants, schedules, line searches and rates that adapt are learning rates, α. With minibatches in the problem it is
    stochastic gradient descent: evaluation k sees batch k. It begins in the middle of the bounds, at 0 where there are
    none, or at the best of the points that it is told before its own first one.

    It stops where the projected gradient vanishes, ‖P(x − g) − x‖∞ ≤ tolerance; never by this rule on minibatches, whose
    gradients are noise there. After a failed evaluation it goes back half way to the last good point.

    Where the learning rate is ``"auto"``, it is found by the steps themselves; on minibatches, where single values say
    little, eleven rates run against each other in a :class:`~thalweg.optimizers.gradient.Race`, and the average of the
    winner's iterates is recommended: the rate itself need not fall.

    Args:
        learning_rate: α: a positive number in the units of x²/objective (of x for rules like Adam), a schedule, a
            :class:`~thalweg.optimizers.gradient.learning_rates.LearningRate`, or ``"auto"``.
        rule: From gradient to direction d: :class:`~thalweg.optimizers.rules.SGD`, ``HeavyBall``, ``Nesterov``,
            ``Adam`` …
        tolerance: Largest component of the projected gradient at which it is done, in the units of objective/x.

    Raises:
        InvalidSettings: A setting is out of its range, or the learning rate cannot judge the rule's directions.

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

    learning_rate: float | Schedule | AnyLearningRate | Literal["auto"] = "auto"
    rule: AnyRule = SGD()
    tolerance: float = 1e-6

    capabilities: ClassVar[Capabilities] = Capabilities(
        needs=Need.VALUE | Need.GRADIENT, integers=False, categories=False, conditions=False, unbounded=True
    )

    def __post_init__(self) -> None:
        """Check the settings, and that they fit together."""
        check_not_negative(self, "tolerance")
        rate = self._given
        if rate is not None and rate.rules and not isinstance(self.rule, rate.rules):
            served = ", ".join(rule.__name__ for rule in rate.rules)
            raise InvalidSettings(
                f"GradientDescent: learning_rate={rate} cannot judge the directions of rule={self.rule}; it serves the "
                f"rule {served}. Give another rule, or a number or a schedule as learning_rate"
            )

    @property
    def _given(self) -> AnyLearningRate | None:
        """The learning rate of the settings; None where it is to be chosen."""
        rate = self.learning_rate
        if isinstance(rate, LearningRate):
            return rate
        if rate == "auto":
            return None
        if isinstance(rate, Schedule) or (isinstance(rate, Real) and 0 < rate < np.inf):
            return Fixed(rate)
        raise InvalidSettings(
            f"GradientDescent: learning_rate={rate!r}, expected 'auto', a positive number, a schedule or a learning rate "
            "such as Armijo()"
        )

    def init(self, problem: Problem, seed: int) -> DescentState | RaceState:
        """Stand in the middle of the bounds; there is nothing random.

        Raises:
            IncompatibleProblem: The problem has something that gradient descent does not serve.
            InvalidSettings: The learning rate does not serve minibatches.
        """
        require(self, problem)
        batches, columns = problem.minibatches, problem.columns
        rate = self._given or automatic(problem, self.rule)
        middle = rate.learning_rate if isinstance(rate, Fixed) and self._given is None else None
        if batches is not None and isinstance(middle, float):
            return self._race(middle).init(problem, seed)
        if batches is not None and not rate.sampled:
            raise InvalidSettings(
                f"GradientDescent: learning_rate={rate} compares values, and with minibatches each is of other data; "
                "give StochasticArmijo(), StochasticPolyak(), a number or a schedule"
            )
        count = 0 if batches is None else batches.batches_per_epoch or EPOCH
        start, nothing, unknown = columns.neutral, np.zeros(columns.dim), float("nan")
        return DescentState(
            columns, count, rate, rate.init(max(count, 1)), self.rule.init(start), start, unknown, nothing, unknown,
            direction=nothing, alpha=0.0, next_x=start,
        )  # fmt: skip

    def _race(self, middle: float) -> Race:
        """Line up rates around one, the smallest first, with averages unless the rule has its own."""
        rates = [middle * 10.0 ** (k / 2) for k in RACE]
        runners: list[AnyOptimizer] = [GradientDescent(rate, self.rule, self.tolerance) for rate in rates]
        if not isinstance(self.rule, Averages):
            runners = [Averaged(runner, ETA) for runner in runners]
        return Race(tuple(runners))

    def ask(
        self, state: DescentState | RaceState, n: int, pending: Candidates
    ) -> tuple[Candidates, DescentState | RaceState]:
        """Propose the next point; nothing while it is pending, or at the end."""
        if isinstance(state, RaceState):
            return Race(state.optimizers).ask(state, n, pending)
        if state.ended or state.evaluation in pending.slot:
            return Candidates.none(state.columns), state
        slot, parent = np.array([state.evaluation]), np.array([state.batch if _twice(state) else -1])
        return Candidates.at(state.columns, state.next_x[None], slot, parent), state

    def tell(self, state: DescentState | RaceState, evaluations: Evaluations) -> DescentState | RaceState:
        """Judge the step to the point that was asked for, or begin at a better start."""
        if isinstance(state, RaceState):
            return Race(state.optimizers).tell(state, evaluations)
        own = np.flatnonzero(evaluations.candidates.slot == state.evaluation)
        if len(own):
            end = _point(evaluations, own[0])
            state = replace(state, begun=True, evaluation=state.evaluation + 1)
            return self._arrive(state, end) if state.arrived else self._judge(state, end)
        foreign = np.flatnonzero((evaluations.candidates.slot < 0) & evaluations.complete)
        if state.begun or not len(foreign):
            return state
        best = _point(evaluations, foreign[np.argmin(evaluations.value[foreign, 0])])
        if best.value >= state.value:
            return state
        unmoved = self.rule.init(best.x), state.learning_rate.init(max(state.batches, 1))
        fresh = replace(
            state, rule=unmoved[0], rate=unmoved[1], value=best.value, first_value=float("nan"),
            evaluation=state.evaluation + 1,
        )  # fmt: skip
        return replace(fresh, x=best.x, next_x=best.x) if _twice(state) else self._arrive(fresh, best)

    def stop(self, state: DescentState | RaceState) -> str:
        """Stop where the gradient vanishes, or where there is no way on."""
        if isinstance(state, RaceState):
            return Race(state.optimizers).stop(state)
        return state.ended

    def recommend(self, state: DescentState | RaceState) -> Floats | None:
        """Give the rule's average; or the latest point where values are samples: the lowest of them was luck."""
        if isinstance(state, RaceState):
            return Race(state.optimizers).recommend(state)
        if np.isnan(state.value):
            return None
        if isinstance(self.rule, Averages):
            average = self.rule.average(state.rule, state.next_x)
            if average is not state.next_x:
                return np.clip(average, state.columns.low, state.columns.high)
        return state.x if state.batches else None

    def _arrive(self, state: DescentState, at: Point) -> DescentState:
        """Take a point, and choose the step from there."""
        if np.isnan(at.value):
            return _look_again(state)
        first = at.value if np.isnan(state.first_value) else state.first_value
        state = replace(state, x=at.x, value=at.value, gradient=at.gradient, first_value=first, failures=0)
        projected = _within(state.columns, at.x - at.gradient) - at.x
        if not state.batches and np.abs(projected).max() <= self.tolerance:
            return _end(state, f"the gradient is within the tolerance {self.tolerance:g}")
        if at.value - first > HOPELESS * (1 + abs(first)):
            return _end(state, _diverged(state))
        alpha, rate = state.learning_rate.begin(state.rate, at)
        with np.errstate(over="ignore", invalid="ignore"):
            direction, rule = self.rule.update(state.rule, at.gradient, at.x, alpha)
            if state.learning_rate.rules and at.gradient @ direction <= 0:
                # Momentum that leads up is forgotten: B. O'Donoghue, E. Candès, "Adaptive restart for accelerated
                # gradient schemes", 2015.
                direction, rule = self.rule.update(self.rule.init(at.x), at.gradient, at.x, alpha)
        return _try(replace(state, rate=rate, rule=rule, direction=direction), alpha)

    def _judge(self, state: DescentState, end: Point) -> DescentState:
        """Stay at the end of a step, or try another step from where it began."""
        attempt = Attempt(Point(state.x, state.value, state.gradient), state.direction, state.alpha, end)
        alpha, rate = state.learning_rate.judge(state.rate, attempt)
        state = replace(state, rate=rate, failures=state.failures + 1 if attempt.failed else 0)
        if state.failures > FAILURES:
            return _end(state, _failed(state))
        if alpha is not None:
            return _try(state, alpha)
        if not _twice(state):
            return self._arrive(state, end)
        return replace(
            state, x=end.x, value=end.value, gradient=end.gradient, next_x=end.x, arrived=True, batch=state.batch + 1
        )


def _point(evaluations: Evaluations, row: int) -> Point:
    """Read off one evaluated point."""
    x = evaluations.candidates.x[row]
    if not evaluations.complete[row]:
        return Point(x, float("nan"), np.full_like(x, np.nan))
    if evaluations.gradient is None:
        raise InvalidProblem("GradientDescent was told a value without its gradient; tell gradient= with every value")
    return Point(x, float(evaluations.value[row, 0]), evaluations.gradient[row, 0])


def _within(columns: Columns, x: Floats) -> Floats:
    return np.clip(x, columns.low, columns.high)


def _twice(state: DescentState) -> bool:
    """Whether each point is seen on two batches: on that of the step to it, and on that of the step from it."""
    return bool(state.batches) and state.learning_rate.same_batch


def _try(state: DescentState, alpha: float) -> DescentState:
    """Propose the end of a step, if it leads anywhere."""
    with np.errstate(over="ignore", invalid="ignore"):
        next_x = _within(state.columns, state.x - alpha * state.direction)
    if not np.isfinite(next_x).all():
        return _end(state, _diverged(replace(state, alpha=alpha)))
    lost = np.abs(next_x - state.x) <= ROUNDING * np.abs(state.x)
    if lost.all() and state.learning_rate.rules and not state.batches:
        return _end(state, "no step along the gradient lowers the objective by enough: the rest is rounding")
    return replace(state, alpha=alpha, next_x=next_x, arrived=False)


def _look_again(state: DescentState) -> DescentState:
    """See the same point on the next batch, after it has failed on one."""
    state = replace(state, failures=state.failures + 1, batch=state.batch + 1)
    if np.isnan(state.value):
        why = "the objective failed at the starting point: see its error, or give another start with initial="
        return _end(state, why)
    return _end(state, _failed(state)) if state.failures > FAILURES else state


def _end(state: DescentState, why: str) -> DescentState:
    return replace(state, next_x=state.x, ended=why)


def _diverged(state: DescentState) -> str:
    return (
        f"it diverged: the objective was {state.first_value:.3g} at the start and is {state.value:.3g}; "
        f"give a learning_rate below {state.alpha:g}"
    )


def _failed(state: DescentState) -> str:
    return (
        f"the objective failed at {state.failures} points in a row, each half as far from the last good one; "
        "see the error of one of them"
    )
