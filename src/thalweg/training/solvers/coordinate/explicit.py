"""The Hessian of a linear model's mean loss on chosen columns as a matrix, which grows with the columns.

The intercept is eliminated, as in ``curvature``.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from thalweg.arrays import Floats, Ints
from thalweg.training.objective import LinearObjective
from thalweg.training.rows import Chunk, sum_rows
from thalweg.training.solvers.coordinate.curvature import Centre
from thalweg.training.solvers.coordinate.passes import CONSTANT, curvatures
from thalweg.training.solvers.gram import NARROW, product
from thalweg.training.solvers.hessian import stratified

__all__ = ["Hessian", "explicit", "grown"]


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
            X = block.X if whole else _taken(block.X, chosen)
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


def grown(objective: LinearObjective, known: Hessian, new: Ints) -> Hessian:
    """Add columns to the H of least squares, which is the same everywhere: their products with all, from all rows.

    Args:
        objective: Of dense rows.
        known: H of other columns.
        new: (q,) columns, none of them constant.
    """
    columns = np.concatenate([known.columns, new])
    order = np.argsort(columns)

    def sums(chunk: Chunk) -> tuple[Floats, Floats]:
        X = _taken(chunk.X, columns).astype(np.float64, copy=False)
        own = X[:, len(known.columns) :]
        weighted = own if chunk.weight is None else own * chunk.weight[:, None]
        return weighted.T @ X, weighted.sum(axis=0)

    rows, along = sum_rows(objective.rows, sums)
    rows /= objective.rows.total_weight
    along = along / objective.rows.total_weight * objective.intercept
    centre = Centre(np.concatenate([known.centre.along, along]), known.centre.height, 0.0)
    rows -= np.outer(along, centre.along / centre.height)
    H = np.block([[known.H, rows[:, : len(known.columns)].T], [rows]])
    H[np.arange(len(known.columns), len(H)), np.arange(len(known.columns), len(H))] += objective.ridge
    return Hessian(columns[order], H[np.ix_(order, order)], Centre(centre.along[order], centre.height, 0.0))


def _taken(X: Any, columns: Ints) -> Any:
    return X.take(columns, axis=1) if isinstance(X, np.ndarray) else X[:, columns]
