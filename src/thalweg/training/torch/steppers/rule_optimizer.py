"""An optimizer of PyTorch that runs one of our update rules."""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from thalweg.arrays import Floats
from thalweg.errors import IncompatibleProblem
from thalweg.optimizers.rules import Accumulate, AnyRule, Averages, Chain, ExponentialAverage, Muon
from thalweg.serial import from_bytes, to_bytes

__all__ = ["RuleOptimizer"]


@final
class RuleOptimizer(Optimizer):
    """Run an update rule on the host, over all parameters as one vector.

    So a distance or a norm that a rule measures is that of the whole model. Only a rule with ``Muon`` in it, which asks for
    matrices, sees each parameter alone: matrices as they are, those of embeddings too, and all else as vectors.

    Rules are NumPy: at every step the gradients of a model that lives elsewhere travel to the host, and its weights both
    ways. They are computed with in float64 where a parameter has it, else in float32; in half precision a parameter is
    only kept. A parameter without a gradient counts as one whose gradient is zero.

    Args:
        parameters: What moves.
        rule: How.

    Raises:
        IncompatibleProblem: A parameter is complex.

    Example:
        >>> from thalweg.optimizers.rules import Lion
        >>> weight = nn.Parameter(torch.tensor([1.0, 2.0]))
        >>> optimizer = RuleOptimizer([weight], Lion())
        >>> optimizer.param_groups[0]["lr"] = 0.5
        >>> (weight * weight).sum().backward()
        >>> optimizer.step()
        >>> weight.tolist()
        [0.5, 1.5]
    """

    def __init__(self, parameters: Sequence[nn.Parameter], rule: AnyRule) -> None:
        """Remember nothing yet."""
        super().__init__(parameters, {"lr": 0.0})
        wrong = [tuple(parameter.shape) for parameter in parameters if parameter.is_complex()]
        if wrong:
            raise IncompatibleProblem(
                f"{type(rule).__name__} works on real parameters, and those of shape {wrong} are complex: give a rule that "
                "PyTorch has, such as AdamW()"
            )
        double = any(parameter.dtype == torch.float64 for parameter in parameters)
        self._dtype = torch.float64 if double else torch.float32
        self._rule = rule
        self._alone = _wants_matrices(rule)
        self._parts: list[list[Tensor]] = [[p] for p in parameters] if self._alone else [[*parameters]]
        self._states: list[Any] = []  # one a part, once the first step is made

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take the gradients in, and move the parameters."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        points = [self._gather(part) for part in self._parts]
        states = self._states or [self._rule.init(x) for x in points]
        rate, after = float(self.param_groups[0]["lr"]), list[Any]()
        for part, state, x in zip(self._parts, states, points, strict=True):
            gradient = self._gather([torch.zeros_like(p) if p.grad is None else p.grad.to_dense() for p in part])
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a loop looks at its losses itself
                direction, state = self._rule.update(state, gradient, x, rate)
                moved = x - rate * direction
            torch._foreach_copy_(part, _split(moved, part))
            after.append(state)
        self._states = after
        return loss

    @torch.no_grad()
    def best(self) -> list[Tensor] | None:
        """Give the parameters' values that the rule believes best, on the host; None where they are at these."""
        if not isinstance(self._rule, Averages) or not self._states:
            return None
        found, values = False, list[Tensor]()
        for part, state in zip(self._parts, self._states, strict=True):
            x = self._gather(part)
            average = self._rule.average(state, x)
            found = found or average is not x
            values += _split(average, part)
        return values if found else None

    def remembered(self) -> bytes:
        """Give the states of the rule."""
        return to_bytes(tuple(self._states))

    def remember(self, data: bytes) -> None:
        """Go on from what :meth:`remembered` gave.

        Raises:
            UnreadableState: It did not give this.
        """
        self._states = list(from_bytes(data))

    def _gather(self, part: Sequence[Tensor]) -> Floats:
        """Give a new array: the matrix that there is alone, else one vector."""
        flat = torch.cat([tensor.detach().reshape(-1).to("cpu", self._dtype) for tensor in part]).numpy()
        return flat.reshape(part[0].shape) if self._alone and part[0].ndim == 2 else flat


def _split(x: Floats, part: Sequence[Tensor]) -> list[Tensor]:
    """Give the parts of a vector in the shapes of the parameters."""
    pieces = torch.split(torch.from_numpy(x.reshape(-1)), [parameter.numel() for parameter in part])
    return [piece.view(parameter.shape) for piece, parameter in zip(pieces, part, strict=True)]


def _wants_matrices(rule: AnyRule) -> bool:
    """Tell whether Muon is in it."""
    if isinstance(rule, Chain):
        return any(map(_wants_matrices, rule.links))
    if isinstance(rule, Accumulate | ExponentialAverage):
        return _wants_matrices(rule.rule)
    return isinstance(rule, Muon)
