"""Lion: evolved sign momentum.

X. Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023. Letters are theirs.
"""

from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.optimizers.rules.checks import check_fraction, check_not_negative
from thalweg.optimizers.rules.rule import UpdateRule
from thalweg.serial import frozen

__all__ = ["Lion", "MeanGradient"]


@final
@frozen
class MeanGradient:
    """What Lion remembers."""

    m: Floats  # fading mean of the gradients


@final
@frozen
class Lion(UpdateRule[MeanGradient]):
    """Step by the sign of a mean gradient: d = sign(β₁ m + (1 − β₁) g) + λ x, then m ← β₂ m + (1 − β₂) g.

    Every coordinate moves by α in every step. The authors advise a learning rate 3 to 10 times smaller than
    for AdamW, and a weight decay as many times larger.

    Args:
        beta1: β₁, share of the past in the direction, in [0, 1).
        beta2: β₂, memory of the mean, in [0, 1).
        weight_decay: λ, at least 0; a step takes the share α λ of x away.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> rule, x = Lion(), np.zeros(2)
        >>> rule.update(rule.init(x), np.array([1000.0, -0.001]), x)[0]
        array([ 1., -1.])
    """

    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        check_fraction(self, "beta1", "beta2")
        check_not_negative(self, "weight_decay")

    def init(self, x: Floats) -> MeanGradient:
        """Begin with a mean of zero."""
        return MeanGradient(np.zeros_like(x))

    def update(
        self, state: MeanGradient, gradient: Floats, x: Floats, learning_rate: float = 1.0
    ) -> tuple[Floats, MeanGradient]:
        """Take the sign, then update the mean; algorithm 2 of the paper."""
        c = self.beta1 * state.m + (1 - self.beta1) * gradient
        m = self.beta2 * state.m + (1 - self.beta2) * gradient
        return np.sign(c) + self.weight_decay * x, MeanGradient(m)
