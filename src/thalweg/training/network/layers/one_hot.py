"""Categories of which there are few."""

from typing import final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.serial import frozen
from thalweg.training.network.layers.category_codes import check_cardinalities, check_columns, read_codes
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Shapes

__all__ = ["OneHot"]


@final
@frozen
class OneHot(Layer):
    """For each column of codes as many numbers as it has categories: 1 at the code's place, 0 elsewhere.

    Codes are 0, 1 … cardinality − 1, written as floats. For whatever else there is (−1, NaN, a category that is new) all are
    0.

    Args:
        cardinalities: Number of categories of each column.

    Raises:
        InvalidSettings: A setting is out of its range; or, of a network, there are more or fewer columns.

    Example:
        >>> from thalweg.training.network.layers import Run
        >>> OneHot((2, 3)).forward((), np.array([[1.0, 0.0], [np.nan, 2.0]]), Memory(Run(seed=0)))
        array([[0., 1., 1., 0., 0.],
               [0., 0., 0., 0., 1.]])
    """

    cardinalities: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check the settings."""
        object.__setattr__(self, "cardinalities", tuple(self.cardinalities))
        check_cardinalities(self, self.cardinalities)

    def outputs(self, inputs: int) -> int:
        """Give the number of all columns' categories."""
        check_columns(self, self.cardinalities, inputs)
        return sum(self.cardinalities)

    def shapes(self, inputs: int) -> Shapes:
        """Have no parameters."""
        return ()

    def start(self, inputs: int, random: np.random.Generator) -> Arrays:
        """Have no parameters."""
        return ()

    def forward(self, parameters: Arrays, x: AnyArray, memory: Memory) -> AnyArray:
        """Give the ones and zeros."""
        codes = read_codes(x, self.cardinalities)
        y = memory.array("y", (len(x), sum(self.cardinalities)), x.dtype)
        y[...] = 0
        first = np.cumsum((0, *self.cardinalities[:-1]))
        y[np.arange(len(x))[:, None], first + np.maximum(codes, 0)] = codes >= 0
        return y

    def backward(self, parameters: Arrays, gradients: Arrays, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give nothing, for codes have no slope."""
        dx = memory.array("dx", (len(slope), len(self.cardinalities)), slope.dtype)
        dx[...] = 0
        return dx
