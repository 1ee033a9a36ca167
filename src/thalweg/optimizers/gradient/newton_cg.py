"""Newton's method with conjugate gradients.

R. S. Dembo, T. Steihaug, "Truncated-Newton algorithms for large-scale unconstrained optimization", Mathematical
Programming 26, 1983, as in J. Nocedal, S. J. Wright, "Numerical Optimization", 2nd edition, 2006, algorithm 7.1. Bounds:
D. P. Bertsekas, "Projected Newton methods for optimization problems with simple constraints", SIAM Journal on Control and
Optimization 20(2), 1982.
"""

import math
from dataclasses import replace
from typing import final

import numpy as np

from thalweg.arrays import Bools, Floats
from thalweg.errors import InvalidSettings
from thalweg.optimizers.gradient.line_descent import LineDescent, LineState
from thalweg.optimizers.gradient.line_search import WolfeSearch
from thalweg.serial import frozen

__all__ = ["ConjugateGradients", "NewtonCG"]


@final
@frozen
class ConjugateGradients:
    """Where the inner iteration for H z = −g stands, in the columns that are free to move."""

    free: Bools  # (d,)
    z: Floats  # (d,) the solution so far
    r: Floats  # (d,) H z + g
    p: Floats  # (d,) the direction whose product H p is waited for
    enough: float  # ‖r‖ at which it is accurate enough
    cauchy: float  # step along −g to the minimum of the quadratic model; a step of length 1 before H g is known
    iteration: int = 0


@final
@frozen
class NewtonCG(LineDescent):
    """Go down by Newton's method, its equations solved by conjugate gradients only as far as it pays.

    x ← x + α z,  ‖H z + g‖ ≤ min(0.1, √‖g‖) ‖g‖,

    and where the curvature pᵀHp along an inner direction p is negative, z ends with a step along p as long as if it were
    positive. Products with the Hessian are differences of gradients, H p ≈ (g(x + ε p) − g(x)) / ε, each an evaluation of
    its own. It is for badly conditioned functions of many columns, where a few pairs of L-BFGS do not hold the curvature.
    Columns at a bound that the gradient pushes against stay there.

    Args:
        tolerance: Largest component of the projected gradient at which it is done, in the units of objective/x.
        search: The line search.

    Raises:
        InvalidSettings: The tolerance is negative.

    Example:
        >>> import thalweg as tw
        >>> from thalweg.problem.functions import rosenbrock
        >>> f = rosenbrock(dim=2)
        >>> result = tw.minimize(f, f.space, gradient=f.gradient, optimizer=NewtonCG(), initial=[[-1.2, 1.0]])
        >>> result.best.params.round(6)
        array([1., 1.])
    """

    tolerance: float = 1e-6
    search: WolfeSearch = WolfeSearch(parabola=1e-7)

    def __post_init__(self) -> None:
        """Check the setting."""
        if not self.tolerance >= 0:
            raise InvalidSettings(f"NewtonCG: tolerance={self.tolerance}, expected at least 0")

    def _nothing(self, dim: int) -> None:
        """Begin every iteration anew."""

    def _is_nothing(self, model: object) -> bool:
        return True

    def _learn(self, model: object, s: Floats, y: Floats) -> None:
        """Forget the inner iteration: the Hessian is another one now."""

    def _holds_all(self, model: object) -> bool:
        return True

    def _aim(self, state: LineState, probed: Floats | None) -> LineState:
        inner, done = _begin(state), False
        if probed is not None and state.probe is not None:
            inner, done = _iterate(state.model, state.probe - state.x, probed - state.gradient)
        probe = None if done else _probe(state, inner.p)
        if probe is None:
            return replace(state, model=None, probe=None, target=_target(state, inner))
        return replace(state, model=inner, probe=probe)


def _begin(state: LineState) -> ConjugateGradients:
    g, columns = state.gradient, state.columns
    free = ~((g > 0) & (state.x <= columns.low) | (g < 0) & (state.x >= columns.high))
    r = np.where(free, g, 0.0)
    norm = float(np.linalg.norm(r))
    enough = min(0.1, math.sqrt(norm)) * norm  # the textbook's ½ is too coarse where gradients are large numbers
    return ConjugateGradients(free, np.zeros_like(r), r, -r, enough, 1 / max(1.0, norm))


def _probe(state: LineState, p: Floats) -> Floats | None:
    """Give the point x ± ε p (d,) where a gradient tells H p; None where the bounds leave no room for it."""
    x, low, high = state.x, state.columns.low, state.columns.high
    epsilon = np.sqrt(np.finfo(float).eps) * (1 + np.linalg.norm(x)) / np.linalg.norm(p)
    for step in (epsilon, -epsilon, 0.01 * epsilon, -0.01 * epsilon):
        probe: Floats = x + step * p
        if ((probe >= low) & (probe <= high)).all():
            return probe
    return None


def _iterate(inner: ConjugateGradients, s: Floats, y: Floats) -> tuple[ConjugateGradients, bool]:
    """Make one step of conjugate gradients, where the gradient changes by y along s ∥ p; say whether it was the last."""
    z, r, p = inner.z, inner.r, inner.p
    Hp = np.where(inner.free, y * (p @ p / (p @ s)), 0.0)
    curvature, rr = float(p @ Hp), float(r @ r)
    if inner.iteration == 0 and 0 < abs(curvature) < math.inf:
        inner = replace(inner, cauchy=rr / abs(curvature))
    if not 0 < abs(curvature) < math.inf:
        return inner, True
    if curvature < 0:  # the textbook's end, z, is short in a curved valley; p goes down as well
        return replace(inner, z=z + rr / -curvature * p), True
    alpha = rr / curvature
    z, r = z + alpha * p, r + alpha * Hp
    p = -r + (r @ r / rr) * p
    inner = replace(inner, z=z, r=r, p=p, iteration=inner.iteration + 1)
    longest = 3 * inner.free.sum()  # without rounding, once the number of columns would do
    return inner, bool(np.linalg.norm(r) <= inner.enough or inner.iteration >= longest)


def _target(state: LineState, inner: ConjugateGradients) -> Floats:
    """Give the end of the Newton step within bounds, or that of a gradient step where this one does not go down."""
    x, g, low, high = state.x, state.gradient, state.columns.low, state.columns.high
    newton: Floats = np.clip(x + inner.z, low, high)
    gradient: Floats = np.clip(x - inner.cauchy * g, low, high)
    return newton if g @ (newton - x) < 0 else gradient
