"""Operators for genes without an order: exchange them, or draw them anew.

G. Syswerda, "Uniform crossover in genetic algorithms", ICGA 1989.
"""

from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.optimizers.evolution.operators.operator import Crossover, Mutation, check_probability
from thalweg.serial import frozen

__all__ = ["ResamplingMutation", "UniformCrossover"]


@final
@frozen
class UniformCrossover(Crossover):
    """Exchange genes between the parents, each with the same probability.

    Args:
        probability: Share of the genes that are exchanged.

    Raises:
        InvalidSettings: It is no probability.

    Example:
        >>> c, d = UniformCrossover().cross(np.zeros((1, 4)), np.ones((1, 4)), np.random.default_rng(0))
        >>> c + d
        array([[1., 1., 1., 1.]])
    """

    probability: float = 0.5

    def __post_init__(self) -> None:
        """Check the setting."""
        check_probability(self, "probability", self.probability)

    def cross(self, a: Floats, b: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
        """Exchange the chosen genes."""
        swap = random.random(a.shape) < self.probability
        return np.where(swap, b, a), np.where(swap, a, b)


@final
@frozen
class ResamplingMutation(Mutation):
    """Draw some genes anew, uniformly: every choice is as likely as every other.

    Args:
        probability: Share of the genes that are drawn anew; None for 1 / d, one gene of an individual on
            average.

    Raises:
        InvalidSettings: It is no probability.

    Example:
        >>> bool(ResamplingMutation(probability=0.0).mutate(np.ones((1, 2)), np.random.default_rng(0)).all())
        True
    """

    probability: float | None = None

    def __post_init__(self) -> None:
        """Check the setting."""
        check_probability(self, "probability", self.probability)

    def mutate(self, u: Floats, random: np.random.Generator) -> Floats:
        """Draw the chosen genes anew."""
        share = 1 / u.shape[1] if self.probability is None else self.probability
        chosen = random.random(u.shape) < share
        return np.where(chosen, random.random(u.shape), u)
