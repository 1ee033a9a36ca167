"""The logistic loss, for two classes.

D. R. Cox, "The regression analysis of binary sequences", Journal of the Royal Statistical Society B 20, 1958.
"""

from typing import ClassVar, final

import numpy as np
from scipy.special import expit

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidData
from thalweg.serial import frozen
from thalweg.training.losses.loss import Loss

__all__ = ["Logistic"]

LARGE = 40.0  # from here on 1 + e^m is e^m to the last digit


@final
@frozen
class Logistic(Loss):
    """ℓ = log(1 + e^η) − y η: minus the log-likelihood of class y ∈ {0, 1} of probability p = 1 / (1 + e^−η).

    Example:
        >>> loss = Logistic()
        >>> loss.slope(np.array([0.0, 500.0]), np.array([1.0, 0.0]))
        (array([  0.69314718, 500.        ]), array([-0.5,  1. ]))
    """

    curvature_bound: ClassVar[float] = 0.25
    likelihood: ClassVar[bool] = True
    classes: ClassVar[bool] = True

    def value(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give log(1 + e^η) − y η."""
        return _margin(eta, y)[0]

    def slope(self, eta: AnyArray, y: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Give p − y."""
        value, exponential, sign = _margin(eta, y)
        slope = exponential + 1
        np.divide(exponential, slope, out=slope)
        slope *= sign
        return value, slope

    def curvature(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give p (1 − p)."""
        exponential = np.exp(-np.abs(eta))
        return np.asarray(exponential / np.square(1 + exponential))

    def mean(self, eta: AnyArray) -> AnyArray:
        """Give the probability of class 1."""
        return np.asarray(expit(eta))

    def constant(self, y: AnyArray, weight: AnyArray) -> AnyArray:
        """Give the log-odds of the classes' shares, half a row away from certainty."""
        total = float(np.sum(weight))
        one = float(np.dot(weight, y))
        half = 0.5 * total / len(y)
        return np.asarray(np.log((one + half) / (total - one + half)))

    def check(self, y: AnyArray) -> None:
        """Accept the codes 0 and 1."""
        if not np.isin(y, (0, 1)).all():
            raise InvalidData(f"the logistic loss needs targets 0 and 1, got {np.unique(y)[:5].tolist()} …")


def _margin(eta: AnyArray, y: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Give ℓ = log(1 + e^m), e^m and the sign s of the margin m = s η, which is −1 for class 1 and 1 for class 0.

    In m no digit of a small loss or slope is lost, and one exponential serves both. This is the inner loop of every solver,
    hence the work in place.
    """
    sign = 1 - 2 * y
    value = sign * eta
    capped = np.minimum(value, LARGE)
    value -= capped
    exponential = np.exp(capped, out=capped)
    value += np.log1p(exponential)
    return value, exponential, sign
