"""The learning rate of a module, by a race of short trainings of its copies."""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, final

import torch
from torch import Tensor, nn

from thalweg.errors import InvalidData
from thalweg.optimizers.rules import Accumulate, AnyRule
from thalweg.training.losses import Loss
from thalweg.training.rate_race import attempt_steps, race, rates_for, rise_and_fall
from thalweg.training.torch.batches.batches import Batch, Batches, batches_of, leaves
from thalweg.training.torch.batches.randomness import seeded
from thalweg.training.torch.checkpoints.state import copied
from thalweg.training.torch.devices.hardware import autocast, device_of, loss_scaler, moved
from thalweg.training.torch.loop.evaluation import forward, mean
from thalweg.training.torch.losses import RowLoss, row_loss
from thalweg.training.torch.settings import Hardware, Recipe
from thalweg.training.torch.steppers.stepper import stepper_of

__all__ = ["choose_learning_rate"]

MEMORY = 2**29  # bytes of batches that are kept
EVERY = 5  # the batch, one in so many, that no attempt learns from
LOOK = 10  # steps after which the loss is looked at: a look waits for the device
RACE = 1  # counter of its randomness


def choose_learning_rate(
    module: nn.Module,
    loss: Loss | Callable[[Any, Any], Tensor],
    batches: Any,
    recipe: Recipe,
    hardware: Hardware,
    seed: int | None,
    steps: int,
) -> tuple[float, str]:
    """Let copies of a module learn from the first batches, each with another rate, and judge them on batches in between.

    Attempts are in training mode throughout: after so few steps the statistics of batch normalization are too young for
    another. The same call gives the same rate, and leaves module, random generators and the place in the data as they are.

    Args:
        module: Not changed.
        loss: As of :func:`thalweg.training.torch.fit.fit_module`.
        batches: As of ``fit_module``; one epoch is read at most, and 512 MB.
        recipe: Its rule decides at which rates the race begins.
        hardware: Where and how precisely; nothing is compiled.
        seed: Of dropout and whatever else a module draws; None is 0 here.
        steps: Batches of the whole training.

    Returns:
        The highest rate of :func:`thalweg.training.rate_race.rise_and_fall`, and why that one.

    Raises:
        InvalidData: An epoch has no batch.

    Example:
        >>> from thalweg.problem import Minibatches
        >>> X = torch.linspace(-3, 3, 512)[:, None]
        >>> batches, net = Minibatches(X, X.sin(), size=32), nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 1))
        >>> rate, reason = choose_learning_rate(net, nn.MSELoss(), batches, Recipe(), Hardware(), 0, 1000)
        >>> 0.001 < rate < 0.2, reason[:28]
        (True, 'a quarter of a decade below ')
    """
    device, every = device_of(hardware), recipe.rule.gradients if isinstance(recipe.rule, Accumulate) else 1
    seed, updates, rates = 0 if seed is None else seed, max(1, steps // every), rates_for(recipe.rule)
    source = batches_of(batches, device)
    with _place_kept(source), seeded(seed, RACE):
        learned, unseen = _first(source, every * attempt_steps(updates)[1]) if len(rates) > 1 else ([], [])
    pristine = moved(copied(module), device)
    trial = _Trial(pristine, row_loss(loss), learned, unseen, recipe.rule, hardware, device, seed)
    choice = race(lambda rate, count: trial.run(rate, every * count), updates, rates)
    return choice.rate, choice.reason


@contextmanager
def _place_kept(source: Batches) -> Iterator[None]:
    """Let the generators of a data loader stand, afterwards, where they stood."""
    place = source.state()
    try:
        yield
    finally:
        source.load(place)


def _first(source: Batches, steps: int) -> tuple[list[Batch], list[Batch]]:
    """Give the first batches of an epoch, without every fifth, and those; one batch alone is both."""
    kept, size = list[Batch](), 0
    for batch in islice(source.epoch(0), steps + steps // (EVERY - 1) + 1):
        kept.append(batch)
        size += sum(leaf.nbytes for leaf in leaves(tuple(batch)))
        if size > MEMORY:
            break
    if not kept:
        raise InvalidData("an epoch has no batch: are there rows, or does drop_last=True leave none?")
    if len(kept) < EVERY:
        return kept[:-1] or kept, kept[-1:]
    return [batch for i, batch in enumerate(kept, 1) if i % EVERY], kept[EVERY - 1 :: EVERY]


@final
@dataclass(frozen=True)
class _Trial:
    """What attempts have in common."""

    module: nn.Module
    loss: RowLoss
    learned: list[Batch]
    unseen: list[Batch]
    rule: AnyRule
    hardware: Hardware
    device: torch.device
    seed: int

    def run(self, rate: float, steps: int) -> float:
        """Train a copy, and give its mean loss on the unseen batches; NaN as soon as a loss is not finite."""
        with seeded(self.seed, RACE):
            module = copy.deepcopy(self.module).train()
            stepper, schedule = stepper_of(self.rule, list(module.parameters())), rise_and_fall(rate, steps)
            scaler, total = loss_scaler(self.hardware, self.device), torch.zeros((), device=self.device)
            for step, batch in enumerate(islice(cycle(self.learned), steps)):
                loss = self._loss(module, batch)
                (loss if scaler is None else scaler.scale(loss)).backward()  # type: ignore[no-untyped-call]
                stepper.step(schedule.at(step), scaler)
                total += loss.detach()
                if step % LOOK == 0 and not math.isfinite(float(total)):
                    return math.nan
            with stepper.averaged(), torch.no_grad():
                losses = [(self._loss(module, batch) * batch.mass, batch.mass) for batch in self.unseen]
            value, mass = (sum(float(part) for part in parts) for parts in zip(*losses, strict=True))
            return value / mass if mass > 0 and math.isfinite(float(total)) else math.nan

    def _loss(self, module: nn.Module, batch: Batch) -> Tensor:
        with autocast(self.hardware, self.device):
            return mean(self.loss(forward(module, batch.inputs), batch.targets), batch.weights)
