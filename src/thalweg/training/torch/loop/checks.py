"""What can be said of a module, a loss and a first batch before anything is trained."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from thalweg.errors import IncompatibleProblem, InvalidData, ThalwegError
from thalweg.problem import Minibatches
from thalweg.training.losses import Multinomial
from thalweg.training.torch.batches.batches import Batch, Batches, leaves, rows_in
from thalweg.training.torch.batches.randomness import random_state, set_random_state
from thalweg.training.torch.checkpoints.state import untouched
from thalweg.training.torch.loop.evaluation import forward, mean, shapes
from thalweg.training.torch.losses import RowLoss

__all__ = ["check_first_batch", "check_labels", "check_last_batch", "check_validation"]

CROSS_ENTROPIES = (nn.CrossEntropyLoss, nn.NLLLoss, Multinomial)
IGNORED = -100  # the label that PyTorch's cross-entropy leaves out


def check_last_batch(module: nn.Module, source: Any, world: int) -> None:
    """Refuse minibatches whose last one is too small for batch normalization.

    Raises:
        InvalidData: A process would get a batch of one row.
    """
    if not (isinstance(source, Minibatches) and source.shares and source.rows and source.size):
        return
    last, name = round(source.shares[-1] * source.rows), _normalization(module)
    if name and last < 2 * world:
        raise InvalidData(
            f"{source.rows} rows in batches of {source.size} leave a last batch of {last}, for {world} process(es), and "
            f"batch normalization (the module's {name}) needs two rows in each: choose another size than {source.size}"
        )


def check_first_batch(
    module: nn.Module, loss: Any, function: RowLoss, source: Any, batches: Batches, where: AbstractContextManager[Any]
) -> list[str]:
    """Try the first batch, there and back, and leave module, random generators and place in the data as they were.

    Args:
        module: In training mode, on the device.
        loss: As the user gave it.
        function: The same as a function of output and target.
        source: The data as the user gave it: of arrays, all labels are looked at.
        batches: Of which the first is tried.
        where: The context of the precision.

    Returns:
        Names of the parameters to be trained that the loss does not depend on.

    Raises:
        InvalidData: What is wrong with inputs, targets or weights.
        IncompatibleProblem: What is wrong with the module or the loss.
    """
    with untouched(module), _place_kept(batches), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they come again when it is trained
        batch = next(batches.epoch(0), None)
        if batch is None:
            raise InvalidData("an epoch has no batch: are there rows, or does drop_last=True leave none?")
        _check_rows(module, batch)
        with where:
            output = _attempt(lambda: forward(module, batch.inputs), "the module", batch.inputs)
            arrays = source.arrays if isinstance(source, Minibatches) else None
            check_labels(loss, output, batch.targets)
            check_labels(loss, output, torch.as_tensor(arrays[1]) if arrays else None)
            losses = _attempt(lambda: function(output, batch.targets), "the loss", (output, batch.targets))
            _check_losses(losses, output, batch)
            _check_rows_match(function, output, batch.targets)
            return _check_gradient(module, mean(losses, batch.weights), output, batch)


def check_validation(
    module: nn.Module, loss: Any, function: RowLoss, batches: Batches, where: AbstractContextManager[Any]
) -> None:
    """Try the first batch of the validation data, and leave everything as it was; arguments as of the training data's.

    Raises:
        InvalidData: There is none, or it holds what cannot be judged.
        IncompatibleProblem: Module or loss fail on it.
    """
    with untouched(module), _place_kept(batches), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        batch = next(batches.epoch(0), None)
        if batch is None or not batch.rows:
            raise InvalidData("the validation data has no row: give some, or validation=None")
        module.eval()
        try:
            with where:
                output = _attempt(lambda: forward(module, batch.inputs), "the module", batch.inputs)
                check_labels(loss, output, batch.targets)
                losses = _attempt(lambda: function(output, batch.targets), "the loss", (output, batch.targets))
            _check_losses(losses, output, batch)
            _check_rows_match(function, output, batch.targets)
        finally:
            module.train()


def check_labels(loss: Any, output: Any, target: Any) -> None:
    """Compare the numbers of classes with the outputs, before a GPU does, which would not survive it.

    Args:
        loss: As the user gave it; only those that take class labels are looked at.
        output: (n, classes, …).
        target: Labels.

    Raises:
        InvalidData: There are labels outside 0 … classes − 1.
        IncompatibleProblem: The output has no axis of classes.
    """
    labelled = isinstance(loss, CROSS_ENTROPIES) or loss in (functional.cross_entropy, functional.nll_loss)
    if not (labelled and isinstance(output, Tensor) and isinstance(target, Tensor)) or target.is_floating_point():
        return
    if output.ndim < 2:
        raise IncompatibleProblem(f"the output is {shapes(output)}, and targets {shapes(target)} need (n, classes)")
    labels, classes = target[target != getattr(loss, "ignore_index", IGNORED)], output.shape[1]
    if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise InvalidData(
            f"the targets {shapes(target)} hold classes from {int(labels.min())} to {int(labels.max())}, and the output "
            f"{shapes(output)} is for 0 to {classes - 1}: number the classes anew, or give the module more outputs"
        )


@contextmanager
def _place_kept(batches: Batches) -> Iterator[None]:
    """Let all random generators, those of a data loader too, stand afterwards where they stood."""
    randomness, place = random_state(), batches.state()
    try:
        yield
    finally:
        set_random_state(randomness)
        batches.load(place)


def _attempt(function: Callable[[], Any], what: str, given: Any) -> Any:
    """Say what shapes were given to the part that fails: PyTorch's own words seldom do."""
    try:
        return function()
    except ThalwegError:
        raise
    except Exception as error:  # whatever a user's module or loss raises
        raise IncompatibleProblem(f"{what} failed on {shapes(given)}: {error}") from error


def _check_rows(module: nn.Module, batch: Batch) -> None:
    """Look for rows that are missing, and for batch normalization of a single one."""
    given, rows = f"inputs {shapes(batch.inputs)}, targets {shapes(batch.targets)}", rows_in(batch.targets)
    if not rows:
        raise InvalidData(f"the first batch has no row: {given}")
    if batch.weights is not None and batch.weights.shape != (rows,):
        raise InvalidData(f"the first batch has weights {shapes(batch.weights)}, expected one a row, and {given}")
    if rows == 1 and (name := _normalization(module)):
        raise InvalidData(
            f"the first batch has one row ({given}), and batch normalization (the module's {name}) needs two: choose larger "
            "batches"
        )


def _normalization(module: nn.Module) -> str:
    """Name the first batch normalization that learns from the batch."""
    return next((name for name, part in module.named_modules() if isinstance(part, _BatchNorm) and part.training), "")


def _check_losses(losses: Any, output: Any, batch: Batch) -> None:
    """Look at what the loss gives: one finite number, or one a row."""
    given = f"outputs {shapes(output)} and targets {shapes(batch.targets)}"
    if not isinstance(losses, Tensor):
        raise IncompatibleProblem(f"the loss of {given} is of type {type(losses).__name__}, expected a tensor")
    rows = rows_in(batch.targets)
    if losses.shape not in ((), (rows,)):
        raise IncompatibleProblem(
            f"the loss of {given} has the shape {tuple(losses.shape)}, expected () or ({rows},), one number a row"
        )
    if batch.weights is not None and losses.ndim == 0:
        raise IncompatibleProblem(
            "the rows have weights, and the loss is one number for all of them: give one that keeps its rows, such as "
            'torch.nn.CrossEntropyLoss(reduction="none")'
        )
    if not bool(losses.isfinite().all()):
        missing = sum(int((~leaf.isfinite()).sum()) for leaf in leaves((batch.inputs, batch.targets, batch.weights)))
        where = (
            f"{missing} numbers of the batch are NaN or infinite" if missing else "although all its numbers are finite"
        )
        raise InvalidData(f"the loss of the first batch is not finite, before anything is trained: {where} ({given})")


def _check_rows_match(function: RowLoss, output: Any, target: Any) -> None:
    """See that a row's loss is a matter of its own target: outputs (n, 1) beside targets (n,) become all pairs, (n, n)."""
    if not (isinstance(output, Tensor) and isinstance(target, Tensor)) or output.shape == target.shape:
        return
    if output.ndim != 2 or output.shape[1] != 1 or target.ndim != 1 or len(target) < 2:
        return
    two = torch.stack([target.argmin(), target.argmax()])
    with torch.no_grad():
        alone = [function(output[i : i + 1], target[i : i + 1]).sum() for i in two]
        together = function(output[two], target[two]).sum()
    total = alone[0] + alone[1]
    if not any(torch.allclose(together, expected, rtol=1e-3) for expected in (total, total / 2)):
        raise IncompatibleProblem(
            f"the output is {shapes(output)} and the targets {shapes(target)}: the loss compares every row with every "
            "other's target; bring both to one shape, by y[:, None] or by a module that ends in torch.nn.Flatten(0)"
        )


def _check_gradient(module: nn.Module, loss: Tensor, output: Any, batch: Batch) -> list[str]:
    """Go back from the loss, and name the parameters that it does not reach."""
    trained = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
    if not trained:
        raise IncompatibleProblem(
            f"the module ({type(module).__name__}) has no parameter that requires a gradient: there is nothing to train"
        )
    if not loss.requires_grad:
        raise IncompatibleProblem(
            "the loss does not depend on the module's parameters in a way that can be differentiated: is something "
            "detached, turned to NumPy, or an argmax taken?"
        )
    gradients = _attempt(
        lambda: torch.autograd.grad(loss, list(trained.values()), allow_unused=True),
        "the backward pass", (output, batch.targets),
    )  # fmt: skip
    return [name for name, gradient in zip(trained, gradients, strict=True) if gradient is None]
