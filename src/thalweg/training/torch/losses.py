"""Losses of linear models, as functions of tensors that PyTorch differentiates."""

from collections.abc import Callable
from typing import Any, cast, final

import torch
from torch import Tensor
from torch.nn import functional

from thalweg.errors import InvalidData, InvalidSettings
from thalweg.training.losses import (
    Hinge,
    Huber,
    Logistic,
    Loss,
    Multinomial,
    Poisson,
    Quantile,
    Squared,
    SquaredHinge,
)
from thalweg.training.losses.poisson import LARGE

__all__ = ["RowLoss", "row_loss"]

RowLoss = Callable[[Tensor, Tensor], Tensor]


def row_loss(loss: Loss | Callable[..., Any]) -> RowLoss:
    """Give ℓ(output, target), one value a row, of which PyTorch finds the gradient.

    Values and slopes are those of the loss, kinks included. A loss that is not one of Thalweg's own is asked for its slope
    on the host. Half precision is lifted to single.

    Args:
        loss: ``Squared()``, ``Huber(1.0)`` or another :class:`thalweg.training.losses.Loss`. Anything else that can be
            called, such as ``torch.nn.L1Loss()``, is handed back as it is.

    Returns:
        A function of the output, (n,) or (n, 1), or (n, K) for ``Multinomial``, and the targets, (n,) or (n, 1), of any
        number type, to (n,). Outputs and targets that are both (n, d) give the means over the d columns.

    Raises:
        InvalidSettings: The loss is a class, or no function.
        InvalidData: In the function: the shapes of output and target do not fit together.

    Example:
        >>> from thalweg.training.losses import Huber
        >>> output = torch.tensor([0.5, 3.0], requires_grad=True)
        >>> losses = row_loss(Huber(1.0))(output, torch.tensor([0, 0]))
        >>> losses.sum().backward()
        >>> losses.tolist(), output.grad.tolist()
        ([0.125, 2.5], [0.5, 1.0])
    """
    if isinstance(loss, type) or not (isinstance(loss, Loss) or callable(loss)):
        raise InvalidSettings(
            f"loss={loss!r}, expected a loss such as Squared(), a function of output and target, or a module such as "
            "torch.nn.MSELoss(): with its parentheses"
        )
    if not isinstance(loss, Loss):
        return loss
    if type(loss) is Multinomial:
        return _multinomial
    make = _FUNCTIONS.get(type(loss))
    return _On(make(loss) if make else _Asked(loss), lone=make is not None)


@final
class _On:
    """Bring output and target to the same shape and type, and the losses to one a row."""

    def __init__(self, function: RowLoss, lone: bool) -> None:
        self._function, self._lone = function, lone  # lone: for every predictor a target

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        output, target = _lifted(_column(output)), _column(target)
        if (output.shape != target.shape) if self._lone else (output.shape[:1] != target.shape):
            raise InvalidData(
                f"the output has the shape {tuple(output.shape)} and the target {tuple(target.shape)}: expected "
                + ("the same one" if self._lone else "as many rows, and one target for each")
            )
        losses = self._function(output, target.to(output.dtype))
        return losses.flatten(1).mean(1) if losses.ndim > 1 else losses


def _multinomial(output: Tensor, target: Tensor) -> Tensor:
    target = _column(target)
    if output.ndim != 2 or target.shape != output.shape[:1]:
        raise InvalidData(
            f"the output has the shape {tuple(output.shape)} and the target {tuple(target.shape)}: expected (n, classes) "
            "and (n,), the number of each row's class"
        )
    return functional.cross_entropy(_lifted(output), target.long(), reduction="none")


def _squared(loss: Squared) -> RowLoss:
    return lambda eta, y: 0.5 * functional.mse_loss(eta, y, reduction="none")


def _huber(loss: Huber) -> RowLoss:
    return lambda eta, y: functional.huber_loss(eta, y, reduction="none", delta=loss.delta)


def _quantile(loss: Quantile) -> RowLoss:
    q = loss.quantile
    return lambda eta, y: q * torch.relu(y - eta) + (1 - q) * torch.relu(eta - y)


def _logistic(loss: Logistic) -> RowLoss:
    # Of the margin, in which no digit of a small loss is lost.
    return lambda eta, y: -functional.logsigmoid((2 * y - 1) * eta)


def _poisson(loss: Poisson) -> RowLoss:
    def function(eta: Tensor, y: Tensor) -> Tensor:
        capped = eta.clamp(max=LARGE)
        excess = eta - capped
        continued = torch.exp(capped) * (1 + excess + 0.5 * excess * excess)
        return continued - y * eta + (torch.xlogy(y, y) - y)

    return function


def _hinge(loss: Hinge) -> RowLoss:
    return lambda eta, y: torch.relu(1 - (2 * y - 1) * eta)


def _squared_hinge(loss: SquaredHinge) -> RowLoss:
    return lambda eta, y: torch.relu(1 - (2 * y - 1) * eta).square()


_FUNCTIONS: dict[type[Loss], Callable[[Any], RowLoss]] = {
    Squared: _squared,
    Huber: _huber,
    Quantile: _quantile,
    Logistic: _logistic,
    Poisson: _poisson,
    Hinge: _hinge,
    SquaredHinge: _squared_hinge,
}


@final
class _Asked:
    """Any other loss, by its slope."""

    def __init__(self, loss: Loss) -> None:
        self._loss = loss

    def __call__(self, eta: Tensor, y: Tensor) -> Tensor:
        return cast(Tensor, _Slope.apply(eta, y, self._loss))  # type: ignore[no-untyped-call]


@final
class _Slope(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, eta: Tensor, y: Tensor, loss: Loss) -> Tensor:
        value, slope = loss.slope(eta.detach().cpu().numpy(), y.cpu().numpy())
        context.save_for_backward(torch.as_tensor(slope).to(eta))
        return torch.as_tensor(value).to(eta)

    @staticmethod
    def backward(context: Any, *outer: Any) -> tuple[Tensor, None, None]:
        (slope,) = context.saved_tensors
        return outer[0].reshape(-1, *[1] * (slope.ndim - 1)) * slope, None, None


def _column(tensor: Tensor) -> Tensor:
    """Give (n,) for (n, 1)."""
    return tensor.squeeze(1) if tensor.ndim == 2 and tensor.shape[1] == 1 else tensor


def _lifted(output: Tensor) -> Tensor:
    return output.float() if output.dtype in (torch.float16, torch.bfloat16) else output
