"""Grid search: every combination of the columns' levels, once.

Full factorial design: R. A. Fisher, "The design of experiments", 1935.
"""

import math
from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from thalweg.arrays import Floats, Ints
from thalweg.errors import InvalidSettings
from thalweg.optimizers.base import Capabilities, Optimizer, require
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.serial import frozen
from thalweg.space import CONTINUOUS, Columns

__all__ = ["GridSearch", "GridState"]


@final
@frozen
class GridState:
    """Where a walk through a grid stands.

    The columns that conditions depend on are a counter of mixed radix, ``digits``. While it stands still, the
    set of active columns does too, and the other active ones are a counter of mixed radix within it,
    ``index``.
    """

    columns: Columns
    digits: Ints  # (d,) levels of the columns that others depend on; 0 elsewhere
    open_slot: Ints  # (k,) slots proposed and not told
    open_x: Floats  # (k, d) their rows
    index: int = 0  # next combination of the other active columns
    asked: int = 0  # points proposed so far: the next slot
    exhausted: bool = False  # whether the last combination was proposed


@final
@frozen
class GridSearch(Optimizer[GridState]):
    """Try every combination: all integers, grid points and choices, ``resolution`` values of real columns.

    The values of a real column are evenly spaced on its searched scale, from bound to bound. A column that is
    inactive multiplies nothing: no configuration comes twice. The grid is counted through and never laid out, so
    that it may be larger than any memory. Points whose result is lost are proposed again.

    With more than two or three columns that matter, :class:`SobolSearch` finds better points with as many
    evaluations: a grid tries few different values of each column.

    Args:
        resolution: Values of a real column, at least 1; one value is the middle.

    Raises:
        InvalidSettings: The resolution is below 1.

    Example:
        >>> import thalweg as tw
        >>> space = {"kind": tw.Categorical(["a", "b"]), "x": tw.Float(0, 1, when={"kind": ["b"]})}
        >>> result = tw.minimize(lambda p: p.get("x", 2.0), space, optimizer=tw.GridSearch(resolution=3))
        >>> result.best.params
        {'kind': 'b', 'x': 0.0}
        >>> result.stop_reason
        'the grid of 4 points is exhausted'
    """

    resolution: int = 10

    capabilities: ClassVar[Capabilities] = Capabilities(several_objectives=True, constraints=True, terminates=True)

    def __post_init__(self) -> None:
        """Check the setting."""
        if self.resolution < 1:
            raise InvalidSettings(f"GridSearch: resolution={self.resolution}, expected at least 1 value a column")

    def init(self, problem: Problem, seed: int) -> GridState:
        """Begin at the lowest level of every column; there is nothing random."""
        require(self, problem)
        d = problem.columns.dim
        nothing = np.empty(0, dtype=np.int64)
        return GridState(problem.columns, np.zeros(d, dtype=np.int64), nothing, np.empty((0, d)))

    def ask(self, state: GridState, n: int, pending: Candidates) -> tuple[Candidates, GridState]:
        """Propose lost points, then the next combinations; none when the rest is pending."""
        lost = np.flatnonzero(~np.isin(state.open_slot, pending.slot))[:n]
        again = Candidates.at(state.columns, state.open_x[lost], state.open_slot[lost])
        x, state = self._count_on(state, n - len(lost))
        if not len(x):
            return again, state
        new = Candidates.at(state.columns, x, np.arange(state.asked, state.asked + len(x)))
        state = replace(
            state,
            asked=state.asked + len(x),
            open_slot=np.concatenate([state.open_slot, new.slot]),
            open_x=np.concatenate([state.open_x, new.x]),
        )
        return Candidates.join(again, new), state

    def tell(self, state: GridState, evaluations: Evaluations) -> GridState:
        """Cross the points off."""
        still = ~np.isin(state.open_slot, evaluations.candidates.slot)
        if still.all():
            return state
        return replace(state, open_slot=state.open_slot[still], open_x=state.open_x[still])

    def stop(self, state: GridState) -> str:
        """Stop when every combination is told."""
        done = state.exhausted and not len(state.open_slot)
        return f"the grid of {state.asked:,} points is exhausted" if done else ""

    def _count_on(self, state: GridState, n: int) -> tuple[Floats, GridState]:
        """Take the next up to n combinations (n, d)."""
        columns, levels = state.columns, self._levels(state.columns)
        depth = _depth(columns)
        parents = np.isin(np.arange(columns.dim), [rule.parent for rule in columns.conditions])
        blocks: list[Floats] = []
        while n > 0 and not state.exhausted:
            active = columns.activity(self._rows(columns, state.digits[None]))[0]
            free = np.flatnonzero(active & ~parents)
            size = math.prod(levels[free].tolist())  # in Python's integers, for it may exceed 64 bits
            taken = min(n, size - state.index)
            digits = np.tile(state.digits, (taken, 1))
            digits[:, free] = _digits(state.index, taken, levels[free])
            blocks.append(self._rows(columns, digits))
            n -= taken
            state = replace(state, index=state.index + taken)
            if state.index == size:
                turning = np.flatnonzero(parents & active)
                state = _turn(state, turning[np.argsort(depth[turning], kind="stable")], levels)
        return np.concatenate(blocks) if blocks else np.empty((0, columns.dim)), state

    def _levels(self, columns: Columns) -> Ints:
        single = columns.low == columns.high
        return np.where(columns.discrete, columns.levels, np.where(single, 1, self.resolution))

    def _rows(self, columns: Columns, digits: Ints) -> Floats:
        """Turn levels (n, d) into rows."""
        last = self.resolution - 1
        x = columns.from_unit(digits / last if last else np.full(digits.shape, 0.5))
        step = np.where(columns.kind == CONTINUOUS, columns.step, 1.0)
        x = np.where(columns.discrete, columns.low + digits * step, x)
        for j in np.flatnonzero(columns.discrete & (columns.kind == CONTINUOUS)).tolist():
            x[:, j] = columns.snap(j, x[:, j])
        return x


def _turn(state: GridState, places: Ints, levels: Ints) -> GridState:
    """Count on by one in the columns ``places``, of which a later one may depend on an earlier one."""
    digits = state.digits.copy()
    for j in places[::-1]:
        digits[j] += 1
        if digits[j] < levels[j]:
            return replace(state, digits=digits, index=0)
        digits[j] = 0
    return replace(state, exhausted=True)


def _digits(first: int, n: int, levels: Ints) -> Ints:
    """Write ``first`` to ``first + n − 1`` in a mixed radix (n, k), the last place counting fastest."""
    rest = first + np.arange(n)
    digits = np.empty((n, len(levels)), dtype=np.int64)
    for place in range(len(levels) - 1, -1, -1):
        rest, digits[:, place] = np.divmod(rest, levels[place])
    return digits


def _depth(columns: Columns) -> Ints:
    """(d,) length of the longest chain of conditions above each column."""
    depth = np.zeros(columns.dim, dtype=np.int64)
    for rule in columns.conditions:
        depth[rule.child] = max(depth[rule.child], depth[rule.parent] + 1)
    return depth
