"""The Hessian of a linear model's mean loss, from all rows or a sample of them, and how it is inverted."""

from typing import Any, final

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular
from scipy.linalg.lapack import dpocon

from thalweg.arrays import AnyArray, Floats, Ints
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.training.objective import LinearObjective
from thalweg.training.rows import Chunk
from thalweg.training.solvers.gram import product

__all__ = ["InverseRoot", "chunk_hessian", "invert", "stratified"]

SINGULAR = 1e-13  # eigenvalues of the scaled Hessian below this share of the largest are taken for zero


@final
@frozen
class InverseRoot:
    """R with RᵀR = H⁻¹, or the pseudo-inverse where H is singular.

    Attributes:
        root: (r, p) R.
        rank: r, the number of directions in which F is curved.
    """

    root: Floats
    rank: int

    def step(self, gradient: Floats) -> tuple[Floats, float]:
        """Give the Newton step −H⁻¹g, shaped as g, and its decrement ½ gᵀH⁻¹g."""
        z = self.root @ gradient.ravel()
        return -(self.root.T @ z).reshape(gradient.shape), 0.5 * float(z @ z)


def stratified(seed: int, k: int, share: float) -> Ints | slice:
    """Choose about a share of k rows: one of every 1/share neighbours, at random."""
    every = round(1 / share)
    if every <= 1:
        return slice(None)
    rows = np.arange(0, k, every)
    chosen: Ints = np.minimum(rows + generator(seed).integers(every, size=len(rows)), k - 1)
    return chosen


def chunk_hessian(objective: LinearObjective, chunk: Chunk, theta: Floats) -> tuple[Floats, float]:
    """Give Σ v ∂²ℓ over the rows of a chunk, (p, p) for p parameters in C order, and Σ v.

    Of one predictor it is Σ v ℓ″ x xᵀ. Of K it is Σ v (diag(π) − ππᵀ) ⊗ x xᵀ, with the probabilities π of the classes.
    """
    size, K = theta.shape[0], objective.predictors
    total, weights = np.zeros((size, K, size, K)), 0.0
    for block in chunk.blocks():
        curvature = objective.loss.curvature(objective.predictor(block.X, theta), block.y)
        weights += float(len(block) if block.weight is None else block.weight.sum(dtype=np.float64))
        pairs = [(0, 0, curvature)] if K == 1 else _pairs(curvature)
        for a, b, h in pairs:
            total[:, a, :, b] += _moments(block.X, h if block.weight is None else h * block.weight, objective.intercept)
    for a in range(K):
        for b in range(a):
            total[:, a, :, b] = total[:, b, :, a]
    return total.reshape(size * K, size * K), weights


def invert(hessian: Floats, ridge: Floats) -> InverseRoot:
    """Factorize H + diag(ridge), after scaling its diagonal to 1; by Cholesky, or by eigenvalues where it is singular."""
    A = hessian.copy()
    A[np.diag_indices_from(A)] += ridge
    diagonal = np.diag(A)
    scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    A = A * scale * scale[:, None]
    try:
        L = cholesky(A, lower=True, check_finite=False)
        reciprocal, _ = dpocon(L, np.abs(A).sum(axis=0).max(), uplo="L")
        if reciprocal > SINGULAR:
            return InverseRoot(solve_triangular(L, np.diag(scale), lower=True, check_finite=False), len(A))
    except np.linalg.LinAlgError:
        pass  # singular: the eigenvalues say in which directions
    values, vectors = eigh(A, check_finite=False)
    kept = values > SINGULAR * max(1.0, values[-1])
    return InverseRoot((vectors[:, kept] / np.sqrt(values[kept])).T * scale, int(kept.sum()))


def _pairs(probability: AnyArray) -> list[tuple[int, int, AnyArray]]:
    K = probability.shape[1]
    return [(a, b, probability[:, a] * ((a == b) - probability[:, b])) for a in range(K) for b in range(a, K)]


def _moments(X: Any, h: AnyArray, intercept: bool) -> Floats:
    """Give Σ h x xᵀ, with a last row and column for the intercept."""
    inner = product(X, h)
    if isinstance(X, np.ndarray) and len(inner) > 1:
        inner = np.triu(inner) + np.triu(inner, 1).T
    if not intercept:
        return inner
    d = X.shape[1]
    total = np.empty((d + 1, d + 1))
    total[:d, :d] = inner
    total[d, :d] = total[:d, d] = X.T @ h
    total[d, d] = h.sum(dtype=np.float64)
    return total
