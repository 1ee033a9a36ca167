"""No coefficient below zero, beside another penalty.

C. L. Lawson, R. J. Hanson, "Solving Least Squares Problems", 1974, chapter 23.
"""

from typing import ClassVar, final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.penalties.l2 import NoPenalty
from thalweg.training.penalties.penalty import Penalty

__all__ = ["NonNegative"]


@final
@frozen
class NonNegative(Penalty):
    """Ω(w) = Ψ(w) where every w ≥ 0, and ∞ elsewhere.

    Args:
        penalty: Ψ, a sum over single coefficients; nothing by default.

    Raises:
        InvalidSettings: ``penalty`` is not a sum over single coefficients.

    Example:
        >>> NonNegative().prox(np.array([3.0, -4.0]), 1.0)
        array([3., 0.])
        >>> from thalweg.training.penalties import L1
        >>> NonNegative(L1()).prox(np.array([3.0, -4.0]), 1.0)
        array([2., 0.])
    """

    penalty: Penalty = NoPenalty()

    smooth: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the settings."""
        if not self.penalty.separable:
            raise InvalidSettings(
                f"NonNegative: penalty={self.penalty}, expected one of single coefficients, as L1, L2 or ElasticNet"
            )

    @property
    def ridge(self) -> float:
        """That of the other penalty."""
        return self.penalty.ridge

    def value(self, w: AnyArray) -> float:
        """Give what the other penalty costs; inf below zero."""
        return float("inf") if (w < 0).any() else self.penalty.value(w)

    def prox(self, w: AnyArray, step: AnyArray | float) -> AnyArray:
        """Give the other penalty's step from where negative numbers are 0."""
        # Ψ is least at 0 in every coefficient, so a coefficient that begins at 0 stays there, and none crosses it.
        return self.penalty.prox(np.maximum(w, 0), step)

    def distance(self, w: AnyArray, gradient: AnyArray, strength: float) -> AnyArray:
        """Give the other penalty's distance; at the border a coefficient that is pushed outwards is content."""
        inside = self.penalty.distance(w, np.where(w > 0, gradient, np.minimum(gradient, 0)), strength)
        return np.where(w < 0, np.inf, inside)
