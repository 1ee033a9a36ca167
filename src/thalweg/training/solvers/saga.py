"""SAGA over blocks of rows: stochastic steps whose noise vanishes, because every row's latest slope is remembered.

A. Defazio, F. Bach, S. Lacoste-Julien, "SAGA: a fast incremental gradient method with support for non-strongly convex
composite objectives", NIPS 2014. Letters are theirs. Blocks instead of single rows as in N. Gazagnadou, R. M. Gower,
J. Salmon, "Optimal mini-batch and step sizes for SAGA", ICML 2019.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from scipy.sparse import csr_array

from thalweg.arrays import AnyArray, Floats
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.training.objective import LinearObjective
from thalweg.training.rows import cut, transposed
from thalweg.training.rows.passes import single_threaded
from thalweg.training.solvers.solver import Solution, Solver

__all__ = ["SAGA"]

ENTRIES = 2**14  # of a block: enough for its arithmetic to outweigh the calls
BLOCKS = 16  # at least, where there are rows for them
POWER_STEPS = 8  # of the power method, which are short of the curvature by some percent
SAFETY = 3.0  # γ = 1 / (3 L)
CHECK = 4  # epochs between two looks at F


@final
@dataclass(frozen=True)
class _Block:
    """Rows with their transpose, and weights that make F the mean of the blocks' losses."""

    X: Any
    XT: Any
    y: AnyArray
    weight: AnyArray


@final
@frozen
class SAGA(Solver):
    """Step along w ← prox(w − γ D⁻¹ (f'_j(w) − f'_j(φ_j) + mean of all f'_i(φ_i))) for random blocks j, then let φ_j = w.

    f'_j is the gradient of a block of neighbouring rows. Of a linear model it is Xᵀ slope, so one number a row (and class)
    is all that has to be remembered. D are the mean squares of the columns: no step depends on their scales. γ comes from
    the largest curvature of a block, which the power method finds. The same seed gives the same steps.
    All rows are kept in memory, from files too.

    The gap is estimated in two ways, of which the larger counts: from how fast F falls, e r/(1 − r) after a decrease e
    that was r times the one before it, and from what a proximal step with the curvature D promises.

    Args:
        tolerance: Of the gap relative to |F|, positive.
        max_epochs: Most epochs, of as many steps as there are blocks.
        seed: Of the order of the blocks.

    Example:
        >>> from thalweg.training.losses import Logistic
        >>> from thalweg.training.penalties import L2
        >>> from thalweg.training.rows import rows_of
        >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0.0, 1.0, 0.0, 1.0])
        >>> solution = SAGA().solve(LinearObjective(rows_of(X, y), Logistic(), L2(), 0.1, intercept=True))
        >>> solution.theta.round(1) + 0.0, solution.reason
        (array([0.4, 0. ]), 'the decrease still to be had is within the tolerance 1e-06')
    """

    tolerance: float = 1e-6
    max_epochs: int = 1_000
    seed: int = 0

    def refusal(self, objective: LinearObjective) -> str:
        """Serve losses of bounded curvature."""
        loss = type(objective.loss).__name__
        if not objective.loss.smooth:
            return f"it needs derivatives, and the loss {loss} has kinks"
        if not np.isfinite(objective.loss.curvature_bound):
            return f"its step needs a bound on the curvature, and the loss {loss} has none"
        return ""

    def solve(self, objective: LinearObjective, start: Floats | None = None) -> Solution:
        """Step through epochs until F stands still."""
        theta = objective.start() if start is None else start.copy()
        with single_threaded(objective.rows.nbytes):
            blocks = list(_blocks(objective))
            D = _scales(objective, blocks)
            L = objective.loss.curvature_bound * _curvature(objective, blocks, D, self.seed)
            ridge = float((objective.ridges.reshape(objective.shape) / D).max())
            return self._descend(objective, blocks, theta, 1 / (SAFETY * (L + ridge)), D)

    def _descend(
        self, objective: LinearObjective, blocks: list[_Block], theta: Floats, gamma: float, D: Floats
    ) -> Solution:
        """Run epochs."""
        step = gamma / D
        table = [_slope(objective, block, theta) for block in blocks]
        mean = np.mean([_gradient(objective, *pair) for pair in zip(blocks, table, strict=True)], axis=0)
        ridges = objective.ridges.reshape(objective.shape)
        value, falls, gap = objective.value(theta), list[float](), np.inf
        for epoch in range(0, self.max_epochs, CHECK):
            order = generator(self.seed, 1, epoch).integers(len(blocks), size=CHECK * len(blocks))
            for j in order.tolist():
                slope = _slope(objective, blocks[j], theta)
                change = _gradient(objective, blocks[j], slope - table[j])
                theta = _proximal(objective, theta - step * (change + mean + ridges * theta), step)
                mean += change / len(blocks)
                table[j] = slope
            reached, gradient = objective.value_and_gradient(theta)
            falls.append(value - reached)
            value, gap = reached, max(_still_to_fall(falls), _within_reach(objective, theta, gradient, D))
            if gap <= self.tolerance * abs(value):
                reason = f"the decrease still to be had is within the tolerance {self.tolerance:g}"
                return Solution(theta, value, gap, epoch + CHECK, True, reason)
        reason = f"the most epochs, {self.max_epochs}, are spent"
        return Solution(theta, value, gap, self.max_epochs, False, reason, f"the solver has not converged: {reason}")


def _blocks(objective: LinearObjective) -> Iterator[_Block]:
    """Cut the rows into blocks; sparse ones are views."""
    rows, K = objective.rows, objective.predictors
    entries = rows.nbytes / max(1, rows.n) / rows.dtype.itemsize
    # A step takes time for every parameter too, of which sparse rows see few.
    size = round(max(1.0, min(max(ENTRIES, K * rows.d) / max(1.0, entries), rows.n / BLOCKS)))
    count = sum(-(-len(chunk) // size) for chunk in rows.chunks())
    for chunk in rows.chunks():
        weight = np.ones(len(chunk), rows.dtype) if chunk.weight is None else chunk.weight
        for i in range(0, len(chunk), size):
            part = slice(i, i + size)
            X = cut(chunk.X, i, min(i + size, len(chunk)))
            yield _Block(X, transposed(X), chunk.y[part], weight[part] * (count / rows.total_weight))


def _scales(objective: LinearObjective, blocks: list[_Block]) -> Floats:
    """Give D, the curvature of F along every parameter; one number where the penalty ties coefficients together."""
    D, bound = np.full(objective.shape, objective.loss.curvature_bound), objective.loss.curvature_bound
    squares = sum((transposed(_squares(block)) @ block.weight for block in blocks), np.zeros(objective.rows.d)) / len(
        blocks
    )
    if not objective.penalty.separable:
        squares = np.full(len(squares), squares.mean())
    objective.coefficients(D).T[...] = bound * squares + objective.ridge
    return np.asarray(np.maximum(D, 1e-12 * np.max(D)), dtype=np.float64)


def _squares(block: _Block) -> Any:
    X = block.X
    if isinstance(X, np.ndarray):
        return np.square(X)
    return csr_array((np.square(X.data), X.indices, X.indptr), shape=X.shape)


def _curvature(objective: LinearObjective, blocks: list[_Block], D: Floats, seed: int) -> float:
    """Give the largest eigenvalue of D^−½ XᵀVX D^−½ of any block, by the power method."""
    one = replace(objective, predictors=1)
    root = np.sqrt(D if D.ndim == 1 else D[:, 0])
    largest = 0.0
    for j, block in enumerate(blocks):
        z, found = generator(seed, 0, j).normal(size=len(root)), 0.0
        for _ in range(POWER_STEPS):
            z /= np.linalg.norm(z)
            z = _gradient(one, block, one.predictor(block.X, z / root) * block.weight) / root
            found = float(np.linalg.norm(z))
            if found == 0:
                break
        largest = max(largest, found)
    return largest if largest > 0 else 1.0


def _slope(objective: LinearObjective, block: _Block, theta: Floats) -> AnyArray:
    """Give the slopes of a block's rows, (k,) or (k, K), times their weights."""
    _, slope = objective.loss.slope(objective.predictor(block.X, theta), block.y)
    return np.asarray(slope * (block.weight if slope.ndim == 1 else block.weight[:, None]))


def _gradient(objective: LinearObjective, block: _Block, slope: AnyArray) -> Floats:
    """Give Xᵀ slope, and the sum of the slopes for the intercept."""
    gradient = np.empty((objective.rows.d + objective.intercept, *slope.shape[1:]))
    objective.coefficients(gradient)[...] = block.XT @ slope
    if objective.intercept:
        gradient[-1] = slope.sum(axis=0, dtype=np.float64)
    return gradient


def _proximal(objective: LinearObjective, theta: Floats, step: Floats) -> Floats:
    """Apply the penalty's step to the coefficients."""
    if not objective.penalty.smooth:
        w = objective.coefficients(theta)
        each: AnyArray | float = objective.coefficients(step) * objective.strength
        if not objective.penalty.separable:
            each = float(np.ravel(each)[0])
        w[...] = objective.penalty.prox(w, each)
    return theta


def _within_reach(objective: LinearObjective, theta: Floats, gradient: Floats, D: Floats) -> float:
    """Give what one proximal step with the curvature D promises."""
    after = _proximal(objective, theta - gradient / D, 1 / D)
    step = after - theta
    kinks = objective.penalized(theta) - objective.penalized(after)
    bowl = 0.5 * float((objective.ridges.reshape(D.shape) * (after + theta) * step).sum())
    return float(kinks + bowl - (gradient * step).sum() - 0.5 * (D * step * step).sum())


def _still_to_fall(falls: list[float]) -> float:
    """Extrapolate a geometric series, from the slower of its last two ratios; inf where it does not look like one."""
    if len(falls) < 3 or min(falls[-3:-1]) <= 0:
        return 0.0 if len(falls) > 1 and max(falls[-2:]) <= 0 else np.inf
    r = max(0.5, falls[-1] / falls[-2], falls[-2] / falls[-3])
    return max(falls[-1], 0.0) * r / (1 - r) if r < 1 else np.inf
