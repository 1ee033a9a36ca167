"""Huber's loss: squared for small deviations, absolute for large ones.

P. J. Huber, "Robust estimation of a location parameter", The Annals of Mathematical Statistics 35, 1964.
"""

from typing import ClassVar, final

import numpy as np
from scipy.optimize import brentq

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.losses.loss import Loss

__all__ = ["Huber"]


@final
@frozen
class Huber(Loss):
    """ℓ = ½ r² where |r| ≤ δ, and δ (|r| − ½ δ) elsewhere, for r = η − y: outliers pull with the force δ, and no more.

    δ is a number in the units of y: what is an outlier does not change while the fit goes on, so the problem stays convex
    without a second parameter for the noise. 1.345 standard deviations of Gaussian noise keep 95 % of the efficiency of
    least squares. (scikit-learn's ``HuberRegressor`` estimates that deviation along with the fit; its ``epsilon`` is δ in
    units of it.)

    Args:
        delta: δ, positive, in units of y.

    Raises:
        InvalidSettings: ``delta`` is out of its range.

    Example:
        >>> Huber(delta=1.0).value(np.array([0.5, 3.0]), np.array([0.0, 0.0]))
        array([0.125, 2.5  ])
    """

    delta: float

    curvature_bound: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 < self.delta < float("inf"):
            raise InvalidSettings(f"Huber: delta={self.delta}, expected a positive number in the units of the target")

    def value(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give half the square, or what lies below its tangent at δ."""
        return self.slope(eta, y)[0]

    def slope(self, eta: AnyArray, y: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Give the deviation, clipped at δ."""
        deviation = eta - y
        clipped = np.clip(deviation, -self.delta, self.delta)
        return clipped * (deviation - 0.5 * clipped), clipped

    def curvature(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give 1 where the loss is squared, 0 elsewhere."""
        return np.asarray(np.abs(eta - y) <= self.delta, dtype=eta.dtype)

    def mean(self, eta: AnyArray) -> AnyArray:
        """Give η."""
        return eta

    def constant(self, y: AnyArray, weight: AnyArray) -> AnyArray:
        """Give the number where the pulls of all rows cancel."""
        low, high = float(y.min()), float(y.max())
        if low == high:
            return np.asarray(low)
        return np.asarray(
            brentq(
                lambda c: np.dot(weight, np.clip(c - y, -self.delta, self.delta)), low, high, xtol=1e-14 * (high - low)
            )
        )

    def check(self, y: AnyArray) -> None:
        """Accept every finite target."""
