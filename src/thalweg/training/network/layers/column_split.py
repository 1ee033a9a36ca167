"""Columns of a table, each kind through layers of its own."""

from collections.abc import Iterator
from typing import final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.network.layers import sequence
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Shapes

__all__ = ["ColumnSplit"]


@final
@frozen
class ColumnSplit(Layer):
    """y = (f₁(x₁), f₂(x₂), …): the columns of x from left to right, part by part, and the parts' outputs side by side.

    Args:
        parts: For each, how many columns it takes, and its layers, first to last; without layers it stays as it is.

    Raises:
        InvalidSettings: There is no part, or one without columns; or, of a network, there are more or fewer columns.

    Example:
        >>> from thalweg.training.network.layers import CategoryEmbedding, Periodic
        >>> split = ColumnSplit(((6, (Periodic(width=4),)), (2, (CategoryEmbedding((3, 5), width=8),)), (1, ())))
        >>> split.outputs(9)  # 6 × 4 + 2 × 8 + 1
        41
    """

    parts: tuple[tuple[int, tuple[Layer, ...]], ...]

    def __post_init__(self) -> None:
        """Check the parts."""
        object.__setattr__(self, "parts", tuple((columns, tuple(layers)) for columns, layers in self.parts))
        if not self.parts or any(columns < 1 for columns, _ in self.parts):
            raise InvalidSettings(
                f"ColumnSplit: parts={self.parts!r}, expected one or more of at least 1 column, such as ((3, (Dense(8),)),)"
            )

    def outputs(self, inputs: int) -> int:
        """Add up the widths of the parts' outputs."""
        expected = sum(columns for columns, _ in self.parts)
        if inputs != expected:
            raise InvalidSettings(f"ColumnSplit: {inputs} columns, expected {expected}, the sum of its parts'")
        return sum(sequence.outputs(layers, columns) for columns, layers in self.parts)

    def shapes(self, inputs: int) -> Shapes:
        """Give those of every part."""
        return tuple(sequence.shapes(layers, columns) for columns, layers in self.parts)

    def start(self, inputs: int, random: np.random.Generator) -> Arrays:
        """Draw those of every part."""
        return tuple(sequence.start(layers, columns, random) for columns, layers in self.parts)

    def forward(self, parameters: Arrays, x: AnyArray, memory: Memory) -> AnyArray:
        """Give every part its columns, and put what comes out side by side."""
        y = memory.array("y", (len(x), self.outputs(x.shape[1])), x.dtype)
        for i, layers, columns, outputs in self._places():
            child = memory.child(i)
            child.propagate = memory.propagate  # every part is a first one
            y[:, outputs] = sequence.forward(layers, parameters[i], x[:, columns], child)
        return y

    def backward(self, parameters: Arrays, gradients: Arrays, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give every part the slope of its outputs."""
        dx = memory.array("dx", (len(slope), sum(columns for columns, _ in self.parts)), slope.dtype)
        for i, layers, columns, outputs in self._places():
            found = sequence.backward(layers, parameters[i], gradients[i], slope[:, outputs], memory.child(i))
            if memory.propagate:
                dx[:, columns] = found
        return dx

    def _places(self) -> Iterator[tuple[int, tuple[Layer, ...], slice, slice]]:
        """Give every part's number, its layers, and where its columns and its outputs lie."""
        begin, out = 0, 0
        for i, (columns, layers) in enumerate(self.parts):
            width = sequence.outputs(layers, columns)
            yield i, layers, slice(begin, begin + columns), slice(out, out + width)
            begin, out = begin + columns, out + width
