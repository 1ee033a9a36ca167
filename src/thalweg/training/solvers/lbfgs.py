"""L-BFGS for smooth objectives of any size, in preconditioned parameters.

D. C. Liu, J. Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical Programming 45, 1989.
Letters as in J. Nocedal, S. J. Wright, "Numerical Optimization", 2006, algorithms 7.4 and 7.5.
"""

from dataclasses import replace
from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.optimizers.gradient import WolfeSearch, WolfeState
from thalweg.serial import frozen
from thalweg.training.objective import LinearObjective
from thalweg.training.solvers.pace import WINDOW, remaining
from thalweg.training.solvers.pass_log import PassLog, pass_by_pass
from thalweg.training.solvers.preconditioner import Preconditioner, preconditioner
from thalweg.training.solvers.separation import advice, certain
from thalweg.training.solvers.solver import Solution, Solver

__all__ = ["LBFGS", "LBFGSState"]


@final
@frozen
class LBFGSState:
    """Where it stands after a pass; vectors are in the parameters u of the preconditioner, flat.

    Attributes:
        units: The preconditioner.
        u: The last accepted point.
        value: F there.
        gradient: There.
        direction: p of the line that is searched.
        search: How far that search is.
        values: F at the last accepted points, oldest first.
        least: A decrease that is lost in rounding beside F at the start.
        s: The last m steps, oldest first.
        y: The changes of the gradient along them.
        passes: Passes over the rows so far, the preconditioner's included.
        ended: Why it is over; empty while it is not.
        converged: Whether the tolerance was reached.
    """

    units: Preconditioner
    u: Floats
    value: float
    gradient: Floats
    direction: Floats
    search: WolfeState
    values: tuple[float, ...]
    least: float
    s: tuple[Floats, ...] = ()
    y: tuple[Floats, ...] = ()
    passes: int = 2
    ended: str = ""
    converged: bool = False

    @property
    def gap(self) -> float:
        """Estimate F − min F: the decrease that the model of the curvature, or the pace of the descent, promises."""
        return max(-0.5 * self.search.start.slope, remaining(self.values))


@final
@frozen
class LBFGS(Solver):
    """Go along p = −H g, where H is the inverse Hessian as the last m steps s and changes y of the gradient show it.

    Every pass takes value and gradient of all rows at one point; the line search nearly always accepts the first. The
    parameters are first changed so that columns count as centred and of equal curvature, which costs one pass and saves
    most of the others: neither the scales of the columns nor how rare their entries are changes what the steps do.

    Args:
        tolerance: Of the decrease still to be had, relative to |F|, positive.
        memory: m, the number of pairs (s, y) that are kept.
        max_passes: Most passes over the rows.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> from thalweg.training.losses import Logistic
        >>> from thalweg.training.penalties import L2
        >>> from thalweg.training.rows import rows_of
        >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0.0, 1.0, 0.0, 1.0])
        >>> solution = LBFGS().solve(LinearObjective(rows_of(X, y), Logistic(), L2(), 0.1, intercept=True))
        >>> solution.theta.round(1), solution.converged
        (array([0.4, 0. ]), True)
    """

    tolerance: float = 1e-7
    memory: int = 10
    max_passes: int = 1000

    def __post_init__(self) -> None:
        """Check the settings."""
        if not self.tolerance > 0:
            raise InvalidSettings(f"LBFGS: tolerance={self.tolerance}, expected a positive number")
        if self.memory < 1:
            raise InvalidSettings(f"LBFGS: memory={self.memory}, expected at least 1 pair")

    def refusal(self, objective: LinearObjective) -> str:
        """Serve smooth losses with smooth penalties."""
        if not objective.loss.smooth:
            return f"it needs derivatives, and the loss {type(objective.loss).__name__} has kinks"
        if not objective.penalty.smooth:
            return f"it needs derivatives, and the penalty {type(objective.penalty).__name__} has kinks"
        return ""

    def solve(self, objective: LinearObjective, start: Floats | None = None, log: PassLog | None = None) -> Solution:
        """Pass over the rows until it is done; see :func:`~thalweg.training.solvers.pass_log.pass_by_pass`."""
        state = pass_by_pass(self, objective, start, log)
        theta, value = state.units.theta(state.u.reshape(objective.shape)), state.value
        if objective.predictors > 1:  # what all predictors share changes no probability, and costs penalty
            common = theta.mean(axis=1, keepdims=True)
            theta = theta - common
            value -= 0.5 * objective.ridge * objective.predictors * float(np.sum(common[: objective.rows.d] ** 2))
        warning = _warning(objective, state)
        return Solution(theta, value, state.gap, state.passes, state.converged, state.ended, warning)

    def init(self, objective: LinearObjective, start: Floats | None = None) -> LBFGSState:
        """Make the preconditioner, and look at the start: two passes."""
        theta = objective.start() if start is None else start
        units = preconditioner(objective, theta)
        u = units.u(theta)
        value, gradient = objective.value_and_gradient(units.theta(u))
        g = units.gradient(gradient).ravel()
        search = WolfeSearch().begin(value, -float(g @ g), 1.0)
        state = LBFGSState(units, u.ravel(), value, g, -g, search, (value,), np.finfo(float).eps * abs(value))
        return self._judged(objective, state)

    def advance(self, objective: LinearObjective, state: LBFGSState) -> LBFGSState:
        """Make one pass, at the next point of the line."""
        u = state.u + state.search.alpha * state.direction
        value, gradient = objective.value_and_gradient(state.units.theta(u.reshape(objective.shape)))
        g = state.units.gradient(gradient).ravel()
        search = WolfeSearch().advance(state.search, value, float(g @ state.direction))
        state = replace(state, search=search, passes=state.passes + 1)
        if search.accepted:
            s, y = u - state.u, g - state.gradient
            if s @ y > np.finfo(float).eps * (y @ y):
                kept = slice(max(0, len(state.s) + 1 - self.memory), None)
                state = replace(state, s=(*state.s, s)[kept], y=(*state.y, y)[kept])
            values = (*state.values, value)[-WINDOW - 1 :]
            state = _aimed(replace(state, u=u, value=value, gradient=g, values=values))
        return self._judged(objective, state)

    def _judged(self, objective: LinearObjective, state: LBFGSState) -> LBFGSState:
        """See whether this is the end; where the line failed, forget the curvature and begin again along the gradient."""
        if state.search.evaluations == 0 and state.gap <= max(self.tolerance * abs(state.value), state.least):
            reason = f"the decrease still to be had is within the tolerance {self.tolerance:g}"
            return replace(state, ended=reason, converged=True)
        if certain(objective, state.value):
            return replace(state, ended="every row is predicted with certainty")
        if state.search.failed and state.s:
            return self._judged(objective, _aimed(replace(state, s=(), y=())))
        if state.search.failed:
            reason = "no step goes further down: the end of the numbers' precision"
            return replace(state, ended=reason, converged=True)
        if state.passes >= self.max_passes:
            return replace(state, ended=f"the most passes, {self.max_passes}, are spent")
        return state


def _aimed(state: LBFGSState) -> LBFGSState:
    """Begin the line along −H g."""
    direction = -_two_loops(state.s, state.y, state.gradient)
    search = WolfeSearch().begin(state.value, float(state.gradient @ direction), 1.0)
    return replace(state, direction=direction, search=search)


def _two_loops(s: tuple[Floats, ...], y: tuple[Floats, ...], g: Floats) -> Floats:
    """Give H g (algorithm 7.4), with H₀ = γ I (equation 7.20)."""
    r, alphas = g.copy(), []
    for s_i, y_i in zip(reversed(s), reversed(y), strict=True):
        alphas.append(float(s_i @ r) / float(s_i @ y_i))
        r -= alphas[-1] * y_i
    if s:
        r *= float(s[-1] @ y[-1]) / float(y[-1] @ y[-1])
    for s_i, y_i, alpha in zip(s, y, reversed(alphas), strict=True):
        r += (alpha - float(y_i @ r) / float(s_i @ y_i)) * s_i
    return r


def _warning(objective: LinearObjective, state: LBFGSState) -> str:
    """Say where there is no finite answer, or none yet."""
    if certain(objective, state.value):
        return advice()
    return "" if state.converged else f"the solver has not converged: {state.ended}; allow more passes"
