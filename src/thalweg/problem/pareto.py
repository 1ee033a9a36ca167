"""Comparing points of several objectives, all of them to be minimized: who is not dominated, and how much a set covers.

A point dominates another when it is at least as good in every objective and better in one.
"""

import numpy as np
from numpy.typing import ArrayLike

from thalweg.arrays import Bools, Floats
from thalweg.errors import InvalidSettings

__all__ = ["hypervolume", "non_dominated"]

BLOCK = 256  # rows that are compared with each other at once: their table of pairs stays in the cache


def non_dominated(points: Floats) -> Bools:
    """Tell which points no other one dominates; of equal ones all or none.

    One and two objectives take one sort, O(n log n); more of them a comparison with those kept so far.

    Args:
        points: (n, m) objectives; a NaN or infinite one is compared as the floating-point numbers are.

    Returns:
        (n,) mask.

    Example:
        >>> non_dominated(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 3.0], [2.0, 2.0]])).tolist()
        [True, True, False, True]

    Reference:
        H. T. Kung, F. Luccio, F. P. Preparata, "On finding the maxima of a set of vectors", Journal of the ACM
        22(4), 1975 (the sort for two objectives).
    """
    order = np.lexsort(points.T[::-1])  # whoever dominates a point comes before it
    ordered = points[order]
    first = np.ones(len(points), dtype=np.bool_)
    first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    distinct = ordered[first]
    kept = _sweep(distinct) if points.shape[1] <= 2 else _by_blocks(distinct)
    result = np.empty(len(points), dtype=np.bool_)
    result[order] = kept[np.cumsum(first) - 1]
    return result


def hypervolume(points: ArrayLike, reference: ArrayLike) -> float:
    """Measure the part of space that points dominate, up to a reference point: exactly, and the larger the better.

    H = volume of the union over p of [p₁, r₁] × … × [pₘ, rₘ].

    Two objectives take one sort, O(n log n). More of them are a sum of what each point adds to those better in the last
    objective: the volume of its box without the part of it that they cover, which is a problem of m − 1 objectives.

    Args:
        points: (n, m) objectives, none of them NaN. Points that do not lie below the reference in every objective
            cover nothing.
        reference: (m,) r, finite, usually a little worse than the worst point of the true front.

    Raises:
        InvalidSettings: The shapes do not fit together, or there is a NaN, or an infinite reference.

    Example:
        >>> hypervolume([[0.0, 2.0], [1.0, 1.0], [2.0, 0.0]], reference=[3.0, 3.0])
        6.0
        >>> hypervolume([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], reference=[2.0, 1.0, 2.0])
        3.0

    Reference:
        E. Zitzler, L. Thiele, "Multiobjective optimization using evolutionary algorithms", PPSN V, 1998. L. While, L.
        Bradstreet, L. Barone, "A fast way of calculating exact hypervolumes", IEEE Transactions on Evolutionary
        Computation 16(1), 2012 (WFG).
    """
    p, r = np.asarray(points, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if r.ndim != 1 or not len(r) or p.ndim != 2 or p.shape[1] != len(r):
        raise InvalidSettings(
            f"hypervolume takes points (n, m) and a reference (m,); got the shapes {p.shape} and {r.shape}"
        )
    if np.isnan(p).any() or not np.isfinite(r).all():
        raise InvalidSettings(
            f"hypervolume takes points without NaN and a finite reference; got reference={r.tolist()}"
        )
    inside = r - p[(p < r).all(axis=1)]  # edges of the boxes: from here on the larger the better
    return _volume(inside)


def _sweep(distinct: Floats) -> Bools:
    """Compare sorted, distinct rows of at most two columns with the best second one before them."""
    kept = np.ones(len(distinct), dtype=np.bool_)
    if distinct.shape[1] == 1:
        kept[1:] = False
    else:
        kept[1:] = distinct[1:, 1] < np.minimum.accumulate(distinct[:-1, 1])
    return kept


def _by_blocks(distinct: Floats) -> Bools:
    """Compare sorted, distinct rows with those kept before them, block by block."""
    kept = np.zeros(len(distinct), dtype=np.bool_)
    front = distinct[:0]
    for begin in range(0, len(distinct), BLOCK):
        block = distinct[begin : begin + BLOCK]
        left = np.arange(len(block))
        for other in range(0, len(front), BLOCK):
            left = left[~_dominated(block[left], front[other : other + BLOCK])]
        rivals = block[left]
        kept[begin + left[~_dominated(rivals, rivals)]] = True
        front = distinct[: begin + BLOCK][kept[: begin + BLOCK]]
    return kept


def _dominated(points: Floats, by: Floats) -> Bools:
    """(n,) whether one of the other rows is at most as large in every column; a row itself does not count."""
    no_worse = np.ones((len(by), len(points)), dtype=np.bool_)
    for column, other in zip(points.T, by.T, strict=True):
        no_worse &= np.less_equal.outer(other, column)
    if by is points:
        np.fill_diagonal(no_worse, False)
    dominated: Bools = np.any(no_worse, axis=0)
    return dominated


def _volume(edges: Floats) -> float:
    """Volume of the union of boxes (n, m) that share a corner."""
    if len(edges) <= 1:
        return float(edges.prod(axis=1).sum())
    if edges.shape[1] == 1:
        return float(edges.max())
    edges = edges[np.argsort(edges[:, -1], kind="stable")]
    if edges.shape[1] == 2:
        reach = np.maximum.accumulate(edges[::-1, 0])[::-1]  # of this box and all that are higher
        return float(reach @ np.diff(edges[:, 1], prepend=0.0))
    edges = edges[non_dominated(-edges)]
    total = 0.0
    for i, box in enumerate(edges[:, :-1]):  # those after it are at least as high, so they cut it over its whole height
        added = box.prod() - _volume(np.minimum(edges[i + 1 :, :-1], box))
        total += float(edges[i, -1] * added)
    return total
