"""A mixture of the lasso and ridge.

H. Zou, T. Hastie, "Regularization and variable selection via the elastic net", Journal of the Royal Statistical Society B
67, 2005.
"""

from typing import ClassVar, final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.penalties.l1 import L1, shrink
from thalweg.training.penalties.penalty import Penalty

__all__ = ["ElasticNet"]


@final
@frozen
class ElasticNet(Penalty):
    """Ω(w) = α ‖w‖₁ + (1 − α) ½‖w‖²: zeros as by the lasso, but columns that are alike keep alike coefficients.

    Args:
        l1_ratio: α, above 0 and at most 1.

    Raises:
        InvalidSettings: ``l1_ratio`` is out of its range.

    Example:
        >>> ElasticNet(l1_ratio=0.5).value(np.array([3.0, -4.0]))
        9.75
    """

    l1_ratio: float = 0.5

    smooth: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 < self.l1_ratio <= 1:
            raise InvalidSettings(
                f"ElasticNet: l1_ratio={self.l1_ratio}, expected a number above 0 and at most 1 (for 0, use L2)"
            )

    @property
    def ridge(self) -> float:
        """What is not the lasso's."""
        return 1.0 - self.l1_ratio

    def value(self, w: AnyArray) -> float:
        """Give α times the sum of sizes and (1 − α) times half the squared norm."""
        return self.l1_ratio * L1().value(w) + self.ridge * 0.5 * float(np.vdot(w, w))

    def prox(self, w: AnyArray, step: AnyArray | float) -> AnyArray:
        """Give the soft threshold."""
        return shrink(w, self.l1_ratio * step)

    def distance(self, w: AnyArray, gradient: AnyArray, strength: float) -> AnyArray:
        """Give |g + λα sign(w)|, and where w = 0 what |g| exceeds λα by."""
        return L1().distance(w, gradient, self.l1_ratio * strength)
