"""Schedules: the learning rate as a function of the step.

Inverse time: H. Robbins, S. Monro, "A stochastic approximation method", Annals of Mathematical Statistics 22(3), 1951.
Cosine: I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017. One cycle: L.
N. Smith, N. Topin, "Super-convergence: very fast training of neural networks using large learning rates",
arXiv:1708.07120, 2017. Warm-up: P. Goyal et al., "Accurate, large minibatch SGD", arXiv:1706.02677, 2017. Warm-up,
stable, decay: S. Hu et al., "MiniCPM", COLM 2024, with the decay of A. Hägele et al., "Scaling laws and
compute-optimal training beyond fixed training durations", NeurIPS 2024.
"""

import math
from abc import ABC, abstractmethod
from typing import final

from thalweg.errors import InvalidSettings
from thalweg.optimizers.rules.checks import check_count, check_fraction, check_not_negative, check_positive
from thalweg.serial import frozen

__all__ = [
    "Constant",
    "Cosine",
    "Exponential",
    "InverseTime",
    "OneCycle",
    "Schedule",
    "Step",
    "WarmUp",
    "WarmUpStableDecay",
]

CYCLE_START = 1 / 25  # of its peak, where one cycle begins; fastai's, as in PyTorch
CYCLE_END = 1e-4  # of that, where it ends


class Schedule(ABC):
    """Learning rate at every step, the first of which is step 0."""

    @abstractmethod
    def at(self, step: int) -> float:
        """Give the learning rate α of a step; past the last step of a schedule that has one, its last rate."""


@final
@frozen
class Constant(Schedule):
    """Keep one rate.

    Args:
        learning_rate: α, positive.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> Constant(0.1).at(1000)
        0.1
    """

    learning_rate: float

    def __post_init__(self) -> None:
        """Check the setting."""
        check_positive(self, "learning_rate")

    def at(self, step: int) -> float:
        """Give the rate."""
        return float(self.learning_rate)


@final
@frozen
class Step(Schedule):
    """Multiply by a factor now and then: α γ^⌊t / every⌋.

    Args:
        learning_rate: α, positive.
        every: Steps between two changes, at least 1.
        factor: γ, positive.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> schedule = Step(1.0, every=100, factor=0.5)
        >>> schedule.at(99), schedule.at(100), schedule.at(200)
        (1.0, 0.5, 0.25)
    """

    learning_rate: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        """Check the settings."""
        check_positive(self, "learning_rate", "factor")
        check_count(self, "every")

    def at(self, step: int) -> float:
        """Count the changes."""
        return float(self.learning_rate * self.factor ** (step // self.every))


@final
@frozen
class Exponential(Schedule):
    """Multiply by a factor at every step: α γᵗ.

    Args:
        learning_rate: α, positive.
        factor: γ, positive.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> Exponential(1.0, factor=0.5).at(2)
        0.25
    """

    learning_rate: float
    factor: float

    def __post_init__(self) -> None:
        """Check the settings."""
        check_positive(self, "learning_rate", "factor")

    def at(self, step: int) -> float:
        """Count the steps."""
        return float(self.learning_rate * self.factor**step)


@final
@frozen
class InverseTime(Schedule):
    """Fall as a power of time: α / (1 + t / τ)ᵖ; stochastic steps settle down for 1/2 < p ≤ 1.

    Args:
        learning_rate: α, positive.
        steps: τ, after which it has fallen to α / 2ᵖ, positive.
        power: p, positive.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> InverseTime(1.0, steps=10).at(30)
        0.25
    """

    learning_rate: float
    steps: float
    power: float = 1.0

    def __post_init__(self) -> None:
        """Check the settings."""
        check_positive(self, "learning_rate", "steps", "power")

    def at(self, step: int) -> float:
        """Count the steps."""
        return float(self.learning_rate / (1 + step / self.steps) ** self.power)


@final
@frozen
class Cosine(Schedule):
    """Fall along half a cosine: last + (α − last) (1 + cos(π t / steps)) / 2; no restarts.

    Args:
        learning_rate: α, the first rate, positive.
        steps: Steps until the last rate, at least 1.
        last: The last rate, at least 0.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> schedule = Cosine(1.0, steps=100)
        >>> schedule.at(0), round(schedule.at(50), 6), schedule.at(100)
        (1.0, 0.5, 0.0)
    """

    learning_rate: float
    steps: int
    last: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        check_positive(self, "learning_rate")
        check_count(self, "steps")
        check_not_negative(self, "last")

    def at(self, step: int) -> float:
        """Go along the cosine."""
        return _half_cosine(self.learning_rate, self.last, step / self.steps)


@final
@frozen
class OneCycle(Schedule):
    """Rise from a 25th of the peak, and fall to a 10 000th of that, each along half a cosine.

    Args:
        learning_rate: α, the peak, positive.
        steps: Length of the cycle, at least 1.
        rise: Share of the steps in which the rate rises, in [0, 1).

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> schedule = OneCycle(1.0, steps=100)
        >>> [round(schedule.at(step), 6) for step in (0, 29, 99)]
        [0.04, 1.0, 4e-06]
    """

    learning_rate: float
    steps: int
    rise: float = 0.3

    def __post_init__(self) -> None:
        """Check the settings."""
        check_positive(self, "learning_rate")
        check_count(self, "steps")
        check_fraction(self, "rise")

    def at(self, step: int) -> float:
        """Go up, then down; the paper has straight lines."""
        first = self.learning_rate * CYCLE_START
        peak = max(self.rise * self.steps - 1, 0.0)  # where it lies, in general between two steps
        if step < peak:
            return _half_cosine(first, self.learning_rate, step / peak)
        down = self.steps - 1 - peak
        return _half_cosine(self.learning_rate, first * CYCLE_END, (step - peak) / down if down else 1.0)


@final
@frozen
class WarmUp(Schedule):
    """Rise in a straight line to the first rate of another schedule, then follow that.

    α(t) = (t + 1) / steps · schedule(0) for t < steps, schedule(t − steps) from there.

    Args:
        schedule: What follows.
        steps: Length of the rise, at least 1.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> schedule = WarmUp(Cosine(1.0, steps=100), steps=4)
        >>> [schedule.at(step) for step in (0, 1, 2, 3, 4, 104)]
        [0.25, 0.5, 0.75, 1.0, 1.0, 0.0]
    """

    schedule: Schedule
    steps: int

    def __post_init__(self) -> None:
        """Check the settings."""
        check_count(self, "steps")
        if not isinstance(self.schedule, Schedule):
            raise InvalidSettings(f"WarmUp: schedule={self.schedule!r}, expected a schedule, such as Constant(0.1)")

    def at(self, step: int) -> float:
        """Go up, then follow."""
        if step < self.steps:
            return float((step + 1) / self.steps * self.schedule.at(0))
        return self.schedule.at(step - self.steps)


@final
@frozen
class WarmUpStableDecay(Schedule):
    """Rise in a straight line, stay, and fall to zero as 1 − √.

    A run may be prolonged as long as it has not begun to fall.

    Args:
        learning_rate: α, the highest rate, positive.
        steps: Length of the whole, at least 1.
        warm_up: Share of the steps in which the rate rises, in [0, 1).
        decay: Share of the steps in which it falls, in [0, 1); with the first at most 1.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> schedule = WarmUpStableDecay(1.0, steps=100, warm_up=0.1, decay=0.2)
        >>> [schedule.at(step) for step in (0, 9, 80, 85, 100)]
        [0.1, 1.0, 1.0, 0.5, 0.0]
    """

    learning_rate: float
    steps: int
    warm_up: float = 0.05
    decay: float = 0.2

    def __post_init__(self) -> None:
        """Check the settings."""
        check_positive(self, "learning_rate")
        check_count(self, "steps")
        check_fraction(self, "warm_up", "decay")
        if self.warm_up + self.decay > 1:
            raise InvalidSettings(
                f"WarmUpStableDecay: warm_up={self.warm_up} and decay={self.decay}, expected shares of at most 1 together"
            )

    def at(self, step: int) -> float:
        """Go up, stay, go down."""
        rising, falling = self.warm_up * self.steps, self.decay * self.steps
        if step + 1 < rising:
            return float(self.learning_rate * (step + 1) / rising)
        left = self.steps - step
        if left >= falling:
            return float(self.learning_rate)
        return float(self.learning_rate * (1 - math.sqrt(min(1 - left / falling, 1.0))))


def _half_cosine(first: float, last: float, share: float) -> float:
    """Give the value where a share, at most 1, of the way from first to last is done."""
    return float(last + (first - last) * (1 + math.cos(math.pi * min(share, 1.0))) / 2)
