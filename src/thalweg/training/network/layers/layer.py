"""The contract of a layer: from inputs to outputs, and back from the outputs' slopes to those of inputs and parameters."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.rng import generator

__all__ = ["Arrays", "Layer", "Memory", "Run", "Shapes"]

Shapes = tuple[Any, ...]  # of the parameters: (), ((3, 2), (2,)), or nested, one such tuple for every inner layer
Arrays = tuple[Any, ...]  # nested alike


@final
class Run:
    """What all layers of a network know of the pass that they are in.

    Args:
        seed: Of everything that is drawn.
        step: Number of the step in which the weights learn; None where they do not, and dropout drops nothing. Setting
            it begins a pass: the same step draws the same again.
    """

    def __init__(self, seed: int, step: int | None = None) -> None:
        """Begin a pass."""
        self.seed, self.step = seed, step

    @property
    def step(self) -> int | None:
        """Number of the step."""
        return self._step

    @step.setter
    def step(self, step: int | None) -> None:
        self._step = step
        self._random: np.random.Generator | None = None

    @property
    def random(self) -> np.random.Generator:
        """The generator of this step, which the layers share in the order of their work."""
        if self._random is None:
            self._random = generator(self.seed, 1, self._step or 0)
        return self._random


@final
@dataclass
class Memory:
    """What one layer keeps from forward to backward, in arrays that are allocated once.

    Attributes:
        run: Shared by all layers of a network.
        propagate: Whether somebody needs the slope of the layer's inputs: nobody does of the first layer's.
        kept: By name, whatever backward needs of forward.
        children: Of inner layers.
    """

    run: Run
    propagate: bool = True
    kept: dict[str, Any] = field(default_factory=dict)
    children: list["Memory"] = field(default_factory=list)
    _arrays: dict[str, AnyArray] = field(default_factory=dict)

    def array(self, name: str, shape: tuple[int, ...], dtype: Any) -> AnyArray:
        """Give an array to write into: the same memory whenever the name is the same; what it holds is of no account."""
        array = self._arrays.get(name)
        if array is None or len(array) < shape[0] or array.shape[1:] != shape[1:] or array.dtype != dtype:
            array = self._arrays[name] = np.empty(shape, dtype)
        return array if len(array) == shape[0] else array[: shape[0]]

    def ones(self, n: int, dtype: Any) -> AnyArray:
        """Give n ones, not to be written to: a product with them is three times as fast as a sum over rows."""
        ones = self._arrays.get("ones")
        if ones is None or len(ones) < n or ones.dtype != dtype:
            ones = self._arrays["ones"] = np.ones(n, dtype)
        return ones[:n]

    def child(self, number: int) -> "Memory":
        """Give the memory of an inner layer; the first one's inputs are this layer's own."""
        while number >= len(self.children):
            self.children.append(Memory(self.run, self.propagate if not self.children else True))
        return self.children[number]


class Layer(ABC):
    """Settings of a layer, and its functions on whole batches.

    A batch is (n, inputs) and becomes (n, outputs). Functions write into arrays of ``memory`` and into ``gradients``, never
    into what they are given; what they return may be overwritten by the next batch. A layer is made with
    :func:`thalweg.serial.frozen`, and is nothing but settings: its parameters are views of the network's flat vector.
    """

    @abstractmethod
    def outputs(self, inputs: int) -> int:
        """Give the width of the outputs, and refuse inputs that the layer is not made for."""

    @abstractmethod
    def shapes(self, inputs: int) -> Shapes:
        """Give the shapes of the parameters."""

    @abstractmethod
    def start(self, inputs: int, random: np.random.Generator) -> Arrays:
        """Draw the first values of the parameters."""

    @abstractmethod
    def forward(self, parameters: Arrays, x: AnyArray, memory: Memory) -> AnyArray:
        """Give the outputs (n, outputs) of x (n, inputs)."""

    @abstractmethod
    def backward(self, parameters: Arrays, gradients: Arrays, slope: AnyArray, memory: Memory) -> AnyArray:
        """Write ∂L/∂parameters into ``gradients``, and give ∂L/∂x (n, inputs), from ``slope`` = ∂L/∂y (n, outputs).

        Where nobody needs ∂L/∂x (``memory.propagate``), anything may be returned.
        """
