"""SVRG: stochastic steps whose noise vanishes, because each is corrected by a full gradient.

R. Johnson, T. Zhang, "Accelerating stochastic gradient descent using predictive variance reduction", NIPS 2013 (option
I). Bounds by projection: L. Xiao, T. Zhang, "A proximal stochastic gradient method with progressive variance reduction",
SIAM Journal on Optimization 24(4), 2014. Letters are those of the former.
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
from thalweg.optimizers.rules.checks import check_not_negative, check_positive
from thalweg.problem import Candidates, Evaluations, Need, Problem
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["SVRG", "SVRGState"]

SAFETY = 2.0  # η = 1 / (2 L) where no learning rate is given
TOGETHER = 16  # batches of a pass that may be evaluated at the same time


@final
@frozen
class SVRGState:
    """Where it stands: in a pass over the batches at the snapshot, or at a step t from there."""

    columns: Columns
    shares: Floats  # (B,) p_j
    seed: int
    round: Round  # the evaluations that are waited for
    last: Floats  # (d,) the snapshot before
    snapshot: Floats  # (d,) w̃
    x: Floats  # (d,) w_t
    mu: Floats  # (d,) μ̃ = ∇f(w̃), or the part of it from the batches passed so far
    value: float = 0.0  # f(w̃), or that part of it
    first_value: float = float("nan")  # f at the start
    foreign: float = float("inf")  # value of the foreign point at which it begins; −inf once it has begun
    passing: bool = True  # whether the full gradient is computed
    pair: Round | None = None  # ∇f_j(w_t) and ∇f_j(w̃), while the curvature is tested
    curvature: Curvature = Curvature()
    t: int = 0  # steps since the snapshot
    steps: int = 0  # steps in all
    failures: int = 0  # in a row
    ended: str = ""


@final
@frozen
class SVRG(Optimizer[SVRGState]):
    """Step along w ← P(w − η (∇f_j(w) − ∇f_j(w̃) + μ̃)) for random batches j, with μ̃ the full gradient at a snapshot w̃.

    After some steps the last point becomes the snapshot. The direction has the mean ∇f(w) and ever less variance, so
    that a strongly convex objective converges linearly with a constant η, where stochastic gradient descent stalls. A
    pass takes an evaluation of every batch, a step two on one batch (and with ``"auto"`` a third).

    The objective must be a mean over the rows of its batch, which may have terms without data. Without minibatches there
    is one batch. It stops where the projected full gradient vanishes, ‖P(w̃ − μ̃) − w̃‖∞ ≤ tolerance.

    Args:
        learning_rate: η, positive, in the units of x²/objective; or ``"auto"``: 1 / (2 L), with the curvature L of
            the batches estimated by line searches.
        epochs: Steps between snapshots, in epochs: m = epochs · B, at least 1.
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
        ...     optimizer=SVRG(),
        ...     evaluations=3000,
        ...     seed=0,
        ... )
        >>> result.stop_reason
        'the gradient is within the tolerance 1e-06'
        >>> bool(np.allclose(result.recommended, np.linalg.lstsq(X, y)[0], atol=1e-6))
        True
    """

    learning_rate: float | Literal["auto"] = "auto"
    epochs: float = 2.0
    tolerance: float = 1e-6

    capabilities: ClassVar[Capabilities] = Capabilities(
        needs=Need.VALUE | Need.GRADIENT, integers=False, categories=False, conditions=False, unbounded=True
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check_rate(self)
        check_positive(self, "epochs")
        check_not_negative(self, "tolerance")

    def init(self, problem: Problem, seed: int) -> SVRGState:
        """Begin a pass in the middle of the bounds.

        Raises:
            IncompatibleProblem: The problem has something that SVRG does not serve.
        """
        require(self, problem)
        shares, start = partition(problem, self), problem.columns.neutral
        first = Round.of(0, start, np.arange(min(TOGETHER, len(shares))))
        return SVRGState(problem.columns, shares, seed, first, start, start, start, np.zeros_like(start))

    def ask(self, state: SVRGState, n: int, pending: Candidates) -> tuple[Candidates, SVRGState]:
        """Propose what is still wanted of this round."""
        if state.ended:
            return Candidates.none(state.columns), state
        return state.round.ask(state.columns, n, pending), state

    def tell(self, state: SVRGState, evaluations: Evaluations) -> SVRGState:
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
        return replace(state, foreign=value, snapshot=x, x=x, round=_chunk(state, x, 0))

    def stop(self, state: SVRGState) -> str:
        """Stop where the full gradient vanishes, or where there is no way on."""
        return state.ended

    def recommend(self, state: SVRGState) -> Floats | None:
        """Give the latest point, where values are samples."""
        return state.x if len(state.shares) > 1 and state.foreign == -np.inf else None

    def _advance(self, state: SVRGState) -> SVRGState:
        """Go on from a round that is complete."""
        told = state.round
        if state.pair is not None:
            return self._tested(state, state.pair)
        if told.failed:
            return _back(state)
        state = replace(state, failures=0)
        if state.passing:
            return self._pass(state)
        if self.learning_rate != "auto":
            return self._step(state, told)
        return _test(replace(state, curvature=state.curvature.begin(told.gradient[0])), told)

    def _pass(self, state: SVRGState) -> SVRGState:
        """Add up the full gradient; once it is whole, begin to step."""
        told = state.round
        p = state.shares[told.batch]
        state = replace(state, mu=state.mu + p @ told.gradient, value=state.value + float(p @ told.value))
        passed = int(told.batch[-1]) + 1
        if passed < len(state.shares):
            return replace(state, round=_chunk(state, state.snapshot, passed))
        first = state.value if np.isnan(state.first_value) else state.first_value
        state = replace(state, first_value=first)
        if stationary(state.columns, state.snapshot, state.mu) <= self.tolerance:
            return replace(state, ended=f"the gradient is within the tolerance {self.tolerance:g}")
        if state.value - first > HOPELESS * (1 + abs(first)):
            return replace(state, ended=diverged(first, state.value))
        return _pair(replace(state, t=0))

    def _tested(self, state: SVRGState, pair: Round) -> SVRGState:
        """Step, if the estimate of the curvature is good; else test the next one."""
        test = state.round
        state = replace(state, failures=state.failures + 1 if test.failed else 0)
        if state.failures > FAILURES:
            return replace(state, ended=failed(state.failures))
        curvature, good = state.curvature.judge(pair, test)
        state = replace(state, curvature=curvature)
        return self._step(state, pair) if good else _test(state, pair)

    def _step(self, state: SVRGState, pair: Round) -> SVRGState:
        """Step along the corrected gradient; after m steps take a snapshot."""
        curvature, eta = state.curvature, self.learning_rate
        if not isinstance(eta, int | float):
            eta = 1 / (SAFETY * curvature.estimate)
            curvature = curvature.relax(len(state.shares))
        with np.errstate(over="ignore", invalid="ignore"):
            x = within(state.columns, state.x - eta * (pair.gradient[0] - pair.gradient[1] + state.mu))
        if not np.isfinite(x).all():
            return replace(state, ended=diverged(state.first_value, np.inf))
        state = replace(state, x=x, curvature=curvature, t=state.t + 1, steps=state.steps + 1)
        if state.t < self.epochs * len(state.shares):
            return _pair(state)
        fresh = replace(state, last=state.snapshot, snapshot=x, mu=np.zeros_like(x), value=0.0, passing=True, pair=None)
        return replace(fresh, round=_chunk(fresh, x, 0))


def _chunk(state: SVRGState, x: Floats, first: int) -> Round:
    """Want the next batches of a pass."""
    last = min(first + TOGETHER, len(state.shares))
    return Round.of(state.round.following, x, np.arange(first, last))


def _test(state: SVRGState, pair: Round) -> SVRGState:
    """Want the value at a step by which the curvature of this batch is judged."""
    return replace(state, pair=pair, round=state.curvature.test(state.columns, pair, state.round.following))


def _pair(state: SVRGState) -> SVRGState:
    """Want the gradients at the point and at the snapshot on one batch."""
    j = draw(state.seed, state.steps, state.shares)
    both = Round.of(state.round.following, np.array([state.x, state.snapshot]), [j, j])
    return replace(state, passing=False, pair=None, round=both)


def _back(state: SVRGState) -> SVRGState:
    """Go half way back to the last point that had values on all batches, after a failed evaluation."""
    failures = state.failures + 1
    if np.isnan(state.first_value):
        return replace(state, ended=FAILED_START)
    if failures > FAILURES:
        return replace(state, ended=failed(failures))
    curvature = replace(state.curvature, estimate=2 * state.curvature.estimate)
    state = replace(state, failures=failures, curvature=curvature)
    if not state.passing:
        return _pair(replace(state, x=(state.x + state.snapshot) / 2, steps=state.steps + 1))
    x = (state.snapshot + state.last) / 2
    fresh = replace(state, x=x, snapshot=x, mu=np.zeros_like(x), value=0.0)
    return replace(fresh, round=_chunk(fresh, x, 0))
