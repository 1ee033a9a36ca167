"""Where an acquisition function is highest: many starting points judged together, the best ones climbed from.

A climb alternates two steps until neither helps: real-valued columns follow the gradient (L-BFGS-B), then integers, grids
and choices try every change of a single column.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.stats import qmc

from thalweg.arrays import Floats, Ints
from thalweg.optimizers.bayesian.acquisition import LogExpectedImprovement
from thalweg.space import CATEGORICAL, CONTINUOUS, Columns

__all__ = ["maximize", "neighbours", "sobol"]

EXPLORING = 9  # log₂ of the number of starting points spread over the whole space
EXPLOITING = 256  # starting points around the best ones seen
CLIMBS = 3  # of each of the two
ROUNDS = 8  # of the alternation in a mixed space
FEW_LEVELS = 32  # up to so many, every value of a column is a neighbour; beyond, steps of 1, 2, 4, …


def maximize(
    acquisition: LogExpectedImprovement, columns: Columns, incumbents: Floats, random: np.random.Generator
) -> Floats:
    """Find rows at which the acquisition function is high.

    Args:
        acquisition: What is maximized.
        columns: The columns of the search space.
        incumbents: (k, d) the best rows seen, k ≥ 1, around which to look closely.
        random: Source of the starting points.

    Returns:
        (m, d) distinct rows, the highest first: the ends of the climbs, then the starting points.
    """
    spread = columns.from_unit(sobol(columns.dim, 0, 2**EXPLORING, random))
    starts = [_canonical(columns, rows) for rows in (spread, _perturb(columns, incumbents, random))]
    judged = [(rows, acquisition(rows)) for rows in starts]
    tops = [
        _climb(acquisition, columns, rows[i], value[i]) for rows, value in judged for i in np.argsort(-value)[:CLIMBS]
    ]
    x = np.concatenate([[row for row, _ in tops], *(rows for rows, _ in judged)])
    value = np.concatenate([[top for _, top in tops], *(value for _, value in judged)])
    return x[np.argsort(-value, kind="stable")]


def sobol(d: int, first: int, n: int, random: np.random.Generator) -> Floats:
    """Give points ``first`` to ``first + n`` (n, d) of a scrambled Sobol sequence; the same generator, the same sequence."""
    size = max(first + n - 1, 1).bit_length()
    return np.asarray(qmc.Sobol(d, scramble=True, rng=random).random_base2(size))[first : first + n]


def neighbours(columns: Columns, x: Floats) -> Floats:
    """Give the rows that differ from row x (d,) by another value of one active integer, grid or choice.

    Where such a column has more than 32 levels, the values at distance 1, 2, 4, 8, … levels are its neighbours.

    Returns:
        (m, d) rows, their inactive columns neutral; m = 0 where every column is real-valued.
    """
    rows: list[Floats] = []
    for j in np.flatnonzero(columns.discrete & columns.activity(x[None])[0]).tolist():
        step = columns.step[j] if columns.kind[j] == CONTINUOUS else 1.0
        level, levels = round((x[j] - columns.low[j]) / step), int(columns.levels[j])
        if levels <= FEW_LEVELS or columns.kind[j] == CATEGORICAL:
            others = np.arange(levels)
        else:
            strides = 2 ** np.arange(levels.bit_length())
            others = level + np.concatenate([-strides, strides])
        others = others[(others != level) & (others >= 0) & (others < levels)]
        block = np.tile(x, (len(others), 1))
        values = columns.low[j] + step * others
        block[:, j] = columns.snap(j, values) if columns.kind[j] == CONTINUOUS else values
        rows.append(block)
    return _canonical(columns, np.concatenate(rows)) if rows else np.empty((0, columns.dim))


def _perturb(columns: Columns, incumbents: Floats, random: np.random.Generator) -> Floats:
    """Move each column of the incumbents with probability ½: numbers by normal steps of all sizes, choices anywhere."""
    u = columns.to_unit(incumbents[np.arange(EXPLOITING) % len(incumbents)])
    size = 10.0 ** random.uniform(-3.0, -0.5, (EXPLOITING, 1))
    moved = u + size * random.standard_normal(u.shape)
    moved = np.where(columns.kind == CATEGORICAL, random.random(u.shape), moved)
    return columns.from_unit(np.where(random.random(u.shape) < 0.5, moved, u))


def _climb(acquisition: LogExpectedImprovement, columns: Columns, x: Floats, value: float) -> tuple[Floats, float]:
    for _ in range(ROUNDS):
        x, value = _ascend(acquisition, columns, x, value)
        others = neighbours(columns, x)
        if not len(others):
            break
        values = acquisition(others)
        best = int(np.argmax(values))
        if values[best] <= value:
            break
        x, value = others[best], float(values[best])
    return x, value


def _ascend(acquisition: LogExpectedImprovement, columns: Columns, x: Floats, value: float) -> tuple[Floats, float]:
    """Follow the gradient in the active real-valued columns."""
    active = columns.activity(x[None])
    free: Ints = np.flatnonzero(active[0] & ~columns.discrete & (columns.high > columns.low))
    if not len(free):
        return x, value
    u = columns.to_unit(x[None])

    def loss(inner: Floats) -> tuple[float, Floats]:
        u[0, free] = inner
        height, slope = acquisition.with_gradient(u, active)
        return -float(height[0]), -slope[0, free]

    found = minimize(
        loss, u[0, free], jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * len(free), options={"maxiter": 50}
    )
    u[0, free] = found.x
    risen = _canonical(columns, columns.from_unit(u))
    height = float(acquisition(risen)[0])
    return (risen[0], height) if height > value else (x, value)


def _canonical(columns: Columns, x: Floats) -> Floats:
    return columns.canonical(x, columns.activity(x))
