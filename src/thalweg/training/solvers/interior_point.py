"""Losses with kinks by linear or quadratic programming: a primal-dual interior-point method.

S. Mehrotra, "On the implementation of a primal-dual interior point method", SIAM Journal on Optimization 2, 1992.
S. Portnoy, R. Koenker, "The Gaussian hare and the Laplacian tortoise: computability of squared-error versus absolute-error
estimators", Statistical Science 12, 1997 (quantiles). M. C. Ferris, T. S. Munson, "Interior-point methods for massive
support vector machines", SIAM Journal on Optimization 13, 2002.

In lines.py stands the problem and its dual. The distance from the kink is split, η − c = p − m, into two positive parts;
s = a⁺ − a and t = a − a⁻ are what a has left on either side. At the optimum p s = m t = 0. The method follows the points
where both products are μ, and lets μ go to 0.
"""

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dpstrf

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.losses import Hinge, Quantile
from thalweg.training.objective import LinearObjective
from thalweg.training.rows import Chunk
from thalweg.training.rows.changed import Changed
from thalweg.training.rows.passes import single_threaded
from thalweg.training.solvers.gram import gram
from thalweg.training.solvers.lines import Lines, lines_of
from thalweg.training.solvers.solver import Solution, Solver

__all__ = ["InteriorPoint"]

WIDEST = 5_000  # columns of a matrix that is factorized at every step
TO_THE_BORDER = 0.99  # share of the way to the nearest bound that a step may go
DEPENDENT = 1e-14  # what is left of a column of length 1 after the others, where it depends on them
NOTHING = 1e-14  # gap, as a share of F(0), below which nothing is left to be gained
REFINEMENTS = 2  # of a step, at most, as long as its rounding errors are not
NEGLIGIBLE = 0.01  # beside the μ aimed at
SHORT = 1e-8  # a step that is shorter than this share of itself has met rounding errors


@final
@frozen
class InteriorPoint(Solver):
    """Solve for the parameters and the multipliers a at once, by Newton steps along the central path.

    A step is one weighted Gram matrix, as for least squares, and two more passes. Ten to fifty steps lead to any accuracy,
    whatever the data. The gap is the distance to a dual value: the answer is proven, not just settled.

    Args:
        tolerance: Of the gap relative to |F|, positive.
        max_iterations: Most steps.

    Raises:
        InvalidSettings: ``tolerance`` or ``max_iterations`` is not positive.

    Example:
        >>> from thalweg.training.penalties import NoPenalty
        >>> from thalweg.training.rows import rows_of
        >>> rows = rows_of(np.arange(5.0)[:, None], np.array([1.0, 3.0, 5.0, 90.0, 9.0]))
        >>> solution = InteriorPoint().solve(LinearObjective(rows, Quantile(0.5), NoPenalty(), 0.0, intercept=True))
        >>> solution.theta.round(3)
        array([2., 1.])
    """

    tolerance: float = 1e-8
    max_iterations: int = 200

    def __post_init__(self) -> None:
        """Check the settings."""
        if not (self.tolerance > 0 and self.max_iterations > 0):
            raise InvalidSettings(f"{self}: expected a positive tolerance and a positive number of steps")

    def refusal(self, objective: LinearObjective) -> str:
        """Serve losses of two lines with a smooth penalty."""
        if not isinstance(objective.loss, Quantile | Hinge):
            return "it serves losses that are made of two lines only (Quantile, Hinge)"
        if not objective.penalty.smooth:
            return "it has no place for a penalty that is not smooth"
        if objective.rows.d > WIDEST:
            return f"its matrix of {objective.rows.d:,} × {objective.rows.d:,} would be factorized at every step"
        return ""

    def solve(self, objective: LinearObjective, start: Floats | None = None) -> Solution:
        """Minimize; a start serves for θ, while a always begins in the middle."""
        with single_threaded(objective.rows.nbytes), np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return self._solve(lines_of(objective), start)

    def _solve(self, lines: Lines, start: Floats | None) -> Solution:
        shape, n = lines.objective.shape, lines.objective.rows.n
        nothing = NOTHING * lines.value(np.zeros(shape), np.zeros(n))
        if not nothing:
            return Solution(np.zeros(shape), 0.0, 0.0, 0, True, "zero meets every row")
        point = best = _begin(lines, start)
        reason, least, length = f"stopped after {self.max_iterations} steps", np.inf, 1.0
        for k in range(self.max_iterations + 1):
            value = lines.value(point.theta, point.eta)
            gap = lines.gap(point.theta, point.eta, (point.s, point.t), point.balance)
            if gap < least:
                best, least = point, gap
            if gap <= max(self.tolerance * value, nothing):
                share = max(self.tolerance, gap / value) if value > nothing else 1.0
                reason = f"the duality gap is at most {share:.0e} of the objective"
                if share >= 1:
                    reason = "what is left of the objective is rounding"
                return Solution(lines.moved(point.theta, -1), value, gap, k, True, reason)
            if not length > SHORT:  # NaN, too
                reason = "rounding errors leave no further step"
                break
            if k < self.max_iterations:
                point, length = _step(lines, point)
        value = lines.value(best.theta, best.eta)
        warning = f"{reason}: the objective may be above its minimum by {least / max(value, nothing):.0e} of itself"
        return Solution(lines.moved(best.theta, -1), value, least, k, False, reason, warning)


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
class _Normal:
    """The matrix Σ D z zᵀ + ρ (I, 0), by Cholesky with pivots; a column that depends on others gets no part of a step.

    ``moment`` is Σ D g z, shaped as θ.
    """

    def __init__(self, lines: Lines, D: Floats, g: Floats) -> None:
        """Pass over the rows, and factorize what is left for w when the intercept is eliminated."""
        rows, ridge = lines.objective.rows, lines.objective.ridge

        def weighted(chunk: Chunk) -> Chunk:
            at = slice(chunk.start, chunk.start + len(chunk))
            return replace(chunk, y=g[at], weight=D[at])

        self.total, self.intercept = float(D.sum()), lines.objective.intercept
        moments = gram(Changed(rows, weighted, self.total), self.intercept)
        self.x_mean = moments.x_mean - lines.centre
        xy = self.total * (moments.xy + self.x_mean * moments.y_mean)
        self.moment = np.append(xy, self.total * moments.y_mean) if self.intercept else xy
        A = self.total * moments.xx
        A[np.diag_indices_from(A)] += ridge
        diagonal = np.where((moments.lost > DEPENDENT) | (ridge > 0), np.diag(A), 0.0)
        self.scale = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 0.0)
        U, pivots, rank, _ = dpstrf(A * self.scale * self.scale[:, None], tol=DEPENDENT)
        self.R, self.pivots = U[:rank, :rank], pivots[:rank] - 1

    def solve(self, b: Floats) -> Floats:
        """Give the step θ for a right-hand side."""
        d = len(self.scale)
        reduced = self.scale * (b[:d] - self.x_mean * b[-1] if self.intercept else b)
        half = solve_triangular(self.R, reduced[self.pivots], trans="T", check_finite=False)
        w = np.zeros(d)
        w[self.pivots] = solve_triangular(self.R, half, check_finite=False)
        w *= self.scale
        return np.append(w, b[-1] / self.total - self.x_mean @ w) if self.intercept else w


def _begin(lines: Lines, start: Floats | None) -> _Point:
    """Begin at the least-squares fit of the kinks, with p s = m t = μ in every row."""
    u, loss = lines.u, lines.objective.loss
    if start is None:
        normal = _Normal(lines, u, lines.c)
        theta = normal.solve(normal.moment)
    else:
        theta = lines.moved(start, 1)
    distance = lines.sweep(theta, lambda at, eta: eta[:, None])[0] - lines.c
    if isinstance(loss, Quantile) and lines.objective.intercept:
        shift = loss.constant(-distance, u)  # the mean is far from a quantile near 0 or 1
        theta[-1] += shift
        distance += shift
    mu = lines.value(theta, lines.c + distance) or float(u @ np.abs(lines.c))
    k = distance / mu  # 1/s − 1/t = k and s + t = 1, which is what a⁺ − a⁻ is for both losses
    root = np.sqrt(k * k + 4)
    s, t = 2 / (2 + k + root), 2 / (2 - k + root)
    eta, balance = lines.sweep(theta, lambda at, _: (u[at] * (lines.high[at] - s[at]))[:, None])
    return _Point(theta, balance[:, 0], eta, mu / s, mu / t, s, t)


def _step(lines: Lines, point: _Point) -> tuple[_Point, float]:
    """Go towards the point where both products are μ; give the shorter length of the step for θ, p, m and for a, s, t.

    Newton's equations leave Q da = zᵀdθ − g, with Q = p/s + m/t, and (Σ u/Q z zᵀ + ρ (I, 0)) dθ = b.
    """
    p, m, s, t, u = point.p, point.m, point.s, point.t, lines.u
    Q = p / s + m / t
    normal = _Normal(lines, u / Q, lines.c - point.eta)
    mu, bend_p, bend_m, b = _predict(lines, point, Q, normal)
    g = lines.c - point.eta + (mu + bend_p) / s - (mu - bend_m) / t
    dtheta, da = normal.solve(b), np.empty_like(Q)

    def balance(at: slice, change: Floats) -> Floats:
        da[at] = (change - g[at]) / Q[at]
        return np.asarray(u[at] * da[at])[:, None]

    deta, dbalance = lines.sweep(dtheta, balance)
    for _ in range(REFINEMENTS):
        residual = -(point.balance + dbalance[:, 0]) - lines.ridged(point.theta + dtheta)
        if lines.cost(residual, point.theta) <= NEGLIGIBLE * mu:
            break
        dtheta += normal.solve(residual)
        deta, dbalance = lines.sweep(dtheta, balance)
    dp = (mu + bend_p + p * da) / s - p
    dm = (mu - bend_m - m * da) / t - m
    primal, dual = _lengths(lines, (p, dp, m, dm), (s, -da, t, da))
    theta, eta = point.theta + primal * dtheta, point.eta + primal * deta
    p, m, s, t = p + primal * dp, m + primal * dm, s - dual * da, t + dual * da
    return _Point(theta, point.balance + dual * dbalance[:, 0], eta, p, m, s, t), min(primal, dual)


def _predict(lines: Lines, point: _Point, Q: Floats, normal: _Normal) -> tuple[float, Floats, Floats, Floats]:
    """Try the step for μ = 0: give the μ that its success suggests, its dp·da and dm·da, and b with both in it."""
    p, m, s, t, u = point.p, point.m, point.s, point.t, lines.u
    b = normal.moment - point.balance - lines.ridged(point.theta)
    da, dp, dm = (np.empty_like(Q) for _ in range(3))

    def corrections(at: slice, change: Floats) -> Floats:
        da[at] = (change - (lines.c[at] - point.eta[at])) / Q[at]
        dp[at] = p[at] * (da[at] / s[at] - 1)
        dm[at] = -m[at] * (da[at] / t[at] + 1)
        bend = da[at] * (dp[at] / s[at] + dm[at] / t[at])
        return np.column_stack([1 / s[at] - 1 / t[at], bend]) * (u[at] / Q[at])[:, None]

    moments = lines.sweep(normal.solve(b), corrections)[1]
    primal, dual = _lengths(lines, (p, dp, m, dm), (s, -da, t, da))
    now = 0.5 * float(u @ (p * s + m * t))
    then = 0.5 * float(u @ ((p + primal * dp) * (s - dual * da) + (m + primal * dm) * (t + dual * da)))
    mu = now * float(np.divide(then, now)) ** 3
    return mu, dp * da, dm * da, b + moments @ np.array([mu, 1.0])


def _lengths(lines: Lines, primal: tuple[Floats, ...], dual: tuple[Floats, ...]) -> tuple[float, float]:
    """Give how far p and m may go, and s and t; a ridge ties θ to a, and all go as far as the shortest."""
    lengths = []
    for x, dx, y, dy in (primal, dual):
        fastest = max(float(np.max(-dx / x)), float(np.max(-dy / y)))
        lengths.append(min(1.0, TO_THE_BORDER / fastest) if fastest > 0 else 1.0)
    return (min(lengths), min(lengths)) if lines.objective.ridge else (lengths[0], lengths[1])
