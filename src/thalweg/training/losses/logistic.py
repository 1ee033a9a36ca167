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


@final
@frozen
class Logistic(Loss):
    """ℓ = log(1 + e^η) − y η: minus the log-likelihood of class y ∈ {0, 1} of probability p = 1 / (1 + e^−η).

    Example:
        >>> loss = Logistic()
        >>> loss.slope(np.array([0.0, 800.0]), np.array([1.0, 0.0]))
        (array([  0.69314718, 800.        ]), array([-0.5,  1. ]))
    """

    curvature_bound: ClassVar[float] = 0.25
    classes: ClassVar[bool] = True

    def value(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give log(1 + e^η) − y η."""
        # log(1 + e^η) = max(η, 0) + log1p(e^−|η|) never overflows.
        tail = np.log1p(np.exp(-np.abs(eta)))
        return np.maximum(eta, 0) + tail - y * eta

    def slope(self, eta: AnyArray, y: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Give p − y."""
        return self.value(eta, y), expit(eta) - y

    def curvature(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give p (1 − p)."""
        p = expit(eta)
        return p * (1 - p)

    def mean(self, eta: AnyArray) -> AnyArray:
        """Give the probability of class 1."""
        return np.asarray(expit(eta))

    def constant(self, y: AnyArray, weight: AnyArray) -> AnyArray:
        """Give the log-odds of the classes' shares, half a row away from certainty."""
        total = float(np.sum(weight))
        one = float(np.dot(weight, y))
        return np.log((one + 0.5 * total / len(y)) / (total - one + 0.5 * total / len(y)))

    def check(self, y: AnyArray) -> None:
        """Accept the codes 0 and 1."""
        if not np.isin(y, (0, 1)).all():
            raise InvalidData(f"the logistic loss needs targets 0 and 1, got {np.unique(y)[:5].tolist()} …")
