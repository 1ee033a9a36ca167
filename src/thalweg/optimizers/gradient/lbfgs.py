"""L-BFGS, with bounds.

J. Nocedal, "Updating quasi-Newton matrices with limited storage", Mathematics of Computation 35, 1980. Bounds: R. H.
Byrd, P. Lu, J. Nocedal, C. Zhu, "A limited memory algorithm for bound constrained optimization", SIAM Journal on
Scientific Computing 16(5), 1995.
"""

from dataclasses import replace
from typing import final

import numpy as np

from thalweg.arrays import Bools, Floats
from thalweg.errors import InvalidSettings
from thalweg.optimizers.gradient.bounded_step import bounded_step
from thalweg.optimizers.gradient.line_descent import LineDescent, LineState
from thalweg.optimizers.gradient.line_search import WolfeSearch
from thalweg.serial import frozen

__all__ = ["LBFGS", "CompactForm", "Corrections"]


@final
@frozen
class Corrections:
    """The last k ≤ m pairs (s, y), oldest first, each scaled so that s·y = 1: B does not change by that."""

    S: Floats  # (k, d)
    Y: Floats  # (k, d)
    theta: float = 1.0  # θ = y·y / s·y of the last pair


@final
@frozen
class LBFGS(LineDescent):
    """Go down by Newton's method with the curvature that the last m steps have shown, within bounds.

    x ← x + α (z − x),  z ≈ argmin g·(z − x) + ½ (z − x)ᵀB(z − x)  within the bounds,

    where B holds what the pairs s = change of x, y = change of the gradient say, so that B s = y, and α is found by a
    line search. An iteration takes O(m d) time and memory, and mostly one evaluation. It begins in the middle of the
    bounds, at 0 where there are none, or at the best of the points that it is told before its own first one.

    It stops where the projected gradient vanishes, ‖P(x − g) − x‖∞ ≤ tolerance, and where no decrease is left above
    rounding. A failed evaluation is a step too long. Where nothing was forgotten yet, searches along exact
    parabolas are exact: on quadratic functions of at most m columns it ends in about d of them.

    Args:
        memory: m, number of pairs, at least 1.
        tolerance: Largest component of the projected gradient at which it is done, in the units of objective/x.
        search: The line search.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import thalweg as tw
        >>> from thalweg.problem.functions import rosenbrock
        >>> f = rosenbrock(dim=20)
        >>> result = tw.minimize(f, f.space, gradient=f.gradient, optimizer=LBFGS(), initial=[[-1.2, 1.0] * 10])
        >>> result.best.value < 1e-10
        True
        >>> result.stop_reason
        'the projected gradient is within the tolerance 1e-06'
    """

    memory: int = 10
    tolerance: float = 1e-6
    search: WolfeSearch = WolfeSearch(parabola=1e-7)

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.memory < 1:
            raise InvalidSettings(f"LBFGS: memory={self.memory}, expected at least 1 pair")
        if not self.tolerance >= 0:
            raise InvalidSettings(f"LBFGS: tolerance={self.tolerance}, expected at least 0")

    def _nothing(self, dim: int) -> Corrections:
        return Corrections(np.empty((0, dim)), np.empty((0, dim)))

    def _is_nothing(self, model: Corrections) -> bool:
        return not len(model.S)

    def _learn(self, model: Corrections, s: Floats, y: Floats) -> Corrections:
        scale, kept = np.sqrt(s @ y), slice(max(0, len(model.S) + 1 - self.memory), None)
        S = np.concatenate([model.S[kept], s[None] / scale])
        Y = np.concatenate([model.Y[kept], y[None] / scale])
        return Corrections(S, Y, float(Y[-1] @ Y[-1]))

    def _holds_all(self, model: Corrections) -> bool:
        return len(model.S) < self.memory or model.S.shape[1] <= self.memory

    def _aim(self, state: LineState, probed: Floats | None) -> LineState:
        low, high = state.columns.low, state.columns.high
        model: Corrections = state.model
        if not (len(model.S) or state.columns.bounded):  # without any scale, a first step of length 1
            model = replace(model, theta=float(np.linalg.norm(state.gradient)))
        if np.isinf(low).all() and np.isinf(high).all():
            return replace(state, target=state.x - _two_loops(model, state.gradient))
        return replace(state, target=bounded_step(CompactForm(model), state.x, state.gradient, low, high))


def _two_loops(model: Corrections, gradient: Floats) -> Floats:
    """Multiply the inverse of B by the gradient (algorithm 7.4 of Nocedal and Wright, with ρ = 1)."""
    q, a = gradient.copy(), np.empty(len(model.S))
    for i in reversed(range(len(a))):
        a[i] = model.S[i] @ q
        q -= a[i] * model.Y[i]
    q /= model.theta
    for i in range(len(a)):
        q += (a[i] - model.Y[i] @ q) * model.S[i]
    return q


@final
class CompactForm:
    """B = θ I − W M Wᵀ with W = [Y, θ S] and M⁻¹ = [[−D, Lᵀ], [L, θ SᵀS]] (equations 3.3 and 3.4)."""

    def __init__(self, model: Corrections) -> None:
        """Compute the small matrices."""
        S, Y, self.theta = model.S, model.Y, model.theta
        L = np.tril(S @ Y.T, -1)
        self.inverse = np.vstack([np.hstack([-np.eye(len(S)), L.T]), np.hstack([L, self.theta * S @ S.T])])
        self.W = np.concatenate([Y, self.theta * S]).T
        self.M = np.linalg.inv(self.inverse) if len(S) else self.inverse

    def solve(self, free: Bools, r: Floats) -> Floats:
        """Solve by the formula of Sherman, Morrison and Woodbury (equation 5.10)."""
        W = self.W[free]
        inner = np.linalg.solve(self.inverse - W.T @ W / self.theta, W.T @ r)
        u: Floats = (r + W @ inner / self.theta) / self.theta
        return u
