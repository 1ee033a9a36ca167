"""All that a training changes, and its copies."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from thalweg.training.torch.batches.batches import Batches
from thalweg.training.torch.batches.randomness import random_state, set_random_state
from thalweg.training.torch.events import EpochEnded
from thalweg.training.torch.steppers.stepper import Stepper

__all__ = ["Progress", "Snapshot", "Training", "copied", "untouched"]


@final
@dataclass
class Progress:
    """How far a training is: numbers, words and events.

    Attributes:
        learning_rate: Given or chosen, before the schedule.
        learning_rate_reason: Why that one.
        epoch: Completed epochs.
        batch: Batches seen of the next one.
        step: All batches seen.
        loss: Sum of the losses of the rows seen in this epoch, up to the last look.
        mass: Sum of their weights.
        factor: Of every learning rate, after rollbacks.
        best_value: Of what is watched; less is better.
        best_epoch: Its epoch, 0 before there is one.
        stop_reason: Empty while the training is not over.
        seconds: That it took until here.
        rollbacks: What was undone, in words.
        history: One entry an epoch.
    """

    learning_rate: float = 0.0
    learning_rate_reason: str = ""
    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss: float = 0.0
    mass: float = 0.0
    factor: float = 1.0
    best_value: float = float("inf")
    best_epoch: int = 0
    stop_reason: str = ""
    seconds: float = 0.0
    rollbacks: tuple[str, ...] = ()
    history: tuple[EpochEnded, ...] = ()


@final
@dataclass(frozen=True)
class Snapshot:
    """A training at one moment, on the host.

    Attributes:
        tensors: Of the module, the stepper, and the best weights; the same in all processes.
        own: Of the random generators and the data; of this process.
        facts: Of the stepper and the loss scaler.
        progress: How far it was.
    """

    tensors: dict[str, Tensor]
    own: dict[str, Tensor]
    facts: dict[str, Any]
    progress: Progress


@final
@dataclass
class Training:
    """What a training changes.

    Attributes:
        module: Its weights and buffers.
        stepper: What the rule remembers.
        scaler: Of the loss, with float16.
        batches: The place in the data.
        progress: How far it is.
        best: Weights and buffers of the best epoch, where they are kept.
    """

    module: nn.Module
    stepper: Stepper
    scaler: torch.amp.GradScaler | None
    batches: Batches
    progress: Progress = field(default_factory=Progress)
    best: dict[str, Tensor] = field(default_factory=dict)

    def weights(self) -> dict[str, Tensor]:
        """Copy weights and buffers as they are."""
        return {name: tensor.detach().to("cpu", copy=True) for name, tensor in _tensors(self.module).items()}

    @torch.no_grad()
    def place(self, weights: Mapping[str, Tensor]) -> None:
        """Put weights and buffers into the module."""
        for name, tensor in _tensors(self.module).items():
            tensor.copy_(weights[name])

    def snapshot(self) -> Snapshot:
        """Copy everything."""
        tensors, facts = self.stepper.state()
        own = _prefixed("random", random_state()) | _prefixed("data", self.batches.state())
        return Snapshot(
            _prefixed("module", self.weights())
            | _prefixed("stepper", {name: tensor.cpu() for name, tensor in tensors.items()})
            | _prefixed("best", self.best),
            own,
            {"stepper": facts, "scaler": self.scaler.state_dict() if self.scaler else {}},
            replace(self.progress),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to where a snapshot was made, to the bit."""
        self.place(_within("module", snapshot.tensors))
        self.stepper.load(_within("stepper", snapshot.tensors), snapshot.facts["stepper"])
        self.best = _within("best", snapshot.tensors)
        if self.scaler:
            self.scaler.load_state_dict(snapshot.facts["scaler"])
        self.batches.load(_within("data", snapshot.own))
        set_random_state(_within("random", snapshot.own))
        self.progress = replace(snapshot.progress)

    def finish(self) -> None:
        """Leave the module with the weights that are believed best, in evaluation mode."""
        if self.best:
            self.place(self.best)
        else:
            with self.stepper.averaged():
                believed = self.weights()
            self.place(believed)
        self.stepper.clear()  # of gradients that wait for more, which the next training would take in
        self.module.eval()


@contextmanager
def untouched(module: nn.Module) -> Iterator[None]:
    """Put back what a pass through a module changes: statistics of normalizations, and PyTorch's generators."""
    with torch.no_grad():  # by name: a module may have new tensors afterwards; and lazy ones have no values before
        kept = {name: buffer.clone() for name, buffer in module.named_buffers() if not is_lazy(buffer)}
    gpus = {tensor.device for tensor in module.parameters() if tensor.device.type == "cuda"}
    try:
        with torch.random.fork_rng(devices=list(gpus)):
            yield
    finally:
        with torch.no_grad():
            for name, buffer in module.named_buffers():
                if name in kept:
                    buffer.copy_(kept[name])


def copied(module: nn.Module) -> nn.Module:
    """Copy a module, also one that keeps tensors of its last pass, which PyTorch's own copy refuses."""
    kept = [value for part in module.modules() for value in vars(part).values() if isinstance(value, Tensor)]
    return copy.deepcopy(module, {id(value): value.detach().clone() for value in kept if not value.is_leaf})


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Give parameters and buffers, those too that a state_dict leaves out, and what is shared only once."""
    return dict(module.named_parameters()) | dict(module.named_buffers())


def _prefixed(kind: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{kind}.{name}": tensor for name, tensor in tensors.items()}


def _within(kind: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(f"{kind}."): tensors[name] for name in tensors if name.startswith(f"{kind}.")}
