"""The sum of absolute values: the lasso.

R. Tibshirani, "Regression shrinkage and selection via the lasso", Journal of the Royal Statistical Society B 58, 1996.
Its proximal operator: D. L. Donoho, "De-noising by soft-thresholding", IEEE Transactions on Information Theory 41, 1995.
"""

from typing import ClassVar, final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.serial import frozen
from thalweg.training.penalties.penalty import Penalty

__all__ = ["L1", "shrink"]


def shrink(w: AnyArray, threshold: AnyArray | float) -> AnyArray:
    """Draw every number towards zero by a threshold, and no further: soft thresholding."""
    return np.asarray(w - np.clip(w, -threshold, threshold), dtype=w.dtype)


@final
@frozen
class L1(Penalty):
    """Ω(w) = ‖w‖₁: coefficients that do not earn their cost are exactly zero.

    Example:
        >>> L1().value(np.array([3.0, -4.0]))
        7.0
        >>> L1().prox(np.array([3.0, -4.0, 0.5]), 1.0)
        array([ 2., -3.,  0.])
    """

    smooth: ClassVar[bool] = False

    @property
    def ridge(self) -> float:
        """None of it."""
        return 0.0

    def value(self, w: AnyArray) -> float:
        """Give the sum of the sizes."""
        return float(np.abs(w).sum(dtype=np.float64))

    def prox(self, w: AnyArray, step: AnyArray | float) -> AnyArray:
        """Give the soft threshold."""
        return shrink(w, step)

    def distance(self, w: AnyArray, gradient: AnyArray, strength: float) -> AnyArray:
        """Give |g + λ sign(w)|, and where w = 0 what |g| exceeds λ by."""
        return np.where(w == 0, np.maximum(np.abs(gradient) - strength, 0), np.abs(gradient + strength * np.sign(w)))
