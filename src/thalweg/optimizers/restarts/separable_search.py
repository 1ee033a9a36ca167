"""Search of sums of functions of one column each: test for that, then search all columns at once.

S. Swarzberg, G. Seront, H. Bersini, "S.T.E.P.: the easiest way to optimize a function", ICEC 1994. P. Pošík,
"BBOB-benchmarking two variants of the line-search algorithm", GECCO workshop 2009. The test is that of M. N. Omidvar, X. Li,
Y. Mei, X. Yao, "Cooperative co-evolution with differential grouping for large scale optimization", IEEE Transactions on
Evolutionary Computation 18(3), 2014, on random halves of the columns.
"""

from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from thalweg.arrays import Floats, Ints
from thalweg.errors import InvalidSettings
from thalweg.optimizers.base import Capabilities, Optimizer, require
from thalweg.optimizers.generation import Generation
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["SeparableSearch", "SeparableState"]

HALVES = 3  # ways to part the columns in the test
ROUNDING = 1e-11  # largest relative difference of two sums that counts as equal
EPSILON = 1e-10  # ε, as a share of the range of values
FIRST = 3  # intervals of each column at the beginning


@final
@frozen
class SeparableState:
    """Points known of each column, about one base in the unit cube, and the points that are waited for."""

    columns: Columns
    base: Floats  # (d,) u₀
    points: Floats  # (n, d) of this generation, in the unit cube
    generation: Generation
    stage: str = "test"  # or "columns", "sum"
    position: Floats | None = None  # (k, d) of the points of each column, ascending; NaN behind the last
    value: Floats | None = None  # (k, d) objective there, the other columns at the base
    ended: str = ""


@final
@frozen
class SeparableSearch(Optimizer[SeparableState]):
    """Find the minimum of a sum of functions of one column each, each with many minima; or see that it is no such sum.

    For random halves S of the columns and two points a and b, f(a_S, b) + f(b_S, a) = f(a) + f(b) must hold. Where it
    does not, which takes eight evaluations to see, the search is over. Else each column is searched by STEP, all of them
    about one base: the next point is the middle of that interval in which a parabola through both ends that reaches
    f_best − ε is the least bent,

    (√(f_i − f_best + ε) + √(f_{i+1} − f_best + ε)) / (x_{i+1} − x_i) → min.

    After some points, only the two intervals beside the best one are halved. Every step ends with the sum of the best.

    Args:
        points: Of each column, from which on it is only halved beside the best; at least 5.
        tolerance: Length of an interval, as a share of a range, at which a column is done; positive.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import numpy as np, thalweg as tw
        >>> def rastrigin(x):
        ...     return 10 * x.shape[1] + (x**2 - 10 * np.cos(2 * np.pi * x)).sum(axis=1)
        >>> box = tw.Box(-5, 4, dim=10)
        >>> result = tw.minimize(rastrigin, box, optimizer=SeparableSearch(), evaluations=2000, vectorized=True, seed=0)
        >>> result.best.value < 1e-8
        True
    """

    points: int = 150
    tolerance: float = 1e-7

    capabilities: ClassVar[Capabilities] = Capabilities(
        integers=False, categories=False, conditions=False, terminates=True
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.points < 5:
            raise InvalidSettings(f"SeparableSearch: points={self.points}, expected at least 5")
        if not 0 < self.tolerance < 1:
            raise InvalidSettings(f"SeparableSearch: tolerance={self.tolerance}, expected a number in (0, 1)")

    def init(self, problem: Problem, seed: int) -> SeparableState:
        """Choose two points, and mix them."""
        require(self, problem)
        d, random = problem.columns.dim, generator(seed)
        a, b = random.random((2, d))
        halves = np.array([random.permutation(d) < (d + 1) // 2 for _ in range(HALVES)])
        points = np.concatenate([[a, b], np.where(halves, a, b), np.where(halves, b, a)])
        return SeparableState(problem.columns, a, points, Generation.begin(0, len(points)))

    def ask(self, state: SeparableState, n: int, pending: Candidates) -> tuple[Candidates, SeparableState]:
        """Propose points of this step that are neither told nor pending; none when all are."""
        if state.ended:
            return Candidates.none(state.columns), state
        points = state.generation.waiting(n, pending)
        x = state.columns.from_unit(state.points[points])
        return Candidates.at(state.columns, x, state.generation.slots(points)), state

    def tell(self, state: SeparableState, evaluations: Evaluations) -> SeparableState:
        """Note the values, and go on when all points of this step are known."""
        generation = state.generation.tell(evaluations)
        if generation is state.generation or state.ended:
            return state
        state = replace(state, generation=generation)
        if not generation.complete:
            return state
        value = np.where(np.isnan(generation.value), np.inf, generation.value)
        if state.stage == "sum":
            return replace(state, ended="every column is at its minimum")
        return self._first(state, value) if state.stage == "test" else self._split(state, value)

    def stop(self, state: SeparableState) -> str:
        """Stop where the columns are not separable, or all at their minimum."""
        return state.ended

    def _first(self, state: SeparableState, value: Floats) -> SeparableState:
        """Judge the test; begin with equidistant points of every column."""
        if np.isinf(value).any():
            return replace(state, ended="a point failed, so that the columns cannot be told apart")
        one, other = value[2 : 2 + HALVES], value[2 + HALVES :]
        difference = np.abs(one + other - value[:2].sum())
        if (difference > ROUNDING * np.abs(value).max()).any():
            return replace(state, ended="the objective is no sum of functions of one column each")
        d = state.columns.dim
        position = np.concatenate([np.linspace(np.zeros(d), np.ones(d), FIRST + 1), state.base[None]])
        known = np.concatenate([np.full((FIRST + 1, d), np.nan), np.full((1, d), value[0])])
        state = replace(state, stage="columns", position=position, value=known)
        return _step(state, np.repeat(np.arange(FIRST + 1), d), np.tile(np.arange(d), FIRST + 1), np.empty((0, d)))

    def _split(self, state: SeparableState, value: Floats) -> SeparableState:
        """Choose the next interval of each column, by STEP."""
        position, known = state.position, state.value
        assert position is not None and known is not None  # at this stage
        known = known.copy()
        asked = np.isnan(known) & ~np.isnan(position)
        known[asked] = value[: np.count_nonzero(asked)]  # behind them is the sum
        ranked = np.argsort(position, axis=0, kind="stable")  # NaN last
        position, known = (np.take_along_axis(array, ranked, axis=0) for array in (position, known))
        finite = np.where(np.isfinite(known), known, np.nan)
        low, high = np.nanmin(finite, axis=0), np.nanmax(finite, axis=0)
        height = np.sqrt(np.where(np.isfinite(known), known, np.inf) - low + EPSILON * (high - low))
        length = np.diff(position, axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            bend = (height[1:] + height[:-1]) / length
        bend = np.where(length > 0, bend, np.inf)
        lowest, columns = np.nanargmin(finite, axis=0), np.arange(len(low))
        if len(position) >= self.points:
            interval = np.arange(len(bend))[:, None]
            bend = np.where((interval == lowest) | (interval == lowest - 1), bend, np.inf)
        at = np.argmin(bend, axis=0)
        active = np.flatnonzero((length[at, columns] > self.tolerance) & (high > low))
        state = replace(state, position=position, value=known)
        together = position[lowest, columns][None]
        if not len(active):
            return _follow(replace(state, stage="sum"), together)
        middle = np.full((1, len(low)), np.nan)
        middle[0, active] = position[at[active], active] + length[at[active], active] / 2
        empty = np.full((1, len(low)), np.nan)
        state = replace(state, position=np.concatenate([position, middle]), value=np.concatenate([known, empty]))
        return _step(state, np.full(len(active), len(position)), active, together)


def _step(state: SeparableState, row: Ints, column: Ints, together: Floats) -> SeparableState:
    """Wait for the points with one column away from the base, in the order of the mask of unknown values, and the sum."""
    assert state.position is not None  # at this stage
    points = np.tile(state.base, (len(row), 1))
    points[np.arange(len(row)), column] = state.position[row, column]
    return _follow(state, np.concatenate([points, together]))


def _follow(state: SeparableState, points: Floats) -> SeparableState:
    """Wait for points, under slots that were not used."""
    size, before = len(points), state.generation
    number = -(-(before.number + 1) * len(before.told) // size)
    return replace(state, points=points, generation=Generation.begin(number, size))
