"""RMSProp: divide the gradient by a running average of its recent magnitude.

T. Tieleman, G. Hinton, "Lecture 6.5: RMSProp", Coursera: Neural networks for machine learning, 2012.
"""

from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.optimizers.rules.checks import check_fraction, check_positive
from thalweg.optimizers.rules.rule import UpdateRule
from thalweg.serial import frozen

__all__ = ["MeanSquare", "RMSProp"]


@final
@frozen
class MeanSquare:
    """What RMSProp remembers."""

    v: Floats  # fading mean of the squared gradients


@final
@frozen
class RMSProp(UpdateRule[MeanSquare]):
    """Divide by the root of a fading mean of the squared gradients: v ← ρ v + (1 − ρ) g², d = g / (√v + ε).

    For RMSProp with momentum: ``Chain((RMSProp(), HeavyBall()))``.

    Args:
        decay: ρ, memory of the squares, in [0, 1).
        epsilon: ε, positive; keeps a vanishing gradient from being divided by zero.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> rule, x = RMSProp(decay=0.75), np.zeros(2)
        >>> rule.update(rule.init(x), np.array([1000.0, -0.001]), x)[0].round(3)
        array([ 2., -2.])
    """

    decay: float = 0.9
    epsilon: float = 1e-8  # none in the lecture; outside the root, as in PyTorch

    def __post_init__(self) -> None:
        """Check the settings."""
        check_fraction(self, "decay")
        check_positive(self, "epsilon")

    def init(self, x: Floats) -> MeanSquare:
        """Begin with a mean of zero."""
        return MeanSquare(np.zeros_like(x))

    def update(
        self, state: MeanSquare, gradient: Floats, x: Floats, learning_rate: float = 1.0
    ) -> tuple[Floats, MeanSquare]:
        """Update the mean, and divide."""
        v = self.decay * state.v + (1 - self.decay) * gradient * gradient
        return gradient / (np.sqrt(v) + self.epsilon), MeanSquare(v)
