"""The contract of a penalty: what large coefficients cost."""

from abc import ABC, abstractmethod
from typing import ClassVar

from thalweg.arrays import AnyArray

__all__ = ["Penalty"]


class Penalty(ABC):
    """The form Ω(w) of a penalty λ Ω(w) on the coefficients w, never on intercepts; λ is given to its functions.

    w is (d,), or (d, K) for a loss with one predictor a class. A penalty is convex, and the sum of a smooth part
    λ·ridge·½‖w‖² and of a part that is known by its proximal operator. It is made with
    :func:`thalweg.serial.frozen`.

    Attributes:
        smooth: Whether the second part is zero, so that gradients are all there is.
        separable: Whether Ω is a sum over single coefficients, which coordinate descent may then update one by one.
    """

    smooth: ClassVar[bool]
    separable: ClassVar[bool] = True

    @property
    @abstractmethod
    def ridge(self) -> float:
        """Give the weight of ½‖w‖² in Ω."""

    @abstractmethod
    def value(self, w: AnyArray) -> float:
        """Give Ω(w) ≥ 0; inf where w is not allowed."""

    @abstractmethod
    def prox(self, w: AnyArray, step: AnyArray | float) -> AnyArray:
        """Give argmin over u of step·(Ω(u) − ½ ridge ‖u‖²) + ½‖u − w‖²: the step of the part that is not smooth.

        Args:
            w: (d,) or (d, K).
            step: λ times the length of the gradient step: one number, or one for each coefficient.
        """

    @abstractmethod
    def distance(self, w: AnyArray, gradient: AnyArray, strength: float) -> AnyArray:
        """Give how far −gradient lies from λ ∂(Ω − ½ ridge ‖·‖²)(w), for each coefficient: 0 at the optimum.

        Args:
            w: Coefficients.
            gradient: Of the smooth part of the objective, λ·ridge·w included.
            strength: λ.
        """
