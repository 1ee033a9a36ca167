"""What a training gives back."""

from dataclasses import dataclass
from typing import final

from torch import nn

from thalweg.training.torch.events import EpochEnded

__all__ = ["TrainingResult"]


@final
@dataclass(frozen=True)
class TrainingResult:
    """A trained module, and how it came to be.

    Attributes:
        module: The one that was given, in evaluation mode, on the device where it was trained.
        history: One entry an epoch.
        stop_reason: Why training stopped.
        learning_rate: The rate that was given or chosen, before any schedule.
        learning_rate_reason: Why that one.
        best_epoch: The epoch whose watched value was best, from 1, and 0 where no epoch was completed; with early stopping
            its weights are the module's.
        rollbacks: What went wrong and was undone, in words, one entry each.
        seconds: That the training took, in all its processes since the first.
    """

    module: nn.Module
    history: tuple[EpochEnded, ...]
    stop_reason: str
    learning_rate: float
    learning_rate_reason: str
    best_epoch: int
    rollbacks: tuple[str, ...]
    seconds: float
