"""What a training is told: how to learn, when to stop, what to measure, where to run and where to be written."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, final

from torch import Tensor

from thalweg.errors import InvalidSettings
from thalweg.optimizers.rules import AdamW, AnyRule, Schedule, UpdateRule
from thalweg.serial import frozen

__all__ = ["Checkpoint", "EarlyStopping", "Hardware", "Metric", "Recipe"]


@final
@frozen
class EarlyStopping:
    """Stop when what is watched has not improved for some epochs, and take the weights of the best epoch.

    The metric is watched where there is one, else the loss on the validation data, else the loss on the training data.

    Args:
        patience: Epochs without an improvement after which training stops, at least 1.
        improvement: Change below which nothing counts as one, at least 0, in the units of what is watched.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> EarlyStopping(patience=3)
        EarlyStopping(patience=3, improvement=0.0)
    """

    patience: int = 10
    improvement: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        _whole(self, "patience")
        _refuse_unless(_number(self.improvement) >= 0, self, "improvement", "a number of at least 0")


@final
@frozen
class Recipe:
    """How a module learns.

    Clipping, accumulation and averages are rules around rules: ``Accumulate(Chain((ClipNorm(1.0), AdamW())), gradients=4)``,
    ``ExponentialAverage(AdamW(), decay=0.999)``.

    Args:
        rule: From gradients to steps.
        learning_rate: A positive number, a schedule over the steps (one a batch), or ``"auto"``: a race of rates on
            copies of the module, then a warm-up and a cosine over the whole training.
        epochs: Passes over the data, at least 1.
        early_stopping: When to stop before.
        on_divergence: What follows when a loss is NaN or infinite: ``"rollback"`` to the last good state with half the rate,
            or ``"stop"`` with its weights.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> Recipe(learning_rate=0.001, epochs=5).rule
        AdamW(beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0.01)
    """

    rule: AnyRule = AdamW(weight_decay=0.01)
    learning_rate: float | Schedule | Literal["auto"] = "auto"
    epochs: int = 20
    early_stopping: EarlyStopping | None = None
    on_divergence: Literal["rollback", "stop"] = "rollback"

    def __post_init__(self) -> None:
        """Check the settings."""
        _refuse_unless(isinstance(self.rule, UpdateRule), self, "rule", "an update rule, such as AdamW()")
        rate = self.learning_rate
        known = rate == "auto" or isinstance(rate, Schedule) or 0 < _number(rate) < math.inf
        _refuse_unless(known, self, "learning_rate", 'a positive number, a schedule, or "auto"')
        _whole(self, "epochs")
        _one_of(self, "on_divergence", "rollback", "stop")
        stopping = self.early_stopping
        _refuse_unless(
            stopping is None or isinstance(stopping, EarlyStopping), self, "early_stopping", "EarlyStopping()"
        )


@final
@dataclass(frozen=True)
class Metric:
    """A measure of the outputs for all rows of the validation data together.

    Args:
        name: For people.
        function: Of outputs and targets, on the CPU, with one entry a row; it gives a number.
        goal: What is good.

    Raises:
        InvalidSettings: The goal is no goal.

    Example:
        >>> import torch
        >>> accuracy = Metric("accuracy", lambda output, target: (output.argmax(1) == target).float().mean())
        >>> float(accuracy.function(torch.eye(2), torch.tensor([0, 0])))
        0.5
    """

    name: str
    function: Callable[[Tensor, Tensor], Any]
    goal: Literal["maximize", "minimize"] = "maximize"

    def __post_init__(self) -> None:
        """Check the goal."""
        _one_of(self, "goal", "maximize", "minimize")


@final
@frozen
class Checkpoint:
    """The file in which a training survives: written whole or not at all, at the start, now and then, and at the end.

    The same call with the same file continues, and gives the same weights to the bit. What is written is the state of a
    look at the losses: there is one every 100 batches.

    Args:
        path: The file, in a folder that exists.
        seconds: Time after which it is written again, at the next look; at least 0.
        steps: Batches after which it is written again, however soon; below 100, looks come as often. For batches that take
            long.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> Checkpoint("net.safetensors").seconds
        60.0
    """

    path: str
    seconds: float = 60.0
    steps: int | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        fits = isinstance(self.path, str | Path) and str(self.path) != ""
        _refuse_unless(fits, self, "path", "the path of a file")
        _refuse_unless(_number(self.seconds) >= 0, self, "seconds", "a number of at least 0")
        if self.steps is not None:
            _whole(self, "steps")


@final
@frozen
class Hardware:
    """Where and in what precision a module is computed.

    Args:
        device: ``"auto"`` is a GPU where there is one; else a name of PyTorch's.
        precision: Of the layers that bear less than float32; weights stay as they are. ``"float16"`` scales the loss.
        compile: Let ``torch.compile`` translate the module: the first batches take long.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> Hardware(device="cpu").precision
        'float32'
    """

    device: str = "auto"
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    compile: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        _refuse_unless(isinstance(self.device, str), self, "device", '"auto", "cpu", "cuda" or "cuda:1"')
        _one_of(self, "precision", "float32", "bfloat16", "float16")


def _number(value: Any) -> float:
    """Give NaN, which is in no range, for what is no number."""
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan


def _whole(owner: object, name: str) -> None:
    value = getattr(owner, name)
    _refuse_unless(isinstance(value, Integral) and _number(value) >= 1, owner, name, "a whole number of at least 1")


def _one_of(owner: object, name: str, *known: str) -> None:
    _refuse_unless(getattr(owner, name) in known, owner, name, " or ".join(f'"{value}"' for value in known))


def _refuse_unless(fits: bool, owner: object, name: str, expected: str) -> None:
    if not fits:
        raise InvalidSettings(f"{type(owner).__name__}: {name}={getattr(owner, name)!r}, expected {expected}")
