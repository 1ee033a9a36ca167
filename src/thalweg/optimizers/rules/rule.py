"""The contract of an update rule: from a gradient to a direction, as a pure function of arrays."""

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from thalweg.arrays import Floats

__all__ = ["AnyRule", "UpdateRule"]

State = TypeVar("State")


class UpdateRule(ABC, Generic[State]):
    """Settings of a first-order method, and its two pure functions.

    Whoever uses a rule keeps the point and the learning rate, and moves by ``x ← x − α·direction``. The
    arrays may have any shape, the same one for x, gradient and direction. A rule and its state are made with
    :func:`thalweg.serial.frozen`.
    """

    @abstractmethod
    def init(self, x: Floats) -> State:
        """Make the state before the first gradient at x."""

    @abstractmethod
    def update(self, state: State, gradient: Floats, x: Floats) -> tuple[Floats, State]:
        """Take in the gradient at x.

        Args:
            state: Not changed.
            gradient: Of the objective that is minimized.
            x: Where it was computed.

        Returns:
            The direction to subtract, and the next state.
        """


AnyRule = UpdateRule[Any]
