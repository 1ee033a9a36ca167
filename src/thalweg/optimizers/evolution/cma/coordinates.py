"""The space without walls in which CMA-ES samples, and how it lies over the bounds.

The smooth transformation and the reflection follow the defaults of N. Hansen's pycma (``BoundTransform``).
"""

from functools import cached_property
from typing import final

import numpy as np

from thalweg.arrays import Bools, Floats
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["Coordinates"]

BEND = 0.02  # a: share of a range to both sides of a bound over which the transformation bends


@final
@frozen
class Coordinates:
    """Map points t without bounds to valid rows, and back.

    A column with two bounds is the unit interval of its searched scale. There t is u itself but near the bounds,

    u(t) = (t + a)² / 4a for −a ≤ t ≤ a, and the same upside down at 1,

    and beyond −a and 1 + a it is reflected. So every point counts, none is moved onto the wall, and where a function falls
    towards a bound it is, seen in t, a smooth valley. Integers and grids are not bent: their outer bins
    go on forever. A column without bounds is itself; one with a single bound is reflected there.

    Example:
        >>> from thalweg.space import Box, Space
        >>> coordinates = Coordinates(Space(Box(-5, 5, 1)).columns)
        >>> coordinates.rows(np.array([[0.5], [0.7], [-0.02], [-0.12]])).ravel().round(9).tolist()
        [0.0, 2.0, -5.0, -4.2]
    """

    columns: Columns

    @cached_property
    def _bounded(self) -> Bools:
        bounded: Bools = np.isfinite(self.columns.low) & np.isfinite(self.columns.high)
        return bounded

    @cached_property
    def _bent(self) -> Bools:
        bent: Bools = self._bounded & ~self.columns.discrete
        return bent

    @cached_property
    def cube(self) -> Columns:
        """The columns, with the unit interval in place of infinite ranges: a cube in which every column can be."""
        if self.columns.bounded:
            return self.columns
        c, bounded = self.columns, self._bounded
        return Columns(c.kind, np.where(bounded, c.low, 0.0), np.where(bounded, c.high, 1.0), c.log & bounded, c.step)

    def start(self, random: np.random.Generator) -> Floats:
        """Draw a first mean (d,): in the middle half of bounds, at the neutral value of columns without."""
        return np.where(self._bounded, 0.25 + 0.5 * random.random(self.columns.dim), self.columns.neutral)

    def rows(self, t: Floats) -> Floats:
        """Give the rows (n, d) of points t (n, d)."""
        near = self._bent & ((t < BEND) | (t > 1 - BEND))
        u = t.copy()
        u[near] = _bend(t[near])
        x = self.cube.from_unit(u)
        return x if self.columns.bounded else np.where(self._bounded, x, self._reflected(t))

    def points(self, x: Floats) -> Floats:
        """Give for rows x (n, d) the points nearest to the middle that lie there."""
        inside = np.where(self._bounded, x, 0.0) if not self.columns.bounded else x
        u = self.cube.to_unit(inside)
        t = np.where(self._bent, _unbend(u), u)
        return t if self.columns.bounded else np.where(self._bounded, t, x)

    def _reflected(self, t: Floats) -> Floats:
        x = t.copy()
        below, above = np.isfinite(self.columns.low), np.isfinite(self.columns.high)
        x[:, below] = self.columns.low[below] + np.abs(x[:, below] - self.columns.low[below])
        x[:, above] = self.columns.high[above] - np.abs(self.columns.high[above] - x[:, above])
        return x


def _bend(t: Floats) -> Floats:
    """Give u in [0, 1]: reflect at −a and 1 + a, then bend."""
    period = 2 * (1 + 2 * BEND)
    s = t + BEND
    s = np.abs(s - period * np.rint(s / period))  # from 0 at the lower end to 1 + 2a at the upper one
    r = np.minimum(s, (1 + 2 * BEND) - s)  # from the nearer end
    u = np.where(r < 2 * BEND, r * r / (4 * BEND), r - BEND)
    return np.where(s > 0.5 + BEND, 1.0 - u, u)


def _unbend(u: Floats) -> Floats:
    r = np.minimum(u, 1.0 - u)
    t = np.where(r < BEND, 2 * np.sqrt(BEND * r) - BEND, r)
    return np.where(u > 0.5, 1.0 - t, t)
