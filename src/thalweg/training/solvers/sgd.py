"""Averaged stochastic gradient descent that chooses its steps itself and cannot diverge.

H. Robbins, S. Monro, "A stochastic approximation method", 1951. Averages: B. T. Polyak, A. B. Juditsky, 1992; weighted as
in O. Shamir, T. Zhang, "Stochastic gradient descent for non-smooth optimization", ICML 2013. Step found on the batch:
S. Vaswani et al., "Painless stochastic gradient", NeurIPS 2019. Batches that grow in place of steps that shrink: S. L. Smith
et al., "Don't decay the learning rate, increase the batch size", ICLR 2018. Losses with kinks: M. Ivgi et al.,
"DoG is SGD's best friend", ICML 2023, with B. T. Polyak's step of 1969 as its bound.
"""

from dataclasses import dataclass, replace
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

BATCH = 16  # rows of the first batches
GROWTH = 8  # batches after which they begin to grow, as the root of the rows seen
PARTS = 8  # steps of a pass at least, where there are rows for them
VISITS = 200_000  # of rows, which the passes bring where nobody says how many
PASSES = (5, 500)  # but not fewer or more
STANDSTILL = 1e-7  # change of F, relative, over the second half of the passes so far
LONGEST = 0.5  # step α: half of what would undo the curvature at once
HALVINGS = 30
FIRST = 0.1  # r̄ at the start, of the distance to the bottom of a parabola with the loss's height
MEMORY = 1000  # batches over which losses and slopes are averaged
POWER = 2  # of the step's number, by which the iterates are weighted in their average


@final
@frozen
class SGDState:
    """Where it stands between two chunks of rows."""

    theta: Floats  # the iterate
    average: Floats  # of the iterates: the answer
    origin: Floats  # the first iterate
    passes: int  # begun, for the order of the rows
    rows: int  # seen
    steps: int  # made
    alpha: float  # the last step, of a smooth loss
    reach: float  # r̄, the farthest from the origin, of a loss with kinks
    squares: float  # Σ ‖g‖² of its steps
    weight: float  # Σ v, of the rows whose columns were looked at
    x: Floats  # (d,) Σ v x of them
    xx: Floats  # (d,) Σ v x² of them
    loss: float  # running mean of the loss
    slope: Floats  # running mean of its squared derivatives, one for every predictor


@final
@dataclass(frozen=True)
class _Look:
    """What a batch of k rows shows at θ; parameters are w and b + x̄·w, in which the metric is diagonal."""

    batch: Chunk
    v: Floats  # (k,) weights, of sum 1
    eta: AnyArray  # (k,) or (k, K)
    value: float  # mean loss and ridge
    g: Floats  # as θ: their gradient
    D: Floats  # as θ
    mean: Floats  # (d,) x̄, 0 without an intercept


@final
@frozen
class SGD(Solver):
    """Step along the gradient of a batch of rows, in units of the columns, as far as the batch's own loss agrees; average.

    The step on coefficient j is α g_j / D_j with D_j = c σ_j² + λ: variances σ² of the centred columns, and
    c = mean (∂ℓ/∂η)² / mean ℓ, the curvature of a parabola with the loss's height and slope, which losses with kinks have
    too. α is halved until the batch's loss falls by half of what its slope promises, so no batch, however odd, can throw
    the iterate away. At a kink no α may do so: there it is r̄ / (Σ ‖g‖²)^½, in the norm of D⁻¹ and with r̄ the farthest so
    far from the start, but at most what takes the batch's loss ≥ 0, were it a line, to 0.

    Chunks are seen in order, the rows of each at random: rows sorted over more than a chunk (8 MB), by class or by time,
    should be shuffled before. The answer is good to about three digits of F, fewer where columns are nearly collinear; a
    penalty with kinks gives small coefficients, but no exact zeros.

    Args:
        passes: Over the rows; None makes 5 over many rows and up to 500 over few, until the average stands still.
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

    passes: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.passes is not None and self.passes < 1:
            raise InvalidSettings(f"SGD: passes={self.passes}, expected at least 1")

    def refusal(self, objective: LinearObjective) -> str:
        """Serve every loss and every penalty."""
        return ""

    def solve(self, objective: LinearObjective, start: Floats | None = None) -> Solution:
        """Make the passes, and one more to see F; where their number is free, look at F after 16, 32, 64 … of them too."""
        state, value = self.init(objective, start), np.inf
        most = self.passes or int(np.clip(VISITS // max(1, objective.rows.n), *PASSES))
        for made in range(1, most + 1):
            state = self.learn(objective, state)
            if made < most and (self.passes or made < 16 or made & (made - 1)):
                continue
            before, value = value, objective.value(state.average)
            if abs(before - value) <= STANDSTILL * abs(value):
                break
        reason = f"{made} passes of {state.steps // made:,} steps were made" + ", then F stood still" * (made < most)
        return Solution(state.average, value, float("nan"), made, False, reason)

    def init(self, objective: LinearObjective, start: Floats | None = None) -> SGDState:
        """Begin at a start, or at w = 0 and the intercept that is best for the objective's rows then."""
        theta = objective.start() if start is None else start
        return SGDState(
            theta, theta, theta, passes=0, rows=0, steps=0, alpha=LONGEST, reach=0.0, squares=0.0, weight=0.0,
            x=np.zeros(objective.rows.d), xx=np.zeros(objective.rows.d), loss=0.0, slope=np.zeros(theta.shape[1:]),
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
        least, begin = BATCH, 0
        if objective.rows.sparse:  # a step touches every column: it may cost as much as its rows
            least = max(BATCH, int(len(chunk) * objective.rows.d / max(1, chunk.X.nnz)))
        while begin < len(chunk):
            size = min(int(least * np.sqrt(1 + state.rows / (least * GROWTH))), max(least, objective.rows.n // PARTS))
            end = len(chunk) if begin + 1.5 * size > len(chunk) else begin + size
            state, begin = _step(objective, state, chunk.take(slice(begin, end))), end
        return state


def _step(objective: LinearObjective, state: SGDState, batch: Chunk) -> SGDState:
    """Make the step of one batch, and take the new iterate into the average."""
    v = _weights(batch)
    if not (total := v.sum()) > 0:
        return replace(state, rows=state.rows + len(batch))
    v = v / total
    eta = objective.predictor(batch.X, state.theta)
    losses, slopes = objective.loss.slope(eta, batch.y)
    share, value = max(1 / (state.steps + 1), 1 / MEMORY), float(v @ losses)
    state = replace(
        state, rows=state.rows + len(batch), steps=state.steps + 1, loss=state.loss + share * (value - state.loss),
        slope=state.slope + share * (v @ np.square(slopes, dtype=np.float64) - state.slope),
    )  # fmt: skip
    D, mean = _metric(objective, state, batch.X, v)
    w, g = objective.coefficients(state.theta), np.zeros_like(state.theta)
    objective.add_rows(g, batch, slopes)
    g /= total
    objective.coefficients(g)[...] += objective.ridge * w - np.multiply.outer(mean, g[-1])
    look = _Look(batch, v, eta, value + 0.5 * objective.ridge * float(np.vdot(w, w)), g, D, mean)
    move, state = (_searched if objective.loss.smooth else _measured)(objective, state, look)
    theta = state.theta + _turned(objective, move, -mean)
    average = state.average + (1 + POWER) / (state.steps + POWER) * (theta - state.average)
    return replace(state, theta=theta, average=average)


def _searched(objective: LinearObjective, state: SGDState, look: _Look) -> tuple[Floats, SGDState]:
    """Give the move by the longest α that the batch's loss agrees to."""
    w, alpha = objective.coefficients(state.theta), min(2 * state.alpha, LONGEST)
    for _ in range(HALVINGS):
        move = _move(objective, state.theta, look, alpha)
        moved = w + objective.coefficients(move)
        eta = look.eta + objective.predictor(look.batch.X, _turned(objective, move, -look.mean))
        after = float(look.v @ objective.loss.value(eta, look.batch.y) + 0.5 * objective.ridge * np.vdot(moved, moved))
        promised = float(np.vdot(look.g, move) + 0.5 * np.vdot(look.D * move, move) / alpha)
        if after <= look.value + promised + 1e-12 * abs(look.value):
            return move, replace(state, alpha=alpha)
        alpha /= 2
    return np.zeros_like(state.theta), replace(state, alpha=alpha)


def _measured(objective: LinearObjective, state: SGDState, look: _Look) -> tuple[Floats, SGDState]:
    """Give the move by α = r̄ / (Σ ‖g‖²)^½, at most Polyak's."""
    square = float(np.vdot(np.divide(look.g, look.D, out=np.zeros_like(look.g), where=look.D > 0), look.g))
    far, squares = _turned(objective, state.theta - state.origin, look.mean), state.squares + square
    reach = max(state.reach, float(np.vdot(look.D * far, far)) ** 0.5, FIRST * (2 * state.loss) ** 0.5)
    alpha = min(reach / squares**0.5, look.value / square) if square > 0 else 0.0
    return _move(objective, state.theta, look, alpha), replace(state, reach=reach, squares=squares)


def _move(objective: LinearObjective, theta: Floats, look: _Look, alpha: float) -> Floats:
    """Give the proximal step: for each parameter alone."""
    steps = np.divide(alpha, look.D, out=np.zeros_like(look.D), where=look.D > 0)
    w, dw = objective.coefficients(theta), objective.coefficients(move := -steps * look.g)
    dw[...] = objective.penalty.prox(w + dw, objective.strength * objective.coefficients(steps)) - w
    return move


def _turned(objective: LinearObjective, move: Floats, mean: Floats) -> Floats:
    """Go from (w, b) to (w, b + x̄·w), or back by −x̄."""
    turned = move.copy()
    if objective.intercept:
        turned[-1] += mean @ objective.coefficients(move)
    return turned


def _metric(objective: LinearObjective, state: SGDState, X: Any, v: Floats) -> tuple[Floats, Floats]:
    """Give D as θ, and the means x̄ that the intercept takes up, 0 without one."""
    c = np.where(state.slope > 0, np.maximum(state.slope, 1e-300) / max(state.loss, 1e-300), 1.0)
    square = state.xx / state.weight
    mean = state.x / state.weight if objective.intercept else np.zeros_like(square)
    square = np.where(square - mean**2 > 1e-12 * square, square - mean**2, square)
    if objective.rows.sparse:  # a column that is rare, and in this batch, is as heavy as the batch makes it
        square = np.maximum(square, _moments(X, v)[2])
    D = np.multiply.outer(np.append(square, 1.0) if objective.intercept else square, c)
    D += objective.ridges.reshape(D.shape)
    if not objective.penalty.separable:
        objective.coefficients(D)[...] = objective.coefficients(D).max()
    return D, mean


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
