"""The contract of a loss: what a prediction costs, row by row, and how that changes with the linear predictor."""

from abc import ABC, abstractmethod
from typing import ClassVar

from thalweg.arrays import AnyArray

__all__ = ["Loss"]


class Loss(ABC):
    """A convex loss ℓ(η, y) of the linear predictor η = x·w + b, as pure array functions.

    Arrays have one entry a row: η and y (n,). Only the multinomial loss has one predictor a class, η (n, K). y comes in
    the dtype of η, codes of classes too; results keep it, and are finite for every finite η that a solver may visit. A
    loss is made with :func:`thalweg.serial.frozen`.

    Attributes:
        smooth: Whether the derivative is continuous. A loss that is not has kinks, at which ``slope`` is a subgradient.
        curvature_bound: Largest second derivative over all η; inf where there is none.
        likelihood: Whether it is minus a log-likelihood, up to a constant, so that information criteria apply.
        classes: Whether y holds codes of classes: 0 and 1, or 0 … K − 1 for a loss of several predictors.
    """

    smooth: ClassVar[bool] = True
    curvature_bound: ClassVar[float] = float("inf")
    likelihood: ClassVar[bool] = False
    classes: ClassVar[bool] = False

    @abstractmethod
    def value(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give ℓ (n,)."""

    @abstractmethod
    def slope(self, eta: AnyArray, y: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Give ℓ (n,) and ∂ℓ/∂η (as η): together, since they share their exponentials."""

    @abstractmethod
    def curvature(self, eta: AnyArray, y: AnyArray) -> AnyArray:
        """Give ∂²ℓ/∂η² ≥ 0 (n,); for K predictors the probabilities (n, K) from which solvers build it."""

    @abstractmethod
    def mean(self, eta: AnyArray) -> AnyArray:
        """Give what is predicted where the linear predictor is η: the inverse link."""

    @abstractmethod
    def constant(self, y: AnyArray, weight: AnyArray) -> AnyArray:
        """Give the η, () or (K,), that is best for all rows together: where an intercept starts."""

    @abstractmethod
    def check(self, y: AnyArray) -> None:
        """Refuse targets that the loss is not made for.

        Raises:
            InvalidData: What was got, and what is expected.
        """
