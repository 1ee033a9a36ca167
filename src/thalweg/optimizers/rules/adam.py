"""Adam: adaptive moment estimation.

D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015. Letters are theirs.
"""

from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.optimizers.rules.checks import check_fraction, check_positive
from thalweg.optimizers.rules.rule import UpdateRule
from thalweg.serial import frozen

__all__ = ["Adam", "Moments"]


@final
@frozen
class Moments:
    """What Adam remembers after t gradients."""

    m: Floats  # first moment: fading mean of the gradients
    v: Floats  # second raw moment: fading mean of their squares
    t: int


@final
@frozen
class Adam(UpdateRule[Moments]):
    """Divide a fading mean of the gradients by the root of a fading mean of their squares.

    m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,
    d = m̂ / (√v̂ + ε)  with  m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ).

    Every component of d is about ±1 at first, whatever the scale of the objective: the learning rate is the
    length of a step in the units of x.

    Args:
        beta1: β₁, memory of the mean, in [0, 1).
        beta2: β₂, memory of the squares, in [0, 1).
        epsilon: ε, positive; keeps a vanishing gradient from being divided by zero.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> rule, x = Adam(), np.zeros(2)
        >>> direction, _ = rule.update(rule.init(x), np.array([1000.0, -0.001]), x)
        >>> direction.round(4)
        array([ 1., -1.])
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        """Check the settings."""
        check_fraction(self, "beta1", "beta2")
        check_positive(self, "epsilon")

    def init(self, x: Floats) -> Moments:
        """Begin with moments of zero."""
        return Moments(np.zeros_like(x), np.zeros_like(x), 0)

    def update(self, state: Moments, gradient: Floats, x: Floats, learning_rate: float = 1.0) -> tuple[Floats, Moments]:
        """Update both moments; algorithm 1 of the paper."""
        t = state.t + 1
        m, v = self.beta1 * state.m, self.beta2 * state.v
        work = (1 - self.beta1) * gradient
        m += work
        np.multiply(gradient, gradient, out=work)
        work *= 1 - self.beta2
        v += work
        # m̂ / (√v̂ + ε) with both corrections outside of the arrays: every pass over them counts for a small network.
        correction = (1 - self.beta2**t) ** 0.5
        np.sqrt(v, out=work)
        work += self.epsilon * correction
        direction = np.divide(m, work, out=work)
        direction *= correction / (1 - self.beta1**t)
        return direction, Moments(m, v, t)
