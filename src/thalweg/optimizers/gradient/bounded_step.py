"""The step of a quadratic model within bounds: generalized Cauchy point, then subspace minimization.

R. H. Byrd, P. Lu, J. Nocedal, C. Zhu, "A limited memory algorithm for bound constrained optimization", SIAM Journal on
Scientific Computing 16(5), 1995. The projection at the end is that of J. L. Morales, J. Nocedal, "Remark on Algorithm
778", ACM Transactions on Mathematical Software 38(1), 2011.
"""

from typing import Protocol

import numpy as np

from thalweg.arrays import Bools, Floats

__all__ = ["QuadraticModel", "bounded_step", "cauchy_point"]


class QuadraticModel(Protocol):
    """A positive definite B = θ I − W M Wᵀ."""

    @property
    def theta(self) -> float:
        """Factor θ of the identity."""

    @property
    def W(self) -> Floats:
        """(d, k)."""

    @property
    def M(self) -> Floats:
        """(k, k), symmetric."""

    def solve(self, free: Bools, r: Floats) -> Floats:
        """Solve B_FF u = r for the rows and columns ``free`` (d,)."""


def bounded_step(model: QuadraticModel, x: Floats, g: Floats, low: Floats, high: Floats) -> Floats:
    """Find where a model g·(z − x) + ½ (z − x)ᵀB(z − x) is low within bounds, by one pass of active-set prediction.

    Args:
        model: B.
        x: (d,) the point, within the bounds.
        g: (d,) the gradient there.
        low: (d,) lower bounds, or −inf.
        high: (d,) upper bounds, or inf.

    Returns:
        (d,) a point z within the bounds; z − x goes down.
    """
    z = cauchy_point(model, x, g, low, high)
    free = (z > low) & (z < high)
    if not free.any() or not model.W.shape[1]:
        return z
    moved = z - x
    r = g + model.theta * moved - model.W @ (model.M @ (model.W.T @ moved))  # the model's gradient at z
    u = np.zeros_like(x)
    u[free] = -model.solve(free, r[free])
    projected: Floats = np.clip(z + u, low, high)
    if g @ (projected - x) < 0:
        return projected
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(u < 0, (low - z) / u, np.where(u > 0, (high - z) / u, np.inf))
    truncated: Floats = np.clip(z + min(1.0, float(room.min())) * u, low, high)
    return truncated


def cauchy_point(model: QuadraticModel, x: Floats, g: Floats, low: Floats, high: Floats) -> Floats:
    """Find the first local minimizer of the model along the projected gradient path P(x − t g), t ≥ 0.

    The path bends where a component meets its bound. The paper walks from bend to bend; here slope and curvature of
    all pieces are computed at once, as sums over the components that still move.
    """
    bound = np.where(g > 0, low, high)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(g == 0, 0.0, (x - bound) / g)  # where component i meets its bound
    moving = np.flatnonzero(t > 0)
    if not len(moving):
        return x
    order = moving[np.argsort(t[moving], kind="stable")]
    d, ends = -g[order], t[order]
    pieces = min(len(order), int(np.isfinite(ends).sum()) + 1)
    begins = np.concatenate([[0.0], ends[: pieces - 1]])
    dd = _sums_to_the_end(d**2)[:pieces]
    p = _sums_to_the_end(d[:, None] * model.W[order])[:pieces]  # Wᵀd of each piece
    walked = np.diff(begins)[:, None] * p[:-1]
    c = np.concatenate([np.zeros_like(p[:1]), np.cumsum(walked, axis=0)])  # Wᵀ(x(t) − x) where it begins
    pM = p @ model.M
    slope = (model.theta * begins - 1) * dd - (pM * c).sum(axis=1)
    curvature = model.theta * dd - (pM * p).sum(axis=1)
    smallest = np.finfo(float).eps * curvature[0]  # rounding may leave no curvature
    ahead = -slope / np.maximum(curvature, smallest)
    inside = np.flatnonzero(ahead < ends[:pieces] - begins)
    best = begins[inside[0]] + max(0.0, ahead[inside[0]]) if len(inside) else ends[-1]
    z = np.where(t <= best, bound, x - best * g)
    return np.clip(np.where(t > 0, z, x), low, high)


def _sums_to_the_end(terms: Floats) -> Floats:
    """Add each row and all that follow: without the cancellation of taking the earlier ones off the total."""
    sums: Floats = np.cumsum(terms[::-1], axis=0)[::-1]
    return sums
