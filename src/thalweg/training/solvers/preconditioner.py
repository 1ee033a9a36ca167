"""Parameters in which the objective is about equally curved in every direction: centred columns of equal weight.

The diagonal of the Hessian as in R. Barrett et al., "Templates for the Solution of Linear Systems", 1994, section 3.2
(Jacobi). Centring removes the one direction that columns with positive entries and the intercept have in common.
"""

from typing import final

import numpy as np

from thalweg.arrays import AnyArray, Floats
from thalweg.serial import frozen
from thalweg.training.objective import LinearObjective
from thalweg.training.rows import Chunk, sum_rows, transposed

__all__ = ["Preconditioner", "preconditioner"]

CANCELLED = 1e-12  # a variance that is this small a share of the second moment is nothing but rounding


@final
@frozen
class Preconditioner:
    """The linear change of parameters θ = (w, b) ↔ u, with w = s u_w and b = s₀ u_b − x̄·w.

    s = (c σ² + λ)^−½ and s₀ = c^−½ for the variances σ² of the columns, the mean curvature c of the loss and the ridge λ
    of the penalty: the Hessian by u has ones on its diagonal, and zeros beside that of the intercept, where the curvature
    is the same in all rows.

    Attributes:
        scale: (d[+1],) or (d[+1], K) s, and s₀ as the last row; 0 for a column of zeros, which is left alone.
        mean: (d,) x̄; empty without an intercept.
    """

    scale: Floats
    mean: Floats

    def theta(self, u: Floats) -> Floats:
        """Give the parameters."""
        theta = self.scale * u
        if len(self.mean):
            theta[-1] -= self.mean @ theta[:-1]
        return theta

    def u(self, theta: Floats) -> Floats:
        """Give the inverse: 0 for a column of zeros."""
        u = theta.copy()
        if len(self.mean):
            u[-1] += self.mean @ u[:-1]
        return np.divide(u, self.scale, out=np.zeros_like(u), where=self.scale > 0)

    def gradient(self, gradient: Floats) -> Floats:
        """Give ∂F/∂u for ∂F/∂θ."""
        centred = gradient.copy()
        if len(self.mean):
            centred[:-1] -= self.mean.reshape(-1, *[1] * (gradient.ndim - 1)) * gradient[-1]
        return self.scale * centred


def preconditioner(objective: LinearObjective, theta: Floats) -> Preconditioner:
    """Look at the columns' means and variances, and at the loss's curvature about the intercepts of θ: one pass."""
    first = next(iter(objective.rows.chunks())).X
    # Squares of numbers far from 0 lose their digits; the first row is near enough. A sparse matrix must stay sparse.
    shift = first[0].astype(np.float64) if isinstance(first, np.ndarray) else np.zeros(objective.rows.d)
    eta = theta[-1] if objective.intercept else np.zeros(theta.shape[1:])
    total, square, curvature = sum_rows(objective.rows, lambda chunk: _sums(objective, chunk, shift, eta))
    mean, square, curvature = (part / objective.rows.total_weight for part in (total, square, curvature))
    if objective.intercept:
        variance = square - mean**2
        square = np.where(variance > CANCELLED * square, variance, square)
    else:
        square = square + 2 * shift * mean + shift**2
    curvature = np.where(curvature > 0, curvature, 1.0)  # all rows may lie where a loss is straight
    diagonal = np.multiply.outer(square, curvature) + objective.ridge
    if objective.intercept:
        diagonal = np.concatenate([diagonal, curvature[None]])
    scale = np.divide(1.0, np.sqrt(diagonal), out=np.zeros_like(diagonal), where=diagonal > 0)
    return Preconditioner(scale, mean + shift if objective.intercept else np.empty(0))


def _sums(objective: LinearObjective, chunk: Chunk, shift: Floats, eta: AnyArray) -> tuple[Floats, Floats, Floats]:
    """Give Σ v (x − shift) and Σ v (x − shift)² (d,), and Σ v ℓ″ for every predictor."""
    total, square, curved = np.zeros(objective.rows.d), np.zeros(objective.rows.d), np.zeros(eta.shape)
    for block in chunk.blocks():
        weight = np.ones(len(block)) if block.weight is None else block.weight.astype(np.float64, copy=False)
        if isinstance(block.X, np.ndarray):
            X = (block.X - shift).T
            total += X @ weight
            square += np.square(X, out=X) @ weight
        else:
            X = transposed(block.X)
            total += X @ weight
            X.data = np.square(X.data)
            square += X @ weight
        each = objective.loss.curvature(np.broadcast_to(eta, (len(block), *eta.shape)).copy(), block.y)
        curved += weight @ (each if each.ndim == 1 else each * (1 - each))
    return total, square, curved
