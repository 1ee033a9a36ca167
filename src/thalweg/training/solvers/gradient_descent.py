"""Proximal gradient descent on all rows, with a step that adapts itself.

Y. Malitsky, K. Mishchenko, "Adaptive proximal gradient method for convex optimization", NeurIPS 2024, algorithm 3; letters
as there.
"""

from dataclasses import replace
from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.objective import LinearObjective
from thalweg.training.solvers.pace import WINDOW, remaining
from thalweg.training.solvers.preconditioner import Preconditioner, preconditioner
from thalweg.training.solvers.solver import Solution, Solver

__all__ = ["GradientDescent"]


@final
@frozen
class GradientDescent(Solver):
    """Go down the gradient: x ← prox(x − α ∇f(x)), one pass over the rows a step.

    The local curvature L = ‖∇f(x) − ∇f(x')‖ / ‖x − x'‖ between two iterates sets the step,

    α ← min(√(2/3 + θ) α, α / √(2 α² L² − 1)₊),    θ = α / the step before,

    so that there is no rate to choose. x are the parameters in which the columns are centred and of equal curvature.

    Args:
        tolerance: Of the decrease still to be had, relative to |F|, positive.
        max_passes: Most passes over the rows.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> from thalweg.training.losses import Squared
        >>> from thalweg.training.penalties import NoPenalty
        >>> from thalweg.training.rows import rows_of
        >>> X = np.linspace(0, 10, 50)[:, None]
        >>> problem = LinearObjective(rows_of(X, 4 + 3 * X[:, 0]), Squared(), NoPenalty(), 0.0, intercept=True)
        >>> GradientDescent().solve(problem).theta.round(6)
        array([3., 4.])
    """

    tolerance: float = 1e-7
    max_passes: int = 1000

    def __post_init__(self) -> None:
        """Check the settings."""
        if not self.tolerance > 0:
            raise InvalidSettings(f"GradientDescent: tolerance={self.tolerance}, expected a positive number")

    def refusal(self, objective: LinearObjective) -> str:
        """Serve smooth losses with every penalty."""
        if not objective.loss.smooth:
            return f"it needs gradients, and the loss {type(objective.loss).__name__} has kinks"
        return ""

    def solve(self, objective: LinearObjective, start: Floats | None = None) -> Solution:
        """Descend."""
        theta = objective.start() if start is None else start
        units = _even(objective, preconditioner(objective, theta))
        x, alpha, ratio = units.u(theta), 1.0, 1 / 3
        before, g_before = x, x
        best, best_x, gap = np.inf, x, np.inf
        values: tuple[float, ...] = ()
        for passes in range(2, max(self.max_passes, 2) + 1):  # the preconditioner's is the first
            value, gradient = objective.value_and_gradient(units.theta(x))
            g = units.gradient(gradient)
            if values:
                alpha, ratio = _next_step(alpha, ratio, x - before, g - g_before)
            if not values or value < best:
                best, best_x = value, x
            values = (*values[-WINDOW:], best)
            before, g_before, x = x, g, _prox(objective, units, x - alpha * g, alpha)
            # Of a quadratic with curvature 1, half the squared gradient is the decrease that is left.
            gap = max(0.5 * float(np.sum(((x - before) / alpha) ** 2)), remaining(values))
            rounding = np.finfo(float).eps * abs(values[0])
            enough = len(values) > WINDOW // 2  # before, a flat direction has hardly been looked at
            if np.isfinite(best) and gap <= (max(self.tolerance * abs(best), rounding) if enough else rounding):
                reason = f"the decrease still to be had is within the tolerance {self.tolerance:g}"
                return Solution(units.theta(best_x), best, gap, passes, True, reason)
        reason = f"the most passes, {self.max_passes}, are spent"
        warning = f"the solver has not converged: {reason}; allow more passes, or take another solver"
        return Solution(units.theta(best_x), best, gap, self.max_passes, False, reason, warning)


def _next_step(alpha: float, ratio: float, dx: Floats, dg: Floats) -> tuple[float, float]:
    """Give the next α, and its θ."""
    length = float(np.linalg.norm(dx))
    bent = 2 * (alpha * float(np.linalg.norm(dg)) / length) ** 2 - 1 if length > 0 else 0.0
    step = np.sqrt(2 / 3 + ratio) * alpha
    if bent > 0:
        step = min(step, alpha / np.sqrt(bent))
    return float(step), float(step) / alpha


def _prox(objective: LinearObjective, units: Preconditioner, u: Floats, alpha: float) -> Floats:
    """Make the step of the part of the penalty that is not smooth: in w, where each coefficient has a step of its own."""
    if objective.penalty.smooth or not objective.strength:
        return u
    d = objective.rows.d
    scale = units.scale[:d]
    w = objective.penalty.prox(scale * u[:d], objective.strength * alpha * scale**2)
    made = u.copy()
    np.divide(w, scale, out=made[:d], where=scale > 0)
    return made


def _even(objective: LinearObjective, units: Preconditioner) -> Preconditioner:
    """Give all columns the smallest scale, where the penalty is no sum over coefficients."""
    if objective.penalty.separable:
        return units
    scale, d = units.scale.copy(), objective.rows.d
    scale[:d] = scale[:d].min()
    return replace(units, scale=scale)
