"""From the columns of a table to layers.

The choices are those of D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong pre-tuned MLPs and boosted
trees on tabular data", NeurIPS 2024: few categories one-hot, more embedded, numbers by periodic embeddings.
"""

from collections.abc import Sequence
from typing import Literal

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidSettings
from thalweg.training.network.layers import (
    GELU,
    Activation,
    CategoryEmbedding,
    ColumnSplit,
    Dense,
    Dropout,
    Layer,
    OneHot,
    Periodic,
    PiecewiseLinear,
    ReLU,
    SiLU,
    Tanh,
    quantile_edges,
)

__all__ = ["ACTIVATIONS", "Embedding", "layers_for"]

Embedding = Literal["periodic", "piecewise_linear"]

ACTIVATIONS: dict[str, Activation] = {"relu": ReLU(), "gelu": GELU(), "silu": SiLU(), "tanh": Tanh()}

MOST_ONE_HOT = 8  # categories
SIGMA = 1.0  # of periodic embeddings: they are asked for where there is detail to see
GAIN = (
    0.1  # of the last layer: outputs start near the targets' mean, so that a short training is judged by what it learns
)
BINS = 32  # of a number's piecewise linear encoding


def layers_for(
    X: AnyArray,
    cardinalities: Sequence[int],
    hidden: Sequence[int | Layer],
    activation: str,
    dropout: float,
    embedding: Embedding | None,
    outputs: int,
) -> tuple[Layer, ...]:
    """Put together the layers from a table's columns to the outputs.

    Args:
        X: (n, d) training rows as the network sees them: numbers first, then codes of categories.
        cardinalities: Of the columns of codes.
        hidden: Widths of hidden layers, each with an activation and dropout behind it; or layers, taken as they are.
        activation: A key of ``ACTIVATIONS``.
        dropout: Rate, in [0, 1).
        embedding: Of the numbers; None to take them as they are.
        outputs: Width of the last layer.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import numpy as np
        >>> [type(layer).__name__ for layer in layers_for(np.ones((5, 3)), (), (8, 8), "relu", 0.0, None, 1)]
        ['Dense', 'ReLU', 'Dense', 'ReLU', 'Dense']
    """
    if activation not in ACTIVATIONS:
        raise InvalidSettings(f"activation={activation!r}: expected one of {', '.join(ACTIVATIONS)}")
    layers = [*_first(X, tuple(cardinalities), embedding)]
    for entry in hidden:
        if isinstance(entry, Layer):
            layers.append(entry)
            continue
        layers += [Dense(entry), ACTIVATIONS[activation]]
        if dropout:
            layers.append(Dropout(dropout))
    return (*layers, Dense(outputs, gain=GAIN))


def _first(X: AnyArray, cardinalities: tuple[int, ...], embedding: Embedding | None) -> tuple[Layer, ...]:
    """Give the layer that splits the columns by their kind; none where they are numbers that are taken as they are."""
    numbers = X.shape[1] - len(cardinalities)
    of_numbers = _embedding(X[:, :numbers], embedding) if numbers else ()
    if not cardinalities:
        return of_numbers
    parts: list[tuple[int, tuple[Layer, ...]]] = [(numbers, of_numbers)] if numbers else []
    for cardinality in cardinalities:
        few = cardinality <= MOST_ONE_HOT
        parts.append((1, (OneHot((cardinality,)) if few else CategoryEmbedding((cardinality,)),)))
    return (ColumnSplit(tuple(parts)),)


def _embedding(numbers: AnyArray, embedding: Embedding | None) -> tuple[Layer, ...]:
    if embedding is None:
        return ()
    if embedding == "periodic":
        return (Periodic(sigma=SIGMA),)
    if embedding == "piecewise_linear":
        return (PiecewiseLinear(quantile_edges(numbers, BINS)),)
    raise InvalidSettings(f"embedding={embedding!r}: expected 'periodic', 'piecewise_linear' or None")
