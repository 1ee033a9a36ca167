"""Gradients: by hand, or by PyTorch's backpropagation."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from thalweg.arrays import AnyArray, Floats
from thalweg.errors import InvalidProblem

__all__ = ["backpropagate", "value_and_gradient"]


def value_and_gradient(
    objective: Callable[..., Any], gradient: Callable[..., Any] | str, arguments: tuple[Any, ...]
) -> tuple[Any, Any]:
    """Compute the objective and its partial derivatives at one configuration, or at many of a vectorized problem.

    Args:
        objective: The function.
        gradient: A function with the same arguments, or ``"torch"``.
        arguments: The configuration (an array, or a dict of numbers or arrays), then any minibatch.

    Returns:
        What the objective returns, and the derivatives in the form of the configuration.

    Raises:
        InvalidProblem: The objective is not written with PyTorch operations.
    """
    if gradient == "torch":
        return backpropagate(objective, arguments)
    if not callable(gradient):
        raise InvalidProblem(f"gradient must be a function or 'torch', got {gradient!r}")
    point, *batch = arguments
    return objective(deepcopy(point), *batch), gradient(point, *batch)  # the one may change what it is given


def backpropagate(objective: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[AnyArray, Any]:
    """Compute value and gradient of an objective written with PyTorch operations, in double precision.

    The objective gets float64 tensors instead of arrays. Of a vectorized one, n values are summed before the backward
    pass: row i of the gradient is then the gradient of value i, since rows do not depend on one another.
    """
    import torch  # Problem has checked that it is installed

    def leaf(values: Any) -> Any:
        return torch.tensor(np.asarray(values), dtype=torch.float64, requires_grad=True)

    point, *batch = arguments
    inputs = {name: leaf(values) for name, values in point.items()} if isinstance(point, dict) else leaf(point)
    leaves = list(inputs.values()) if isinstance(inputs, dict) else [inputs]
    data = [torch.as_tensor(part) if isinstance(part, np.ndarray) else part for part in batch]
    with torch.enable_grad():
        value = objective(inputs, *data)
        if not isinstance(value, torch.Tensor) or not value.requires_grad:
            raise InvalidProblem(
                "gradient='torch': the objective must return a torch tensor computed from its argument by torch "
                f"operations, got {type(value).__name__}"
            )
        partials = torch.autograd.grad(value.sum(), leaves, allow_unused=True, materialize_grads=True)
    arrays: list[Floats] = [partial.numpy() for partial in partials]
    gradient = dict(zip(inputs, arrays, strict=True)) if isinstance(inputs, dict) else arrays[0]
    return value.detach().numpy(), gradient
