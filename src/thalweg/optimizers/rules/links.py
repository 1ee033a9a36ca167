"""Links of a chain: weight decay, and two ways to bound what explodes.

Clipping the norm: R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks",
ICML 2013. Weight decay: I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
"""

from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.optimizers.rules.checks import check_not_negative, check_positive
from thalweg.optimizers.rules.rule import UpdateRule
from thalweg.serial import frozen

__all__ = ["ClipNorm", "ClipValue", "WeightDecay"]


class _Link(UpdateRule[None]):
    """What they have in common: no memory."""

    def init(self, x: Floats) -> None:
        """Remember nothing."""
        return None


@final
@frozen
class WeightDecay(_Link):
    """Pull towards zero: d = g + λ x.

    Args:
        weight_decay: λ, at least 0.

    Raises:
        InvalidSettings: λ is out of its range.

    Example:
        >>> WeightDecay(0.1).update(None, np.array([1.0]), np.array([5.0]))[0]
        array([1.5])
    """

    weight_decay: float

    def __post_init__(self) -> None:
        """Check the setting."""
        check_not_negative(self, "weight_decay")

    def update(self, state: None, gradient: Floats, x: Floats, learning_rate: float = 1.0) -> tuple[Floats, None]:
        """Add the decay."""
        return gradient + self.weight_decay * x, None


@final
@frozen
class ClipNorm(_Link):
    """Shorten to a norm of at most c: d = g · min(1, c / ‖g‖₂), over all axes.

    Args:
        norm: c, positive, in the units of what is clipped.

    Raises:
        InvalidSettings: c is out of its range.

    Example:
        >>> ClipNorm(1.0).update(None, np.array([30.0, 40.0]), np.zeros(2))[0]
        array([0.6, 0.8])
    """

    norm: float

    def __post_init__(self) -> None:
        """Check the setting."""
        check_positive(self, "norm")

    def update(self, state: None, gradient: Floats, x: Floats, learning_rate: float = 1.0) -> tuple[Floats, None]:
        """Compare the norm with c."""
        # The squares of a gradient that explodes would overflow, and make the direction 0: scale it first.
        largest = float(np.abs(gradient).max(initial=0.0))
        if not 0 < largest < float("inf"):
            return gradient, None
        scaled = gradient / largest
        length = float(np.linalg.norm(scaled))
        return (scaled * (self.norm / length) if largest * length > self.norm else gradient), None


@final
@frozen
class ClipValue(_Link):
    """Cut every component to between −c and c.

    Args:
        value: c, positive, in the units of what is clipped.

    Raises:
        InvalidSettings: c is out of its range.

    Example:
        >>> ClipValue(1.0).update(None, np.array([0.5, -3.0]), np.zeros(2))[0]
        array([ 0.5, -1. ])
    """

    value: float

    def __post_init__(self) -> None:
        """Check the setting."""
        check_positive(self, "value")

    def update(self, state: None, gradient: Floats, x: Floats, learning_rate: float = 1.0) -> tuple[Floats, None]:
        """Cut."""
        return np.clip(gradient, -self.value, self.value), None
