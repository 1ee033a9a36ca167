"""The squared Euclidean norm: ridge.

A. E. Hoerl, R. W. Kennard, "Ridge regression: biased estimation for nonorthogonal problems", Technometrics 12, 1970.
A. N. Tikhonov, 1943.
"""

from typing import ClassVar, final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.serial import frozen
from thalweg.training.penalties.penalty import Penalty

__all__ = ["L2", "NoPenalty"]


@final
@frozen
class L2(Penalty):
    """Ω(w) = ½‖w‖²: every coefficient is drawn towards zero, none all the way.

    Example:
        >>> L2().value(np.array([3.0, 4.0]))
        12.5
    """

    smooth: ClassVar[bool] = True

    @property
    def ridge(self) -> float:
        """All of it."""
        return 1.0

    def value(self, w: AnyArray) -> float:
        """Give half the squared norm."""
        return 0.5 * float(np.vdot(w, w))

    def prox(self, w: AnyArray, step: AnyArray | float) -> AnyArray:
        """Give w: nothing is left beside the ridge."""
        return w

    def distance(self, w: AnyArray, gradient: AnyArray, strength: float) -> AnyArray:
        """Give the size of the gradient."""
        return np.abs(gradient)


@final
@frozen
class NoPenalty(Penalty):
    """Ω(w) = 0.

    Example:
        >>> NoPenalty().value(np.array([3.0, 4.0]))
        0.0
    """

    smooth: ClassVar[bool] = True

    @property
    def ridge(self) -> float:
        """None of it."""
        return 0.0

    def value(self, w: AnyArray) -> float:
        """Give 0."""
        return 0.0

    def prox(self, w: AnyArray, step: AnyArray | float) -> AnyArray:
        """Give w."""
        return w

    def distance(self, w: AnyArray, gradient: AnyArray, strength: float) -> AnyArray:
        """Give the size of the gradient."""
        return np.abs(gradient)
