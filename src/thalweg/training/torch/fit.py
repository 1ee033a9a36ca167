"""The training loop of a PyTorch module, from top to bottom.

D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating errors", Nature 323, 1986.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from thalweg.training.losses import Loss
from thalweg.training.torch.batches.randomness import seeded
from thalweg.training.torch.devices.parallel import joined
from thalweg.training.torch.events import Observer, Observers, TrainingStopped
from thalweg.training.torch.loop.epochs import batch_ended, end_epoch, result_of, started, stop_reason
from thalweg.training.torch.loop.evaluation import forward, mean
from thalweg.training.torch.loop.preparation import Prepared, prepare
from thalweg.training.torch.loop.trouble import RunningLoss, exploded
from thalweg.training.torch.result import TrainingResult
from thalweg.training.torch.settings import Checkpoint, Hardware, Metric, Recipe

__all__ = ["fit_module"]

RECIPE, HARDWARE = Recipe(), Hardware()  # where none is given


def fit_module(
    module: nn.Module,
    loss: Loss | Callable[[Any, Any], Tensor],
    batches: Any,
    *,
    recipe: Recipe = RECIPE,
    validation: Any = None,
    metric: Metric | None = None,
    hardware: Hardware = HARDWARE,
    checkpoint: Checkpoint | str | Path | None = None,
    observers: Sequence[Observer] = (),
    seed: int | None = None,
) -> TrainingResult:
    """Train a module, in place: θ ← θ − α·direction(∇ mean ℓ(module(X_batch; θ), y_batch)), batch after batch.

    A batch is (inputs, targets) or (inputs, targets, weights). Inputs are a tensor, a tuple for ``module(*inputs)`` or a
    mapping for ``module(**inputs)``.

    Started by ``torchrun``, the processes train together, each on its rows of every batch of Minibatches, or on what its
    own data loader gives (of as many batches in each); batch normalization knows the rows of its process only. Where the
    rule averages the weights (``ExponentialAverage``, schedule-free), the averages are validated and are the result; the
    statistics of batch normalization stay those of the weights that were trained.

    Args:
        module: Its parameters that require gradients are trained. It is moved to the device. All of it is in training
            mode meanwhile: batch normalization that is to stay as it is has to override ``train``.
        loss: ℓ(output, target), (n,) or its mean; or a :class:`thalweg.training.losses.Loss`, such as ``Huber(1.0)``. Rows
            are weighted where there is one loss for each of them.
        batches: :class:`thalweg.Minibatches`; or an iterable that begins anew for each epoch, such as a DataLoader.
        recipe: The update rule, its learning rate, the number of epochs.
        validation: (X, y) or (X, y, weights), or as ``batches``: looked at after every epoch, in evaluation mode.
        metric: Of the validation data.
        hardware: Where and how precisely.
        checkpoint: A file, in which the training survives: the same call again continues to the bit, on the same device
            with as many threads. Of an iterable that is shuffled by PyTorch's, NumPy's or Python's global generators,
            or by the ``generator`` of its sampler, the same batches come again.
        observers: Called with every event.
        seed: Of the global random generators of PyTorch, NumPy and Python while this runs, from which dropout and data
            loaders take; afterwards they stand where they stood. None lets them go on from where they are.

    Returns:
        The module, with the best weights where there is early stopping, and the story of the training.

    Raises:
        InvalidData: The data cannot be learned from, found at its first batch.
        IncompatibleProblem: Module, loss and data do not fit together, found at the first batch.
        InvalidSettings: The settings do not fit together.
        ContradictorySettings: The checkpoint is another training's.
        UnreadableState: The checkpoint is damaged.
        StorageError: The checkpoint cannot be read, or its folder does not exist.

    Example:
        >>> import torch
        >>> from thalweg.problem import Minibatches
        >>> X = torch.linspace(-1, 1, 200)[:, None]
        >>> module = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
        >>> recipe = Recipe(learning_rate=0.02, epochs=30)
        >>> result = fit_module(module, nn.MSELoss(), Minibatches(X, X**2, size=20), recipe=recipe, seed=0)
        >>> result.stop_reason, result.history[-1].loss < 0.01
        ('30 epochs were made', True)
    """
    if checkpoint is not None and not isinstance(checkpoint, Checkpoint):
        checkpoint = Checkpoint(str(checkpoint))
    processes = joined(hardware)
    with seeded(seed, processes.rank):
        run = prepare(module, loss, batches, recipe, validation, metric, hardware, checkpoint, seed, processes)
        if not run.training.progress.stop_reason:
            _train(run, Observers(observers if processes.rank == 0 else ()))
        run.training.finish()
        return result_of(run.training)


def _train(run: Prepared, tell: Observers) -> None:
    training, last_good, stepper, scaler = run.training, run.last_good, run.training.stepper, run.training.scaler
    tell(started(run))
    while not training.progress.stop_reason:
        progress, losses, batch, trouble = training.progress, RunningLoss(run.processes), None, ""
        run.network.train()

        for batch in run.batches.epoch(progress.epoch, start=progress.batch):
            # forward
            with run.precision:
                output = forward(run.network, batch.inputs)
                loss = mean(run.loss(output, batch.targets), batch.weights)

            # backward
            scaled = run.processes.scaled(loss, batch.mass)
            (scaled if scaler is None else scaler.scale(scaled)).backward()  # type: ignore[no-untyped-call]

            # step
            learning_rate = progress.factor * run.schedule.at(progress.step)
            stepper.step(learning_rate, scaler)

            # count; and look now and then, since a GPU waits for those who look
            progress.batch += 1
            progress.step += 1
            losses.add(loss, batch)
            if tell.every_batch:
                tell(batch_ended(run, loss, learning_rate))
            if last_good.due:
                trouble = losses.trouble(progress) or exploded(run, batch)
                if trouble:
                    break
                last_good.keep()

        else:
            # validate, stop
            trouble = losses.trouble(progress)
            if not trouble:
                asked = tell(end_epoch(run, losses))
                progress.stop_reason = stop_reason(run, asked)
                if last_good.due or progress.stop_reason:
                    trouble = exploded(run, batch)
                if last_good.due and not trouble:
                    last_good.keep()

        # undo
        if trouble:
            tell(last_good.roll_back(trouble, stop=run.recipe.on_divergence == "stop"))

    last_good.keep(write=True)
    tell(TrainingStopped(training.progress.stop_reason))
