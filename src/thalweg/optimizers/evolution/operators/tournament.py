"""Tournament selection.

A. Brindle, "Genetic algorithms for function optimization", 1981. D. E. Goldberg, K. Deb, "A comparative
analysis of selection schemes used in genetic algorithms", Foundations of Genetic Algorithms 1, 1991.
"""

from typing import final

import numpy as np

from thalweg.arrays import Ints
from thalweg.errors import InvalidSettings
from thalweg.optimizers.evolution.operators.operator import Selection
from thalweg.serial import frozen

__all__ = ["Tournament"]


@final
@frozen
class Tournament(Selection):
    """Draw some individuals with replacement, and take the best of them.

    Args:
        size: Individuals in a tournament, at least 1; more of them press harder.

    Raises:
        InvalidSettings: The size is below 1.

    Example:
        >>> winners = Tournament(size=2).select(np.arange(10), 100_000, np.random.default_rng(0))
        >>> bool(abs(winners.mean() - 2.85) < 0.02)  # the mean of all is 4.5
        True
    """

    size: int = 2

    def __post_init__(self) -> None:
        """Check the setting."""
        if self.size < 1:
            raise InvalidSettings(f"Tournament: size={self.size}, expected at least 1")

    def select(self, rank: Ints, n: int, random: np.random.Generator) -> Ints:
        """Hold n tournaments; of equal ones the first that was drawn wins."""
        contestants = random.integers(len(rank), size=(n, self.size))
        winner = rank[contestants].argmin(axis=1)
        chosen: Ints = contestants[np.arange(n), winner]
        return chosen
