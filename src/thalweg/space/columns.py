"""What an optimizer sees of a search space: the kinds and bounds of a matrix's columns.

A configuration is a row of a float64 matrix in **natural units**: a number is itself, an integer its value, a choice
its code 0, 1, 2 …. So writing a row and reading it back is exact, and a gradient is in the user's units. Optimizers
that want the unit cube use :meth:`Columns.to_unit` and :meth:`Columns.from_unit`, which know logarithms, grids and bins.
"""

from functools import cached_property
from typing import ClassVar, final

import numpy as np

from thalweg.arrays import Bools, Floats, Ints
from thalweg.serial import frozen

__all__ = ["CATEGORICAL", "CONTINUOUS", "INTEGER", "Columns", "Condition"]

CONTINUOUS, INTEGER, CATEGORICAL = 0, 1, 2


@final
@frozen
class Condition:
    """Column ``child`` is active only where column ``parent`` is active and holds one of ``codes``."""

    child: int
    parent: int
    codes: tuple[float, ...]


@final
@frozen
class Columns:
    """Kinds, bounds and conditions of d columns.

    Attributes:
        kind: (d,) CONTINUOUS, INTEGER or CATEGORICAL.
        low: (d,) smallest value in natural units, or −inf; 0 for a category.
        high: (d,) largest value, or inf; the number of choices less one for a category.
        log: (d,) whether the column is searched on a logarithmic scale.
        step: (d,) distance of the grid ``low, low + step, …`` for a continuous column; 0 where there is none.
        conditions: Ordered so that a parent's own conditions come before those of its children.
    """

    kind: Ints
    low: Floats
    high: Floats
    log: Bools
    step: Floats
    conditions: tuple[Condition, ...] = ()

    DIGITS: ClassVar[int] = 12  # a grid value low + k·step is rounded this many digits below its step

    @property
    def dim(self) -> int:
        """Number of columns, d."""
        return len(self.kind)

    @cached_property
    def bounded(self) -> bool:
        """Whether every column has finite bounds."""
        return bool(np.all(np.isfinite(self.low) & np.isfinite(self.high)))

    @cached_property
    def discrete(self) -> Bools:
        """(d,) where only a finite number of values exists: integers, categories and grids."""
        discrete: Bools = (self.kind != CONTINUOUS) | (self.step > 0)
        return discrete

    @cached_property
    def levels(self) -> Ints:
        """(d,) number of values of a discrete column; 0 for a truly continuous one."""
        step = np.where(self.kind == CONTINUOUS, np.where(self.step > 0, self.step, np.inf), 1.0)
        count = np.floor((self.high - self.low) / step + 1e-9) + 1
        return np.where(self.discrete, count, 0).astype(np.int64)

    @cached_property
    def _gridded(self) -> Ints:
        return np.flatnonzero((self.kind == CONTINUOUS) & (self.step > 0))

    @cached_property
    def _edges(self) -> tuple[Floats, Floats]:
        """Ends of the unit interval on the searched scale; a discrete value owns half a step to each side of itself."""
        half = np.where(self.kind != CONTINUOUS, 0.5, 0.0)
        low, high = self.low - half, self.high + half
        low[self._gridded], high[self._gridded] = -0.5, self.levels[self._gridded] - 0.5
        low[self.log], high[self.log] = np.log(low[self.log]), np.log(high[self.log])
        return low, high

    def from_unit(self, u: Floats) -> Floats:
        """Map points of the unit cube to rows; equal volumes of the cube go to equal shares of the searched scale.

        Args:
            u: (n, d); values outside [0, 1] are clipped.

        Returns:
            (n, d) rows in natural units, within the bounds, integers and grids met exactly.
        """
        low, high = self._edges
        x = np.clip(u, 0.0, 1.0) * (high - low)
        x += low
        if self.log.any():
            inner = np.exp(x[:, self.log])  # exp(log(low)) is not always low
            upper = np.where(u[:, self.log] >= 1, self.high[self.log], inner)
            x[:, self.log] = np.where(u[:, self.log] <= 0, self.low[self.log], upper)
        if self.discrete.any():
            x[:, self.discrete] = np.rint(x[:, self.discrete])
            for j in self._gridded:
                x[:, j] = self._grid(j, np.clip(x[:, j], 0, self.levels[j] - 1))
        return np.clip(x, self.low, self.high, out=x)

    def to_unit(self, x: Floats) -> Floats:
        """Map rows to the unit cube: the inverse of :meth:`from_unit`, a discrete value to the centre of its bin.

        Args:
            x: (n, d) rows in natural units.

        Returns:
            (n, d) points of the unit cube.
        """
        low, high = self._edges
        t = np.array(x, dtype=np.float64)
        for j in self._gridded:
            t[:, j] = (t[:, j] - self.low[j]) / self.step[j]
        if self.log.any():
            t[:, self.log] = np.log(t[:, self.log])
        t -= low
        span = high - low
        return np.clip(np.divide(t, span, out=np.full_like(t, 0.5), where=span > 0), 0.0, 1.0)

    def random(self, generator: np.random.Generator, n: int) -> Floats:
        """Draw n rows, uniform on the searched scale; inactive columns are filled with their neutral value."""
        x = self.from_unit(generator.random((n, self.dim)))
        return self.canonical(x, self.activity(x))

    def activity(self, x: Floats) -> Bools:
        """Tell which columns are active in each row, from the conditions.

        Args:
            x: (n, d) rows.

        Returns:
            (n, d) mask. Where there is no condition it is one read-only row of ones, shown n times.
        """
        if not self.conditions:
            return np.broadcast_to(np.True_, x.shape)
        active = np.ones(x.shape, dtype=np.bool_)
        for rule in self.conditions:
            active[:, rule.child] &= active[:, rule.parent] & np.isin(x[:, rule.parent], rule.codes)
        return active

    @cached_property
    def neutral(self) -> Floats:
        """(d,) the value that stands in an inactive column: the middle of the searched scale, the first choice.

        Where a bound is infinite it is 0, or the finite bound that is nearest to 0.
        """
        middle = np.full((1, self.dim), 0.5)
        middle[:, self.kind == CATEGORICAL] = 0.0
        finite = np.isfinite(self.low) & np.isfinite(self.high)
        bounded = Columns(self.kind, np.where(finite, self.low, 0), np.where(finite, self.high, 0), self.log, self.step)
        neutral: Floats = np.clip(bounded.from_unit(middle)[0], self.low, self.high)
        return neutral

    def canonical(self, x: Floats, active: Bools) -> Floats:
        """Put the neutral value into every inactive column, so that equal configurations are equal rows."""
        return np.where(active, x, self.neutral) if self.conditions else x

    def valid(self, x: Floats) -> Bools:
        """Tell which rows lie within the bounds, on the integers and on the grids.

        Args:
            x: (n, d) rows.

        Returns:
            (n,) mask.
        """
        inside: Bools = np.all((x >= self.low) & (x <= self.high), axis=1)
        whole = self.kind != CONTINUOUS
        inside &= np.all(x[:, whole] == np.rint(x[:, whole]), axis=1)
        for j in self._gridded:
            inside &= x[:, j] == self.snap(j, x[:, j])
        return inside

    def snap(self, column: int, values: Floats) -> Floats:
        """Move values (n,) of a gridded column to the nearest point of its grid."""
        k = np.rint((values - self.low[column]) / self.step[column])
        return self._grid(column, np.clip(k, 0, self.levels[column] - 1))

    def _grid(self, column: int, k: Floats) -> Floats:
        # Fewer decimals where the numbers are large: beyond 15 digits in all, rounding would do harm.
        largest = max(abs(self.low[column]), abs(self.high[column]), self.step[column])
        below_step = self.DIGITS - int(np.floor(np.log10(self.step[column])))
        decimals = min(below_step, 14 - int(np.floor(np.log10(largest))))
        values: Floats = np.round(self.low[column] + k * self.step[column], decimals)
        return np.clip(values, self.low[column], self.high[column], out=values)
