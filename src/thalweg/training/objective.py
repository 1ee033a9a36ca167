"""What a linear model minimizes: mean loss + λ penalty, and its derivatives, summed over chunks of rows."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from thalweg.arrays import AnyArray, Floats
from thalweg.training.losses import Loss
from thalweg.training.penalties import Penalty
from thalweg.training.rows import Chunk, Rows, map_rows, sum_rows, transposed

__all__ = ["LinearObjective"]


@final
@dataclass(frozen=True)
class LinearObjective:
    """F(w, b) = Σ vᵢ ℓ(xᵢ·w + b, yᵢ) / Σ vᵢ + λ Ω(w), the weights v of the rows being 1 where none are given.

    The parameters are one array θ: the rows of w, and after them b where there is an intercept; (d,) or (d + 1,) for a
    loss with one predictor, (d, K) or (d + 1, K) for K of them. Parameters and sums are float64, whatever X is.

    Attributes:
        rows: X, y and v.
        loss: ℓ.
        penalty: Ω.
        strength: λ ≥ 0.
        intercept: Whether there is b, which is never penalized.
        predictors: K, or 1.
    """

    rows: Rows
    loss: Loss
    penalty: Penalty
    strength: float
    intercept: bool
    predictors: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of θ."""
        size = self.rows.d + self.intercept
        return (size,) if self.predictors == 1 else (size, self.predictors)

    @property
    def ridge(self) -> float:
        """λ times the weight of ½‖w‖² in Ω."""
        return self.strength * self.penalty.ridge if self.strength else 0.0

    @property
    def ridges(self) -> Floats:
        """The same for every parameter, as a flat array: 0 for intercepts."""
        ridges = np.zeros(self.shape)
        self.coefficients(ridges)[...] = self.ridge
        return ridges.ravel()

    def coefficients(self, theta: AnyArray) -> AnyArray:
        """Give w, without the intercept."""
        return theta[: self.rows.d]

    def start(self) -> Floats:
        """Give w = 0, and the intercept that is best then."""
        theta = np.zeros(self.shape)
        if self.intercept:
            y, weight = self.targets()
            if self.predictors > 1:  # a class without a row among these has its predictor all the same
                y, weight = np.append(y, np.arange(self.predictors)), np.append(weight, np.zeros(self.predictors))
            theta[-1] = self.loss.constant(y, weight)
        return theta

    def targets(self) -> tuple[AnyArray, AnyArray]:
        """Give y and v of all rows, (n,) each, after a look at whether the loss is made for them."""
        parts = map_rows(self.rows, lambda chunk: (chunk.y, chunk.weight))
        y = np.concatenate([part for part, _ in parts])
        self.loss.check(y)
        given = [weight for _, weight in parts if weight is not None]
        return y, np.concatenate(given) if given else np.broadcast_to(1.0, len(y))

    def predictor(self, X: Any, theta: AnyArray) -> AnyArray:
        """Give η for the rows of a matrix, in its dtype."""
        eta = X @ self.coefficients(theta).astype(X.dtype, copy=False)
        if self.intercept:
            eta += theta[-1].astype(X.dtype)
        return np.asarray(eta)

    def value(self, theta: Floats) -> float:
        """Give F(θ): one pass."""
        (total,) = sum_rows(self.rows, lambda chunk: (self._loss(chunk, theta),))
        return float(total) / self.rows.total_weight + self.penalized(theta)

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """Give F(θ) and the gradient of its smooth part, ridge included: one pass."""
        total, gradient = sum_rows(self.rows, lambda chunk: self.chunk_gradient(chunk, theta))
        return self.completed(theta, total, gradient)

    def completed(self, theta: Floats, total: float, gradient: Floats) -> tuple[float, Floats]:
        """Make value and gradient of F out of the sums over all rows."""
        gradient = gradient / self.rows.total_weight
        self.coefficients(gradient)[...] += self.ridge * self.coefficients(theta)
        return float(total) / self.rows.total_weight + self.penalized(theta), gradient

    def penalized(self, theta: Floats) -> float:
        """Give λ Ω(w)."""
        return self.strength * self.penalty.value(self.coefficients(theta)) if self.strength else 0.0

    def chunk_gradient(self, chunk: Chunk, theta: Floats) -> tuple[float, Floats]:
        """Give Σ v ℓ and its gradient over the rows of a chunk, looking at each of its blocks once."""
        total, gradient = 0.0, np.zeros(self.shape)
        for block in chunk.blocks():
            value, slope = self.loss.slope(self.predictor(block.X, theta), block.y)
            total += weighted_sum(value, block.weight)
            self.add_rows(gradient, block, slope)
        return total, gradient

    def add_rows(self, gradient: Floats, block: Chunk, slope: AnyArray) -> None:
        """Add Σ v slope·x, and Σ v slope for the intercept, to a gradient."""
        if block.weight is not None:
            slope = slope * (block.weight if slope.ndim == 1 else block.weight[:, None])
        self.coefficients(gradient)[...] += transposed(block.X) @ slope
        if self.intercept:
            gradient[-1] += slope.sum(axis=0, dtype=np.float64)

    def _loss(self, chunk: Chunk, theta: Floats) -> float:
        return sum(
            weighted_sum(self.loss.value(self.predictor(block.X, theta), block.y), block.weight)
            for block in chunk.blocks()
        )


def weighted_sum(value: AnyArray, weight: AnyArray | None) -> float:
    """Add up in double precision."""
    return float(value.sum(dtype=np.float64) if weight is None else np.einsum("i,i", value, weight, dtype=np.float64))
