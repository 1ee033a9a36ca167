"""The mean loss of a net at one vector of weights, or at many of them in one batched pass.

R. Frostig, M. J. Johnson, C. Leary, "Compiling machine learning programs via high-level tracing", SysML 2018 (vmap), as
PyTorch's ``torch.func`` has it.
"""

import warnings
from functools import reduce
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.func import functional_call, grad_and_value, vmap

from thalweg.arrays import Floats
from thalweg.errors import InvalidProblem, ThalwegError
from thalweg.training.torch.losses import RowLoss

__all__ = ["MeanLoss", "trainable"]

MEMORY = 2**24  # bytes of activations kept at once: what lies in the cache is faster than what only fits


def trainable(net: nn.Module) -> dict[str, nn.Parameter]:
    """Give the parameters that are trained, each once, by name."""
    return {name: weight for name, weight in net.named_parameters() if weight.requires_grad}


@final
class MeanLoss:
    """f(w) = (1/n) Σ ℓ(net(X_i; w), y_i) for every row w of a matrix.

    Of an array (k, d) it gives the values, an array (k,). Of a tensor it gives a tensor (k,) that remembers the gradients:
    they are computed with the values, and no graph of all k points has to lie in memory.

    Args:
        net: Computed as it is, with w in place of its trainable parameters.
        loss: ℓ(output, target), a scalar, or (n,) which is averaged.
        data: (inputs, targets), each with n rows; None where every call brings its own, then one point at a time.
    """

    def __init__(self, net: nn.Module, loss: RowLoss, data: tuple[Tensor, Tensor] | None) -> None:
        """Compute nothing yet."""
        self._net, self._loss, self._data = net, loss, data
        self._weights = trainable(net)
        self._sizes = [weight.numel() for weight in self._weights.values()]
        self._device = next(iter(self._weights.values())).device
        self._dtype = reduce(torch.promote_types, (weight.dtype for weight in self._weights.values()))
        self._together = 1  # points that are computed at once

    def __call__(self, x: Any, *batch: Tensor) -> Any:
        """Compute f at the rows of x (k, d)."""
        inputs, targets = self._data or batch
        if isinstance(x, Tensor):
            return _Differentiable.apply(x, self, inputs, targets)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            return _outside(self._values(self._inside(torch.tensor(x)), inputs, targets)).numpy()

    def differentiate(self, x: Tensor, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Compute values (k,) and gradients (k, d)."""
        points = self._inside(x.detach())

        def backpropagate(w: Tensor) -> tuple[Tensor, Tensor]:
            with torch.enable_grad():
                leaf = w.detach().requires_grad_()
                value = self._at(leaf, inputs, targets)
                return torch.autograd.grad(value, leaf)[0], value.detach()

        if min(self._together, len(points)) > 1:
            both = grad_and_value(lambda w: self._at(w, inputs, targets))
            gradients, values = vmap(both, chunk_size=self._together)(points)
        else:
            gradients, values = (torch.stack(parts) for parts in zip(*map(backpropagate, points), strict=True))
        return _outside(values), _outside(gradients)

    def prepare(self, start: Floats, inputs: Tensor, targets: Tensor) -> None:
        """Try one point (d,), and see how many can be computed at once.

        Raises:
            InvalidProblem: It cannot be computed, or not differentiated.
        """
        w = self._inside(torch.tensor(start)).requires_grad_()
        kept: dict[int, int] = {}  # bytes by address

        def note(tensor: Tensor) -> Tensor:
            kept[tensor.data_ptr()] = tensor.nbytes
            return tensor

        try:
            with saved_tensors_hooks(note, lambda tensor: tensor), warnings.catch_warnings():
                # (n, 1) beside (n,) would become (n, n), of which PyTorch only warns.
                warnings.filterwarnings("error", "Using a target size", UserWarning)
                value = self._at(w, inputs, targets)
        except ThalwegError:
            raise
        except Exception as error:  # whatever the user's module and loss raise
            shapes = f"X of shape {tuple(inputs.shape)} and y of shape {tuple(targets.shape)}"
            raise InvalidProblem(f"the loss of {shapes} cannot be computed: {error}") from error
        if not value.requires_grad:
            raise InvalidProblem("the loss does not depend on the module's weights by operations of PyTorch")
        if self._data is not None and self._maps(w.detach()):
            activations = sum(kept.values()) - kept.get(inputs.data_ptr(), 0)
            self._together = max(1, MEMORY // max(1, activations))

    def _at(self, w: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute f at one point (d,)."""
        parts = zip(self._weights.items(), torch.split(w, self._sizes), strict=True)
        weights = {name: part.view(weight.shape).to(weight.dtype) for (name, weight), part in parts}
        output = functional_call(self._net, weights, (inputs,))
        losses = self._loss(output, targets)
        if losses.ndim and losses.shape != (len(inputs),):
            raise InvalidProblem(
                f"the loss has the shape {tuple(losses.shape)}, of outputs {tuple(output.shape)} and targets "
                f"{tuple(targets.shape)}: expected one number, or one for each of {len(inputs)} rows"
            )
        return losses.mean()

    def _values(self, points: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
        if min(self._together, len(points)) > 1:
            values: Tensor = vmap(lambda w: self._at(w, inputs, targets), chunk_size=self._together)(points)
            return values
        return torch.stack([self._at(w, inputs, targets) for w in points])

    def _maps(self, w: Tensor) -> bool:
        """Tell whether every operation takes many weights at once; those of some modules do not, or only slowly."""
        self._together = 2
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", "There is a performance drop", UserWarning)
                self(torch.stack([w, w]).cpu().numpy())
                self(torch.stack([w, w]))
        except (RuntimeError, UserWarning):
            self._together = 1
        return self._together > 1

    def _inside(self, x: Tensor) -> Tensor:
        return x.to(self._device, self._dtype)


@final
class _Differentiable(torch.autograd.Function):
    """Values of points, whose gradients are known before they are asked for."""

    @staticmethod
    def forward(context: Any, x: Tensor, loss: MeanLoss, inputs: Tensor, targets: Tensor) -> Tensor:
        values, gradients = loss.differentiate(x, inputs, targets)
        context.save_for_backward(gradients)
        return values

    @staticmethod
    def backward(context: Any, *outer: Any) -> tuple[Tensor, None, None, None]:
        (gradients,) = context.saved_tensors
        return outer[0][:, None] * gradients, None, None, None


def _outside(computed: Tensor) -> Tensor:
    return computed.detach().to("cpu", torch.float64)
