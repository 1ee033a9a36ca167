"""What SVRG and SAGA share: evaluations on chosen minibatches, and the curvature of a minibatch's loss.

The objective is a mean over rows, cut into the B batches of a fixed partition: f(x) = Σ p_j f_j(x), p_j being the share of
the rows in batch j. The curvature is estimated as in section 4.6 of M. Schmidt, N. Le Roux, F. Bach, "Minimizing finite
sums with the stochastic average gradient", Mathematical Programming 162, 2017.
"""

from dataclasses import replace
from typing import Any, final

import numpy as np

from thalweg.arrays import Bools, Floats, Ints
from thalweg.errors import IncompatibleProblem, InvalidProblem, InvalidSettings
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = [
    "FAILED_START",
    "FAILURES",
    "HOPELESS",
    "Curvature",
    "Round",
    "better_start",
    "check_rate",
    "diverged",
    "draw",
    "failed",
    "partition",
    "stationary",
    "within",
]

FAILURES = 30  # in a row: each half as far from the last good point
HOPELESS = 1e10  # a value this many times larger than the first one has diverged
FAILED_START = "the objective failed at the starting point: see its error, or give another start with initial="

ROUNDING = 2.0**-50  # a rise of the objective by this share of its size is no rise
EASIER = 60  # halvings of the first estimate, at most


@final
@frozen
class Round:
    """k evaluations that are wanted together, each of a point on a minibatch."""

    first: int  # slot of the first
    x: Floats  # (k, d)
    batch: Ints  # (k,)
    told: Bools  # (k,)
    value: Floats  # (k,) NaN before it is told, and where it failed
    gradient: Floats  # (k, d)

    @classmethod
    def of(cls, first: int, x: Floats, batch: Any) -> "Round":
        """Want the points x (k, d), or one point (d,), on k batches."""
        batches = np.atleast_1d(np.asarray(batch, dtype=np.int64))
        points = np.array(np.broadcast_to(x, (len(batches), np.shape(x)[-1])))
        nothing = np.full(points.shape, np.nan)
        return cls(first, points, batches, np.zeros(len(batches), dtype=np.bool_), nothing[:, 0].copy(), nothing)

    @property
    def done(self) -> bool:
        """Whether all of it was told."""
        return bool(self.told.all())

    @property
    def failed(self) -> bool:
        """Whether an evaluation had no value."""
        return bool(np.isnan(self.value[self.told]).any())

    @property
    def following(self) -> int:
        """First slot of the next round."""
        return self.first + len(self.batch)

    def ask(self, columns: Columns, n: int, pending: Candidates) -> Candidates:
        """Propose up to n of the points that are neither told nor pending."""
        slots = self.first + np.arange(len(self.batch))
        rows = np.flatnonzero(~self.told & ~np.isin(slots, pending.slot))[:n]
        return Candidates.at(columns, self.x[rows], slots[rows], self.batch[rows])

    def tell(self, evaluations: Evaluations) -> "Round":
        """Take in those evaluations that belong to it.

        Raises:
            InvalidProblem: A value came without its gradient.
        """
        row = evaluations.candidates.slot - self.first
        own = np.flatnonzero((row >= 0) & (row < len(self.batch)))
        if not len(own):
            return self
        told, value, gradient = self.told.copy(), self.value.copy(), self.gradient.copy()
        for i in own:
            if told[row[i]]:
                continue
            told[row[i]] = True
            if evaluations.complete[i]:
                if evaluations.gradient is None:
                    raise InvalidProblem("a value was told without its gradient; tell gradient= with every value")
                value[row[i]], gradient[row[i]] = evaluations.value[i, 0], evaluations.gradient[i, 0]
        return replace(self, told=told, value=value, gradient=gradient)


@final
@frozen
class Curvature:
    """An estimate of L, with f_j(x') ≤ f_j(x) + ∇f_j(x)ᵀ(x' − x) + L/2 ‖x' − x‖² for every batch j.

    It is doubled until that holds for x' = P(x − ∇f_j(x) / L) on the batch at hand, and falls by half in an epoch.
    """

    estimate: float = 0.0  # L, 0 before the first gradient
    sought: int = 0  # halvings so far of the very first one, which may be far too large; −1 once it was too small

    def begin(self, gradient: Floats) -> "Curvature":
        """Begin with a step of length 1."""
        return self if self.estimate else Curvature(float(np.linalg.norm(gradient)) or 1.0)

    def test(self, columns: Columns, seen: Round, slot: int) -> Round:
        """Want f_j(x'), for the first point of a round that has seen f_j(x) and ∇f_j(x)."""
        return Round.of(slot, within(columns, seen.x[0] - seen.gradient[0] / self.estimate), seen.batch[0])

    def judge(self, seen: Round, test: Round) -> tuple["Curvature", bool]:
        """Compare f_j(x') with its bound; say whether the estimate is good."""
        value, move = float(seen.value[0]), test.x[0] - seen.x[0]
        bound = value + seen.gradient[0] @ move + self.estimate / 2 * (move @ move) + ROUNDING * abs(value)
        if not test.value[0] <= bound:
            return Curvature(2 * self.estimate, -1), False
        if 0 <= self.sought < EASIER and move.any():
            return Curvature(self.estimate / 2, self.sought + 1), False
        return Curvature(self.estimate, -1), True

    def relax(self, batches: int) -> "Curvature":
        """Let the estimate fall a little, for the curvature may be less elsewhere."""
        return replace(self, estimate=self.estimate * 0.5 ** (1 / batches))


def partition(problem: Problem, who: object) -> Floats:
    """Give the shares p_j (B,) of the rows in the batches of a fixed partition; one batch where there are none.

    Raises:
        IncompatibleProblem: The minibatches are no partition.
    """
    if problem.minibatches is None:
        return np.ones(1)
    if problem.minibatches.shares is None:
        raise IncompatibleProblem(
            f"{type(who).__name__} needs minibatches that part the rows: from arrays or Minibatches.of(), without "
            "replacement; change the minibatches, or choose another optimizer, such as GradientDescent()"
        )
    return np.array(problem.minibatches.shares)


def check_rate(owner: Any) -> None:
    """Refuse a learning rate that is neither "auto" nor a positive number."""
    rate = owner.learning_rate
    if rate != "auto" and not (isinstance(rate, int | float) and 0 < rate < np.inf):
        raise InvalidSettings(f"{type(owner).__name__}: learning_rate={rate!r}, expected 'auto' or a positive number")


def better_start(evaluations: Evaluations, than: float) -> tuple[Floats, float] | None:
    """Give the best foreign point and its value, if it is better than what is known."""
    foreign = np.flatnonzero((evaluations.candidates.slot < 0) & evaluations.complete)
    if not len(foreign):
        return None
    best = foreign[np.argmin(evaluations.value[foreign, 0])]
    value = float(evaluations.value[best, 0])
    return (evaluations.candidates.x[best], value) if value < than else None


def draw(seed: int, step: int, shares: Floats) -> int:
    """Draw batch j with probability p_j."""
    return int(generator(seed, step).choice(len(shares), p=shares))


def within(columns: Columns, x: Floats) -> Floats:
    """Put a point back into the bounds."""
    return np.clip(x, columns.low, columns.high)


def stationary(columns: Columns, x: Floats, gradient: Floats) -> float:
    """Largest component of the projected gradient: 0 where no direction within the bounds goes down."""
    return float(np.abs(within(columns, x - gradient) - x).max())


def diverged(first: float, value: float) -> str:
    """Say that it went up without end."""
    return (
        f"it diverged: the objective was {first:.3g} at the start and is {value:.3g}; give a smaller learning_rate, or "
        "'auto'"
    )


def failed(times: int) -> str:
    """Say that there is no way on."""
    return (
        f"the objective failed at {times} points in a row, each half as far from the last good one; see the error of one "
        "of them"
    )
