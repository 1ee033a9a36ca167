"""SAGA: stochastic steps whose noise vanishes, because the latest gradient of every batch is remembered.

A. Defazio, F. Bach, S. Lacoste-Julien, "SAGA: a fast incremental gradient method with support for non-strongly convex
composite objectives", NIPS 2014. Letters are theirs.
"""

from dataclasses import replace
from typing import ClassVar, Literal, final

import numpy as np

from thalweg.arrays import Floats
from thalweg.optimizers.base import Capabilities, Optimizer, require
from thalweg.optimizers.gradient.finite_sum import (
    FAILED_START,
    FAILURES,
    HOPELESS,
    Curvature,
    Round,
    better_start,
    check_rate,
    diverged,
    draw,
    failed,
    partition,
    stationary,
    within,
)
from thalweg.optimizers.rules.checks import check_not_negative
from thalweg.problem import Candidates, Evaluations, Need, Problem
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["SAGA", "SAGAState"]

SAFETY = 3.0  # γ = 1 / (3 L)


@final
@frozen
class SAGAState:
    """The point of step k, and the table of gradients that belongs to it."""

    columns: Columns
    shares: Floats  # (B,) p_j
    seed: int
    round: Round  # the evaluations that are waited for
    last: Floats  # (d,) xᵏ⁻¹, the last point that had a value
    x: Floats  # (d,) xᵏ
    table: Floats  # (B, d) ∇f_j(φ_j); empty at first
    first_value: float = float("nan")  # f at the start
    foreign: float = float("inf")  # value of the foreign point at which it begins; −inf once it has begun
    seen: Round | None = None  # f_j(xᵏ) and its gradient, while the curvature is tested
    curvature: Curvature = Curvature()
    k: int = 0
    calm: int = 0  # steps in a row at which the mean gradient was within the tolerance
    failures: int = 0  # in a row
    ended: str = ""


@final
@frozen
class SAGA(Optimizer[SAGAState]):
    """Step along x ← P(x − γ (∇f_j(x) − ∇f_j(φ_j) + Σ p_i ∇f_i(φ_i))) for random batches j, then let φ_j be that x.

    The direction has the mean ∇f(x) and ever less variance, so that a strongly convex objective converges linearly with a
    constant γ, where stochastic gradient descent stalls. A step takes one evaluation (with ``"auto"`` another one), and
    the first table one of every batch. The state holds a gradient for every batch: B·d numbers.

    The objective must be a mean over the rows of its batch, which may have terms without data. Without minibatches there
    is one batch. It stops where the projected full gradient vanishes, ‖P(x − ∇f(x)) − x‖∞ ≤ tolerance: where the mean
    gradient of the table has been as small for B steps, the table is computed anew at one x.

    Args:
        learning_rate: γ, positive, in the units of x²/objective; or ``"auto"``: 1 / (3 L), with the curvature L of
            the batches estimated by line searches.
        tolerance: Largest component of the projected gradient at which it is done.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import numpy as np, thalweg as tw
        >>> random = np.random.default_rng(0)
        >>> X = random.normal(size=(200, 3))
        >>> y = X @ [1.0, -2.0, 0.5] + random.normal(size=200)
        >>> result = tw.minimize(
        ...     lambda w, X, y: np.mean((X @ w - y) ** 2),
        ...     tw.Box(dim=3),
        ...     gradient=lambda w, X, y: 2 * X.T @ (X @ w - y) / len(y),
        ...     minibatches=tw.Minibatches(X, y, size=20),
        ...     optimizer=SAGA(),
        ...     evaluations=3000,
        ...     seed=0,
        ... )
        >>> result.stop_reason
        'the gradient is within the tolerance 1e-06'
        >>> bool(np.allclose(result.recommended, np.linalg.lstsq(X, y)[0], atol=1e-6))
        True
    """

    learning_rate: float | Literal["auto"] = "auto"
    tolerance: float = 1e-6

    capabilities: ClassVar[Capabilities] = Capabilities(
        needs=Need.VALUE | Need.GRADIENT, integers=False, categories=False, conditions=False, unbounded=True
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check_rate(self)
        check_not_negative(self, "tolerance")

    def init(self, problem: Problem, seed: int) -> SAGAState:
        """Begin with the table, in the middle of the bounds.

        Raises:
            IncompatibleProblem: The problem has something that SAGA does not serve.
        """
        require(self, problem)
        shares, start = partition(problem, self), problem.columns.neutral
        first = Round.of(0, start, np.arange(len(shares)))
        return SAGAState(problem.columns, shares, seed, first, start, start, np.empty((0, len(start))))

    def ask(self, state: SAGAState, n: int, pending: Candidates) -> tuple[Candidates, SAGAState]:
        """Propose what is still wanted of this round."""
        if state.ended:
            return Candidates.none(state.columns), state
        return state.round.ask(state.columns, n, pending), state

    def tell(self, state: SAGAState, evaluations: Evaluations) -> SAGAState:
        """Go on when the round is complete; begin at the best foreign point that comes before it."""
        if state.ended:
            return state
        wanted = state.round.tell(evaluations)
        if wanted is not state.round:
            state = replace(state, round=wanted, foreign=-np.inf)
            return self._advance(state) if wanted.done else state
        start = better_start(evaluations, state.foreign)
        if start is None:
            return state
        x, value = start
        return _tabulate(replace(state, foreign=value, last=x), x)

    def stop(self, state: SAGAState) -> str:
        """Stop where the mean gradient vanishes, or where there is no way on."""
        return state.ended

    def recommend(self, state: SAGAState) -> Floats | None:
        """Give the latest point, where values are samples."""
        return state.x if len(state.shares) > 1 and state.foreign == -np.inf else None

    def _advance(self, state: SAGAState) -> SAGAState:
        """Go on from a round that is complete."""
        told = state.round
        if state.seen is not None:
            return self._tested(state, state.seen)
        if told.failed:
            return _back(state)
        state = replace(state, failures=0)
        if not len(state.table):
            return self._tabled(state)
        if told.value[0] - state.first_value > HOPELESS * (1 + abs(state.first_value)):
            return replace(state, ended=diverged(state.first_value, float(told.value[0])))
        if self.learning_rate != "auto":
            return self._step(state, told)
        return _test(replace(state, curvature=state.curvature.begin(told.gradient[0])), told)

    def _tabled(self, state: SAGAState) -> SAGAState:
        """Begin to step from a point at which the gradient is known, unless it vanishes there."""
        table, first = state.round.gradient, state.first_value
        if np.isnan(first):
            first = float(state.shares @ state.round.value)
        state = replace(state, table=table, first_value=first)
        if stationary(state.columns, state.x, state.shares @ table) <= self.tolerance:
            return replace(state, ended=f"the gradient is within the tolerance {self.tolerance:g}")
        return _look(state)

    def _tested(self, state: SAGAState, seen: Round) -> SAGAState:
        """Step, if the estimate of the curvature is good; else test the next one."""
        test = state.round
        state = replace(state, failures=state.failures + 1 if test.failed else 0)
        if state.failures > FAILURES:
            return replace(state, ended=failed(state.failures))
        curvature, good = state.curvature.judge(seen, test)
        state = replace(state, curvature=curvature)
        return self._step(state, seen) if good else _test(state, seen)

    def _step(self, state: SAGAState, seen: Round) -> SAGAState:
        """Step along the corrected gradient, and write the new one into the table."""
        curvature, gamma = state.curvature, self.learning_rate
        if not isinstance(gamma, int | float):
            gamma = 1 / (SAFETY * curvature.estimate)
            curvature = curvature.relax(len(state.shares))
        j, gradient, mean = int(seen.batch[0]), seen.gradient[0], state.shares @ state.table
        table = state.table.copy()
        table[j] = gradient
        with np.errstate(over="ignore", invalid="ignore"):
            x = within(state.columns, state.x - gamma * (gradient - state.table[j] + mean))
        if not np.isfinite(x).all():
            return replace(state, ended=diverged(state.first_value, np.inf))
        calm = state.calm + 1 if stationary(state.columns, state.x, state.shares @ table) <= self.tolerance else 0
        state = replace(state, table=table, curvature=curvature, k=state.k + 1, calm=calm)
        if calm >= len(state.shares):
            return _tabulate(state, state.x)
        return _look(replace(state, last=state.x, x=x))


def _tabulate(state: SAGAState, x: Floats) -> SAGAState:
    """Want the gradients of all batches at one point."""
    wanted = Round.of(state.round.following, x, np.arange(len(state.shares)))
    return replace(state, round=wanted, x=x, table=np.empty((0, len(x))), seen=None, calm=0)


def _look(state: SAGAState) -> SAGAState:
    """Want the gradient of a random batch."""
    j = draw(state.seed, state.k, state.shares)
    return replace(state, seen=None, round=Round.of(state.round.following, state.x, j))


def _test(state: SAGAState, seen: Round) -> SAGAState:
    """Want the value at a step by which the curvature of this batch is judged."""
    return replace(state, seen=seen, round=state.curvature.test(state.columns, seen, state.round.following))


def _back(state: SAGAState) -> SAGAState:
    """Go half way back to the last good point, after a failed evaluation."""
    failures = state.failures + 1
    if np.isnan(state.first_value):
        return replace(state, ended=FAILED_START)
    if failures > FAILURES:
        return replace(state, ended=failed(failures))
    curvature = replace(state.curvature, estimate=2 * state.curvature.estimate)
    middle = (state.x + state.last) / 2
    state = replace(state, x=middle, failures=failures, curvature=curvature, k=state.k + 1, calm=0)
    return _look(state) if len(state.table) else _tabulate(state, middle)
