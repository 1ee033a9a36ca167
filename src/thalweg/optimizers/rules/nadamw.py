"""NAdamW: Adam with Nesterov's look-ahead and decoupled weight decay.

T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop; letters are his, with β₁, β₂ and v
for his μ, ν and n. The decay: I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
"""

import math
from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.optimizers.rules.checks import check_fraction, check_not_negative, check_positive
from thalweg.optimizers.rules.rule import UpdateRule
from thalweg.serial import frozen

__all__ = ["NAdamMoments", "NAdamW"]


@final
@frozen
class NAdamMoments:
    """What NAdamW remembers after t gradients."""

    m: Floats  # first moment: fading mean of the gradients
    v: Floats  # second raw moment: fading mean of their squares
    t: int
    mu_product: float  # μ₁ ⋯ μₜ


@final
@frozen
class NAdamW(UpdateRule[NAdamMoments]):
    """Apply to Adam's mean the momentum of the next step already, and let the weights decay.

    m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,  μₜ = β₁ (1 − ½ · 0.96^(ψ t)),
    m̂ = μₜ₊₁ m / (1 − μ₁ ⋯ μₜ₊₁) + (1 − μₜ) g / (1 − μ₁ ⋯ μₜ),  v̂ = v / (1 − β₂ᵗ),
    d = m̂ / (√v̂ + ε) + λ x.

    Args:
        beta1: β₁, memory of the mean and limit of the momentum, in [0, 1).
        beta2: β₂, memory of the squares, in [0, 1).
        epsilon: ε, positive.
        weight_decay: λ, at least 0; a step takes the share α λ of x away.
        momentum_decay: ψ, at least 0; how fast the momentum rises from half of β₁ to β₁.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> rule, x = NAdamW(weight_decay=0.0), np.zeros(2)
        >>> direction, _ = rule.update(rule.init(x), np.array([1000.0, -0.001]), x)
        >>> direction.round(2)
        array([ 1.06, -1.06])
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    momentum_decay: float = 0.004

    def __post_init__(self) -> None:
        """Check the settings."""
        check_fraction(self, "beta1", "beta2")
        check_positive(self, "epsilon")
        check_not_negative(self, "weight_decay", "momentum_decay")

    def init(self, x: Floats) -> NAdamMoments:
        """Begin with moments of zero."""
        return NAdamMoments(np.zeros_like(x), np.zeros_like(x), 0, 1.0)

    def update(
        self, state: NAdamMoments, gradient: Floats, x: Floats, learning_rate: float = 1.0
    ) -> tuple[Floats, NAdamMoments]:
        """Update both moments and look ahead; algorithm 2 of the paper."""
        t = state.t + 1
        mu, mu_next = self._mu(t), self._mu(t + 1)
        mu_product = state.mu_product * mu
        # The paper fades m by μₜ. PyTorch and Keras fade it by β₁, the limit of μₜ, and so do we.
        m = self.beta1 * state.m + (1 - self.beta1) * gradient
        v = self.beta2 * state.v + (1 - self.beta2) * gradient * gradient
        m_hat = mu_next / (1 - mu_product * mu_next) * m + (1 - mu) / (1 - mu_product) * gradient
        v_hat = v / (1 - self.beta2**t)
        direction = m_hat / (np.sqrt(v_hat) + self.epsilon) + self.weight_decay * x
        return direction, NAdamMoments(m, v, t, mu_product)

    def _mu(self, t: int) -> float:
        return self.beta1 * (1 - 0.5 * math.pow(0.96, self.momentum_decay * t))
