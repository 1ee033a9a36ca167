"""The contract of a learning rate: how far to go along a direction, as a state machine without evaluations of its own."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar, final

import numpy as np

from thalweg.arrays import Floats
from thalweg.optimizers.rules import AnyRule

__all__ = ["AnyLearningRate", "Attempt", "LearningRate", "Point", "norm", "sufficient"]

State = TypeVar("State")

ROUNDING = 2.0**-50  # a change of the objective by this share of its size may be rounding


@final
@dataclass(frozen=True)
class Point:
    """A point that was evaluated."""

    x: Floats  # (d,)
    value: float  # NaN where it failed
    gradient: Floats  # (d,)


@final
@dataclass(frozen=True)
class Attempt:
    """A step that was tried: from ``start`` to ``end`` = P(start − α d), P putting it back into the bounds."""

    start: Point
    direction: Floats  # (d,) d
    alpha: float
    end: Point

    @property
    def failed(self) -> bool:
        """Whether there is no value at its end."""
        return bool(np.isnan(self.end.value))

    @property
    def predicted(self) -> float:
        """What the gradient at the start foretells of the change in value: negative on the way down."""
        return float(self.start.gradient @ (self.end.x - self.start.x))


class LearningRate(ABC, Generic[State]):
    """Settings of a way to choose α in x ← P(x − α d), and its three pure functions.

    Whoever uses it asks for a first α at every new point (``begin``), evaluates the step's end, and lets the step be
    judged (``judge``): another α is tried, or the end is the next point.

    Attributes:
        rules: Update rules whose directions it can judge; all of them where it is empty.
        sampled: Whether it serves a problem of which every evaluation sees another minibatch.
        same_batch: Whether there both ends of a step must be seen on the same minibatch.
    """

    rules: ClassVar[tuple[type[AnyRule], ...]] = ()
    sampled: ClassVar[bool] = False
    same_batch: ClassVar[bool] = False

    @abstractmethod
    def init(self, batches: int) -> State:
        """Make the state before the first point.

        Args:
            batches: Number of minibatches an epoch, 1 where there are none.
        """

    @abstractmethod
    def begin(self, state: State, at: Point) -> tuple[float, State]:
        """Give the first α ≥ 0 to try from a new point, which has a value."""

    @abstractmethod
    def judge(self, state: State, attempt: Attempt) -> tuple[float | None, State]:
        """Judge a step, which may have failed.

        Returns:
            The α to try instead; None where the step's end is the next point; 0 where no step will do.
        """


AnyLearningRate = LearningRate[Any]


def sufficient(attempt: Attempt, share: float, reference: float | None = None) -> bool:
    """Whether a step keeps at least a share c of what it promised: f(end) ≤ reference + c ∇f(start)ᵀ(end − start).

    This is the condition of L. Armijo for steps that may end at a bound (D. P. Bertsekas, "On the
    Goldstein–Levitin–Polyak gradient projection method", 1976). The reference is f(start), unless another is given. Where
    the change is lost in rounding, the gradients at both ends tell it: W. W. Hager, H. Zhang, "A new conjugate gradient
    method with guaranteed descent and an efficient line search", SIAM Journal on Optimization 16(1), 2005.
    """
    level, promised = attempt.start.value if reference is None else reference, share * attempt.predicted
    if abs(attempt.end.value - level) <= ROUNDING * abs(level):
        change = (attempt.start.gradient + attempt.end.gradient) @ (attempt.end.x - attempt.start.x) / 2
        return bool(change <= promised)
    return attempt.end.value <= level + promised


def norm(vector: Floats) -> float:
    """Length of a vector."""
    return float(np.linalg.norm(vector))
