"""Layers one after the other."""

from collections.abc import Sequence

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Shapes

__all__ = ["backward", "forward", "outputs", "shapes", "start"]


def outputs(layers: Sequence[Layer], inputs: int) -> int:
    """Give the width of the last layer's outputs."""
    for layer in layers:
        inputs = layer.outputs(inputs)
    return inputs


def shapes(layers: Sequence[Layer], inputs: int) -> Shapes:
    """Give the shapes of every layer's parameters."""
    found = []
    for layer in layers:
        found.append(layer.shapes(inputs))
        inputs = layer.outputs(inputs)
    return tuple(found)


def start(layers: Sequence[Layer], inputs: int, random: np.random.Generator) -> Arrays:
    """Draw every layer's parameters."""
    drawn = []
    for layer in layers:
        drawn.append(layer.start(inputs, random))
        inputs = layer.outputs(inputs)
    return tuple(drawn)


def forward(layers: Sequence[Layer], parameters: Arrays, x: AnyArray, memory: Memory) -> AnyArray:
    """Go through the layers, first to last."""
    for i, layer in enumerate(layers):
        x = layer.forward(parameters[i], x, memory.child(i))
    return x


def backward(
    layers: Sequence[Layer], parameters: Arrays, gradients: Arrays, slope: AnyArray, memory: Memory
) -> AnyArray:
    """Go back through the layers: the chain rule."""
    for i in reversed(range(len(layers))):
        slope = layers[i].backward(parameters[i], gradients[i], slope, memory.child(i))
    return slope
