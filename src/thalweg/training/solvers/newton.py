"""Newton's method on a growing part of the rows: IRLS with Cholesky, whose Hessian need not see every row.

P. J. Green, "Iteratively reweighted least squares for maximum likelihood estimation", Journal of the Royal Statistical
Society B 46, 1984. Sub-sampled Hessian: R. H. Byrd, G. M. Chin, W. Neveitt, J. Nocedal, "On the use of stochastic Hessian
information in optimization methods for machine learning", SIAM Journal on Optimization 21, 2011; F. Roosta-Khorasani,
M. W. Mahoney, "Sub-sampled Newton methods", Mathematical Programming 174, 2019. Newton decrement as in S. Boyd,
L. Vandenberghe, "Convex Optimization", 2004, chapter 9.5.
"""

from dataclasses import replace
from typing import Any, ClassVar, final

import numpy as np
from scipy.sparse import vstack

from thalweg.arrays import Floats
from thalweg.serial import frozen
from thalweg.training.objective import LinearObjective
from thalweg.training.rows import Chunk, chunk_rows, map_rows, rows_of, sum_rows
from thalweg.training.solvers.hessian import InverseRoot, chunk_hessian, invert, stratified
from thalweg.training.solvers.pass_log import PassLog, pass_by_pass
from thalweg.training.solvers.separation import advice, certain, unheld
from thalweg.training.solvers.solver import Solution, Solver

__all__ = ["Newton", "NewtonState"]

MOST_PARAMETERS = 5_000  # of a Hessian of 200 MB
FIRST_SHARE = 0.01  # of the rows, on which it begins where there are many
HESSIAN_SHARE = 0.1  # of the rows, from which the Hessian is estimated
ROWS_PER_PARAMETER = 200  # that a sample has at least: its Hessian is then wrong by about one part in √200
HALVINGS = 40
SUFFICIENT = 1e-4  # share of the predicted decrease that a step must bring (Armijo)
STALE = 0.3  # a decrement that did not shrink to this share wants a Hessian of more rows
RUNAWAY = 0.1  # a last step of this size, in the units of the predictor, leads nowhere


@final
@frozen
class NewtonState:
    """Where it stands between two passes.

    Attributes:
        theta: The best parameters so far.
        value: F there; inf before the first pass.
        step: What leads from ``theta`` to the next point.
        slope: gᵀ step ≤ 0, the predicted change of F.
        decrement: ½ gᵀH⁻¹g at ``theta``; inf before the first pass.
        share: Part of the rows of which the next Hessian is made; 0 where the last one will do.
        inverse: The last Hessian, inverted; None before the first pass.
        units: What one unit of a parameter does to the predictor, about; empty before the first pass.
        passes: Passes over the rows so far.
        halvings: How often the present step was halved.
        first: F at the first pass: a share of it that no sum of the rows resolves is as good as nothing.
        ended: Why it is done; empty while it is not.
    """

    theta: Floats
    value: float
    step: Floats
    slope: float
    decrement: float
    share: float
    inverse: InverseRoot | None
    units: Floats
    passes: int = 0
    halvings: int = 0
    first: float = 0.0
    ended: str = ""
    converged: bool = False


@final
@frozen
class Newton(Solver):
    """Solve H p = −g, go to θ + p or part of the way; stop where ½ gᵀH⁻¹g, the decrease still to be had, is small.

    With many rows the first steps are made on a random hundredth of them, to the accuracy which that has to give: about
    p/2m for p parameters and m rows. From there every pass takes value and gradient of all rows, and the Hessian of a
    tenth of them: the error shrinks by about √(p/m) each time. No step depends on the scales of the columns.

    Args:
        tolerance: Of ½ gᵀH⁻¹g relative to |F|, positive.
        max_passes: Most passes over the rows.
        seed: Of the samples of rows.

    Example:
        >>> from thalweg.training.losses import Logistic
        >>> from thalweg.training.penalties import L2
        >>> from thalweg.training.rows import rows_of
        >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0.0, 1.0, 0.0, 1.0])
        >>> solution = Newton().solve(LinearObjective(rows_of(X, y), Logistic(), L2(), 0.1, intercept=True))
        >>> solution.theta.round(3), solution.reason
        (array([0.355, 0.   ]), 'the decrease still to be had is within the tolerance 1e-08')
    """

    tolerance: float = 1e-8
    max_passes: int = 100
    seed: int = 0

    sees_all: ClassVar[bool] = True

    def refusal(self, objective: LinearObjective) -> str:
        """Serve losses with a second derivative, and smooth penalties."""
        if not objective.loss.smooth:
            return f"it needs second derivatives, and the loss {type(objective.loss).__name__} has kinks"
        if not objective.penalty.smooth:
            return f"it needs derivatives, and the penalty {type(objective.penalty).__name__} has kinks"
        p = int(np.prod(objective.shape))
        return f"its matrix of {p:,} × {p:,} would not fit" if p > MOST_PARAMETERS else ""

    def solve(self, objective: LinearObjective, start: Floats | None = None, log: PassLog | None = None) -> Solution:
        """Pass over the rows until it is done; see :func:`~thalweg.training.solvers.pass_log.pass_by_pass`."""
        state = pass_by_pass(self, objective, start, log)
        warning = self._warning(objective, state)
        return Solution(state.theta, state.value, state.decrement, state.passes, state.converged, state.ended, warning)

    def init(self, objective: LinearObjective, start: Floats | None = None) -> NewtonState:
        """Begin at the start, or where a sample of the rows leads."""
        n, p = objective.rows.n, int(np.prod(objective.shape))
        if start is None:
            m = max(min(FIRST_SHARE * n, chunk_rows(objective.rows.d) / 2), ROWS_PER_PARAMETER * p)
            start = objective.start() if m > n / 4 else self._sampled(objective, m / n)
        nowhere = np.zeros(objective.shape)
        return NewtonState(start, np.inf, nowhere, 0.0, np.inf, self._share(objective), None, np.empty(0))

    def advance(self, objective: LinearObjective, state: NewtonState) -> NewtonState:
        """Make one pass, at the next point."""
        theta = state.theta + state.step
        sums = sum_rows(objective.rows, lambda chunk: self._sums(objective, state, chunk, theta))
        value, gradient = objective.completed(theta, sums[0], sums[1])
        state = replace(state, passes=state.passes + 1)
        if not np.isfinite(gradient).all() and state.passes == 1:  # at θ = 0 the value alone may not show it
            return replace(state, theta=theta, value=np.nan, ended="there are numbers that are not finite")
        state = replace(state, first=state.first if state.passes > 1 else abs(value))
        if not value <= state.value + SUFFICIENT * state.slope + _rounding(objective, state):  # NaN is refused too
            return _halved(state)
        inverse, units = state.inverse, state.units
        if inverse is None or state.share:
            hessian = sums[2] / sums[3]
            inverse = invert(hessian, objective.ridges)
            units = units if len(units) else _units(objective, hessian)
        step, decrement = inverse.step(gradient)
        state = replace(
            state, theta=theta, value=value, step=step, slope=-2 * decrement, decrement=decrement, inverse=inverse,
            share=self._next_share(state, objective, value, decrement), units=units, halvings=0,
        )  # fmt: skip
        return self._judged(objective, state)

    def _next_share(self, state: NewtonState, objective: LinearObjective, value: float, decrement: float) -> float:
        """Keep the Hessian where the next step is to be the last; take more rows where it has led too slowly."""
        least = self._share(objective)
        if not np.isfinite(state.decrement):
            return least
        shrunk = decrement / state.decrement
        if shrunk * decrement <= self.tolerance * abs(value):
            return 0.0
        return min(1.0, 4 * max(least, state.share)) if shrunk > STALE else max(least, state.share)

    def _share(self, objective: LinearObjective) -> float:
        p = int(np.prod(objective.shape))
        return min(1.0, max(HESSIAN_SHARE, 5 * ROWS_PER_PARAMETER * p / objective.rows.n))

    def _sampled(self, objective: LinearObjective, share: float) -> Floats:
        """Give the parameters that are best for a sample of the rows, as well as these can know."""

        def take(chunk: Chunk) -> Chunk:
            return chunk.take(stratified(self.seed + chunk.start, len(chunk), share))

        parts = map_rows(objective.rows, take)
        y = np.concatenate([part.y for part in parts])
        weight = None if parts[0].weight is None else np.concatenate([part.weight for part in parts])
        X = (
            vstack([part.X for part in parts], format="csr")
            if objective.rows.sparse
            else np.concatenate([part.X for part in parts])
        )
        sample = replace(objective, rows=rows_of(X, y, weight))
        enough = 0.1 * float(np.prod(objective.shape)) / len(y)
        return replace(self, tolerance=enough, max_passes=20).solve(sample, sample.start()).theta

    def _sums(self, objective: LinearObjective, state: NewtonState, chunk: Chunk, theta: Floats) -> tuple[Any, ...]:
        sums = objective.chunk_gradient(chunk, theta)
        if not state.share:
            return sums
        sample = chunk.take(stratified(self.seed + chunk.start + state.passes, len(chunk), state.share))
        return *sums, *chunk_hessian(objective, sample, theta)

    def _judged(self, objective: LinearObjective, state: NewtonState) -> NewtonState:
        if state.decrement <= max(self.tolerance * abs(state.value), _rounding(objective, state)):
            reason = f"the decrease still to be had is within the tolerance {self.tolerance:g}"
            return replace(state, ended=reason, converged=True)
        if certain(objective, state.value):
            return replace(state, ended="every row is predicted with certainty", converged=False)
        if state.passes >= self.max_passes:
            return replace(state, ended=f"the most passes, {self.max_passes}, are spent")
        return state

    def _warning(self, objective: LinearObjective, state: NewtonState) -> str:
        """Say where there is no finite answer, or none yet."""
        runaway = len(state.units) > 0 and float(np.abs(state.step.ravel() * state.units).max()) > RUNAWAY
        if certain(objective, state.value) or (unheld(objective) and runaway):
            return advice(", at least in one direction")
        return "" if state.converged else f"the solver has not converged: {state.ended}; allow more passes"


def _rounding(objective: LinearObjective, state: NewtonState) -> float:
    """Give a difference of F that the numbers do not resolve."""
    return float(np.finfo(objective.rows.dtype).eps) * state.first


def _halved(state: NewtonState) -> NewtonState:
    if state.halvings >= HALVINGS:
        return replace(state, ended="no step goes further down: the end of the numbers' precision", converged=True)
    return replace(state, step=state.step / 2, slope=state.slope / 2, halvings=state.halvings + 1)


def _units(objective: LinearObjective, hessian: Floats) -> Floats:
    bound = objective.loss.curvature_bound
    return np.sqrt(np.diag(hessian) / bound) if np.isfinite(bound) else np.zeros(len(hessian))
