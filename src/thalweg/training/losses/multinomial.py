"""The multinomial loss, for K classes: a linear predictor for each.

D. Böhning, "Multinomial logistic regression algorithm", Annals of the Institute of Statistical Mathematics 44, 1992 (also
the bound of the curvature).
"""

from typing import ClassVar, final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidData
from thalweg.serial import frozen
from thalweg.training.losses.loss import Loss

__all__ = ["Multinomial"]


@final
@frozen
class Multinomial(Loss):
    """ℓ = log Σₖ e^ηₖ − η_y: minus the log-likelihood of class y whose probability is the y-th of pₖ = e^ηₖ / Σⱼ e^ηⱼ.

    All K predictors are kept: a number added to all of them changes nothing, and a penalty makes the answer unique.

    Example:
        >>> loss = Multinomial()
        >>> loss.slope(np.array([[0.0, 0.0]]), np.array([1.0]))
        (array([0.69314718]), array([[ 0.5, -0.5]]))
    """

    curvature_bound: ClassVar[float] = 0.5
    likelihood: ClassVar[bool] = True
    classes: ClassVar[bool] = True

    def value(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give log Σₖ e^ηₖ − η_y."""
        shifted = _shifted(eta)
        own = shifted[y.astype(np.intp), np.arange(len(y))]
        return np.asarray(np.log(np.exp(shifted).sum(axis=0)) - own)

    def slope(self, eta: AnyArray, y: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Give p, less 1 for the class y."""
        shifted, own = _shifted(eta), (y.astype(np.intp), np.arange(len(y)))
        margin = shifted[own]
        p = np.exp(shifted, out=shifted)
        total = p.sum(axis=0)
        p /= total
        p[own] -= 1
        return np.log(total) - margin, p.T

    def curvature(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give p (n, K): the second derivative is diag(p) − p pᵀ."""
        return self.mean(eta)

    def mean(self, eta: AnyArray) -> AnyArray:
        """Give the probabilities (n, K)."""
        p = np.exp(_shifted(eta))
        p /= p.sum(axis=0)
        return p.T

    def constant(self, y: AnyArray, weight: AnyArray) -> AnyArray:
        """Give the logarithms of the classes' shares, half a row away from certainty, about their mean."""
        share = np.bincount(y.astype(np.intp), weights=weight) / np.sum(weight)
        eta = np.log(share + 0.5 * (share == 0) / len(y))
        return np.asarray(eta - eta.mean())

    def check(self, y: AnyArray) -> None:
        """Accept whole numbers from 0."""
        if (y < 0).any() or (y != np.floor(y)).any():
            raise InvalidData(f"the multinomial loss needs classes 0, 1, 2 …, got {np.unique(y)[:5].tolist()} …")


def _shifted(eta: AnyArray) -> AnyArray:
    """Give η less its largest, as a new array (K, n): sums over few classes are fast along the first axis only."""
    shifted = eta.T.copy(order="C")
    shifted -= shifted.max(axis=0)
    return shifted
