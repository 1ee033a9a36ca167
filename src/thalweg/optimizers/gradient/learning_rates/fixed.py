"""A learning rate that looks at nothing: a number, or a schedule.

H. Robbins, S. Monro, "A stochastic approximation method", Annals of Mathematical Statistics 22(3), 1951.
"""

from typing import ClassVar, final

from thalweg.optimizers.gradient.learning_rates.base import Attempt, LearningRate, Point
from thalweg.optimizers.rules.checks import check_positive
from thalweg.optimizers.rules.schedules import Schedule
from thalweg.serial import frozen

__all__ = ["Fixed"]


@final
@frozen
class Fixed(LearningRate[int]):
    """Take α from a number or, in step k = 0, 1, 2 …, from a schedule; after a failed evaluation go back half way.

    ``GradientDescent(learning_rate=0.1)`` is short for ``GradientDescent(learning_rate=Fixed(0.1))``.

    Args:
        learning_rate: α, positive, in the units of x²/objective (of x for rules like Adam); or a schedule of it.

    Raises:
        InvalidSettings: The number is not positive.

    Example:
        >>> import numpy as np
        >>> rate, here = Fixed(0.1), Point(np.zeros(1), 1.0, np.ones(1))
        >>> rate.begin(rate.init(1), here)
        (0.1, 1)
    """

    learning_rate: float | Schedule

    sampled: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the setting."""
        if not isinstance(self.learning_rate, Schedule):
            check_positive(self, "learning_rate")

    def init(self, batches: int) -> int:
        """Count steps from 0."""
        return 0

    def begin(self, state: int, at: Point) -> tuple[float, int]:
        """Look up α."""
        rate = self.learning_rate
        return rate.at(state) if isinstance(rate, Schedule) else rate, state + 1

    def judge(self, state: int, attempt: Attempt) -> tuple[float | None, int]:
        """Take every step that has a value."""
        return (attempt.alpha / 2 if attempt.failed else None), state
