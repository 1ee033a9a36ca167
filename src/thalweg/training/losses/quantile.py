"""The quantile loss, also called the check or pinball loss; half the absolute deviation for the median.

R. Koenker, G. Bassett, "Regression quantiles", Econometrica 46, 1978. P. S. Laplace, 1789 (the absolute deviation).
"""

from typing import ClassVar, final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.losses.loss import Loss

__all__ = ["Quantile"]


@final
@frozen
class Quantile(Loss):
    """ℓ = q max(y − η, 0) + (1 − q) max(η − y, 0): least where y lies below η with probability q.

    Args:
        quantile: q, between 0 and 1; 0.5 is the median, whose loss is ½ |y − η|.

    Raises:
        InvalidSettings: ``quantile`` is out of its range.

    Example:
        >>> Quantile(0.9).value(np.array([0.0, 2.0]), np.array([1.0, 1.0]))
        array([0.9, 0.1])
    """

    quantile: float = 0.5

    smooth: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 < self.quantile < 1:
            raise InvalidSettings(f"Quantile: quantile={self.quantile}, expected a number between 0 and 1")

    def value(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give the weighted deviation."""
        deviation = eta - y
        return np.maximum((1 - self.quantile) * deviation, -self.quantile * deviation)

    def slope(self, eta: AnyArray, y: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Give −q below y, 1 − q above it, and at y the 0 between them."""
        deviation = eta - y
        slope = (deviation > 0) - self.quantile * (deviation != 0)
        return self.value(eta, y), slope.astype(eta.dtype)

    def curvature(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give 0."""
        return np.zeros_like(eta)

    def mean(self, eta: AnyArray) -> AnyArray:
        """Give η, the quantile."""
        return eta

    def constant(self, y: AnyArray, weight: AnyArray) -> AnyArray:
        """Give the smallest y that has q of the weight at or below it."""
        order = np.argsort(y)
        below = np.cumsum(weight[order], dtype=np.float64)
        return np.asarray(y[order[np.searchsorted(below, self.quantile * below[-1])]])

    def check(self, y: AnyArray) -> None:
        """Accept every finite target."""
