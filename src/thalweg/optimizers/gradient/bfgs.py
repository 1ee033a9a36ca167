"""BFGS, with bounds.

C. G. Broyden, R. Fletcher, D. Goldfarb, D. F. Shanno, 1970, as in J. Nocedal, S. J. Wright, "Numerical Optimization", 2nd
edition, 2006, section 6.1. Bounds as in L-BFGS-B, with the whole matrix in place of its compact form.
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

__all__ = ["BFGS", "Curvature"]


@final
@frozen
class Curvature:
    """The approximate Hessian B = 0 I − I (−B) I, in the letters of a :class:`QuadraticModel`."""

    B: Floats  # (d, d) positive definite
    pairs: int = 0  # so many (s, y) are in it

    @property
    def theta(self) -> float:
        """0."""
        return 0.0

    @property
    def W(self) -> Floats:
        """(d, d) identity."""
        identity: Floats = np.eye(len(self.B))
        return identity

    @property
    def M(self) -> Floats:
        """(d, d) −B."""
        return -self.B

    def solve(self, free: Bools, r: Floats) -> Floats:
        """Solve B_FF u = r."""
        return np.linalg.solve(self.B[np.ix_(free, free)], r).astype(np.float64, copy=False)


@final
@frozen
class BFGS(LineDescent):
    """Go down by Newton's method with the curvature that all steps so far have shown, within bounds.

    The same as :class:`LBFGS` with nothing forgotten,

    B ← B − B s sᵀB / sᵀBs + y yᵀ / yᵀs,

    for up to some hundred columns: an iteration takes O(d²) memory and O(d³) time, and fewer are needed.

    Args:
        tolerance: Largest component of the projected gradient at which it is done, in the units of objective/x.
        search: The line search.

    Raises:
        InvalidSettings: The tolerance is negative.

    Example:
        >>> import thalweg as tw
        >>> from thalweg.problem.functions import rosenbrock
        >>> f = rosenbrock(dim=2)
        >>> result = tw.minimize(f, f.space, gradient=f.gradient, optimizer=BFGS(), initial=[[-1.2, 1.0]])
        >>> result.best.params.round(6)
        array([1., 1.])
    """

    tolerance: float = 1e-6
    search: WolfeSearch = WolfeSearch(parabola=1e-7)

    def __post_init__(self) -> None:
        """Check the setting."""
        if not self.tolerance >= 0:
            raise InvalidSettings(f"BFGS: tolerance={self.tolerance}, expected at least 0")

    def _nothing(self, dim: int) -> Curvature:
        return Curvature(np.eye(dim))

    def _is_nothing(self, model: Curvature) -> bool:
        return model.pairs == 0

    def _learn(self, model: Curvature, s: Floats, y: Floats) -> Curvature:
        B = model.B if model.pairs else np.eye(len(s)) * (y @ y / (s @ y))  # equation 6.20
        Bs, y = B @ s, y / np.sqrt(s @ y)
        Bs /= np.sqrt(s @ Bs)
        return Curvature(B - np.outer(Bs, Bs) + np.outer(y, y), model.pairs + 1)

    def _holds_all(self, model: Curvature) -> bool:
        return True

    def _aim(self, state: LineState, probed: Floats | None) -> LineState:
        model: Curvature = state.model
        if not (model.pairs or state.columns.bounded):  # without any scale, a first step of length 1
            model = Curvature(model.B * float(np.linalg.norm(state.gradient)))
        return replace(
            state, target=bounded_step(model, state.x, state.gradient, state.columns.low, state.columns.high)
        )
