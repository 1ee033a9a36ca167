"""Outputs, their loss, and a metric over all rows of some data."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from thalweg.errors import InvalidData
from thalweg.training.torch.batches.batches import Batch, leaves, mapped
from thalweg.training.torch.losses import RowLoss
from thalweg.training.torch.settings import Metric

__all__ = ["evaluate", "forward", "mean", "shapes"]

HALVES = (torch.float16, torch.bfloat16)  # of which a metric could not count more than some hundred rows


def forward(module: nn.Module, inputs: Any) -> Any:
    """Give the outputs of a batch: several inputs are several arguments, those of a mapping by their names."""
    if isinstance(inputs, Tensor):
        return module(inputs)
    return module(**inputs) if isinstance(inputs, Mapping) else module(*inputs)


def mean(losses: Tensor, weights: Tensor | None) -> Tensor:
    """Give the mean loss () of a batch from the losses of its rows, or the one that a loss has made of them itself.

    Example:
        >>> mean(torch.tensor([1.0, 4.0]), torch.tensor([1.0, 2.0]))
        tensor(3.)
    """
    if weights is None:
        return losses.mean() if losses.ndim else losses
    tiny = torch.finfo(losses.dtype).tiny  # a batch in which no row counts has a loss of 0
    return (losses * weights).sum() / weights.sum().clamp(min=tiny)


@torch.no_grad()
def evaluate(
    module: nn.Module,
    loss: RowLoss,
    batches: Iterable[Batch],
    where: AbstractContextManager[Any],
    metric: Metric | None = None,
) -> tuple[float, float | None]:
    """Give the mean loss over all rows, NaN where none counts, and the metric.

    Args:
        module: In any mode; inside it is in evaluation mode.
        loss: Of output and target.
        batches: Seen once.
        where: The context of the precision.
        metric: Of all outputs together.

    Raises:
        InvalidData: The metric gives no number.
    """
    training = module.training
    total: float | Tensor = 0.0
    mass: float | Tensor = 0.0
    outputs, targets = [], []
    module.eval()
    try:
        for batch in batches:
            with where:
                output = forward(module, batch.inputs)
                total = total + mean(loss(output, batch.targets), batch.weights) * batch.mass
            mass = mass + batch.mass
            if metric is not None:
                outputs.append(mapped(Tensor.cpu, output))
                targets.append(mapped(Tensor.cpu, batch.targets))
    finally:
        module.train(training)
    value = float(total) / float(mass) if float(mass) > 0 else float("nan")
    return value, None if metric is None or not outputs else _measured(metric, outputs, targets)


def _measured(metric: Metric, outputs: list[Any], targets: list[Any]) -> float:
    output, target = _joined(outputs), _joined(targets)
    try:
        return float(metric.function(output, target))
    except Exception as error:  # whatever a user's function raises
        raise InvalidData(
            f"the metric {metric.name!r} failed on outputs {shapes(output)} and targets {shapes(target)}: {error}"
        ) from error


def _joined(parts: list[Any]) -> Any:
    """Put batches one below the other, also within tuples and mappings."""
    first = parts[0]
    if isinstance(first, Tensor):
        return torch.cat([part.float() if part.dtype in HALVES else part for part in parts])
    if isinstance(first, tuple):
        return tuple(_joined(list(items)) for items in zip(*parts, strict=True))
    return {key: _joined([part[key] for part in parts]) for key in first}


def shapes(value: Any) -> str:
    """Say what tensors there are.

    Example:
        >>> shapes((torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64)))
        '(3, 2) float32, (3,) int64'
    """
    names = [f"{tuple(leaf.shape)} {str(leaf.dtype).removeprefix('torch.')}" for leaf in leaves(value)]
    return ", ".join(names) or f"of type {type(value).__name__}"
