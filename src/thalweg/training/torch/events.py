"""What a training tells its observers: progress bars, loggers, your own function.

An observer is any function of one event. It is called by the process that trains, in a training of several processes by
the first. One that returns True stops the training after the epoch; what it raises ends it at once. An observer
whose attribute ``every_batch`` is True is told of every batch too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

from torch import Tensor

__all__ = [
    "BatchEnded",
    "EpochEnded",
    "Event",
    "Observer",
    "Observers",
    "RolledBack",
    "TrainingStarted",
    "TrainingStopped",
]


@final
@dataclass(frozen=True)
class TrainingStarted:
    """A training begins, or continues from a checkpoint.

    Attributes:
        epochs: Passes that it will make at most.
        epoch: The epoch that it begins with, from 1.
        batches: Batches an epoch, None where nobody knows.
        parameters: Numbers that are trained.
        device: Where.
        learning_rate: The rate that was given or chosen, before any schedule.
        learning_rate_reason: Why that one.
    """

    epochs: int
    epoch: int
    batches: int | None
    parameters: int
    device: str
    learning_rate: float
    learning_rate_reason: str


@final
@dataclass(frozen=True)
class BatchEnded:
    """A step was made.

    Attributes:
        epoch: Of how many epochs this is one, from 1.
        batch: The batch within the epoch, from 1.
        batches: How many it has, None where nobody knows.
        step: Batches since the training began.
        loss: Mean loss of the batch, before the step; a tensor () on the device: to read it makes a GPU wait.
        learning_rate: Of the step.
    """

    epoch: int
    batch: int
    batches: int | None
    step: int
    loss: Tensor
    learning_rate: float


@final
@dataclass(frozen=True)
class EpochEnded:
    """All batches were seen once more, and the validation data after them.

    Attributes:
        epoch: Which, from 1.
        epochs: Of how many at most.
        step: Batches since the training began.
        loss: Mean over the rows of the epoch, each before the step of its batch.
        validation_loss: Mean over the rows of the validation data, None without one.
        metric: None without one.
        metric_name: Empty without one.
        learning_rate: Of the last step.
        improved: Whether what is watched (the metric, else the validation loss, else the loss) is the best so far.
        seconds: That the epoch took.
        rows_per_second: Trained; the time of the validation does not count.
    """

    epoch: int
    epochs: int
    step: int
    loss: float
    validation_loss: float | None
    metric: float | None
    metric_name: str
    learning_rate: float
    improved: bool
    seconds: float
    rows_per_second: float


@final
@dataclass(frozen=True)
class RolledBack:
    """The loss had become NaN or infinite, and training went back to the last good state.

    Attributes:
        epoch: Where it goes on, from 1.
        batch: Batches of that epoch which are kept.
        factor: By which every learning rate is multiplied from now on.
        reason: What happened, in words.
    """

    epoch: int
    batch: int
    factor: float
    reason: str


@final
@dataclass(frozen=True)
class TrainingStopped:
    """The training is over, for this reason."""

    reason: str


Event = TrainingStarted | BatchEnded | EpochEnded | RolledBack | TrainingStopped
Observer = Callable[[Any], bool | None]


@final
class Observers:
    """All observers of a training.

    Attributes:
        every_batch: Whether one of them wants to be told of every batch.
    """

    def __init__(self, observers: Sequence[Observer]) -> None:
        """Ask each what it wants to know."""
        self._all, self._asked_to_stop = tuple(observers), False
        self._eager = tuple(observer for observer in observers if getattr(observer, "every_batch", False))
        self.every_batch = bool(self._eager)

    def __call__(self, event: Event) -> bool:
        """Tell them; say whether one has asked, now or before, to stop after this epoch."""
        for observer in self._eager if isinstance(event, BatchEnded) else self._all:
            self._asked_to_stop |= observer(event) is True
        return self._asked_to_stop
