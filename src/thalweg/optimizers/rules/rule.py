"""The contract of an update rule: from a gradient to a direction, as a pure function of arrays."""

from abc import ABC, abstractmethod
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from thalweg.arrays import Floats

__all__ = ["AnyRule", "Averages", "UpdateRule"]

State = TypeVar("State")


class UpdateRule(ABC, Generic[State]):
    """Settings of a first-order method, and its two pure functions.

    Whoever uses a rule keeps the point and the learning rate, and moves by ``x ← x − α·direction``. The arrays
    have one axis or more and the same shape: x, gradient and direction. A rule works in their precision: from
    float32 come float32 directions and states. A rule and its state are made with
    :func:`thalweg.serial.frozen`.
    """

    @abstractmethod
    def init(self, x: Floats) -> State:
        """Make the state before the first gradient at x."""

    @abstractmethod
    def update(self, state: State, gradient: Floats, x: Floats, learning_rate: float = 1.0) -> tuple[Floats, State]:
        """Take in the gradient at x.

        Args:
            state: Not changed.
            gradient: Of the objective that is minimized.
            x: Where it was computed.
            learning_rate: α, by which the direction will be multiplied; only rules that weigh their steps by it
                (averages, estimates of a distance) look at it.

        Returns:
            The direction to subtract, which may share its memory with the gradient or the state, so that it is not
            to be written to; and the next state.
        """


@runtime_checkable
class Averages(Protocol):
    """A rule whose best guess is not the point at which it takes gradients, but an average that it keeps."""

    def average(self, state: Any, x: Floats) -> Floats:
        """Give the point that is believed best, when the next gradient is to be taken at x: x itself if it is that."""


AnyRule = UpdateRule[Any]
