"""What comes before the first batch: everything is checked, and brought to its place."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import nn

from thalweg.errors import InvalidSettings
from thalweg.optimizers.rules import Constant, Schedule
from thalweg.training.rate_race import rise_and_fall
from thalweg.training.torch.batches.batches import Batches, batches_of, validation_of
from thalweg.training.torch.checkpoints.agreement import settings_of
from thalweg.training.torch.checkpoints.last_good import LastGood
from thalweg.training.torch.checkpoints.state import Training
from thalweg.training.torch.devices.hardware import autocast, loss_scaler, moved
from thalweg.training.torch.devices.parallel import Processes
from thalweg.training.torch.loop.checks import check_first_batch, check_last_batch, check_validation
from thalweg.training.torch.loop.learning_rate import choose_learning_rate
from thalweg.training.torch.losses import RowLoss, row_loss
from thalweg.training.torch.settings import Checkpoint, Hardware, Metric, Recipe
from thalweg.training.torch.steppers.stepper import stepper_of

__all__ = ["Prepared", "prepare"]


@final
@dataclass(frozen=True)
class Prepared:
    """Everything that the loop needs.

    Attributes:
        network: The module as it is called: compiled, or with its gradients averaged over processes.
        loss: Of output and target.
        batches: To train on.
        validation: To look at, or None.
        precision: The context of output and loss.
        schedule: The learning rate of each step.
        training: All that changes.
        last_good: Its last good copy.
        recipe: How it learns.
        metric: What is measured.
        processes: That train together.
    """

    network: Any
    loss: RowLoss
    batches: Batches
    validation: Batches | None
    precision: AbstractContextManager[Any]
    schedule: Schedule
    training: Training
    last_good: LastGood
    recipe: Recipe
    metric: Metric | None
    processes: Processes


def prepare(
    module: nn.Module, loss: Any, batches: Any, recipe: Recipe, validation: Any, metric: Metric | None, hardware: Hardware,
    checkpoint: Checkpoint | None, seed: int | None, processes: Processes,
) -> Prepared:  # fmt: skip
    """Check, move, wrap, and go on from the checkpoint or choose a learning rate; arguments as of ``fit_module``."""
    if metric is not None and validation is None:
        raise InvalidSettings(
            f"the metric {metric.name!r} is of the validation data, and there is none: give validation=(X, y)"
        )
    device, function = processes.device, row_loss(loss)
    precision, scaler = autocast(hardware, device), loss_scaler(hardware, device)
    module = moved(module, device).train()
    data = batches_of(batches, device, processes.rank, processes.world)
    held_out = None if validation is None else validation_of(validation, device)
    check_last_batch(module, batches, processes.world)
    unused = check_first_batch(module, loss, function, batches, data, precision)
    if held_out is not None:
        check_validation(module, loss, function, held_out, precision)
    network = processes.wrapped(module, all_used=not unused)
    training = Training(module, stepper_of(recipe.rule, list(module.parameters())), scaler, data)
    given = (module, recipe, loss, metric, hardware, seed, data, held_out, processes.world)
    last_good = LastGood(training, checkpoint, settings_of(*given) if checkpoint else {}, processes)
    if not last_good.resume():
        choice = _learning_rate(module, loss, batches, recipe, hardware, seed, data, processes)
        training.progress.learning_rate, training.progress.learning_rate_reason = choice
        last_good.keep(write=True)
    return Prepared(
        torch.compile(network) if hardware.compile else network, function, data, held_out, precision,
        _schedule(recipe, training.progress.learning_rate, data), training, last_good,
        recipe, metric, processes,
    )  # fmt: skip


def _learning_rate(
    module: nn.Module, loss: Any, batches: Any, recipe: Recipe, hardware: Hardware, seed: int | None, data: Batches,
    processes: Processes,
) -> tuple[float, str]:  # fmt: skip
    """Give the rate and where it comes from."""
    if isinstance(recipe.learning_rate, Schedule):
        return recipe.learning_rate.at(0), f"given as a schedule, {recipe.learning_rate}"
    if recipe.learning_rate != "auto":
        return float(recipe.learning_rate), "given"
    steps, choice = _steps(recipe, data), (0.0, "")
    if processes.rank == 0:
        choice = choose_learning_rate(module, loss, batches, recipe, hardware, seed, steps)
    return processes.same(choice)


def _schedule(recipe: Recipe, learning_rate: float, data: Batches) -> Schedule:
    if isinstance(recipe.learning_rate, Schedule):
        return recipe.learning_rate
    if recipe.learning_rate == "auto":
        return rise_and_fall(learning_rate, _steps(recipe, data))
    return Constant(learning_rate)


def _steps(recipe: Recipe, data: Batches) -> int:
    if data.per_epoch is None:
        raise InvalidSettings(
            'learning_rate="auto" follows a schedule over the whole training, and nobody knows how many batches an epoch '
            "has: give the data a len(), or a learning rate, or a schedule"
        )
    return recipe.epochs * data.per_epoch
