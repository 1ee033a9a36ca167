"""Residual blocks.

K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016.
"""

from typing import final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.network.layers import sequence
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Shapes

__all__ = ["Residual"]


@final
@frozen
class Residual(Layer):
    """y = x + f(x), where f is made of layers that give back the width they take.

    Args:
        layers: Of f, first to last.

    Raises:
        InvalidSettings: There is no layer; or, of a network, f changes the width.

    Example:
        >>> from thalweg.training.network.layers import Dense, ReLU
        >>> Residual((Dense(32), ReLU(), Dense(8))).shapes(8)
        (((8, 32), (32,)), (), ((32, 8), (8,)))
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        """Check the layers."""
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers or not all(isinstance(layer, Layer) for layer in self.layers):
            raise InvalidSettings(f"Residual: layers={self.layers!r}, expected one or more layers, such as (Dense(8),)")

    def outputs(self, inputs: int) -> int:
        """Keep the width, and refuse f that does not."""
        width = sequence.outputs(self.layers, inputs)
        if width != inputs:
            raise InvalidSettings(
                f"Residual: its layers turn {inputs} inputs into {width} outputs, which cannot be added: expected as many "
                f"outputs as inputs, such as by a last layer Dense({inputs})"
            )
        return inputs

    def shapes(self, inputs: int) -> Shapes:
        """Give those of f."""
        return sequence.shapes(self.layers, inputs)

    def start(self, inputs: int, random: np.random.Generator) -> Arrays:
        """Draw those of f."""
        return sequence.start(self.layers, inputs, random)

    def forward(self, parameters: Arrays, x: AnyArray, memory: Memory) -> AnyArray:
        """Give x + f(x)."""
        f = sequence.forward(self.layers, parameters, x, memory)
        return np.add(x, f, out=memory.array("y", x.shape, x.dtype))

    def backward(self, parameters: Arrays, gradients: Arrays, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give s + s f'(x)."""
        df = sequence.backward(self.layers, parameters, gradients, slope, memory)
        return np.add(slope, df, out=memory.array("dx", slope.shape, slope.dtype)) if memory.propagate else slope
