"""Dropout.

N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, "Dropout: a simple way to prevent neural networks
from overfitting", JMLR 15, 2014.
"""

from typing import final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Shapes

__all__ = ["Dropout"]

CHANCES = 2**16  # a number is kept or dropped by 16 random bits: a quarter of what a float32 would cost


@final
@frozen
class Dropout(Layer):
    """y = r x / (1 − q), where each r is 0 with probability q and 1 otherwise: the mean of y is x. While predicting, y = x.

    q is ``rate`` rounded to a multiple of 2⁻¹⁶.

    Args:
        rate: q, in [0, 1).

    Raises:
        InvalidSettings: ``rate`` is out of its range.

    Example:
        >>> from thalweg.training.network.layers import Run
        >>> x, memory = np.ones((1, 8), np.float32), Memory(Run(seed=0, step=1))
        >>> Dropout(0.5).forward((), x, memory)
        array([[2., 0., 0., 2., 2., 0., 2., 2.]], dtype=float32)
    """

    rate: float

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 <= self.rate < 1:
            raise InvalidSettings(f"Dropout: rate={self.rate}, expected a number from 0 to below 1")

    def outputs(self, inputs: int) -> int:
        """Keep the width."""
        return inputs

    def shapes(self, inputs: int) -> Shapes:
        """Have no parameters."""
        return ()

    def start(self, inputs: int, random: np.random.Generator) -> Arrays:
        """Have no parameters."""
        return ()

    def forward(self, parameters: Arrays, x: AnyArray, memory: Memory) -> AnyArray:
        """Give r x / (1 − q) in a step of learning, x otherwise."""
        dropped = min(round(self.rate * CHANCES), CHANCES - 1)
        memory.kept["mask"] = None
        if memory.run.step is None or dropped == 0:
            return x
        words: AnyArray = memory.run.random.bit_generator.random_raw(-(-x.size // 4))
        keep = memory.array("keep", x.shape, np.bool_)
        np.greater_equal(words.view(np.uint16)[: x.size].reshape(x.shape), dropped, out=keep)
        mask = memory.kept["mask"] = memory.array("mask", x.shape, x.dtype)
        np.multiply(keep, x.dtype.type(CHANCES / (CHANCES - dropped)), out=mask)  # r / (1 − q)
        y = memory.array("y", x.shape, x.dtype)
        return np.multiply(x, mask, out=y)

    def backward(self, parameters: Arrays, gradients: Arrays, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give r s / (1 − q)."""
        mask: AnyArray | None = memory.kept["mask"]
        if mask is None or not memory.propagate:
            return slope
        return np.multiply(slope, mask, out=memory.array("dx", slope.shape, slope.dtype))
