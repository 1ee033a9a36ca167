"""What a solver that chooses columns asks of the rows: one pass each."""

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from thalweg.arrays import AnyArray, Floats, Ints
from thalweg.training.objective import LinearObjective, weighted_sum
from thalweg.training.rows import Chunk, DenseRows, Rows, SparseRows, sum_rows, transposed

__all__ = ["CONSTANT", "column_squares", "compact", "curvatures", "look"]

COPY_BYTES = 2**25  # of a compact copy of the chosen columns
CONSTANT = 1e-13  # share of a column's second moment about its mean that is nothing but rounding
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
        squares = csr_array((np.square(X.data), X.indices, X.indptr), shape=X.shape)
        count = np.bincount(X.indices, minlength=rows.d).astype(np.float64)
        one, two = np.asarray(transposed(X) @ weight, np.float64), np.asarray(transposed(squares) @ weight, np.float64)
        return one, two, count

    one, two, count = sum_rows(rows, sums)
    square, mean = two / rows.total_weight, one / rows.total_weight
    about = square - mean**2 if centred else square
    return np.where(about > CONSTANT * square, about, 0.0), count / rows.n


def compact(rows: Rows, chosen: Ints, filled: Floats) -> Rows | None:
    """Copy some columns in single precision; None where the copy would be large, or no smaller.

    Args:
        rows: The rows.
        chosen: (p,) columns.
        filled: (d,) share of the rows with an entry in a column.
    """
    entries = round(float(filled[chosen].sum()) * rows.n)
    if entries * (8 if rows.sparse else 4) > COPY_BYTES or len(chosen) == rows.d:
        return None
    X = _sparse_columns(rows, chosen, entries) if rows.sparse else _dense_columns(rows, chosen)
    y = np.zeros(rows.n, np.float32)
    copy = SparseRows(X, y) if rows.sparse else DenseRows(X, y)
    copy.total_weight = rows.total_weight
    return copy


def _dense_columns(rows: Rows, chosen: Ints) -> AnyArray:
    X = np.empty((rows.n, len(chosen)), np.float32)
    for chunk in rows.chunks():
        X[chunk.start : chunk.start + len(chunk)] = chunk.X[:, chosen]
    return X


def _sparse_columns(rows: Rows, chosen: Ints, entries: int) -> Any:
    data, indices, starts = np.empty(entries, np.float32), np.empty(entries, np.int32), np.zeros(rows.n + 1, np.int32)
    for chunk in rows.chunks():
        part = chunk.X[:, chosen]
        first = int(starts[chunk.start])
        data[first : first + part.nnz], indices[first : first + part.nnz] = part.data, part.indices
        starts[chunk.start + 1 : chunk.start + 1 + len(chunk)] = first + part.indptr[1:]
    return csr_array((data, indices, starts), shape=(rows.n, len(chosen)))
