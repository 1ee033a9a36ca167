"""AdamW: Adam with decoupled weight decay.

I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019. Letters are theirs.
"""

from typing import final

from thalweg.arrays import Floats
from thalweg.optimizers.rules.adam import Adam, Moments
from thalweg.optimizers.rules.checks import check_fraction, check_not_negative, check_positive
from thalweg.optimizers.rules.rule import UpdateRule
from thalweg.serial import frozen

__all__ = ["AdamW"]


@final
@frozen
class AdamW(UpdateRule[Moments]):
    """Let the weights decay beside Adam's step, not through its moments: d = m̂ / (√v̂ + ε) + λ x.

    Args:
        beta1: β₁, memory of the mean gradient, in [0, 1).
        beta2: β₂, memory of its squares, in [0, 1).
        epsilon: ε, positive.
        weight_decay: λ, at least 0; a step takes the share α λ of x away.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import numpy as np
        >>> rule, x = AdamW(weight_decay=0.5), np.array([4.0, 4.0])
        >>> direction, _ = rule.update(rule.init(x), np.array([1000.0, -0.001]), x)
        >>> direction.round(4)
        array([3., 1.])
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        """Check the settings."""
        check_fraction(self, "beta1", "beta2")
        check_positive(self, "epsilon")
        check_not_negative(self, "weight_decay")

    def init(self, x: Floats) -> Moments:
        """Begin with moments of zero."""
        return Adam().init(x)

    def update(self, state: Moments, gradient: Floats, x: Floats, learning_rate: float = 1.0) -> tuple[Floats, Moments]:
        """Add the decay to Adam's direction; algorithm 2 of the paper."""
        direction, state = Adam(self.beta1, self.beta2, self.epsilon).update(state, gradient, x)
        # The paper's decay is ηₜ λ x, free of α. Here, as in PyTorch, α multiplies it too: λ is the paper's λ / α.
        if self.weight_decay:
            direction += self.weight_decay * x  # Adam's own, new array
        return direction, state
