"""Schedule-free SGD and AdamW: an average of the iterates instead of a falling learning rate.

A. Defazio, X. Yang, H. Mehta, K. Mishchenko, A. Khaled, A. Cutkosky, "The road less scheduled", NeurIPS 2024.
Letters are theirs: gradients are taken at y, steps are made from z, and x is the average of the z. What the
contract of a rule calls x is y here.
"""

from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.optimizers.rules.checks import check_fraction, check_not_negative, check_positive
from thalweg.optimizers.rules.rule import UpdateRule
from thalweg.serial import frozen

__all__ = ["ScheduleFreeAdamW", "ScheduleFreeSGD", "Sequence", "SequenceMoments"]


@final
@frozen
class Sequence:
    """The steps of schedule-free learning; x follows from y and z."""

    z: Floats
    weight: float  # Σ γᵢ²


@final
@frozen
class SequenceMoments:
    """What schedule-free AdamW remembers after t gradients."""

    sequence: Sequence
    v: Floats  # fading mean of the squared gradients
    t: int


@final
@frozen
class ScheduleFreeSGD(UpdateRule[Sequence]):
    """Take gradients between the steps and their average.

    y = (1 − β) z + β x,  z ← z − γ g(y),  x ← (1 − c) x + c z  with  c = γ² / Σ γᵢ².

    The learning rate γ stays constant, after a warm-up if any. Weight decay: ``Chain((WeightDecay(0.01),
    ScheduleFreeSGD()))``.

    Args:
        momentum: β, share of the average in the point where gradients are taken, in (0, 1).

    Raises:
        InvalidSettings: β is out of its range.

    Example:
        >>> rule, y = ScheduleFreeSGD(), np.array([1.0])
        >>> state = rule.init(y)
        >>> for _ in range(300):
        ...     direction, state = rule.update(state, 2 * y, y, learning_rate=0.5)
        ...     y = y - 0.5 * direction
        >>> bool(abs(rule.average(state, y)[0]) < 1e-4)
        True
    """

    momentum: float = 0.9

    def __post_init__(self) -> None:
        """Check the setting."""
        check_fraction(self, "momentum")
        check_positive(self, "momentum")

    def init(self, x: Floats) -> Sequence:
        """Begin all three sequences at one point."""
        return Sequence(x.copy(), 0.0)  # whoever moves x may do it in place

    def update(
        self, state: Sequence, gradient: Floats, x: Floats, learning_rate: float = 1.0
    ) -> tuple[Floats, Sequence]:
        """Step from z along the gradient at y."""
        return _advance(self.momentum, state, gradient, x, learning_rate)

    def average(self, state: Sequence, x: Floats) -> Floats:
        """Give x, from y and z."""
        return _average(self.momentum, state, x)


@final
@frozen
class ScheduleFreeAdamW(UpdateRule[SequenceMoments]):
    """Take gradients between AdamW's steps and their average.

    y = (1 − β₁) z + β₁ x,  v ← β₂ v + (1 − β₂) g²,  z ← z − γ (g / (√v̂ + ε) + λ y),
    x ← (1 − c) x + c z  with  v̂ = v / (1 − β₂ᵗ),  c = γ² / Σ γᵢ².

    The learning rate γ stays constant, after a warm-up if any.

    Args:
        beta1: β₁, share of the average in the point where gradients are taken, in (0, 1).
        beta2: β₂, memory of the squares, in [0, 1).
        epsilon: ε, positive.
        weight_decay: λ, at least 0.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> rule, y = ScheduleFreeAdamW(), np.array([1.0, 100.0])
        >>> state = rule.init(y)
        >>> direction, state = rule.update(state, np.array([1000.0, -0.001]), y, learning_rate=0.1)
        >>> rule.average(state, y - 0.1 * direction).round(4)
        array([  0.9, 100.1])
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        check_fraction(self, "beta1", "beta2")
        check_positive(self, "beta1", "epsilon")
        check_not_negative(self, "weight_decay")

    def init(self, x: Floats) -> SequenceMoments:
        """Begin all three sequences at one point."""
        return SequenceMoments(Sequence(x.copy(), 0.0), np.zeros_like(x), 0)

    def update(
        self, state: SequenceMoments, gradient: Floats, x: Floats, learning_rate: float = 1.0
    ) -> tuple[Floats, SequenceMoments]:
        """Step from z along the scaled gradient at y."""
        t = state.t + 1
        v = self.beta2 * state.v + (1 - self.beta2) * gradient * gradient
        # The paper has √(1 − β₂ᵗ) in γ; in the authors' code it stands here, and does not weigh the average.
        v_hat = v / (1 - self.beta2**t)
        step = gradient / (np.sqrt(v_hat) + self.epsilon) + self.weight_decay * x
        direction, sequence = _advance(self.beta1, state.sequence, step, x, learning_rate)
        return direction, SequenceMoments(sequence, v, t)

    def average(self, state: SequenceMoments, x: Floats) -> Floats:
        """Give x, from y and z."""
        return _average(self.beta1, state.sequence, x)


def _advance(beta: float, state: Sequence, step: Floats, y: Floats, gamma: float) -> tuple[Floats, Sequence]:
    """Move z by −γ·step, and give the direction that moves y by −γ·direction."""
    gamma = float(gamma)
    # The authors' code weighs by the largest γ so far instead of γ. The same while γ does not fall; when it does,
    # theirs moves y to the average even at γ = 0, which no direction can express.
    weight = state.weight + gamma**2
    pull = gamma / weight if weight else 0.0  # c / γ
    direction = pull * (y - state.z) + (1 - beta * (1 - pull * gamma)) * step
    return direction, Sequence(state.z - gamma * step, weight)


def _average(beta: float, state: Sequence, y: Floats) -> Floats:
    return state.z + (y - state.z) / beta
