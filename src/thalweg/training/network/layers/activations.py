"""Activations: what makes a network more than a product of matrices."""

from abc import abstractmethod
from typing import final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.serial import frozen
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Shapes

__all__ = ["GELU", "Activation", "ReLU", "SiLU", "Tanh"]

SCALE, CUBIC = (2 / np.pi) ** 0.5, 0.044715  # of GELU


class Activation(Layer):
    """Base of the layers that take every number by itself and have no parameters."""

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
        """Give f(x)."""
        return self.value(x, memory)

    def backward(self, parameters: Arrays, gradients: Arrays, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give s f'(x)."""
        return self.chain(slope, memory)

    @abstractmethod
    def value(self, x: AnyArray, memory: Memory) -> AnyArray:
        """Give f(x), and keep what ``chain`` needs."""

    @abstractmethod
    def chain(self, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give s f'(x)."""


@final
@frozen
class ReLU(Activation):
    """f(x) = max(x, 0), with f'(0) = 0.

    V. Nair, G. E. Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.
    """

    def value(self, x: AnyArray, memory: Memory) -> AnyArray:
        """Clear what is negative; NumPy's clip is twice as fast as its maximum, and keeps NaN too, so that trouble shows."""
        return np.clip(x, 0, np.inf, out=memory.array("y", x.shape, x.dtype))

    def chain(self, slope: AnyArray, memory: Memory) -> AnyArray:
        """Keep the slope where x is positive."""
        dx = memory.array("dx", slope.shape, slope.dtype)
        np.greater(memory.array("y", slope.shape, slope.dtype), 0, out=dx)
        dx *= slope
        return dx


@final
@frozen
class GELU(Activation):
    """f(x) = x p with p = ½ (1 + tanh u) and u = √(2/π) (x + 0.044715 x³), which is x Φ(x) to within 0.0005.

    It is ``torch.nn.GELU(approximate="tanh")``. The exact Φ would take many times as long: NumPy has a fast tanh, SciPy's
    error function is slow.

    D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415, 2016.

    Example:
        >>> from thalweg.training.network.layers import Run
        >>> GELU().value(np.array([[-2.0, 0.0, 2.0]]), Memory(Run(seed=0))).round(4)
        array([[-0.0454,  0.    ,  1.9546]])
    """

    def value(self, x: AnyArray, memory: Memory) -> AnyArray:
        """Give x p."""
        square = memory.array("square", x.shape, x.dtype)
        np.multiply(x, x, out=square)
        p = memory.array("p", x.shape, x.dtype)
        np.multiply(square, SCALE * CUBIC, out=p)
        p += SCALE
        p *= x  # u
        np.tanh(p, out=p)
        p *= 0.5
        p += 0.5
        memory.kept["x"] = x
        return np.multiply(x, p, out=memory.array("y", x.shape, x.dtype))

    def chain(self, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give s p (1 + 2 (1 − p) x u'): the derivative of p is 2 p (1 − p) u'."""
        p, x = memory.array("p", slope.shape, slope.dtype), memory.kept["x"]
        work = memory.array("work", slope.shape, slope.dtype)
        np.multiply(memory.array("square", slope.shape, slope.dtype), 6 * SCALE * CUBIC, out=work)
        work += 2 * SCALE
        work *= x  # 2 x u'
        dx = memory.array("dx", slope.shape, slope.dtype)
        np.subtract(1, p, out=dx)
        dx *= work
        dx += 1
        dx *= p
        dx *= slope
        return dx


@final
@frozen
class SiLU(Activation):
    """f(x) = x p with p = 1 / (1 + e^−x), also called swish.

    S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural network function approximation in reinforcement
    learning", Neural Networks 107, 2018.

    Example:
        >>> from thalweg.training.network.layers import Run
        >>> SiLU().value(np.array([[-2.0, 0.0, 2.0]]), Memory(Run(seed=0))).round(4)
        array([[-0.2384,  0.    ,  1.7616]])
    """

    def value(self, x: AnyArray, memory: Memory) -> AnyArray:
        """Give x p, with p = ½ (1 + tanh ½x), where nothing can overflow."""
        p = memory.array("p", x.shape, x.dtype)
        np.multiply(x, 0.5, out=p)
        np.tanh(p, out=p)
        p *= 0.5
        p += 0.5
        return np.multiply(x, p, out=memory.array("y", x.shape, x.dtype))

    def chain(self, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give s (p + y (1 − p))."""
        p = memory.array("p", slope.shape, slope.dtype)
        dx = memory.array("dx", slope.shape, slope.dtype)
        np.subtract(1, p, out=dx)
        dx *= memory.array("y", slope.shape, slope.dtype)
        dx += p
        dx *= slope
        return dx


@final
@frozen
class Tanh(Activation):
    """f(x) = tanh x.

    Example:
        >>> from thalweg.training.network.layers import Run
        >>> Tanh().value(np.array([[-2.0, 0.0, 2.0]]), Memory(Run(seed=0))).round(4)
        array([[-0.964,  0.   ,  0.964]])
    """

    def value(self, x: AnyArray, memory: Memory) -> AnyArray:
        """Give tanh x."""
        return np.tanh(x, out=memory.array("y", x.shape, x.dtype))

    def chain(self, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give s (1 − y²)."""
        y = memory.array("y", slope.shape, slope.dtype)
        dx = memory.array("dx", slope.shape, slope.dtype)
        np.multiply(y, y, out=dx)
        np.subtract(1, dx, out=dx)
        dx *= slope
        return dx
