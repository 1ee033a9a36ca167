"""What a solver that chooses columns asks of the rows: one pass each."""

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from thalweg.arrays import AnyArray, Floats
from thalweg.training.objective import LinearObjective, weighted_sum
from thalweg.training.rows import Chunk, Rows, sum_rows, transposed

__all__ = ["CONSTANT", "column_squares", "curvatures", "look", "squares"]

CONSTANT = 1e-13  # share of a column's second moment about its mean that is nothing but rounding
FEW_ROWS = 2_000  # of a sparse chunk
FLAT = 1e-6  # of the largest curvature: less is counted as so much, for a step must have an end


def curvatures(objective: LinearObjective, eta: AnyArray, block: Chunk) -> AnyArray:
    """Give v ℓ″ (k,) of some rows."""
    bound = objective.loss.curvature_bound
    h = np.maximum(objective.loss.curvature(eta, block.y), FLAT * (bound if np.isfinite(bound) else 1.0))
    return np.asarray(h if block.weight is None else h * block.weight)


def look(objective: LinearObjective, theta: Floats, h: AnyArray | None) -> tuple[float, Floats]:
    """Give F and the gradient of its smooth part, and write v ℓ″ of every row where it is wanted: one pass."""

    def sums(chunk: Chunk) -> tuple[float, Floats]:
        if h is None:
            return objective.chunk_gradient(chunk, theta)
        total, gradient, first = 0.0, np.zeros(objective.shape), chunk.start
        for block in chunk.blocks():
            eta = objective.predictor(block.X, theta)
            value, slope = objective.loss.slope(eta, block.y)
            total += weighted_sum(value, block.weight)
            objective.add_rows(gradient, block, slope)
            h[first : first + len(block)] = curvatures(objective, eta, block)
            first += len(block)
        return total, gradient

    return objective.completed(theta, *sum_rows(objective.rows, sums))


def column_squares(rows: Rows, centred: bool) -> tuple[Floats, Floats]:
    """Give the weighted mean square of every column, about its mean or 0, and the share of rows with an entry."""

    def sums(chunk: Chunk) -> tuple[Floats, Floats, Floats]:
        X = chunk.X
        if isinstance(X, np.ndarray):
            one, two = np.zeros(rows.d), np.zeros(rows.d)
            for block in chunk.blocks():
                weight = np.ones(len(block), X.dtype) if block.weight is None else block.weight
                one += weight @ block.X
                two += weight @ np.square(block.X)
            return one, two, np.full(rows.d, float(len(chunk)))
        weight = np.ones(len(chunk), X.dtype) if chunk.weight is None else chunk.weight
        one = transposed(X) @ weight if centred else np.zeros(rows.d)
        count = transposed(csr_array((np.ones(X.nnz, np.int8), X.indices, X.indptr), X.shape)) @ np.ones(
            len(chunk), np.int32
        )
        return one.astype(np.float64), squares(X, weight), count.astype(np.float64)

    one, two, count = sum_rows(rows, sums)
    square, mean = two / rows.total_weight, one / rows.total_weight
    about = square - mean**2 if centred else square
    return np.where(about > CONSTANT * square, about, 0.0), count / rows.n


def squares(X: Any, h: AnyArray) -> Floats:
    """Give Σ h x² of every column, few rows at a time: the squares would take as much room as they do."""
    total = np.zeros(X.shape[1])
    if isinstance(X, np.ndarray):
        return np.asarray(total + h @ np.square(X))
    for i in range(0, X.shape[0], FEW_ROWS):
        ends = X.indptr[i : i + FEW_ROWS + 1]
        some = slice(ends[0], ends[-1])
        part = csr_array((np.square(X.data[some]), X.indices[some], ends - ends[0]), (len(ends) - 1, X.shape[1]))
        total += transposed(part) @ h[i : i + FEW_ROWS]
    return total
