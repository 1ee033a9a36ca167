"""Accumulation: one step for several gradients, as for a larger minibatch."""

from typing import Any, final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.optimizers.rules.checks import check_count
from thalweg.optimizers.rules.rule import AnyRule, Averages, UpdateRule
from thalweg.serial import frozen

__all__ = ["Accumulate", "Accumulated"]


@final
@frozen
class Accumulated:
    """The gradients since the last step."""

    total: Floats  # their sum
    count: int
    inner: Any  # state of the rule, which has not seen them


@final
@frozen
class Accumulate(UpdateRule[Accumulated]):
    """Stand still for k − 1 gradients, then give a rule the mean of k.

    Args:
        rule: Takes the means; it sees nothing, not even that time passes, in between.
        gradients: k, at least 1.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> from thalweg.optimizers.rules import SGD
        >>> rule, x = Accumulate(SGD(), gradients=2), np.zeros(1)
        >>> direction, state = rule.update(rule.init(x), np.array([1.0]), x)
        >>> direction, rule.update(state, np.array([3.0]), x)[0]
        (array([0.]), array([2.]))
    """

    rule: AnyRule
    gradients: int

    def __post_init__(self) -> None:
        """Check the settings."""
        check_count(self, "gradients")
        if not isinstance(self.rule, UpdateRule):
            raise InvalidSettings(f"Accumulate: rule={self.rule!r}, expected an update rule, such as SGD()")

    def init(self, x: Floats) -> Accumulated:
        """Begin with a sum of zero."""
        return Accumulated(np.zeros_like(x), 0, self.rule.init(x))

    def update(
        self, state: Accumulated, gradient: Floats, x: Floats, learning_rate: float = 1.0
    ) -> tuple[Floats, Accumulated]:
        """Add the gradient, and pass the mean on when there are k."""
        total, count = state.total + gradient, state.count + 1
        if count < self.gradients:
            return np.zeros_like(x), Accumulated(total, count, state.inner)
        direction, inner = self.rule.update(state.inner, total / count, x, learning_rate)
        return direction, Accumulated(np.zeros_like(x), 0, inner)

    def average(self, state: Accumulated, x: Floats) -> Floats:
        """Give the rule's average, x itself if it keeps none."""
        return self.rule.average(state.inner, x) if isinstance(self.rule, Averages) else x
