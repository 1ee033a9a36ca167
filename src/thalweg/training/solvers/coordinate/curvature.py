"""The Hessian of a linear model's mean loss on chosen columns by products with the rows.

The intercept is eliminated: it always moves to where the quadratic model is lowest. What is left is curvature about the
weighted means of the columns, so columns far from 0 are no harder than others.

Conjugate gradients are cut short as in S. G. Nash, A. Sofer, "Assessing a search direction within a truncated-Newton
method", Operations Research Letters 9, 1990.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from thalweg.arrays import AnyArray, Bools, Floats, Ints
from thalweg.training.objective import LinearObjective
from thalweg.training.rows import Chunk, Rows, sum_rows, transposed
from thalweg.training.solvers.coordinate.copies import Copy
from thalweg.training.solvers.coordinate.passes import squares
from thalweg.training.solvers.coordinate.quadratic import Curvature

__all__ = ["Centre", "Products", "implicit"]

SEEN = 0.1  # share of a column's curvature that a sample must have, or is given
TRUNCATE = 0.3  # conjugate gradients end where an iteration gains less than this share of the mean one


@final
@dataclass(frozen=True)
class Centre:
    """How the intercept follows: b − (slope + along·step) / height is best after a step of the coefficients.

    Attributes:
        along: (p,) Σ v ℓ″ x / Σ v; zeros where there is no intercept.
        height: Σ v ℓ″ / Σ v.
        slope: ∂F/∂b; 0 where there is no intercept.
    """

    along: Floats
    height: float
    slope: float

    @property
    def decrease(self) -> float:
        """What the intercept's own step brings."""
        return 0.5 * self.slope**2 / self.height

    def reduced(self, g: Floats) -> Floats:
        """Give the gradient that coefficients have after the intercept's step."""
        return g - self.along * (self.slope / self.height)

    def follow(self, step: Floats) -> float:
        """Give the intercept's step."""
        return -(self.slope + float(self.along @ step)) / self.height


@final
class Products(Curvature):
    """H by products: two passes over the chosen columns each, in the dtype of their rows.

    Of a sample of the rows, the diagonal is raised where a column has been seen less than in all rows: a sample with few of
    the entries of a column, or none, would make steps that are too long, or have no end.

    Attributes:
        rows: Rows with the chosen columns only, or all of them.
        columns: (p,) where in the rows the chosen columns are.
        h: (n,) v ℓ″ of the rows, scaled so that it adds up to the height.
        height: Σ v ℓ″ / Σ v.
        ridge: (p,) added to the diagonal.
        diagonal: (p,) near H's.
        along: (p,) Σ v ℓ″ x / Σ v; zeros where there is no intercept.
        most: Products for one Newton step.
    """

    direct: ClassVar[bool] = False

    def __init__(
        self, rows: Rows, columns: Ints, h: AnyArray, height: float, diagonal: Floats, intercept: bool, most: int
    ) -> None:
        """Keep references, and look along the columns where there is an intercept."""
        self.rows, self.columns, self.height, self.diagonal, self.most = rows, columns, height, diagonal, most
        self.h = (h * (height / float(h.sum(dtype=np.float64)))).astype(rows.dtype, copy=False)
        self.along, self.ridge = np.zeros(len(columns)), np.zeros(len(columns))
        if intercept:
            self.along = self._total(lambda X, h: transposed(X) @ h)

    def raise_to(self, spread: Floats) -> None:
        """Raise the diagonal where the sample has seen less of a column than its mean square in all rows."""
        one = np.full(len(self.h), 1 / len(self.h), self.h.dtype)
        own, seen = self._total(squares), self._total(squares, one)
        if self.along.any():
            own -= self.along**2 / self.height
            seen -= self._total(lambda X, h: transposed(X) @ h, one) ** 2
        own = np.maximum(own, 0.0)
        share = np.where(seen > SEEN * spread, own / np.maximum(seen, SEEN * spread + 1e-300), self.height)
        missed = share * np.maximum(spread - seen, 0.0)
        self.ridge += np.maximum(missed, SEEN * self.height * spread - own)

    def product(self, s: Floats) -> Floats:
        """Pass over the rows."""
        full = np.zeros(self.rows.d)
        full[self.columns] = s
        z = full.astype(self.rows.dtype, copy=False)
        total = self._total(lambda X, h: transposed(X) @ (h * (X @ z)))
        return total - self.along * (float(self.along @ s) / self.height) + self.ridge * s

    def newton(self, v: Floats, free: Bools, bend: Any) -> Floats:
        """Solve by conjugate gradients, scaled by the diagonal, until more of them gain little."""
        D = self.diagonal if bend is None else self.diagonal + bend.diagonal()
        step, r = np.zeros(len(v)), np.where(free, -v, 0.0)
        z = r / D
        s, rz, gained = z, float(r @ z), 0.0
        for k in range(1, self.most + 1):
            if rz <= 0:
                break
            Hs = self.product(s) if bend is None else self.product(s) + bend @ s
            Hs[~free] = 0.0
            curved = float(s @ Hs)
            if curved <= 0:
                break
            a = rz / curved
            step, r = step + a * s, r - a * Hs
            gain = 0.5 * a * rz
            gained += gain
            if k * gain <= TRUNCATE * gained:
                break
            z = r / D
            rz, before = float(r @ z), rz
            s = z + (rz / before) * s
        return step

    def _total(self, function: Callable[[Any, AnyArray], AnyArray], h: AnyArray | None = None) -> Floats:
        """Add up, over blocks of X and h, what is given of every column."""
        h = self.h if h is None else h

        def sums(chunk: Chunk) -> tuple[Floats]:
            total, first = np.zeros(self.rows.d), chunk.start
            for block in chunk.blocks():
                total += function(block.X, h[first : first + len(block)])
                first += len(block)
            return (total,)

        (total,) = sum_rows(self.rows, sums)
        return np.asarray(total[self.columns])


def implicit(
    objective: LinearObjective, chosen: Ints, h: AnyArray, slope: float, spread: Floats, copy: Copy | None, most: int
) -> tuple[Products, Centre]:
    """Give H by products with a copy of the chosen columns, or with all columns."""
    rows, ridge = objective.rows, objective.ridge
    height = float(h.sum(dtype=np.float64)) / rows.total_weight
    diagonal = np.maximum(height * spread[chosen], 1e-12 * height * float(spread.max())) + ridge
    if copy is None:
        H = Products(rows, chosen, h, height, diagonal, objective.intercept, most)
    else:
        at, part = np.searchsorted(copy.columns, chosen), h[copy.sample]
        H = Products(copy.rows, at, part, height, diagonal, objective.intercept, most)
    H.ridge += ridge
    if copy is not None and copy.share < 1:
        H.raise_to(spread[chosen])
    return H, Centre(H.along, height, slope)
