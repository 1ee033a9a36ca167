"""When a run has no prospect of being the best: it settles in a minimum that is worse than one known."""

from dataclasses import replace
from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.serial import frozen

__all__ = ["Prospect"]

PATIENCE = 20  # generations, and evaluations a column, before the first look
AGAIN = 1.25  # from one look to the next the run grows by this factor
GAP = 10.0  # a run is given up whose values would have to fall so many times as far as they scatter and have fallen


@final
@frozen
class Prospect:
    """The latest values of a run, and what the best of them was at the last look.

    A run is given up where both the scatter of its latest values, median less minimum, and what the minimum has fallen by
    since the run had 4/5 of its length, are less than a tenth of the distance to the best value of the other runs. Any
    increasing linear function of the objective gives the same answer.

    Attributes:
        recent: (k,) values, inf where there is none, the latest last.
        keep: How many of them are looked at.
        due: Evaluations at the next look.
        mark: Their minimum at the last look, inf before.
    """

    recent: Floats
    keep: int
    due: float
    mark: float = float("inf")

    @classmethod
    def begin(cls, size: int, columns: int) -> "Prospect":
        """Begin a run of generations of so many points."""
        return cls(np.empty(0), max(2 * size, 2 * columns), PATIENCE * max(size, columns))

    def told(self, values: Floats) -> "Prospect":
        """Add values (n,), inf where there is none."""
        return replace(self, recent=np.concatenate([self.recent, values])[-self.keep :])

    def judged(self, spent: int, best: float) -> tuple["Prospect", bool]:
        """Look again when it is due, and say whether the run is without prospect.

        Args:
            spent: Evaluations of this run.
            best: Value of the best point of the other runs.
        """
        if spent < self.due:
            return self, False
        now = float(self.recent.min())
        following = replace(self, mark=now, due=AGAIN * spent)
        if not (np.isfinite(now) and np.isfinite(self.mark)):
            return following, False
        scatter = float(np.median(self.recent)) - now
        return following, now - best > GAP * max(scatter, self.mark - now)
