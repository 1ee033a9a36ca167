"""Momentum: Polyak's heavy ball and Nesterov's look-ahead.

B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Computational
Mathematics and Mathematical Physics 4(5), 1964. Y. Nesterov, "A method of solving a convex programming
problem with convergence rate O(1/k²)", Soviet Mathematics Doklady 27, 1983, as written by I. Sutskever, J.
Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum in deep learning", ICML 2013.
"""

from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.optimizers.rules.checks import check_fraction
from thalweg.optimizers.rules.rule import UpdateRule
from thalweg.serial import frozen

__all__ = ["HeavyBall", "Nesterov", "Velocity"]


@final
@frozen
class Velocity:
    """What a moving point remembers."""

    v: Floats  # the gradients so far, each weighted by μ to the power of its age


@frozen
class _Momentum(UpdateRule[Velocity]):
    """What both have: the setting μ, and a start at rest."""

    momentum: float = 0.9

    def __post_init__(self) -> None:
        """Check the setting."""
        check_fraction(self, "momentum")

    def init(self, x: Floats) -> Velocity:
        """Stand still."""
        return Velocity(np.zeros_like(x))


@final
@frozen
class HeavyBall(_Momentum):
    """Let past gradients fade: v ← μ v + g, d = v.

    Args:
        momentum: μ, in [0, 1).

    Raises:
        InvalidSettings: μ is out of its range.

    Example:
        >>> rule, x, g = HeavyBall(momentum=0.5), np.zeros(1), np.ones(1)
        >>> state = rule.init(x)
        >>> _, state = rule.update(state, g, x)
        >>> rule.update(state, g, x)[0]
        array([1.5])
    """

    def update(
        self, state: Velocity, gradient: Floats, x: Floats, learning_rate: float = 1.0
    ) -> tuple[Floats, Velocity]:
        """Speed up along the gradient."""
        v = self.momentum * state.v + gradient
        return v, Velocity(v)


@final
@frozen
class Nesterov(_Momentum):
    """Look one step of momentum ahead: v ← μ v + g, d = g + μ v.

    Args:
        momentum: μ, in [0, 1).

    Raises:
        InvalidSettings: μ is out of its range.

    Example:
        >>> rule, x, g = Nesterov(momentum=0.5), np.zeros(1), np.ones(1)
        >>> rule.update(rule.init(x), g, x)[0]
        array([1.5])
    """

    def update(
        self, state: Velocity, gradient: Floats, x: Floats, learning_rate: float = 1.0
    ) -> tuple[Floats, Velocity]:
        """Speed up along the gradient, and go on by the momentum of the next step."""
        v = self.momentum * state.v + gradient
        # The paper has a sequence θ, and takes the gradient at the point ahead, θ − αμv. Here x is that point
        # ahead: the steps are the same, and the gradient is wanted only where the objective is.
        return gradient + self.momentum * v, Velocity(v)
