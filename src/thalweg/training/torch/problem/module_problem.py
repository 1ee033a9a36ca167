"""A module's weights as a problem: the same net for every optimizer."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from thalweg.arrays import Floats
from thalweg.checks import positive_number
from thalweg.errors import InvalidData, InvalidProblem
from thalweg.problem import Minibatches, Problem
from thalweg.space import Box
from thalweg.training.losses import Loss
from thalweg.training.torch.losses import row_loss
from thalweg.training.torch.problem.mean_loss import MeanLoss, trainable

__all__ = ["ModuleProblem"]


@final
class ModuleProblem:
    """The mean loss of a PyTorch module as a function of its trainable weights, for any optimizer.

    f(w) = (1/n) Σ ℓ(module(X_i; w), y_i),  ∇f by backpropagation,

    where w holds the d weights in one vector, in the order of ``module.parameters()``; frozen ones stay as they are. Many
    points are computed together (``torch.func.vmap``), in as many passes as memory asks for. A float32 module is computed
    in float32, and only the vectors outside are float64. That is enough but for Newton-CG, which takes differences of
    gradients: give it ``module.double()``.

    The module is not touched: a copy is evaluated in ``eval()`` mode, that is without dropout.

    Gradient methods and simplices begin at the module's own weights by ``initial=[net.initial]``. (At 0, their start without
    bounds, most nets have no gradient.) Methods that draw populations need a ``radius``, and minibatches are not for them.
    A run keeps every point that it evaluates, of 8 d bytes: of 3,000 weights, 50,000 points are 1.2 GB.

    Args:
        module: Any module that is called with one tensor of rows.
        loss: ``loss(output, target)``, a scalar or (n,), such as ``torch.nn.CrossEntropyLoss()``; or a
            :class:`thalweg.training.losses.Loss`.
        X: (n, …) inputs, an array or tensor; real numbers are brought to the weights' type, everything to their device.
        y: (n, …) targets, likewise.
        radius: How far a weight may move from its start, positive; None for no bounds.
        batch_size: Rows of the minibatch that each evaluation sees, for stochastic methods; None for all rows.
        seed: Seed of the minibatches.

    Attributes:
        problem: What an optimizer is given.
        initial: (d,) the module's own weights, in the middle of the bounds.

    Raises:
        InvalidProblem: Module, loss and data do not fit together, or there is nothing to train.
        InvalidData: X and y are not numbers, or not one of each a row.
        InvalidSettings: The radius is not positive.

    Example:
        >>> import thalweg as tw
        >>> _ = torch.manual_seed(0)
        >>> X = torch.rand(200, 2) - 0.5
        >>> y = (X[:, 0] * X[:, 1] > 0).long()
        >>> module = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
        >>> net = ModuleProblem(module, nn.CrossEntropyLoss(), X, y)
        >>> result = tw.minimize(net.problem, optimizer=tw.LBFGS(), initial=[net.initial], evaluations=100)
        >>> trained = net.module(result.best.params)
        >>> bool((trained(X).argmax(dim=1) == y).float().mean() > 0.98)
        True
    """

    def __init__(
        self,
        module: nn.Module,
        loss: Loss | Callable[..., Any],
        X: Any,
        y: Any,
        *,
        radius: float | None = None,
        batch_size: int | None = None,
        seed: int = 0,
    ) -> None:
        """Copy the module, and try its loss once."""
        _check(module)
        self._net = deepcopy(module).eval()
        weights = [weight.detach().flatten() for weight in trainable(self._net).values()]
        self.initial: Floats = torch.cat([weight.to("cpu", torch.float64) for weight in weights]).numpy()
        data = _as_tensor("X", X, weights[0]), _as_tensor("y", y, weights[0])
        if len(data[0]) != len(data[1]):
            raise InvalidData(f"X has {len(data[0])} rows and y {len(data[1])}: expected one target for each row")
        batches = None
        if batch_size is not None:
            batches = Minibatches.of(_Rows(*data), rows=len(data[0]), size=batch_size, seed=seed)
        box = Box(dim=len(self.initial))
        if radius is not None:
            positive_number("radius", radius)
            box = Box(self.initial - radius, self.initial + radius)
        objective = MeanLoss(self._net, row_loss(loss), None if batches else data)
        objective.prepare(self.initial, *(batches.at(0) if batches else data))
        self.problem = Problem(objective, box, gradient="torch", vectorized=True, minibatches=batches)

    def module(self, x: Any) -> nn.Module:
        """Give a copy of the module that has the weights x, in ``eval()`` mode.

        Args:
            x: (d,) weights: ``result.best.params``, or with minibatches ``result.recommended``.

        Raises:
            InvalidData: There are not d weights.
        """
        row = np.array(x, dtype=np.float64)
        if row.shape != self.initial.shape:
            raise InvalidData(f"got weights of shape {row.shape}, expected {self.initial.shape}")
        copy = deepcopy(self._net)
        own = list(trainable(copy).values())
        with torch.no_grad():
            parts = torch.split(torch.from_numpy(row), [weight.numel() for weight in own])
            for weight, part in zip(own, parts, strict=True):
                weight.copy_(part.view_as(weight))
        return copy


@final
class _Rows:
    """Rows of inputs and targets by their numbers."""

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        self.inputs, self.targets = inputs, targets

    def __call__(self, rows: Any) -> tuple[Tensor, Tensor]:
        return self.inputs[rows], self.targets[rows]


def _check(module: nn.Module) -> None:
    if not isinstance(module, nn.Module):
        raise InvalidProblem(f"module={module!r}: expected a torch.nn.Module, such as torch.nn.Linear(3, 1)")
    if not trainable(module):
        raise InvalidProblem(f"{type(module).__name__} has no parameter that requires a gradient: nothing to train")
    for name, part in module.named_modules():
        if part.training and getattr(part, "running_mean", None) is not None:
            raise InvalidProblem(
                f"{type(part).__name__} {name!r} learns running statistics from batches, which are no weights: take "
                "LayerNorm instead, or keep the statistics that it has by module.eval()"
            )


def _as_tensor(name: str, rows: Any, like: Tensor) -> Tensor:
    """Give rows on the weights' device: real numbers of the weights' type, whole numbers of 64 bits."""
    if not isinstance(rows, Tensor):
        array = np.asarray(rows)
        if array.dtype.kind not in "biuf":
            raise InvalidData(f"{name} holds {array.dtype}: expected numbers; encode texts and categories first")
        rows = torch.tensor(array)
    if not rows.ndim or not len(rows):
        raise InvalidData(f"{name} has the shape {tuple(rows.shape)}: expected at least one row")
    return rows.detach().to(like.device, like.dtype if rows.is_floating_point() else torch.int64)  # type: ignore[no-any-return]
