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
from thalweg.training.losses import Hinge, Quantile
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
ROOM = 0.1  # of the mean distance from the kinks, between the first p and m and their bounds
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
        nothing = NOTHING * lines.value(np.zeros_like(point.theta), np.zeros_like(point.eta))
        best, reason, converged = point, f"stopped after {self.max_iterations} steps", False
        for k in range(self.max_iterations + 1):
            value, gap = lines.value(point.theta, point.eta), lines.gap(point)
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
        value, gap = lines.value(best.theta, best.eta), lines.gap(best)
        warning = "" if converged else f"the gap to the optimum is up to {gap / max(abs(value), 1e-300):.0e} of the objective"
        return Solution(best.theta, value, gap, k, converged, reason, warning)


@final
@dataclass(frozen=True)
class _Point:
    """θ (d[+1],), ``balance`` Σ u a z, shaped as it, and for every row η = zᵀθ, p, m, s and t; a is a⁺ − s."""

    theta: Floats
    balance: Floats
    eta: Floats
    p: Floats
    m: Floats
    s: Floats
    t: Floats


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

    def value(self, theta: Floats, eta: Floats) -> float:
        """Give F."""
        distance = eta - self.c
        loss = np.maximum(self.high * distance, self.low * distance)
        return float(self.u @ loss) + 0.5 * float(theta @ self.ridged(theta))

    def gap(self, point: _Point) -> float:
        """Give F less the dual value; where balance is lacking and no ridge pays for it, θ stands for the optimum."""
        above, below = np.maximum(point.eta - self.c, 0), np.maximum(self.c - point.eta, 0)
        lacking, ridge = point.balance + self.ridged(point.theta), self.objective.ridge
        cost = np.abs(lacking * point.theta)
        if ridge:
            w = self.objective.coefficients
            w(cost)[...] = w(lacking) ** 2 / (2 * ridge)
        return float(self.u @ (above * point.s + below * point.t)) + float(cost.sum())

    def sweep(self, theta: Floats, columns: Callable[[slice, Floats], AnyArray]) -> tuple[Floats, Floats]:
        """Give zᵀθ of every row, and Σ z cᵀ for the columns c (n, k) that a function makes of it: one pass."""
        rows, intercept = self.objective.rows, self.objective.intercept
        product = np.empty(rows.n)

        def part(chunk: Chunk) -> tuple[Floats]:
            at = slice(chunk.start, chunk.start + len(chunk))
            X = chunk.X.astype(np.float64, copy=False)
            product[at] = X @ theta[: rows.d] + (theta[-1] if intercept else 0.0)
            made = columns(at, product[at])
            return (np.vstack([X.T @ made, made.sum(axis=0, keepdims=True)[: int(intercept)]]),)

        return product, sum_rows(rows, part)[0]


@final
class _Normal:
    """The matrix Σ D z zᵀ + ρ (I, 0), by Cholesky with pivots; a column that depends on others gets no part of a step."""

    def __init__(self, lines: _Lines, D: Floats) -> None:
        """Pass over the rows, and factorize what is left for w when the intercept is eliminated."""
        rows, ridge = lines.objective.rows, lines.objective.ridge

        def weighted(chunk: Chunk) -> Chunk:
            return replace(chunk, weight=D[chunk.start : chunk.start + len(chunk)])

        self.total, self.intercept = float(D.sum()), lines.objective.intercept
        moments = gram(Changed(rows, weighted, self.total), self.intercept)
        self.x_mean = moments.x_mean
        A = self.total * moments.xx
        A[np.diag_indices_from(A)] += ridge
        diagonal = np.where((moments.lost > DEPENDENT) | (ridge > 0), np.diag(A), 0.0)
        self.scale = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 0.0)
        U, pivots, rank, _ = dpstrf(A * self.scale * self.scale[:, None], tol=DEPENDENT)
        self.U, self.pivots = U[:rank, :rank], pivots[:rank] - 1

    def solve(self, b: Floats) -> Floats:
        """Give the step θ for a right-hand side."""
        d = len(self.scale)
        reduced = self.scale * (b[:d] - self.x_mean * b[-1] if self.intercept else b)
        half = solve_triangular(self.U, reduced[self.pivots], trans="T", check_finite=False)
        w = np.zeros(d)
        w[self.pivots] = solve_triangular(self.U, half, check_finite=False)
        w *= self.scale
        return np.append(w, b[-1] / self.total - self.x_mean @ w) if self.intercept else w


def _lines(objective: LinearObjective) -> _Lines:
    """Give the kinks and both slopes."""
    y, weight = (part.astype(np.float64) for part in objective.targets())
    u = weight / objective.rows.total_weight
    if isinstance(objective.loss, Quantile):
        q = np.full(len(y), objective.loss.quantile)
        return _Lines(objective, y, -q, 1 - q, u)
    return _Lines(objective, 2 * y - 1, -y, 1 - y, u)


def _begin(lines: _Lines, start: Floats | None) -> _Point:
    """Begin at the least-squares fit of the kinks, with every row well inside its bounds."""
    u, zero = lines.u, np.zeros(lines.objective.shape)
    theta = start
    if theta is None:
        _, b = lines.sweep(zero, lambda at, _: (u * lines.c)[at, None])
        theta = _Normal(lines, u).solve(b[:, 0])
    a = 0.5 * (lines.low + lines.high)
    eta, balance = lines.sweep(theta, lambda at, _: (u * a)[at, None])
    distance = eta - lines.c
    room = float(u @ np.abs(distance)) or float(u @ np.abs(lines.c)) or 1.0
    p, m = np.maximum(distance, 0) + ROOM * room, np.maximum(-distance, 0) + ROOM * room
    return _Point(theta, balance[:, 0], eta, p, m, lines.high - a, a - lines.low)


def _step(lines: _Lines, point: _Point) -> tuple[_Point, float]:
    """Predict how far μ can fall, then step with the corrections of second order that this foresees; give its length."""
    p, m, s, t, u = point.p, point.m, point.s, point.t, lines.u
    Q = p / s + m / t
    D, g = u / Q, lines.c - point.eta
    normal = _Normal(lines, D)
    b = lines.sweep(point.theta, lambda at, _: (D * g)[at, None])[1][:, 0] - point.balance - lines.ridged(point.theta)
    foreseen: list[Floats] = [np.empty_like(Q) for _ in range(3)]

    def corrections(at: slice, change: Floats) -> Floats:
        da = (change - g[at]) / Q[at]
        dp, dm = p[at] * (da / s[at] - 1), -m[at] * (da / t[at] + 1)
        for kept, new in zip(foreseen, (da, dp, dm), strict=True):
            kept[at] = new
        return np.column_stack([D[at] * (1 / s[at] - 1 / t[at]), D[at] * da * (dp / s[at] + dm / t[at])])

    _, extra = lines.sweep(normal.solve(b), corrections)
    da, dp, dm = foreseen
    primal, dual = _lengths(lines, (p, dp, m, dm), (s, -da, t, da))
    mu = 0.5 * float(u @ (p * s + m * t))
    reached = (p + primal * dp) * (s - dual * da) + (m + primal * dm) * (t + dual * da)
    mu *= (0.5 * float(u @ reached) / mu) ** 3
    import os
    W=os.environ.get('W','1')
    share = {'1':1.0,'a':primal*dual,'m':min(primal,dual)**2,'0':0.0}[W]
    g = g + mu * (1 / s - 1 / t) + share * da * (dp / s + dm / t)
    second_p, second_m = (mu + share * dp * da) / s - p, (mu - share * dm * da) / t - m

    dtheta = normal.solve(b + mu * extra[:, 0] + share * extra[:, 1])

    def balances(at: slice, change: Floats) -> Floats:
        da[at] = (change - g[at]) / Q[at]
        return (u[at] * da[at])[:, None]

    deta, dbalance = lines.sweep(dtheta, balances)
    dp, dm = second_p + p / s * da, second_m - m / t * da
    primal, dual = _lengths(lines, (p, dp, m, dm), (s, -da, t, da))
    return _Point(
        point.theta + primal * dtheta,
        point.balance + dual * dbalance[:, 0],
        point.eta + primal * deta,
        p + primal * dp,
        m + primal * dm,
        s - dual * da,
        t + dual * da,
    ), min(primal, dual)


def _lengths(lines: _Lines, primal: tuple[Floats, ...], dual: tuple[Floats, ...]) -> tuple[float, float]:
    """Give how far p and m, and s and t, can go; a ridge ties θ to a, and both go as far as the shorter."""
    lengths = []
    for x, dx, y, dy in (primal, dual):
        fastest = max(float(np.max(-dx / x)), float(np.max(-dy / y)))
        lengths.append(min(1.0, TO_THE_BORDER / fastest) if fastest > 0 else 1.0)
    return (min(lengths), min(lengths)) if lines.objective.ridge else (lengths[0], lengths[1])
