"""The squared loss: least squares.

C. F. Gauss, "Theoria motus corporum coelestium", 1809. A.-M. Legendre, 1805.
"""

from typing import ClassVar, final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.serial import frozen
from thalweg.training.losses.loss import Loss

__all__ = ["Squared"]


@final
@frozen
class Squared(Loss):
    """ℓ = ½ (η − y)²: the mean of y, estimated as if all deviations were equally likely Gaussian ones.

    Example:
        >>> Squared().value(np.array([3.0]), np.array([1.0]))
        array([2.])
    """

    curvature_bound: ClassVar[float] = 1.0

    def value(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give half the square of the deviation."""
        return self.slope(eta, y)[0]

    def slope(self, eta: AnyArray, y: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Give the deviation."""
        deviation = eta - y
        return 0.5 * deviation * deviation, deviation

    def curvature(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give 1."""
        return np.ones_like(eta)

    def mean(self, eta: AnyArray) -> AnyArray:
        """Give η."""
        return eta

    def constant(self, y: AnyArray, weight: AnyArray) -> AnyArray:
        """Give the mean."""
        return np.asarray(np.average(y, weights=weight))

    def check(self, y: AnyArray) -> None:
        """Accept every finite target."""
