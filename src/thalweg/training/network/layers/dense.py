"""The dense layer.

Start: K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015.
"""

from numbers import Integral
from typing import final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Shapes

__all__ = ["Dense"]


@final
@frozen
class Dense(Layer):
    """y = x W + b.

    W starts at N(0, gain² / inputs), b at 0.

    Args:
        width: Number of outputs, at least 1.
        gain: Of the start, at least 0: √2 keeps the variance through ReLU, 1 through a layer that is followed by none.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> Dense(10).shapes(64)
        ((64, 10), (10,))
    """

    width: int
    gain: float = 2.0**0.5

    def __post_init__(self) -> None:
        """Check the settings."""
        if not isinstance(self.width, Integral) or self.width < 1 or not self.gain >= 0:
            raise InvalidSettings(f"Dense: width={self.width}, gain={self.gain}, expected width ≥ 1 and gain ≥ 0")
        object.__setattr__(self, "width", int(self.width))  # NumPy's numbers too

    def outputs(self, inputs: int) -> int:
        """Give the width."""
        return self.width

    def shapes(self, inputs: int) -> Shapes:
        """Give those of W and b."""
        return (inputs, self.width), (self.width,)

    def start(self, inputs: int, random: np.random.Generator) -> Arrays:
        """Draw W, clear b."""
        return self.gain / inputs**0.5 * random.standard_normal((inputs, self.width)), np.zeros(self.width)

    def forward(self, parameters: Arrays, x: AnyArray, memory: Memory) -> AnyArray:
        """Give x W + b."""
        W, b = parameters
        memory.kept["x"] = x
        y = memory.array("y", (len(x), self.width), x.dtype)
        np.dot(x, W, out=y)
        y += b
        return y

    def backward(self, parameters: Arrays, gradients: Arrays, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give s Wᵀ, with ∂L/∂W = xᵀ s and ∂L/∂b = 1ᵀ s."""
        (W, _), (dW, db), x = parameters, gradients, memory.kept["x"]
        np.dot(x.T, slope, out=dW)
        np.dot(memory.ones(len(slope), slope.dtype), slope, out=db)
        if not memory.propagate:
            return slope
        return np.dot(slope, W.T, out=memory.array("dx", x.shape, x.dtype))
