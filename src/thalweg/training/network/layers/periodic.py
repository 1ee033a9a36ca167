"""Periodic embeddings of numbers.

Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features in tabular deep learning", NeurIPS 2022; in the
variant "PBLD" of D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on
tabular data", NeurIPS 2024.
"""

from typing import final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Shapes

__all__ = ["Periodic"]


@final
@frozen
class Periodic(Layer):
    """For each column x the numbers (x, Vᵀ cos(2π w x + b) + c), with w, b, V and c of its own.

    w starts at N(0, σ²), b at U(−π, π), V and c at U(−1/√k, 1/√k).

    The parameters of all d columns are two arrays: w over b (d, 2, k), and V over c (d, k + 1, width − 1).

    Args:
        frequencies: k, at least 1.
        width: Numbers for each column, x itself among them; at least 2.
        sigma: σ, positive: the larger, the finer the detail that is seen at first; for columns of standard deviation 1.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> Periodic().shapes(6), Periodic().outputs(6)
        (((6, 2, 16), (6, 17, 3)), 24)
    """

    frequencies: int = 16
    width: int = 4
    sigma: float = 0.1

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.frequencies < 1 or self.width < 2 or not self.sigma > 0:
            raise InvalidSettings(
                f"Periodic: frequencies={self.frequencies}, width={self.width}, sigma={self.sigma}, expected "
                "frequencies ≥ 1, width ≥ 2 and a positive sigma"
            )

    def outputs(self, inputs: int) -> int:
        """Give the width of all columns' numbers together."""
        return inputs * self.width

    def shapes(self, inputs: int) -> Shapes:
        """Give those of (w, b) and (V, c)."""
        return (inputs, 2, self.frequencies), (inputs, self.frequencies + 1, self.width - 1)

    def start(self, inputs: int, random: np.random.Generator) -> Arrays:
        """Draw w, b, V and c."""
        _, second = self.shapes(inputs)
        w = self.sigma * random.standard_normal((inputs, self.frequencies))
        b = random.uniform(-np.pi, np.pi, (inputs, self.frequencies))
        return np.stack((w, b), axis=1), random.uniform(-1, 1, second) / self.frequencies**0.5

    def forward(self, parameters: Arrays, x: AnyArray, memory: Memory) -> AnyArray:
        """Give x and the waves, as two products for each column, of (2π x, 1) and of (cos, 1)."""
        (wb, Vc), (n, d), k = parameters, x.shape, self.frequencies
        line = memory.array("line", (d, 2, n), x.dtype)
        np.multiply(x.T, 2 * np.pi, out=line[:, 0])
        line[:, 1] = 1
        angle = np.matmul(wb.transpose(0, 2, 1), line, out=memory.array("angle", (d, k, n), x.dtype))
        wave = memory.array("wave", (d, k + 1, n), x.dtype)
        np.cos(angle, out=wave[:, :k])
        wave[:, k] = 1
        y = memory.array("y", (n, d * self.width), x.dtype)
        number = y.reshape(n, d, self.width)
        number[:, :, 0] = x
        np.matmul(wave.transpose(0, 2, 1), Vc, out=number[:, :, 1:].transpose(1, 0, 2))
        return y

    def backward(self, parameters: Arrays, gradients: Arrays, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give s₀ + 2π wᵀ t, with t = −sin(2π w x + b) V s; and the same two products' gradients."""
        (wb, Vc), (dwb, dVc), (d, _, k) = parameters, gradients, parameters[0].shape
        n, dtype = len(slope), slope.dtype
        s = memory.array("s", (d, self.width, n), dtype)
        s[...] = slope.reshape(n, d, self.width).transpose(1, 2, 0)
        np.matmul(memory.array("wave", (d, k + 1, n), dtype), s[:, 1:].transpose(0, 2, 1), out=dVc)
        t = np.matmul(Vc[:, :k], s[:, 1:], out=memory.array("t", (d, k, n), dtype))
        t *= np.sin(memory.array("angle", (d, k, n), dtype), out=memory.array("sine", (d, k, n), dtype))
        np.negative(t, out=t)
        np.matmul(memory.array("line", (d, 2, n), dtype), t.transpose(0, 2, 1), out=dwb)
        if not memory.propagate:
            return slope
        dx = memory.array("dx", (n, d), dtype)
        np.matmul(wb[:, :1], t, out=dx.T[:, None])
        dx *= 2 * np.pi
        dx += s[:, 0].T
        return dx
