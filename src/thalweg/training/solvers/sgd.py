"""Averaged stochastic gradient descent that chooses its steps itself and cannot diverge.

H. Robbins, S. Monro, "A stochastic approximation method", The Annals of Mathematical Statistics 22, 1951. Averages: B. T.
Polyak, A. B. Juditsky, 1992; weighted as in O. Shamir, T. Zhang, "Stochastic gradient descent for non-smooth optimization",
ICML 2013. Step found on the batch: S. Vaswani et al., "Painless stochastic gradient", NeurIPS 2019. Batches that grow in
place of steps that shrink: S. L. Smith et al., "Don't decay the learning rate, increase the batch size", ICLR 2018.
"""

from dataclasses import replace
from typing import Any, final

import numpy as np

from thalweg.arrays import AnyArray, Floats
from thalweg.errors import InvalidSettings
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.training.objective import LinearObjective
from thalweg.training.rows import Chunk, transposed
from thalweg.training.solvers.solver import Solution, Solver

__all__ = ["SGD", "SGDState"]

BATCH = 64  # rows of the first batches
GROWTH = 30  # batches after which they begin to grow, as the root of the rows seen
LONGEST = 0.5  # step α: half of what would undo the curvature at once
HALVINGS = 30
MEMORY = 1000  # batches over which losses and slopes are averaged
POWER = 2  # of the step's number, by which the iterates are weighted in their average


@final
@frozen
class SGDState:
    """Where it stands between two chunks of rows.

    Attributes:
        theta: The iterate.
        average: Of the iterates: the answer.
        passes: Passes begun, for the order of the rows.
        rows: Rows seen.
        steps: Steps made.
        alpha: The last step.
        weight: Sum of the weights of the rows whose columns were looked at.
        x: (d,) Σ v x of them.
        xx: (d,) Σ v x² of them.
        loss: Running mean of the loss.
        slope: Running mean of its squared derivatives, one for every predictor.
    """

    theta: Floats
    average: Floats
    passes: int
    rows: int
    steps: int
    alpha: float
    weight: float
    x: Floats
    xx: Floats
    loss: float
    slope: Floats


@final
@frozen
class SGD(Solver):
    """Step along the gradient of a batch of rows, in units of the columns, as far as the batch's own loss agrees; average.

    The step on coefficient j is α g_j / D_j with D_j = c σ_j² + λ: variances σ² of the centred columns, and
    c = mean (∂ℓ/∂η)² / mean ℓ, the curvature of a parabola with the loss's height and slope, which losses with kinks have
    too. α is halved until the batch's loss falls by half of what its slope promises, so no batch, however odd, can
    throw the iterate away. Chunks are seen in order, the rows of each at random: rows that are sorted, by class or by time,
    over more than a chunk (8 MB) should be shuffled before.

    The answer is good to about three digits of F; a penalty with kinks gives small coefficients, but no exact zeros.

    Args:
        passes: Over the rows.
        seed: Of the order of the rows.

    Raises:
        InvalidSettings: ``passes`` is out of its range.

    Example:
        >>> from thalweg.training.losses import Squared
        >>> from thalweg.training.penalties import NoPenalty
        >>> from thalweg.training.rows import rows_of
        >>> X = np.linspace(0, 10, 5000)[:, None]
        >>> problem = LinearObjective(rows_of(X, 4 + 3 * X[:, 0]), Squared(), NoPenalty(), 0.0, intercept=True)
        >>> SGD().solve(problem).theta.round(1)
        array([3., 4.])
    """

    passes: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.passes < 1:
            raise InvalidSettings(f"SGD: passes={self.passes}, expected at least 1")

    def refusal(self, objective: LinearObjective) -> str:
        """Serve every loss and every penalty."""
        return ""

    def solve(self, objective: LinearObjective, start: Floats | None = None) -> Solution:
        """Make the passes, and one more to see F."""
        state = self.init(objective, start)
        for _ in range(self.passes):
            state = self.learn(objective, state)
        value = objective.value(state.average)
        reason = f"{self.passes} passes of {state.steps // self.passes:,} steps were made"
        return Solution(state.average, value, float("nan"), self.passes, False, reason)

    def init(self, objective: LinearObjective, start: Floats | None = None) -> SGDState:
        """Begin at a start, or at w = 0 and the intercept that is best for the objective's rows then."""
        theta = objective.start() if start is None else start
        nothing = np.zeros(objective.rows.d)
        return SGDState(
            theta, theta, passes=0, rows=0, steps=0, alpha=LONGEST, weight=0.0, x=nothing, xx=nothing, loss=0.0,
            slope=np.zeros(theta.shape[1:]),
        )  # fmt: skip

    def learn(self, objective: LinearObjective, state: SGDState) -> SGDState:
        """Pass once over the objective's rows: the same as before, or new ones that the state has not seen yet."""
        for chunk in objective.rows.chunks():
            state = self._chunk(objective, state, chunk)
        return replace(state, passes=state.passes + 1)

    def _chunk(self, objective: LinearObjective, state: SGDState, chunk: Chunk) -> SGDState:
        weight, x, xx = _moments(chunk.X, _weights(chunk))
        state = replace(state, weight=state.weight + weight, x=state.x + x, xx=state.xx + xx)
        chunk = chunk.take(generator(self.seed, state.passes, chunk.start).permutation(len(chunk)))
        least, begin = _least_batch(chunk.X), 0
        while begin < len(chunk):
            size = int(least * np.sqrt(1 + state.rows / (least * GROWTH)))
            end = len(chunk) if begin + 1.5 * size > len(chunk) else begin + size
            state = _step(objective, state, chunk.take(slice(begin, end)))
            begin = end
        return state


def _step(objective: LinearObjective, state: SGDState, batch: Chunk) -> SGDState:
    """Make the step of one batch, and take the new iterate into the average."""
    v = _weights(batch)
    if not v.sum() > 0:
        return replace(state, rows=state.rows + len(batch))
    v = v / v.sum()
    eta = objective.predictor(batch.X, state.theta)
    losses, slopes = objective.loss.slope(eta, batch.y)
    share = max(1 / (state.steps + 1), 1 / MEMORY)
    state = replace(
        state, loss=state.loss + share * (float(v @ losses) - state.loss),
        slope=state.slope + share * (v @ np.square(slopes, dtype=np.float64) - state.slope),
    )  # fmt: skip
    move, alpha = _move(objective, state, batch, v, eta, losses, slopes)
    theta = state.theta + move
    share = (1 + POWER) / (state.steps + 1 + POWER)
    average = state.average + share * (theta - state.average)
    return replace(
        state, theta=theta, average=average, alpha=alpha, rows=state.rows + len(batch), steps=state.steps + 1
    )


def _move(
    objective: LinearObjective,
    state: SGDState,
    batch: Chunk,
    v: Floats,
    eta: AnyArray,
    losses: AnyArray,
    slopes: AnyArray,
) -> tuple[Floats, float]:
    """Give what is added to θ, and α: the longest that the batch's loss agrees to.

    Args:
        objective: F.
        state: With θ and its running means.
        batch: k rows.
        v: (k,) their weights, of sum 1.
        eta: (k,) or (k, K) their predictor.
        losses: (k,) ℓ there.
        slopes: As ``eta``, ∂ℓ/∂η.
    """
    D, c, mean = _metric(objective, state, batch, v)
    w = objective.coefficients(state.theta)
    pulls = slopes * (v if slopes.ndim == 1 else v[:, None])
    pull = pulls.sum(axis=0, dtype=np.float64) if objective.intercept else np.zeros_like(c)
    # In the parameters w and b + x̄·w the metric is diagonal, so that a proximal step is made for each alone.
    g = transposed(batch.X) @ pulls - np.multiply.outer(mean, pull) + objective.ridge * w
    before, alpha, move = float(v @ losses), min(2 * state.alpha, LONGEST), np.zeros_like(state.theta)
    for _ in range(HALVINGS):
        reach = np.divide(alpha, D, out=np.zeros_like(D), where=D > 0)
        dw = objective.penalty.prox(w - reach * g, objective.strength * reach) - w
        db = -alpha * pull / c
        moved = batch.X @ dw.astype(batch.X.dtype, copy=False) + (db - mean @ dw)
        after = float(v @ objective.loss.value((eta + moved).astype(eta.dtype, copy=False), batch.y))
        after += objective.ridge * float(np.vdot(w + 0.5 * dw, dw))
        promised = float(np.vdot(g, dw) + np.vdot(pull, db))
        length = float(np.vdot(D * dw, dw) + np.vdot(c * db, db))
        if after <= before + promised + 0.5 * length / alpha + 1e-12 * abs(before):
            objective.coefficients(move)[...] = dw
            if objective.intercept:
                move[-1] = db - mean @ dw
            break
        alpha /= 2
    return move, alpha


def _metric(objective: LinearObjective, state: SGDState, batch: Chunk, v: Floats) -> tuple[Floats, Floats, Floats]:
    """Give D (d,) or (d, K), c () or (K,), and the means x̄ that the intercept takes up, 0 without one."""
    tiny = np.finfo(float).tiny
    c = np.maximum(state.slope, tiny) / max(state.loss, tiny)
    c = np.where(state.slope > 0, c, 1.0)
    square = state.xx / state.weight
    mean = state.x / state.weight if objective.intercept else np.zeros_like(square)
    variance = square - mean**2
    square = np.where(variance > 1e-12 * square, variance, square)
    if objective.rows.sparse:  # a column that is rare, and in this batch, is as heavy as the batch makes it
        square = np.maximum(square, _moments(batch.X, v)[2])
    D = np.multiply.outer(square, c) + objective.ridge
    if not objective.penalty.separable:
        D = np.full_like(D, D.max())
    return D, c, mean


def _moments(X: Any, weight: Floats) -> tuple[float, Floats, Floats]:
    """Give Σ v, Σ v x and Σ v x²."""
    if isinstance(X, np.ndarray):
        return float(weight.sum()), weight @ X, np.einsum("i,ij,ij->j", weight, X, X)
    squares = transposed(X)
    x = squares @ weight
    squares.data = np.square(squares.data)
    return float(weight.sum()), x, squares @ weight


def _weights(chunk: Chunk) -> AnyArray:
    return np.ones(len(chunk)) if chunk.weight is None else chunk.weight.astype(np.float64, copy=False)


def _least_batch(X: Any) -> int:
    """Give so many rows that a step, which touches every column, costs no more than they do."""
    if isinstance(X, np.ndarray):
        return BATCH
    return max(BATCH, int(X.shape[0] * X.shape[1] / max(1, X.nnz)))
