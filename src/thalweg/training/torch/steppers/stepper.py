"""The step of a training loop: gradients in, weights moved, by any update rule."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from thalweg.errors import IncompatibleProblem, UnreadableState
from thalweg.optimizers.rules import AnyRule
from thalweg.optimizers.rules.exponential_average import decay_at
from thalweg.training.torch.steppers.rule_optimizer import RuleOptimizer
from thalweg.training.torch.steppers.rules import Plan, clip, plan_of

__all__ = ["Stepper", "stepper_of"]

COUNTERS = ("step", "mu_product")  # in the states of PyTorch's optimizers: on the host unless the kernel is fused


@final
class Stepper:
    """Parameters, what moves them, and what that remembers.

    The mean of the weights is kept in their own precision; buffers, such as the statistics of batch normalization, are not
    averaged.

    Attributes:
        optimizer: PyTorch's own, or a :class:`RuleOptimizer`.
    """

    def __init__(self, parameters: Sequence[Tensor], plan: Plan) -> None:
        """Begin where the parameters are."""
        self.optimizer = plan.optimizer
        self._parameters, self._plan = [*parameters], plan
        self._count = 0  # of the gradients that wait for their step
        self._steps = 0
        averages = plan.decay is not None
        self._mean = [parameter.detach().clone() for parameter in parameters] if averages else list[Tensor]()
        self.clear()  # of what somebody has left there

    def step(self, learning_rate: float, scaler: torch.amp.GradScaler | None = None) -> None:
        """Take the gradients from ``.grad``, and move the weights, or wait for more.

        While it waits, gradients stay in ``.grad``, where the next backward pass adds to them. After a step they are None.

        Args:
            learning_rate: α of this step.
            scaler: That has scaled the loss. Where gradients are not finite it leaves the step out; a mean of the weights
                takes them in once more.
        """
        plan = self._plan
        for parameter in self._parameters:  # fused kernels, clips and checkpoints take no sparse ones
            if parameter.grad is not None and parameter.grad.is_sparse:
                parameter.grad = parameter.grad.to_dense()
        self._count += 1
        if self._count < plan.gradients:
            return
        self._count = 0
        if plan.gradients > 1 or plan.clips:
            self._prepare(scaler)
        self.optimizer.param_groups[0]["lr"] = learning_rate
        if scaler is None:
            self.optimizer.step()
        else:
            scaler.step(self.optimizer)
            scaler.update()
        if plan.decay is not None:
            with torch.no_grad():
                torch._foreach_lerp_(self._mean, self._parameters, 1 - decay_at(plan.decay, self._steps))
            self._steps += 1
        self.clear()

    def clear(self) -> None:
        """Forget the gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Let the parameters be, inside, what the rule believes best; afterwards what they were, to the bit."""
        best = self._mean or (self.optimizer.best() if isinstance(self.optimizer, RuleOptimizer) else None)
        if best is None:
            yield
            return
        kept = [parameter.detach().clone() for parameter in self._parameters]
        self._place(best)
        try:
            yield
        finally:
            self._place(kept)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Give a copy of all that it remembers between two steps, also of gradients that wait: tensors, and plain numbers.

        Where there is a scaler, that has a state of its own.
        """
        tensors, facts = dict[str, Tensor](), {"count": self._count, "steps": self._steps}
        for i, mean in enumerate(self._mean):
            tensors[f"mean.{i}"] = mean.clone()
        for i, parameter in enumerate(self._parameters):
            if self._count and parameter.grad is not None:
                tensors[f"gradient.{i}"] = parameter.grad.clone()
            for name, value in self.optimizer.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer.{i}.{name}"] = value.clone()
        if isinstance(self.optimizer, RuleOptimizer):
            tensors["rule"] = torch.from_numpy(np.frombuffer(self.optimizer.remembered(), np.uint8).copy())
        return tensors, facts

    def load(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Go on from where :meth:`state` was, to the bit.

        Raises:
            UnreadableState: It is the state of another rule, or of other parameters.
        """
        self.optimizer.state.clear()
        self.clear()
        for name, value in tensors.items():
            kind, _, place = name.partition(".")
            if kind == "rule" and isinstance(self.optimizer, RuleOptimizer):
                self.optimizer.remember(value.cpu().numpy().tobytes())
                continue
            index, _, key = place.partition(".")
            if kind not in ("mean", "gradient", "optimizer") or int(index) >= len(self._parameters):
                raise UnreadableState(f"{name} is no state of this rule on {len(self._parameters)} parameters")
            self._put(kind, int(index), key, value)
        self._count, self._steps = facts["count"], facts["steps"]

    def _put(self, kind: str, i: int, key: str, value: Tensor) -> None:
        parameter = self._parameters[i]
        if key in COUNTERS:
            fused = self.optimizer.param_groups[0].get("fused")
            self.optimizer.state[parameter][key] = value.to(parameter.device if fused else "cpu", copy=True)
            return
        if value.shape != parameter.shape:
            raise UnreadableState(
                f"{kind}.{i} has the shape {tuple(value.shape)}, and the parameter {tuple(parameter.shape)}: this is the "
                "state of another module's training"
            )
        # In the order in which the parameter lies in memory, which the fused kernels take for granted.
        own = torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)
        if kind == "mean":
            self._mean[i] = own
        elif kind == "gradient":
            parameter.grad = own
        else:
            self.optimizer.state[parameter][key] = own

    def _prepare(self, scaler: torch.amp.GradScaler | None) -> None:
        """Make the mean gradient of the sum, and clip it."""
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        if not gradients:
            return
        if self._plan.gradients > 1:
            torch._foreach_div_(gradients, self._plan.gradients)
        if self._plan.clips and scaler is not None:
            scaler.unscale_(self.optimizer)
        for link in self._plan.clips:
            clip(link, gradients)

    @torch.no_grad()
    def _place(self, values: list[Tensor]) -> None:
        torch._foreach_copy_(self._parameters, values)


def stepper_of(rule: AnyRule, parameters: Sequence[nn.Parameter]) -> Stepper:
    """Make the stepper of an update rule, at its beginning.

    Args:
        rule: Any; what it becomes tells :func:`thalweg.training.torch.steppers.rules.plan_of`.
        parameters: Of a module, where they will stay. Those that need no gradient are left out.

    Raises:
        IncompatibleProblem: No parameter needs a gradient, or the rule cannot work on one of them.

    Example:
        >>> from thalweg.optimizers.rules import AdamW
        >>> module = nn.Linear(3, 1)
        >>> stepper = stepper_of(AdamW(), list(module.parameters()))
        >>> module(torch.ones(2, 3)).sum().backward()
        >>> stepper.step(learning_rate=0.001)
        >>> stepper.optimizer.param_groups[0]["fused"], module.weight.grad
        (True, None)
    """
    moving = [parameter for parameter in dict.fromkeys(parameters) if parameter.requires_grad]
    if not moving:
        raise IncompatibleProblem(
            f"none of the {len(parameters)} parameters needs a gradient: there is nothing to train; set requires_grad"
        )
    return Stepper(moving, plan_of(rule, moving))
