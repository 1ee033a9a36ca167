"""Embeddings of categories.

C. Guo, F. Berkhahn, "Entity embeddings of categorical variables", arXiv:1604.06737, 2016.
"""

from typing import final

import numpy as np
from scipy.sparse import csc_array

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.network.layers.category_codes import check_cardinalities, check_columns, read_codes
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Shapes

__all__ = ["CategoryEmbedding"]


@final
@frozen
class CategoryEmbedding(Layer):
    """y = E₁[x₁], E₂[x₂], …: for each column of codes, the learned row of the code.

    Codes are 0, 1 … cardinality − 1, written as floats. Whatever else there is (−1, NaN, a category that is new) is one more
    category, whose row starts at 0, the mean of the others' start N(0, 1): it is learned where it occurs while learning, and
    says nothing where it does not. All rows lie in one table: column after column, and in each the unknown one first.

    Args:
        cardinalities: Number of categories of each column.
        width: Numbers for each column, at least 1.

    Raises:
        InvalidSettings: A setting is out of its range; or, of a network, there are more or fewer columns.

    Example:
        >>> embedding = CategoryEmbedding((3, 12), width=8)
        >>> embedding.outputs(2), embedding.shapes(2)
        (16, ((17, 8),))
    """

    cardinalities: tuple[int, ...]
    width: int = 8

    def __post_init__(self) -> None:
        """Check the settings."""
        object.__setattr__(self, "cardinalities", tuple(self.cardinalities))
        check_cardinalities(self, self.cardinalities)
        if self.width < 1:
            raise InvalidSettings(f"CategoryEmbedding: width={self.width}, expected at least 1")

    def outputs(self, inputs: int) -> int:
        """Give the width of all columns' rows together."""
        check_columns(self, self.cardinalities, inputs)
        return inputs * self.width

    def shapes(self, inputs: int) -> Shapes:
        """Give that of the table."""
        return ((sum(self.cardinalities) + len(self.cardinalities), self.width),)

    def start(self, inputs: int, random: np.random.Generator) -> Arrays:
        """Draw the rows, but the unknown ones."""
        (shape,) = self.shapes(inputs)
        table = np.zeros(shape)
        known = np.ones(len(table), np.bool_)
        known[self._unknown()] = False
        table[known] = random.standard_normal((sum(self.cardinalities), self.width))
        return (table,)

    def forward(self, parameters: Arrays, x: AnyArray, memory: Memory) -> AnyArray:
        """Give the codes' rows."""
        (table,) = parameters
        rows = read_codes(x, self.cardinalities) + (self._unknown() + 1)
        memory.kept["rows"] = rows = rows.ravel()
        y = memory.array("y", (len(x), x.shape[1] * self.width), x.dtype)
        np.take(table, rows, axis=0, out=y.reshape(-1, self.width), mode="clip")  # which is how NumPy asks for no check
        return y

    def backward(self, parameters: Arrays, gradients: Arrays, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give nothing, for codes have no slope; ∂L/∂E = Hᵀ s, where H holds a 1 in every row, at the code's place."""
        (gradient,), rows = gradients, memory.kept["rows"]
        places = np.arange(len(rows) + 1)
        one_hot = csc_array((memory.ones(len(rows), slope.dtype), rows, places), shape=(len(gradient), len(rows)))
        gradient[...] = one_hot @ slope.reshape(-1, self.width)
        dx = memory.array("dx", (len(slope), len(self.cardinalities)), slope.dtype)
        dx[...] = 0
        return dx

    def _unknown(self) -> AnyArray:
        """Give the place in the table of each column's unknown category."""
        return np.cumsum((0, *(count + 1 for count in self.cardinalities[:-1])))
