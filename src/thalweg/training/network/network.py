"""A network: layers, and one flat vector that holds all their parameters."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidSettings
from thalweg.rng import generator
from thalweg.training.network.layers import sequence
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Run, Shapes

__all__ = ["Network"]

CHUNK = 1024  # rows that are predicted at a time: their arrays stay in the cache


@final
class Network:
    """Layers one after the other, with their parameters and the gradient in one flat vector each.

    So an update rule, a checkpoint, an average and a copy of the weights are one operation on one array.

    Args:
        layers: First to last.
        inputs: Width of a batch.
        seed: Of the first weights, and of what is drawn while learning.
        dtype: float32 or float64.

    Attributes:
        weights: (p,) all parameters; written to in place.
        gradient: (p,) of the last ``backward``.
        outputs: Width of what comes out.

    Raises:
        InvalidSettings: There is no layer, or one that does not fit its inputs.

    Example:
        >>> from thalweg.training.network.layers import Dense, ReLU
        >>> net = Network([Dense(8), ReLU(), Dense(1)], inputs=3)
        >>> net.forward(np.ones((5, 3), np.float32)).shape, net.weights.shape
        ((5, 1), (41,))
    """

    def __init__(self, layers: Sequence[Layer], inputs: int, *, seed: int = 0, dtype: Any = np.float32) -> None:
        """Draw the first weights."""
        if not layers or not all(isinstance(layer, Layer) for layer in layers):
            raise InvalidSettings(f"Network: layers={layers!r}, expected one or more layers, such as [Dense(1)]")
        self.layers, self.inputs, self.seed, self.dtype = tuple(layers), int(inputs), seed, np.dtype(dtype)
        self.outputs = sequence.outputs(self.layers, self.inputs)
        shapes = sequence.shapes(self.layers, self.inputs)
        self.weights: AnyArray = np.empty(_size(shapes), self.dtype)
        self.gradient: AnyArray = np.zeros_like(self.weights)
        self._parameters, _ = _views(self.weights, shapes)
        self._gradients, _ = _views(self.gradient, shapes)
        _assign(self._parameters, sequence.start(self.layers, self.inputs, generator(seed, 0)))
        self._memory = Memory(Run(seed), propagate=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as weights alone, and be made anew: copies of views would not be views."""
        return _with_weights, (self.layers, self.inputs, self.seed, self.dtype, self.weights)

    def forward(self, x: AnyArray, step: int | None = None) -> AnyArray:
        """Give the outputs (n, outputs) of x (n, inputs), in memory that the next call overwrites.

        Args:
            x: Of the network's dtype, C-contiguous.
            step: Number of the step in which the weights learn from them; None where they do not, and nothing is dropped.
        """
        self._memory.run.step = step
        return sequence.forward(self.layers, self._parameters, x, self._memory)

    def backward(self, slope: AnyArray) -> AnyArray:
        """Give ∂L/∂weights (p,) = ``gradient``, from ∂L/∂outputs (n, outputs) of the last ``forward``."""
        sequence.backward(self.layers, self._parameters, self._gradients, slope, self._memory)
        return self.gradient

    def predict(self, X: AnyArray) -> AnyArray:
        """Give the outputs (n, outputs) of many rows, as a new array; several threads may do so at once."""
        eta, memory = np.empty((len(X), self.outputs), self.dtype), Memory(Run(self.seed), propagate=False)
        for begin in range(0, len(X), CHUNK):
            rows = np.ascontiguousarray(X[begin : begin + CHUNK], self.dtype)
            eta[begin : begin + CHUNK] = sequence.forward(self.layers, self._parameters, rows, memory)
        return eta


def _with_weights(layers: Sequence[Layer], inputs: int, seed: int, dtype: Any, weights: AnyArray) -> Network:
    network = Network(layers, inputs, seed=seed, dtype=dtype)
    network.weights[...] = weights
    return network


def _is_leaf(shape: Any) -> bool:
    return bool(shape) and isinstance(shape[0], int)


def _size(shapes: Any) -> int:
    """Count the numbers of all arrays."""
    return int(np.prod(shapes)) if _is_leaf(shapes) else sum(_size(shape) for shape in shapes)


def _views(flat: AnyArray, shapes: Shapes, begin: int = 0) -> tuple[Any, int]:
    """Give the arrays as views of a flat vector, from a place on, and the place where they end."""
    if _is_leaf(shapes):
        end = begin + int(np.prod(shapes))
        return flat[begin:end].reshape(shapes), end
    views = []
    for shape in shapes:
        view, begin = _views(flat, shape, begin)
        views.append(view)
    return tuple(views), begin


def _assign(views: Arrays, values: Arrays) -> None:
    """Write nested arrays into nested views."""
    for view, value in zip(views, values, strict=True):
        if isinstance(view, tuple):
            _assign(view, value)
        else:
            view[...] = value
