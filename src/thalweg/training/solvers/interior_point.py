"""Losses with kinks by linear or quadratic programming: a primal-dual interior-point method.

S. Mehrotra, "On the implementation of a primal-dual interior point method", SIAM Journal on Optimization 2, 1992.
S. Portnoy, R. Koenker, "The Gaussian hare and the Laplacian tortoise: computability of squared-error versus absolute-error
estimators", Statistical Science 12, 1997 (quantile regression). M. C. Ferris, T. S. Munson, "Interior-point methods for massive
support vector machines", SIAM Journal on Optimization 13, 2002.

With u = v / Σv and z = (x, 1), each loss is the larger of two lines through a kink, ℓ(η) = max(a⁺(η − c), a⁻(η − c)), and

    min over θ    Σ u ℓ(zᵀθ) + ½ρ‖w‖²
    = max over a  −Σ u a c − ‖Σ u a x‖² / 2ρ    where a⁻ ≤ a ≤ a⁺ and Σ u a z + ρ (w, 0) = 0.

The signed distance η − c is split into p − m, both positive; s = a⁺ − a and t = a − a⁻ are what is left of the bounds of a. At
the optimum p s = m t = 0; the method follows the points where both are μ, and lets μ go to 0.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dpstrf

from thalweg.arrays import AnyArray, Floats
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.losses import Hinge, Loss, Quantile
from thalweg.training.objective import LinearObjective
from thalweg.training.rows import Chunk, sum_rows
from thalweg.training.rows.changed import Changed
from thalweg.training.solvers.gram import gram
from thalweg.training.solvers.solver import Solution, Solver

__all__ = ["InteriorPoint"]

WIDEST = 5_000  # columns of a matrix that is factorized some thirty times
TO_THE_BORDER = 0.9995  # share of the way to the nearest bound that a step may go
DEPENDENT = 1e-14  # what is left of a column of length 1 after the others, where it depends on them
NOTHING = 1e-14  # gap, as a share of F without a model, below which nothing is left to be gained
SHORT = 1e-8  # a step of this length means that rounding errors have taken over


@final
@frozen
class InteriorPoint(Solver):
    """Solve for the parameters and the bounds' multipliers at once, by Newton steps towards the central path.

    Every step is one weighted Gram matrix, as for least squares, and two more passes; twenty to forty steps are usual, whatever
    the data. The gap is the difference to a dual value, so the answer is proven, not just settled.

    Args:
        tolerance: Of F − dual value relative to |F|, positive.
        max_iterations: Most steps.

    Raises:
        InvalidSettings: ``tolerance`` or ``max_iterations`` is not positive.
    """

    tolerance: float = 1e-8
    max_iterations: int = 200

    def __post_init__(self) -> None:
        """Check the settings."""
        if not (self.tolerance > 0 and self.max_iterations > 0):
            raise InvalidSettings(f"{self}: expected a positive tolerance and a positive number of iterations")

    def refusal(self, objective: LinearObjective) -> str:
        """Serve losses of two lines with a smooth penalty."""
        if not isinstance(objective.loss, Quantile | Hinge):
            return "it solves for losses that are made of two lines only (Quantile, Hinge)"
        if not objective.penalty.smooth:
            return "it has no place for a penalty that is not smooth"
        if objective.rows.d > WIDEST:
            return f"its matrix of {objective.rows.d:,} × {objective.rows.d:,} would be factorized at every step"
        return ""

    def solve(self, objective: LinearObjective, start: Floats | None = None) -> Solution:
        """Minimize; a start is taken for the parameters, the multipliers begin in the middle."""
        lines = _lines(objective)
        point = _begin(lines, start)
        nothing = NOTHING * lines.primal(np.zeros_like(point.theta), np.zeros_like(point.eta))
        best, reason, converged = point, f"stopped after {self.max_iterations} steps", False
        for k in range(self.max_iterations + 1):
            value, gap = lines.primal(point.theta, point.eta), lines.gap(point)
            if gap <= lines.gap(best):
                best = point
            if gap <= max(self.tolerance * abs(value), nothing):
                reason, converged = f"the duality gap is at most {self.tolerance:g} of the objective", True
                break
            if k == self.max_iterations:
                break
            point, length = _step(lines, point)
            if length < SHORT:
                reason = "rounding errors leave no further step"
                break
        value, gap = lines.primal(best.theta, best.eta), lines.gap(best)
        warning = "" if converged else f"the gap to the optimum is up to {gap / max(abs(value), 1e-300):.0e} of the objective"
        return Solution(best.theta, value, gap, k, converged, reason, warning)


@final
@dataclass(frozen=True)
class _Point:
    """θ (d[+1],) and, for every row, η = zᵀθ, a, p and m; ``balance`` is Σ u a z."""

    theta: Floats
    eta: Floats
    a: Floats
    p: Floats
    m: Floats
    balance: Floats


@final
@dataclass(frozen=True)
class _Lines:
    """The objective as lines: for every row the kink c, the slopes a⁻ and a⁺, and the weight u."""

    objective: LinearObjective
    c: Floats
    low: Floats
    high: Floats
    u: Floats

    def ridged(self, theta: Floats) -> Floats:
        """Give ρ (w, 0)."""
        result = self.objective.ridge * theta
        if self.objective.intercept:
            result[-1] = 0.0
        return result

    def primal(self, theta: Floats, eta: Floats) -> float:
        """Give F."""
        distance = eta - self.c
        loss = np.maximum(self.high * distance, self.low * distance)
        return float(self.u @ loss) + 0.5 * float(theta @ self.ridged(theta))

    def gap(self, point: _Point) -> float:
        """Give F less the dual value; what a lacks of balance is counted as if θ were the optimum."""
        lacking = point.balance + self.ridged(point.theta)
        complementary = self.u @ (np.maximum(point.eta - self.c, 0) * (self.high - point.a))
        complementary += self.u @ (np.maximum(self.c - point.eta, 0) * (point.a - self.low))
        ridge = self.objective.ridge
        excess = np.abs(lacking * point.theta)
        if ridge:
            w = self.objective.coefficients(excess)
            w[...] = self.objective.coefficients(lacking) ** 2 / (2 * ridge)
        return float(complementary) + float(excess.sum())

    def sweep(self, direction: Floats, columns: Callable[[slice, Floats], AnyArray]) -> tuple[Floats, Floats]:
        """Give zᵀ direction of every row, and Σ z of the columns (n, k) that a function makes of it: one pass."""
        rows, intercept = self.objective.rows, self.objective.intercept
        change = np.empty(rows.n)

        def part(chunk: Chunk) -> tuple[Floats]:
            at = slice(chunk.start, chunk.start + len(chunk))
            X = chunk.X.astype(np.float64, copy=False)
            change[at] = X @ direction[: rows.d] + (direction[-1] if intercept else 0.0)
            made = columns(at, change[at])
            below = made.sum(axis=0, keepdims=True) if intercept else made[:0]
            return (np.vstack([X.T @ made, below]),)

        return change, sum_rows(rows, part)[0]


def _lines(objective: LinearObjective) -> _Lines:
    y, weight = (part.astype(np.float64) for part in objective.targets())
    c, low, high = _two_lines(objective.loss, y)
    return _Lines(objective, c, low, high, weight / objective.rows.total_weight)


def _two_lines(loss: Loss, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Give the kinks and both slopes."""
    if isinstance(loss, Quantile):
        return y, np.full(len(y), -loss.quantile), np.full(len(y), 1 - loss.quantile)
    return 2 * y - 1, -y, 1 - y
