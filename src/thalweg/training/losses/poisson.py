"""The loss of counts: Poisson regression with a logarithmic link.

J. A. Nelder, R. W. M. Wedderburn, "Generalized linear models", Journal of the Royal Statistical Society A 135, 1972.
"""

from typing import ClassVar, final

import numpy as np
from scipy.special import xlogy

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidData
from thalweg.serial import frozen
from thalweg.training.losses.loss import Loss

__all__ = ["Poisson"]

LARGE = 60.0  # the largest η of a rate that is meant seriously, 1e26; its square is still a number in single precision


@final
@frozen
class Poisson(Loss):
    """ℓ = e^η − y η + y log y − y: half the deviance of a count y whose rate is e^η, 0 where they agree.

    Beyond η = 60 the exponential is continued by its parabola there, which keeps every step of a solver finite.

    Example:
        >>> Poisson().slope(np.array([0.0, 1.0]), np.array([1.0, 0.0]))
        (array([0.        , 2.71828183]), array([0.        , 2.71828183]))
    """

    likelihood: ClassVar[bool] = True

    def value(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give half the deviance."""
        rate, excess = _rate(eta)
        return _deviance(eta, y, rate, excess)

    def slope(self, eta: AnyArray, y: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Give e^η − y."""
        rate, excess = _rate(eta)
        return _deviance(eta, y, rate, excess), rate * (1 + excess) - y

    def curvature(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give e^η."""
        return _rate(eta)[0]

    def mean(self, eta: AnyArray) -> AnyArray:
        """Give the rate e^η."""
        rate, excess = _rate(eta)
        return np.asarray(rate * (1 + excess))

    def constant(self, y: AnyArray, weight: AnyArray) -> AnyArray:
        """Give the logarithm of the mean; where there is not one event, of that of half an event."""
        mean = float(np.average(y, weights=weight))
        return np.asarray(np.log(mean if mean > 0 else 0.5 / len(y)))

    def check(self, y: AnyArray) -> None:
        """Accept numbers from 0 on, whole or not."""
        if (y < 0).any():
            raise InvalidData(f"the Poisson loss needs targets that are counts or rates ≥ 0, got {y.min()}")
        if y.max(initial=0) > np.exp(LARGE):
            raise InvalidData(
                f"the Poisson loss takes targets up to {np.exp(LARGE):.0e}, got {y.max()}: use a larger unit"
            )


def _rate(eta: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Give e^η up to the limit, and how far η lies beyond it."""
    capped = np.minimum(eta, LARGE)
    return np.exp(capped), eta - capped


def _deviance(eta: AnyArray, y: AnyArray, rate: AnyArray, excess: AnyArray) -> AnyArray:
    continued = rate * (1 + excess + 0.5 * excess * excess)
    return np.asarray(continued - y * eta + (xlogy(y, y) - y))
