"""Layer normalization.

J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer normalization", arXiv:1607.06450, 2016. Letters are theirs.
"""

from typing import final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Shapes

__all__ = ["LayerNorm"]


@final
@frozen
class LayerNorm(Layer):
    """y = g x̂ + b with x̂ = (x − μ) / σ, where μ is the mean of the row's d numbers and σ² their variance plus ε.

    g starts at 1, b at 0.

    Args:
        epsilon: ε, positive.

    Raises:
        InvalidSettings: ``epsilon`` is out of its range.

    Example:
        >>> LayerNorm().shapes(64)
        ((64,), (64,))
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        """Check the settings."""
        if not self.epsilon > 0:
            raise InvalidSettings(f"LayerNorm: epsilon={self.epsilon}, expected a positive number")

    def outputs(self, inputs: int) -> int:
        """Keep the width."""
        return inputs

    def shapes(self, inputs: int) -> Shapes:
        """Give those of g and b."""
        return (inputs,), (inputs,)

    def start(self, inputs: int, random: np.random.Generator) -> Arrays:
        """Begin with ones and zeros."""
        return np.ones(inputs), np.zeros(inputs)

    def forward(self, parameters: Arrays, x: AnyArray, memory: Memory) -> AnyArray:
        """Give g x̂ + b."""
        (g, b), d = parameters, x.shape[1]
        mean = np.dot(x, memory.ones(d, x.dtype))[:, None] / d
        normal = memory.array("normal", x.shape, x.dtype)
        np.subtract(x, mean, out=normal)
        variance = np.vecdot(normal, normal)[:, None] / d  # of what is centred: no digit is lost
        inverse = memory.kept["inverse"] = 1 / np.sqrt(variance + self.epsilon)
        normal *= inverse
        y = memory.array("y", x.shape, x.dtype)
        np.multiply(normal, g, out=y)
        y += b
        return y

    def backward(self, parameters: Arrays, gradients: Arrays, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give (t − mean t − x̂ mean(t x̂)) / σ for t = s g, with ∂L/∂g = Σ s x̂ and ∂L/∂b = Σ s over the rows."""
        (g, _), (dg, db), (n, d) = parameters, gradients, slope.shape
        normal, ones = memory.array("normal", slope.shape, slope.dtype), memory.ones(n, slope.dtype)
        product = memory.array("product", slope.shape, slope.dtype)
        np.multiply(slope, normal, out=product)
        np.dot(ones, product, out=dg)
        np.dot(ones, slope, out=db)
        if not memory.propagate:
            return slope
        along = np.dot(product, g)[:, None] / d  # mean(t x̂)
        mean = np.dot(slope, g)[:, None] / d  # mean t
        dx = memory.array("dx", slope.shape, slope.dtype)
        np.multiply(slope, g, out=dx)
        dx -= mean
        dx -= np.multiply(normal, along, out=product)
        dx *= memory.kept["inverse"]
        return dx
