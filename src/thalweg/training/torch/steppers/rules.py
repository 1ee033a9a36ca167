"""From an update rule to what does the same to tensors: PyTorch's own optimizer, or the rule itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from thalweg.optimizers.rules import (
    SGD,
    Accumulate,
    Adagrad,
    Adam,
    AdamW,
    AnyRule,
    Chain,
    ClipNorm,
    ClipValue,
    ExponentialAverage,
    HeavyBall,
    NAdamW,
    Nesterov,
    RMSProp,
    WeightDecay,
)
from thalweg.training.torch.steppers.rule_optimizer import RuleOptimizer

__all__ = ["Plan", "clip", "plan_of"]


@final
@dataclass(frozen=True)
class Plan:
    """What a rule comes to, in the order of a step.

    Attributes:
        gradients: How many are averaged for a step.
        clips: What is done to the mean gradient.
        optimizer: What moves the parameters then.
        decay: Memory of the mean of the weights after that, None where there is none.
    """

    gradients: int
    clips: tuple[ClipNorm | ClipValue, ...]
    optimizer: Optimizer
    decay: float | None


def plan_of(rule: AnyRule, parameters: Sequence[nn.Parameter]) -> Plan:
    """Take a rule apart.

    Accumulation, a fading mean of the weights, and the clips that come first are done here, for every rule. What is left
    is an optimizer of PyTorch, fused where it can be, for ``SGD``, ``HeavyBall``, ``Nesterov``, ``Adam``, ``AdamW``,
    ``Adagrad``, ``RMSProp`` (also before ``HeavyBall``) and ``NAdamW``, with ``WeightDecay`` before or after it wherever
    PyTorch has that; and a :class:`RuleOptimizer` for all else.

    Example:
        >>> weight = nn.Parameter(torch.zeros(3))
        >>> plan = plan_of(Accumulate(Chain((ClipNorm(1.0), Adam(), WeightDecay(0.1))), gradients=4), [weight])
        >>> plan.gradients, plan.clips, type(plan.optimizer)
        (4, (ClipNorm(norm=1.0),), <class 'torch.optim.adamw.AdamW'>)
    """
    gradients, decay = 1, None
    if isinstance(rule, Accumulate):
        gradients, rule = rule.gradients, rule.rule
    links = _links(rule)
    if isinstance(last := links[-1], ExponentialAverage):
        decay = last.decay
        links = links[:-1] + _links(last.rule)
    clips = list[ClipNorm | ClipValue]()
    while links and isinstance(first := links[0], ClipNorm | ClipValue):
        clips.append(first)
        links = links[1:]
    optimizer = _of_torch(links, parameters) or RuleOptimizer(parameters, links[0] if len(links) == 1 else Chain(links))
    return Plan(gradients, tuple(clips), optimizer, decay)


@torch.no_grad()
def clip(link: ClipNorm | ClipValue, gradients: list[Tensor]) -> None:
    """Bound gradients, in place, as a link of a chain would that sees them as one vector."""
    if isinstance(link, ClipValue):
        torch._foreach_clamp_min_(gradients, -link.value)
        torch._foreach_clamp_max_(gradients, link.value)
        return
    norm = nn.utils.get_total_norm(gradients)
    # PyTorch's own clipping adds 1e-6 to the norm, which the rule does not. A norm that is no number stays visible, and
    # the device is not asked whether there is anything to do.
    share = (link.norm / norm).clamp(max=1.0)
    for device in {gradient.device for gradient in gradients}:
        torch._foreach_mul_([gradient for gradient in gradients if gradient.device == device], share.to(device))


def _links(rule: AnyRule) -> tuple[AnyRule, ...]:
    """Give the links of a chain, those of a chain in it too."""
    if not isinstance(rule, Chain):
        return (rule,)
    return rule.links[:-1] + _links(rule.links[-1])


def _of_torch(links: tuple[AnyRule, ...], parameters: Sequence[nn.Parameter]) -> Optimizer | None:
    """Give PyTorch's optimizer, None where it has none that computes the same."""
    before = after = 0.0  # weight decay: an L2 penalty, and decoupled
    if links and isinstance(first := links[0], WeightDecay):
        before, links = first.weight_decay, links[1:]
    if links and isinstance(last := links[-1], WeightDecay):
        after, links = last.weight_decay, links[:-1]
    fused: Any = _fused(parameters, "cpu", "cuda")
    match links:
        case () | (SGD(),):
            return torch.optim.SGD(parameters, weight_decay=before + after, **fused)
        case (HeavyBall(momentum=mu) | Nesterov(momentum=mu),) if not after:
            ahead = isinstance(links[0], Nesterov) and mu > 0
            return torch.optim.SGD(parameters, momentum=mu, nesterov=ahead, weight_decay=before, **fused)
        case (Adam(beta1, beta2, epsilon),) if not (before and after):
            settings = {"betas": (beta1, beta2), "eps": epsilon, "weight_decay": before + after} | fused
            return (torch.optim.AdamW if after else torch.optim.Adam)(parameters, **settings)
        case (AdamW(beta1, beta2, epsilon, decay),) if not before:
            return torch.optim.AdamW(parameters, betas=(beta1, beta2), eps=epsilon, weight_decay=decay + after, **fused)
        case (NAdamW(beta1, beta2, epsilon, decay, psi),) if not before and not _double(parameters):
            return torch.optim.NAdam(
                parameters, betas=(beta1, beta2), eps=epsilon, weight_decay=decay + after, momentum_decay=psi,
                decoupled_weight_decay=True,
            )  # fmt: skip
        case (Adagrad(epsilon),) if not after:
            return torch.optim.Adagrad(parameters, eps=epsilon, weight_decay=before, **_fused(parameters, "cpu"))
        case (RMSProp(rho, epsilon),) if not after:
            return torch.optim.RMSprop(parameters, alpha=rho, eps=epsilon, weight_decay=before)
        case (RMSProp(rho, epsilon), HeavyBall(mu)) if not after:
            return torch.optim.RMSprop(parameters, alpha=rho, eps=epsilon, weight_decay=before, momentum=mu)
    return None  # Muon too: PyTorch's computes in bfloat16


def _fused(parameters: Sequence[nn.Parameter], *devices: str) -> dict[str, Any]:
    """Ask for the kernel that is one pass over memory, on devices that have it; PyTorch's choice elsewhere."""
    fits = all(parameter.is_floating_point() and parameter.device.type in devices for parameter in parameters)
    return {"fused": True} if fits else {}


def _double(parameters: Sequence[nn.Parameter]) -> bool:
    """Tell whether a parameter is in double precision, in which PyTorch does not keep the product of NAdamW's μ."""
    return any(parameter.dtype == torch.float64 for parameter in parameters)
