"""The end of an epoch: what is looked at, what is remembered, and whether it goes on."""

import math

from torch import Tensor

from thalweg.errors import InvalidData
from thalweg.training.torch.checkpoints.state import Training
from thalweg.training.torch.events import BatchEnded, EpochEnded, TrainingStarted
from thalweg.training.torch.loop.evaluation import evaluate
from thalweg.training.torch.loop.preparation import Prepared
from thalweg.training.torch.loop.trouble import RunningLoss
from thalweg.training.torch.result import TrainingResult
from thalweg.training.torch.settings import Metric

__all__ = ["batch_ended", "end_epoch", "result_of", "started", "stop_reason"]


def started(run: Prepared) -> TrainingStarted:
    """Give the event with which a training begins."""
    progress, trained = run.training.progress, [p for p in run.training.module.parameters() if p.requires_grad]
    return TrainingStarted(
        run.recipe.epochs, progress.epoch + 1, run.batches.per_epoch, sum(p.numel() for p in trained),
        str(run.processes.device), progress.learning_rate, progress.learning_rate_reason,
    )  # fmt: skip


def batch_ended(run: Prepared, loss: Tensor, learning_rate: float) -> BatchEnded:
    """Give the event of a step."""
    now = run.training.progress
    return BatchEnded(now.epoch + 1, now.batch, run.batches.per_epoch, now.step, loss.detach(), learning_rate)


def end_epoch(run: Prepared, losses: RunningLoss) -> EpochEnded:
    """Validate, keep the weights if they are the best so far, and write the epoch into the progress.

    Args:
        run: What is trained.
        losses: Of this epoch, passed on.

    Raises:
        InvalidData: The epoch had no batch, or none of its rows a weight.
    """
    training, progress, metric, trained = run.training, run.training.progress, run.metric, losses.seconds
    if not progress.batch or not progress.mass:
        raise InvalidData(f"epoch {progress.epoch + 1} had {progress.batch} batches, and no row of a positive weight")
    loss = progress.loss / progress.mass
    run.processes.share_buffers(training.module)
    with training.stepper.averaged():
        validation_loss, value = None, None
        if run.validation is not None:
            looked = evaluate(training.module, run.loss, run.validation.epoch(0), run.precision, metric)
            validation_loss, value = run.processes.same(looked)
        watched = _watched(loss, validation_loss, value, metric)
        stopping = run.recipe.early_stopping
        improved = watched < progress.best_value - (stopping.improvement if stopping else 0.0)
        if improved and stopping is not None:
            training.best = training.weights()
    progress.epoch, progress.batch, progress.loss, progress.mass = progress.epoch + 1, 0, 0.0, 0.0
    if improved:
        progress.best_value, progress.best_epoch = watched, progress.epoch
    event = EpochEnded(
        progress.epoch, run.recipe.epochs, progress.step, loss, validation_loss, value, metric.name if metric else "",
        progress.factor * run.schedule.at(progress.step - 1), improved, losses.seconds, losses.rows / trained,
    )  # fmt: skip
    progress.history += (event,)
    return event


def stop_reason(run: Prepared, asked: bool) -> str:
    """Say why the training is over, nothing while it is not; asked: whether an observer of the first process wants it."""
    progress, recipe, asked = run.training.progress, run.recipe, run.processes.same(asked)
    stopping = recipe.early_stopping
    if stopping is not None and progress.epoch - progress.best_epoch >= stopping.patience:
        best = (
            f"the weights are those of epoch {progress.best_epoch}, the best"
            if progress.best_epoch
            else "nothing that was watched was a number, and the weights are the last"
        )
        return f"no improvement in {stopping.patience} epochs: {best}"
    if progress.epoch >= recipe.epochs:
        return f"{progress.epoch} epochs were made"
    return f"an observer asked to stop after epoch {progress.epoch}" if asked else ""


def result_of(training: Training) -> TrainingResult:
    """Give what a training has come to."""
    progress = training.progress
    return TrainingResult(
        training.module, progress.history, progress.stop_reason, progress.learning_rate, progress.learning_rate_reason,
        progress.best_epoch, progress.rollbacks, progress.seconds,
    )  # fmt: skip


def _watched(loss: float, validation_loss: float | None, value: float | None, metric: Metric | None) -> float:
    """Give what is watched: less is better, and NaN is never the best."""
    if metric is not None and value is not None:
        return -value if metric.goal == "maximize" else value
    watched = loss if validation_loss is None else validation_loss
    return watched if not math.isnan(watched) else math.inf
