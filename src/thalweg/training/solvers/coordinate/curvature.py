"""The Hessian of a linear model's mean loss on chosen columns: as a matrix, or as products with the rows.

The intercept is eliminated: it always moves to where the quadratic model is lowest. What is left is curvature about the
weighted means of the columns, so columns far from 0 are no harder than others.

Conjugate gradients are cut short as in S. G. Nash, A. Sofer, "Assessing a search direction within a truncated-Newton
method", Operations Research Letters 9, 1990.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from thalweg.arrays import AnyArray, Bools, Floats, Ints
from thalweg.training.objective import LinearObjective
from thalweg.training.rows import Chunk, Rows, sum_rows, transposed
from thalweg.training.solvers.coordinate.passes import CONSTANT, compact, curvatures
from thalweg.training.solvers.coordinate.quadratic import Curvature
from thalweg.training.solvers.gram import NARROW, product
from thalweg.training.solvers.hessian import stratified

__all__ = ["Centre", "Hessian", "Products", "explicit", "implicit"]

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
@dataclass(frozen=True)
class Hessian:
    """H of some columns, the intercept eliminated and the ridge included.

    Attributes:
        columns: (p,) in ascending order.
        H: (p, p).
        centre: The intercept's part.
    """

    columns: Ints
    H: Floats
    centre: Centre

    def has(self, chosen: Ints) -> bool:
        """Whether it knows all of these columns."""
        return bool(np.isin(chosen, self.columns).all())

    def part(self, chosen: Ints, slope: float) -> tuple[Floats, Centre]:
        """Give that of some of its columns, at a point where the intercept has another slope."""
        at = np.searchsorted(self.columns, chosen)
        return self.H[np.ix_(at, at)], Centre(self.centre.along[at], self.centre.height, slope)


def explicit(objective: LinearObjective, chosen: Ints, theta: Floats, share: float, seed: int) -> Hessian:
    """Compute H of the chosen columns from a random share of the rows."""
    p, whole = len(chosen), len(chosen) == objective.rows.d

    def sums(chunk: Chunk) -> tuple[Any, ...]:
        sample = chunk.take(stratified(seed + chunk.start, len(chunk), share))
        H, along, height, weights = np.zeros((p, p)), np.zeros(p), 0.0, 0.0
        # A large matrix is better not added to for every few rows.
        for block in sample.blocks() if p <= NARROW else [sample]:
            h = curvatures(objective, objective.predictor(block.X, theta), block)
            X = block.X if whole else block.X[:, chosen]
            if p > NARROW and isinstance(X, np.ndarray):
                H += product(X * np.sqrt(h)[:, None])
            elif p:
                H += product(X, h)
            along += X.T @ h
            height += float(h.sum(dtype=np.float64))
            weights += float(len(block) if block.weight is None else block.weight.sum(dtype=np.float64))
        return H, along, height, weights

    H, along, height, weights = sum_rows(objective.rows, sums)
    if weights == 0:  # the sample has met rows without weight only
        return explicit(objective, chosen, theta, 1.0, seed)
    H, centre = H / weights, Centre(along / weights, float(height) / weights, 0.0)
    H = np.triu(H) + np.triu(H, 1).T
    if objective.intercept:
        raw = np.diag(H).copy()
        H -= np.outer(centre.along, centre.along / centre.height)
        constant = np.diag(H) <= CONSTANT * raw
        H[constant], H[:, constant] = 0.0, 0.0
    else:
        centre = Centre(np.zeros(p), centre.height, 0.0)
    H[np.diag_indices(p)] += objective.ridge
    return Hessian(chosen, H, centre)


@final
class Products(Curvature):
    """H by products: two passes over the chosen columns each, in the dtype of their rows.

    Attributes:
        rows: Rows with the chosen columns only, or all of them.
        columns: Which columns of the rows are the chosen ones; None: all.
        h: (n,) v ℓ″.
        centre: The intercept's part.
        ridge: Added to the diagonal.
        diagonal: Near H's.
        most: Products for one Newton step.
    """

    direct: ClassVar[bool] = False

    def __init__(
        self, rows: Rows, columns: Ints | None, h: AnyArray, ridge: float, diagonal: Floats, most: int
    ) -> None:
        """Keep references; the centre is set when it is known."""
        self.rows, self.columns, self.h, self.ridge, self.diagonal, self.most = rows, columns, h, ridge, diagonal, most
        self.centre = Centre(np.zeros(len(diagonal)), 1.0, 0.0)

    def along(self) -> Floats:
        """Give Σ v ℓ″ x / Σ v."""
        (total,) = sum_rows(self.rows, lambda chunk: ((transposed(chunk.X) @ self._h(chunk)).astype(np.float64),))
        return self._own(total)

    def product(self, s: Floats) -> Floats:
        """Pass over the rows."""
        full = s if self.columns is None else np.zeros(self.rows.d)
        if self.columns is not None:
            full[self.columns] = s
        z = full.astype(self.rows.dtype)

        def sums(chunk: Chunk) -> tuple[Floats]:
            total = np.zeros(self.rows.d)
            first = chunk.start
            for block in chunk.blocks():
                total += transposed(block.X) @ (self.h[first : first + len(block)] * (block.X @ z))
                first += len(block)
            return (total,)

        (total,) = sum_rows(self.rows, sums)
        along = self.centre.along
        return self._own(total) - along * (float(along @ s) / self.centre.height) + self.ridge * s

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

    def _h(self, chunk: Chunk) -> AnyArray:
        return self.h[chunk.start : chunk.start + len(chunk)]

    def _own(self, total: Floats) -> Floats:
        return np.asarray((total if self.columns is None else total[self.columns]) / self.rows.total_weight)


def implicit(
    objective: LinearObjective, chosen: Ints, h: AnyArray, slope: float, squares: Floats, filled: Floats, most: int
) -> tuple[Products, Centre]:
    """Give H by products, with a compact copy of the chosen columns in single precision where that is small."""
    rows = objective.rows
    height = float(h.sum(dtype=np.float64)) / rows.total_weight
    diagonal = np.maximum(height * squares[chosen], 1e-12 * height * float(squares.max())) + objective.ridge
    copy = compact(rows, chosen, filled)
    if copy is None:
        columns = None if len(chosen) == rows.d else chosen
        H = Products(rows, columns, h, objective.ridge, diagonal, most)
    else:
        H = Products(copy, None, h.astype(copy.dtype), objective.ridge, diagonal, most)
    H.centre = Centre(H.along() if objective.intercept else np.zeros(len(chosen)), height, slope)
    return H, H.centre
