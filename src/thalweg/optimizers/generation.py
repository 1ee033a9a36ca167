"""A generation: points that are all told before the next ones are made; what every population method counts with."""

from dataclasses import replace
from typing import final

import numpy as np

from thalweg.arrays import Bools, Floats, Ints
from thalweg.problem import Candidates, Evaluations
from thalweg.serial import frozen

__all__ = ["Generation"]


@final
@frozen
class Generation:
    """The g-th generation of s points, in the middle of being told; point i of it has the slot g·s + i.

    Attributes:
        number: g = 0, 1, 2 …
        value: (s,) objective, NaN until told or where it failed.
        infeasibility: (s,) total violation, inf until told or where it failed.
        told: (s,) which points are told.

    Example:
        >>> generation = Generation.begin(number=2, size=3)
        >>> generation.slots(np.array([0, 2])).tolist(), generation.complete
        ([6, 8], False)
    """

    number: int
    value: Floats
    infeasibility: Floats
    told: Bools

    @classmethod
    def begin(cls, number: int, size: int) -> "Generation":
        """Make a generation of which nothing is told."""
        return cls(number, np.full(size, np.nan), np.full(size, np.inf), np.zeros(size, dtype=np.bool_))

    @property
    def complete(self) -> bool:
        """Whether all points are told."""
        return bool(self.told.all())

    def following(self) -> "Generation":
        """Make the next generation."""
        return Generation.begin(self.number + 1, len(self.told))

    def slots(self, points: Ints) -> Ints:
        """Give the slots of points."""
        return self.number * len(self.told) + points

    def waiting(self, n: int, pending: Candidates) -> Ints:
        """Give the first n points that are neither told nor pending; those lost by a worker are among them."""
        waiting = ~self.told
        points = pending.slot - self.number * len(self.told)
        waiting[points[(points >= 0) & (points < len(self.told))]] = False
        return np.flatnonzero(waiting)[:n]

    def tell(self, evaluations: Evaluations) -> "Generation":
        """Note the values of points of this generation that were not told before; the first of two counts."""
        points = evaluations.candidates.slot - self.number * len(self.told)
        rows = np.flatnonzero((points >= 0) & (points < len(self.told)))
        rows = rows[~self.told[points[rows]]][::-1]  # backwards, so that of two the first is written last
        if not len(rows):
            return self
        i, value, infeasibility, told = points[rows], self.value.copy(), self.infeasibility.copy(), self.told.copy()
        value[i], infeasibility[i], told[i] = evaluations.value[rows, 0], evaluations.infeasibility[rows], True
        return replace(self, value=value, infeasibility=infeasibility, told=told)
