"""Adagrad: a learning rate of its own for every coordinate.

J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
Journal of Machine Learning Research 12, 2011; the diagonal version. Letters are theirs, with ε for δ.
"""

from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.optimizers.rules.checks import check_positive
from thalweg.optimizers.rules.rule import UpdateRule
from thalweg.serial import frozen

__all__ = ["Adagrad", "SquaredGradients"]


@final
@frozen
class SquaredGradients:
    """What Adagrad remembers."""

    G: Floats  # sum of the squared gradients so far


@final
@frozen
class Adagrad(UpdateRule[SquaredGradients]):
    """Divide by the root of all squared gradients so far: G ← G + g², d = g / (√G + ε).

    Coordinates whose gradient is seldom other than zero keep long steps: made for sparse data.

    Args:
        epsilon: ε, positive; keeps a vanishing gradient from being divided by zero.

    Raises:
        InvalidSettings: ε is out of its range.

    Example:
        >>> rule, x, g = Adagrad(), np.zeros(1), np.ones(1)
        >>> _, state = rule.update(rule.init(x), g, x)
        >>> rule.update(state, g, x)[0].round(4)
        array([0.7071])
    """

    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        """Check the setting."""
        check_positive(self, "epsilon")

    def init(self, x: Floats) -> SquaredGradients:
        """Begin with a sum of zero."""
        return SquaredGradients(np.zeros_like(x))

    def update(
        self, state: SquaredGradients, gradient: Floats, x: Floats, learning_rate: float = 1.0
    ) -> tuple[Floats, SquaredGradients]:
        """Add the squares, and divide."""
        G = state.G + gradient * gradient
        return gradient / (np.sqrt(G) + self.epsilon), SquaredGradients(G)
