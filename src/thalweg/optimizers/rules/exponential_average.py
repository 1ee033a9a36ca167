"""The exponential moving average of the points that a rule visits.

B. T. Polyak, A. B. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM Journal on Control and
Optimization 30(4), 1992. Fading, and a memory that is short at first: A. Tarvainen, H. Valpola, "Mean teachers are
better role models", NeurIPS 2017; the ramp is TensorFlow's.
"""

from typing import Any, final

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.optimizers.rules.checks import check_fraction
from thalweg.optimizers.rules.rule import AnyRule, UpdateRule
from thalweg.serial import frozen

__all__ = ["ExponentialAverage", "FadingMean", "decay_at"]


@final
@frozen
class FadingMean:
    """The mean of the points after t steps."""

    mean: Floats
    t: int
    inner: Any  # state of the rule


@final
@frozen
class ExponentialAverage(UpdateRule[FadingMean]):
    """Move as a rule says, and believe in a fading mean of the points: x̄ ← δₜ x̄ + (1 − δₜ) x.

    δₜ = min(δ, (1 + t) / (10 + t)) for t = 0, 1 …: the mean begins at the start and forgets it quickly. Gradients are
    taken at x as ever. The learning rate may stay high; what falls is the noise of x̄.

    With accumulation write ``Accumulate(ExponentialAverage(rule), k)``: the other way round, the points where it waits
    would count too.

    Args:
        rule: Moves the point.
        decay: δ, memory of the mean, in [0, 1); 1 / (1 − δ) is about the number of steps in it.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import numpy as np
        >>> from thalweg.optimizers.rules import SGD
        >>> rule, x = ExponentialAverage(SGD(), decay=0.5), np.array([1.0])
        >>> direction, state = rule.update(rule.init(x), np.array([10.0]), x, learning_rate=0.1)
        >>> x = x - 0.1 * direction
        >>> x, rule.average(state, x)
        (array([0.]), array([0.1]))
    """

    rule: AnyRule
    decay: float = 0.999

    def __post_init__(self) -> None:
        """Check the settings."""
        check_fraction(self, "decay")
        if not isinstance(self.rule, UpdateRule):
            raise InvalidSettings(f"ExponentialAverage: rule={self.rule!r}, expected an update rule, such as AdamW()")

    def init(self, x: Floats) -> FadingMean:
        """Begin at x."""
        return FadingMean(x.copy(), 0, self.rule.init(x))  # whoever moves x may do it in place

    def update(
        self, state: FadingMean, gradient: Floats, x: Floats, learning_rate: float = 1.0
    ) -> tuple[Floats, FadingMean]:
        """Let the rule decide, and take in the point where that leads."""
        direction, inner = self.rule.update(state.inner, gradient, x, learning_rate)
        after = x - float(learning_rate) * direction
        mean = state.mean + (1 - decay_at(self.decay, state.t)) * (after - state.mean)
        return direction, FadingMean(mean, state.t + 1, inner)

    def average(self, state: FadingMean, x: Floats) -> Floats:
        """Give the mean."""
        return state.mean


def decay_at(decay: float, t: int) -> float:
    """Give δₜ."""
    return min(decay, (1 + t) / (10 + t))
