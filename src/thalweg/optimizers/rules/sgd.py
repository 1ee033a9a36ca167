"""The plain gradient step.

H. Robbins, S. Monro, "A stochastic approximation method", Annals of Mathematical Statistics 22(3), 1951.
"""

from typing import final

from thalweg.arrays import Floats
from thalweg.optimizers.rules.rule import UpdateRule
from thalweg.serial import frozen

__all__ = ["SGD"]


@final
@frozen
class SGD(UpdateRule[None]):
    """Go along the gradient itself: d = g.

    Example:
        >>> import numpy as np
        >>> direction, _ = SGD().update(None, np.array([2.0, -1.0]), np.zeros(2))
        >>> direction
        array([ 2., -1.])
    """

    def init(self, x: Floats) -> None:
        """Remember nothing."""
        return None

    def update(self, state: None, gradient: Floats, x: Floats, learning_rate: float = 1.0) -> tuple[Floats, None]:
        """Give the gradient back."""
        return gradient, None
