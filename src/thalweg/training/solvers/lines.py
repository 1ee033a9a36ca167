"""A loss with one kink as the larger of two lines, and what the dual problem says of the objective then.

With u = v / Σv, z = (x, 1) and the ridge ρ,

    min over θ    Σ u ℓ(zᵀθ) + ½ρ‖w‖²
    = max over a  −Σ u a c − ‖Σ u a x‖² / 2ρ    where a⁻ ≤ a ≤ a⁺ and Σ u a z + ρ (w, 0) = 0.

R. T. Rockafellar, "Convex Analysis", 1970, section 31.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from thalweg.arrays import AnyArray, Floats
from thalweg.training.losses import Quantile
from thalweg.training.objective import LinearObjective
from thalweg.training.rows import Chunk, sum_rows
from thalweg.training.solvers.gram import gram

__all__ = ["Lines", "lines_of"]


@final
@dataclass(frozen=True)
class Lines:
    """An objective whose loss is ℓ(η) = max(a⁺(η − c), a⁻(η − c)), with a⁺ − a⁻ = 1.

    Attributes:
        objective: The objective.
        c: (n,) kinks.
        low: (n,) slopes a⁻ below them.
        high: (n,) slopes a⁺ above them.
        u: (n,) weights v / Σv.
        centre: (d,) means of the columns where there is an intercept, else 0. In all that follows z is (x − centre, 1),
            and θ has the intercept to that: columns far from 0 would cost digits otherwise.
    """

    objective: LinearObjective
    c: Floats
    low: Floats
    high: Floats
    u: Floats
    centre: Floats

    def moved(self, theta: Floats, direction: float) -> Floats:
        """Give θ with the intercept for centred columns (direction 1), or for the columns as they are (−1)."""
        result = theta.copy()
        if self.objective.intercept:
            result[-1] += direction * float(self.centre @ self.objective.coefficients(theta))
        return result

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

    def gap(self, theta: Floats, eta: Floats, room: tuple[Floats, Floats], balance: Floats) -> float:
        """Give F less the dual value; where balance is lacking and no ridge pays for it, θ stands for the optimum.

        Args:
            theta: θ.
            eta: (n,) zᵀθ.
            room: (n,) a⁺ − a, and (n,) a − a⁻.
            balance: Σ u a z, shaped as θ.
        """
        above, below = np.maximum(eta - self.c, 0), np.maximum(self.c - eta, 0)
        complementary = float(self.u @ (above * room[0] + below * room[1]))
        gap = complementary + self.cost(balance + self.ridged(theta), theta)
        return min(gap, self.value(theta, eta))  # F is never below 0

    def cost(self, lacking: Floats, theta: Floats) -> float:
        """Give what a lack of balance adds to the gap."""
        cost, ridge = np.abs(lacking * theta), self.objective.ridge
        if ridge:
            w = self.objective.coefficients
            w(cost)[...] = w(lacking) ** 2 / (2 * ridge)
        return float(cost.sum())

    def sweep(self, theta: Floats, columns: Callable[[slice, Floats], AnyArray]) -> tuple[Floats, Floats]:
        """Give zᵀθ of every row, and Σ z cᵀ for the columns c (n, k) that a function makes of it: one pass."""
        rows = self.objective.rows
        w, shift = theta[: rows.d], float(self.moved(theta, -1)[-1]) if self.objective.intercept else 0.0
        product = np.empty(rows.n)

        def part(chunk: Chunk) -> tuple[Floats, Floats]:
            at = slice(chunk.start, chunk.start + len(chunk))
            X = chunk.X.astype(np.float64, copy=False)
            product[at] = X @ w + shift
            made = columns(at, product[at])
            return X.T @ made, made.sum(axis=0)

        x_sums, sums = sum_rows(rows, part)
        x_sums -= np.outer(self.centre, sums)
        return product, np.vstack([x_sums, sums]) if self.objective.intercept else x_sums


def lines_of(objective: LinearObjective) -> Lines:
    """Give the lines of the quantile loss or of the hinge loss."""
    y, weight = (part.astype(np.float64) for part in objective.targets())
    u = weight / objective.rows.total_weight
    centre = gram(objective.rows, objective.intercept).x_mean
    if isinstance(objective.loss, Quantile):
        q = np.full(len(y), objective.loss.quantile)
        return Lines(objective, y, -q, 1 - q, u, centre)
    return Lines(objective, 2 * y - 1, -y, 1 - y, u, centre)
