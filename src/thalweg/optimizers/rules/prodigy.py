"""Prodigy: Adam that estimates how far the solution is.

K. Mishchenko, A. Defazio, "Prodigy: an expeditiously adaptive parameter-free learner", ICML 2024. Letters are
theirs, algorithm 4.
"""

from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.optimizers.rules.checks import check_fraction, check_not_negative, check_positive
from thalweg.optimizers.rules.rule import UpdateRule
from thalweg.serial import frozen

__all__ = ["Prodigy", "ProdigyState"]


@final
@frozen
class ProdigyState:
    """What Prodigy remembers."""

    x0: Floats  # where it began
    m: Floats  # first moment of d g
    v: Floats  # second moment of d g
    s: Floats  # fading sum of the gradients, each times γ d² / d₀
    r: float  # fading sum of how far each led from x₀, with the same weights
    d: float  # lower bound of the distance to the solution; never falls


@final
@frozen
class Prodigy(UpdateRule[ProdigyState]):
    """Scale Adam's steps by a growing estimate d of the distance from the start to the solution.

    m ← β₁ m + (1 − β₁) d g,  v ← β₂ v + (1 − β₂) d² g²,
    r ← √β₂ r + γ d² ⟨g, x₀ − x⟩,  s ← √β₂ s + γ d² g,  e = max(d, r / ‖s‖₁),
    direction = d (m / (√v + e ε) + λ x), then d ← e.

    The learning rate γ is a factor, 1 unless there is a reason. All of x shares one d, so the parameters of a model
    belong into one array.

    Args:
        beta1: β₁, memory of the mean gradient, in [0, 1).
        beta2: β₂, memory of its squares, in [0, 1).
        epsilon: ε, positive.
        weight_decay: λ, at least 0.
        distance: d₀, first estimate, positive and safely below the distance to the solution, in the units of x.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> rule, x = Prodigy(), np.zeros(3)
        >>> state = rule.init(x)
        >>> for _ in range(200):
        ...     direction, state = rule.update(state, 2 * (x - [3.0, 4.0, 5.0]), x)
        ...     x = x - direction
        >>> x.round(2), 1 < state.d < 10
        (array([3., 4., 5.]), True)
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    distance: float = 1e-6

    def __post_init__(self) -> None:
        """Check the settings."""
        check_fraction(self, "beta1", "beta2")
        check_positive(self, "epsilon", "distance")
        check_not_negative(self, "weight_decay")

    def init(self, x: Floats) -> ProdigyState:
        """Begin at x, with moments of zero."""
        zeros = np.zeros_like(x)
        return ProdigyState(x.copy(), zeros, zeros, zeros, 0.0, self.distance)

    def update(
        self, state: ProdigyState, gradient: Floats, x: Floats, learning_rate: float = 1.0
    ) -> tuple[Floats, ProdigyState]:
        """Update the moments, then the estimate, and step by the estimate before that."""
        d, beta3 = state.d, self.beta2**0.5
        m = self.beta1 * state.m + (1 - self.beta1) * d * gradient
        v = self.beta2 * state.v + (1 - self.beta2) * d * d * gradient * gradient
        # The paper has (1 − √β₂) here instead of 1 / d₀; it cancels in r / ‖s‖₁, and so nothing is too small.
        weight = float(learning_rate) * d * d / self.distance
        r = beta3 * state.r + weight * float(np.vdot(gradient, state.x0 - x))
        s = beta3 * state.s + weight * gradient
        norm = float(np.abs(s).sum())
        e = max(d, r / norm) if norm > 0 else d
        # The paper has d ε; the authors' code e ε.
        direction = d * (m / (np.sqrt(v) + e * self.epsilon) + self.weight_decay * x)
        return direction, ProdigyState(state.x0, m, v, s, r, e)
