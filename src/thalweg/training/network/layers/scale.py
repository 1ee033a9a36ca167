"""A learned scale of every input.

D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data",
NeurIPS 2024 (section 3, scaling layer).
"""

from typing import final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.serial import frozen
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Shapes

__all__ = ["Scale"]


@final
@frozen
class Scale(Layer):
    """y = g x, with a factor g for each input, which starts at 1: a column that does not matter can be turned down.

    Example:
        >>> Scale().shapes(3)
        ((3,),)
    """

    def outputs(self, inputs: int) -> int:
        """Keep the width."""
        return inputs

    def shapes(self, inputs: int) -> Shapes:
        """Give that of g."""
        return ((inputs,),)

    def start(self, inputs: int, random: np.random.Generator) -> Arrays:
        """Begin with ones."""
        return (np.ones(inputs),)

    def forward(self, parameters: Arrays, x: AnyArray, memory: Memory) -> AnyArray:
        """Give g x."""
        memory.kept["x"] = x
        return np.multiply(x, parameters[0], out=memory.array("y", x.shape, x.dtype))

    def backward(self, parameters: Arrays, gradients: Arrays, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give s g, with ∂L/∂g = Σ s x over the rows."""
        dx = memory.array("dx", slope.shape, slope.dtype)
        np.multiply(slope, memory.kept["x"], out=dx)
        np.dot(memory.ones(len(dx), dx.dtype), dx, out=gradients[0])
        return np.multiply(slope, parameters[0], out=dx) if memory.propagate else slope
