"""Piecewise linear encoding of numbers.

Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features in tabular deep learning", NeurIPS 2022.
"""

from typing import final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidData, InvalidSettings
from thalweg.serial import frozen
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Shapes

__all__ = ["PiecewiseLinear", "quantile_edges"]


@final
@frozen
class PiecewiseLinear(Layer):
    """For each column x a number for each of its bins: eₜ = (x − bₜ₋₁) / (bₜ − bₜ₋₁), kept within 0 and 1.

    That of the first bin may go below 0, that of the last one above 1 (equation 1 of the paper): what comes after, if it is
    linear, is a piecewise linear function of x with its kinks at the edges.

    Args:
        edges: b₀ < b₁ < … < b_T of each column, at least two.

    Raises:
        InvalidSettings: Edges do not ascend; or, of a network, there are more or fewer columns.

    Example:
        >>> from thalweg.training.network.layers import Run
        >>> layer = PiecewiseLinear(((0.0, 1.0, 3.0),))
        >>> layer.forward((), np.array([[-1.0], [0.5], [2.0], [5.0]]), Memory(Run(seed=0)))
        array([[-1. ,  0. ],
               [ 0.5,  0. ],
               [ 1. ,  0.5],
               [ 1. ,  2. ]])
    """

    edges: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        """Check the edges."""
        object.__setattr__(self, "edges", tuple(tuple(float(edge) for edge in column) for column in self.edges))
        for number, column in enumerate(self.edges):
            if len(column) < 2 or not np.isfinite(column).all() or not (np.diff(column) > 0).all():
                raise InvalidSettings(
                    f"PiecewiseLinear: the edges of column {number} are {column}, expected two or more that ascend"
                )

    def outputs(self, inputs: int) -> int:
        """Give the number of all columns' bins."""
        if inputs != len(self.edges):
            raise InvalidSettings(
                f"PiecewiseLinear: {inputs} columns, but edges of {len(self.edges)}: expected one for every column"
            )
        return sum(len(column) - 1 for column in self.edges)

    def shapes(self, inputs: int) -> Shapes:
        """Have no parameters."""
        return ()

    def start(self, inputs: int, random: np.random.Generator) -> Arrays:
        """Have no parameters."""
        return ()

    def forward(self, parameters: Arrays, x: AnyArray, memory: Memory) -> AnyArray:
        """Give the numbers of all bins."""
        bins = memory.kept.get("bins")
        if bins is None or bins[0].dtype != x.dtype:
            bins = memory.kept["bins"] = self._bins(x.dtype)
        left, factor, low, high, count = bins
        y = memory.array("y", (len(x), len(left)), x.dtype)
        np.subtract(np.repeat(x, count, axis=1), left, out=y)
        y *= factor
        np.maximum(y, low, out=y)
        return np.minimum(y, high, out=y)

    def backward(self, parameters: Arrays, gradients: Arrays, slope: AnyArray, memory: Memory) -> AnyArray:
        """Give Σₜ sₜ / (bₜ − bₜ₋₁) over the bins of a column in which x lies."""
        if not memory.propagate:
            return slope
        _, factor, low, high, count = memory.kept["bins"]
        y = memory.array("y", slope.shape, slope.dtype)
        within = ((y > low) & (y < high)) * slope
        within *= factor
        first = np.cumsum(count) - count
        return np.add.reduceat(within, first, axis=1)

    def _bins(self, dtype: np.dtype) -> tuple[AnyArray, ...]:
        """Give every bin's left edge, 1 / width, and bounds of its number; and how many bins each column has."""
        left = [edge for column in self.edges for edge in column[:-1]]
        factor = [1 / step for column in self.edges for step in np.diff(column)]
        low = [bound for column in self.edges for bound in (-np.inf, *(0.0,) * (len(column) - 2))]
        high = [bound for column in self.edges for bound in (*(1.0,) * (len(column) - 2), np.inf)]
        of_bins = (np.array(values, dtype) for values in (left, factor, low, high))
        return *of_bins, np.array([len(column) - 1 for column in self.edges])


def quantile_edges(X: AnyArray, bins: int = 16) -> tuple[tuple[float, ...], ...]:
    """Give edges that cut every column into bins of equally many rows, fewer where values are repeated.

    Args:
        X: (n, d) finite numbers.
        bins: At most so many for a column, at least 1.

    Raises:
        InvalidData: X is not a table of finite numbers, or has no row.
        InvalidSettings: ``bins`` is out of its range.

    Example:
        >>> quantile_edges(np.array([[0.0, 7.0], [1.0, 7.0], [2.0, 7.0], [10.0, 7.0]]), bins=3)
        ((0.0, 1.0, 2.0, 10.0), (7.0, 8.0))
    """
    if bins < 1:
        raise InvalidSettings(f"quantile_edges: bins={bins}, expected at least 1")
    if X.ndim != 2 or not len(X) or not np.isfinite(X).all():
        raise InvalidData(
            f"quantile_edges: expected a table of finite numbers with one or more rows, got shape {X.shape}"
        )
    edges = []
    for column in np.quantile(X.astype(np.float64), np.linspace(0, 1, bins + 1), axis=0).T:
        different = np.unique(column)
        if len(different) == 1:  # a constant column has no width: one bin of width 1 keeps it a number
            different = np.append(different, different + 1)
        edges.append(tuple(different.tolist()))
    return tuple(edges)
