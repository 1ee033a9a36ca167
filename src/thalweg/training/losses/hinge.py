"""The hinge loss of the support vector machine, and its square.

C. Cortes, V. Vapnik, "Support-vector networks", Machine Learning 20, 1995 (both: σ = 1 and σ = 2).
"""

from typing import ClassVar, final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidData
from thalweg.serial import frozen
from thalweg.training.losses.loss import Loss

__all__ = ["Hinge", "SquaredHinge"]


@final
@frozen
class Hinge(Loss):
    """ℓ = max(0, 1 − s η) for the sign s = 2y − 1 of class y ∈ {0, 1}: rows that are right by a margin cost nothing.

    Example:
        >>> Hinge().slope(np.array([0.0, 2.0]), np.array([1.0, 1.0]))
        (array([1., 0.]), array([-1., -0.]))
    """

    smooth: ClassVar[bool] = False
    classes: ClassVar[bool] = True

    def value(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give what is missing of the margin 1."""
        return np.asarray(np.maximum(1 - (2 * y - 1) * eta, 0))

    def slope(self, eta: AnyArray, y: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Give −s where something is missing."""
        sign = 2 * y - 1
        missing = np.maximum(1 - sign * eta, 0)
        return missing, -sign * (missing > 0)

    def curvature(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give 0."""
        return np.zeros_like(eta)

    def mean(self, eta: AnyArray) -> AnyArray:
        """Give η, whose sign decides: it is no probability."""
        return eta

    def constant(self, y: AnyArray, weight: AnyArray) -> AnyArray:
        """Give the sign of the class with more weight."""
        return np.asarray(np.sign(np.dot(weight, 2 * y - 1)))

    def check(self, y: AnyArray) -> None:
        """Accept the codes 0 and 1."""
        _check("hinge", y)


@final
@frozen
class SquaredHinge(Loss):
    """ℓ = max(0, 1 − s η)²: the hinge loss without its kink.

    Example:
        >>> SquaredHinge().slope(np.array([0.0, 2.0]), np.array([0.0, 0.0]))
        (array([1., 9.]), array([2., 6.]))
    """

    curvature_bound: ClassVar[float] = 2.0
    classes: ClassVar[bool] = True

    def value(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give the square of what is missing of the margin 1."""
        return np.square(Hinge().value(eta, y))

    def slope(self, eta: AnyArray, y: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Give −2 s times what is missing."""
        sign = 2 * y - 1
        missing = np.maximum(1 - sign * eta, 0)
        return missing * missing, -2 * sign * missing

    def curvature(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give 2 where something is missing."""
        return 2 * (Hinge().value(eta, y) > 0).astype(eta.dtype)

    def mean(self, eta: AnyArray) -> AnyArray:
        """Give η, whose sign decides: it is no probability."""
        return eta

    def constant(self, y: AnyArray, weight: AnyArray) -> AnyArray:
        """Give the mean sign."""
        return np.asarray(np.average(2 * y - 1, weights=weight))

    def check(self, y: AnyArray) -> None:
        """Accept the codes 0 and 1."""
        _check("squared hinge", y)


def _check(name: str, y: AnyArray) -> None:
    if not np.isin(y, (0, 1)).all():
        raise InvalidData(f"the {name} loss needs targets 0 and 1, got {np.unique(y)[:5].tolist()} …")
