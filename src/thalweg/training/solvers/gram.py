"""The Gram matrix of the rows, in one pass: all that least squares needs to know of them."""

from dataclasses import dataclass
from typing import Any, final
from weakref import WeakKeyDictionary

import numpy as np
from scipy.linalg.blas import dgemm, dsyrk

from thalweg.arrays import AnyArray, Floats
from thalweg.training.rows import Chunk, Rows, sum_rows

__all__ = ["Gram", "gram", "product"]

NARROW = 80  # up to so many columns a product of few rows is fastest by the kernel that does not repack them
KERNEL = 1_000_000  # multiplications up to which OpenBLAS takes that kernel
OFF_CENTRE = 10.0  # a mean of so many deviations would cost two digits if it were subtracted at the end only


_KNOWN: "WeakKeyDictionary[Rows, dict[bool, Gram]]" = WeakKeyDictionary()


@final
@dataclass(frozen=True)
class Gram:
    """Weighted second moments of the columns, about their means where there is an intercept, about 0 otherwise.

    Attributes:
        xx: (d, d) Σ v (x − x̄)(x − x̄)ᵀ / Σ v.
        xy: (d,) Σ v (x − x̄)(y − ȳ) / Σ v.
        yy: Σ v (y − ȳ)² / Σ v.
        x_mean: (d,) x̄, or zeros.
        y_mean: ȳ, or 0.
        lost: (d,) share of a column's second moment that was left after subtracting the mean: what is far below 1 has
            lost as many digits.
    """

    xx: Floats
    xy: Floats
    yy: float
    x_mean: Floats
    y_mean: float
    lost: Floats


def gram(rows: Rows, intercept: bool) -> Gram:
    """Give the Gram matrix of rows, computed in one pass when it is first asked for: rows never change."""
    known = _KNOWN.setdefault(rows, {})
    if intercept not in known:
        known[intercept] = _gram(rows, intercept)
    return known[intercept]


def _gram(rows: Rows, intercept: bool) -> Gram:
    """Pass over the rows, without copying X.

    Where the columns' means are large beside their deviations, the mean of the first rows is subtracted from every block
    before it is multiplied: the exact means, known only at the end, are then small corrections.
    """
    shift = _shift(next(iter(rows.chunks()))) if intercept else None
    xx, xy, x_sum, y_sum, yy = sum_rows(rows, lambda chunk: _sums(chunk, shift))
    total = rows.total_weight
    xx, xy, yy = np.triu(xx) + np.triu(xx, 1).T, xy / total, float(yy) / total
    xx /= total
    if not intercept:
        return Gram(xx, xy, yy, np.zeros(rows.d), 0.0, np.ones(rows.d))
    x_mean, y_mean = x_sum / total, float(y_sum) / total
    raw = np.diag(xx).copy()
    xx -= np.outer(x_mean, x_mean)
    with np.errstate(invalid="ignore"):
        lost = np.where(raw > 0, np.maximum(np.diag(xx), 0) / raw, 1.0)
    moved = np.zeros(rows.d + 1) if shift is None else shift
    return Gram(xx, xy - x_mean * y_mean, yy - y_mean * y_mean, x_mean + moved[:-1], y_mean + float(moved[-1]), lost)


def product(X: Any, weight: AnyArray | None = None) -> Floats:
    """Give Σ v x xᵀ (d, d) of a block of rows; of a dense one only the upper triangle is sure to be filled.

    Args:
        X: (k, d) array in C order, or CSR matrix.
        weight: (k,) v, or None for 1.
    """
    if not isinstance(X, np.ndarray):
        X = X.astype(np.float64, copy=False)
        weighted = X if weight is None else X.multiply(weight[:, None])
        return np.asarray((X.T @ weighted).toarray(), dtype=np.float64)
    k, d = X.shape
    Z = X.astype(np.float64, copy=False).T
    if weight is not None:
        V = (X * weight[:, None]).astype(np.float64, copy=False).T
    elif d > NARROW:
        return np.asarray(dsyrk(1.0, Z))
    else:
        V = Z
    step = max(16, KERNEL // (d * d)) if d <= NARROW else k
    total = np.zeros((d, d), order="F")
    for i in range(0, k, step):
        total = dgemm(1.0, Z[:, i : i + step], V[:, i : i + step], trans_b=True, beta=1.0, c=total, overwrite_c=True)
    return np.asarray(total)


def _shift(chunk: Chunk) -> Floats | None:
    """Give the means of the first rows, of y too, where subtracting them early saves digits."""
    if not isinstance(chunk.X, np.ndarray):
        return None  # a sparse matrix would not stay sparse
    X, y = chunk.X[:1000].astype(np.float64), chunk.y[:1000].astype(np.float64)
    head = np.column_stack([X, y])
    mean, deviation = head.mean(axis=0), head.std(axis=0)
    return mean if (np.abs(mean) > OFF_CENTRE * deviation).any() and len(head) > 1 else None


def _sums(chunk: Chunk, shift: Floats | None) -> tuple[Any, ...]:
    """Sum over the rows of a chunk: v x xᵀ, v x y, v x, v y, v y²."""
    d = chunk.X.shape[1]
    xx, xy, x_sum, y_sum, yy = np.zeros((d, d)), np.zeros(d), np.zeros(d), 0.0, 0.0
    for block in chunk.blocks():
        X, y = block.X, block.y.astype(np.float64, copy=False)
        if shift is not None:
            X, y = X - shift[:-1], y - shift[-1]
        weight = np.ones(len(y)) if block.weight is None else block.weight.astype(np.float64, copy=False)
        weighted = y if block.weight is None else weight * y
        xx += product(X, block.weight)
        xy += weighted @ X
        x_sum += weight @ X
        y_sum += float(weighted.sum())
        yy += float(weighted @ y)
    return xx, xy, x_sum, y_sum, yy
