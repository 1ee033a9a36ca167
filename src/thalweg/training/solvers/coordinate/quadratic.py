"""A quadratic with a penalty that has kinks: proximal steps find the face, Newton steps its lowest point.

R. H. Byrd, J. Nocedal, S. Solntsev, "An algorithm for quadratic ℓ1-regularized optimization with a flexible active-set
strategy", Optimization Methods and Software 30, 2015 (steps of the two kinds in turn). D. P. Bertsekas, "Projected Newton
methods for optimization problems with simple constraints", SIAM Journal on Control and Optimization 20, 1982.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, final

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from thalweg.arrays import Bools, Floats
from thalweg.training.solvers.coordinate.kinks import Kinks

__all__ = ["Curvature", "Matrix", "minimize"]

SINGULAR = 1e-12  # added to a diagonal of 1: columns that depend on each other then give a long step, not a wrong one
HALVINGS = 20  # shortenings of a step
SUFFICIENT = 1e-3  # share of the predicted decrease that a step must bring


class Curvature(ABC):
    """A positive semidefinite matrix H (p, p), known by what solvers do with it.

    Attributes:
        diagonal: (p,) of H, or near it.
        direct: Whether Newton steps are exact, and cheap.
    """

    direct: ClassVar[bool]
    diagonal: Floats

    @abstractmethod
    def product(self, s: Floats) -> Floats:
        """Give H s."""

    @abstractmethod
    def newton(self, v: Floats, free: Bools, bend: Any) -> Floats:
        """Give about −(H + bend)⁻¹ v on the free coefficients, 0 on the others: never a step uphill."""


@final
class Matrix(Curvature):
    """H itself."""

    direct: ClassVar[bool] = True

    def __init__(self, H: Floats) -> None:
        """Keep it."""
        self.H, self.diagonal = H, np.diag(H).copy()

    def product(self, s: Floats) -> Floats:
        """Multiply, by the columns that count only where these are few."""
        used = np.flatnonzero(s)
        return self.H[:, used] @ s[used] if 4 * len(used) < len(s) else self.H @ s

    def newton(self, v: Floats, free: Bools, bend: Any) -> Floats:
        """Solve by Cholesky, after scaling the diagonal to 1."""
        F = np.flatnonzero(free)
        A = self.H[np.ix_(F, F)]
        if bend is not None:
            A = A + bend[F][:, F].toarray()
        diagonal = np.diag(A)
        scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
        A = A * scale * scale[:, None]
        step, added = np.zeros(len(v)), SINGULAR
        while len(F):
            try:
                A[np.diag_indices_from(A)] = 1.0 + added
                step[F] = -scale * cho_solve(cho_factor(A, check_finite=False), scale * v[F], check_finite=False)
                break
            except np.linalg.LinAlgError:
                added *= 100
        return step


def minimize(
    H: Curvature, kinks: Kinks, u: Floats, g: Floats, enough: float, share: float, most: int
) -> tuple[Floats, float, float]:
    """Minimize g·(z − u) + ½ (z − u)ᵀH(z − u) + cost(z) over z.

    Args:
        H: Curvature.
        kinks: The cost.
        u: (p,) where to begin.
        g: (p,) gradient of the smooth part there.
        enough: A remaining decrease at which it is done.
        share: Of the decrease so far, which the remaining one may be.
        most: Rounds of a proximal and a Newton step.

    Returns:
        z, its decrease of the objective, and the part of this that the last round had predicted.
    """
    decrease, left, L = 0.0, 0.0, 1.0
    D = kinks.metric(np.maximum(H.diagonal, 1e-12 * float(H.diagonal.max(initial=1e-300))))
    for _ in range(most):
        u, g, gained, L = _proximal(H, kinks, u, g, D, L)
        free, before = kinks.free(u), len(u) + 1
        # A step that was cut short has made the face smaller. Its lowest point comes first: a proximal step would let
        # the same coefficients in again.
        while 0 < free.sum() < before:
            before = free.sum() if H.direct else 0
            v = g + kinks.slope(u)
            step = H.newton(v, free, kinks.bend(u))
            left = max(0.0, -0.5 * float(v @ step))
            u, g, landed = _landed(H, kinks, u, g, step, left)
            gained += landed
            free = kinks.free(u)
        decrease += gained
        if left <= max(enough, share * decrease) or gained == 0:
            break
    return u, decrease, left


def _proximal(
    H: Curvature, kinks: Kinks, u: Floats, g: Floats, D: Floats, L: float
) -> tuple[Floats, Floats, float, float]:
    """Step to argmin of g·δ + ½ L δᵀDδ + cost, with an L for which this lies above the objective."""
    while True:
        after = kinks.prox(u - g / (L * D), L * D)
        delta = after - u
        if not delta.any():
            return u, g, 0.0, L
        Hd = H.product(delta)
        curved, assumed = float(delta @ Hd), float(delta @ (D * delta))
        if curved <= 1.001 * L * assumed:
            gained = kinks.cost(u) - kinks.cost(after) - float(g @ delta) - 0.5 * curved
            return after, g + Hd, gained, L
        L = 1.1 * curved / assumed


def _landed(
    H: Curvature, kinks: Kinks, u: Floats, g: Floats, step: Floats, predicted: float
) -> tuple[Floats, Floats, float]:
    """Go the whole step, stopping at kinks; or straight up to the first kink; or half the way."""
    t = 1.0
    for _ in range(HALVINGS if predicted > 0 else 0):
        after = kinks.land(u, t * step)
        delta = after - u
        Hd = H.product(delta)
        gained = kinks.cost(u) - kinks.cost(after) - float(g @ delta) - 0.5 * float(delta @ Hd)
        if gained > SUFFICIENT * t * predicted:
            return after, g + Hd, gained
        room = kinks.room(u, t * step)
        # A little further than the kink, so that rounding does not leave the coefficient beside it.
        t *= room * (1 + 1e-12) if t < 0.1 and room < 1 else 0.25
    return u, g, 0.0
