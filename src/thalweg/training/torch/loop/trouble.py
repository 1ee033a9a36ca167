"""Losses that are no longer finite: found, and said in words."""

import math
import time
from typing import final

import torch
from torch import Tensor

from thalweg.training.torch.batches.batches import Batch
from thalweg.training.torch.checkpoints.state import Progress, untouched
from thalweg.training.torch.devices.parallel import Processes
from thalweg.training.torch.loop.evaluation import forward, mean
from thalweg.training.torch.loop.preparation import Prepared

__all__ = ["RunningLoss", "exploded"]


@final
class RunningLoss:
    """The losses of the batches since the last look; to look makes a GPU wait.

    Attributes:
        rows: Seen since the beginning, of all processes; those since the last look do not count.
    """

    def __init__(self, processes: Processes) -> None:
        """Begin with nothing."""
        self.rows, self._began = 0, time.perf_counter()
        self._processes, self._losses, self._batches = processes, list[Tensor](), list[tuple[float | Tensor, int]]()

    @property
    def seconds(self) -> float:
        """Time since the beginning."""
        return time.perf_counter() - self._began

    def add(self, loss: Tensor, batch: Batch) -> None:
        """Take in the mean loss () of a batch."""
        self._losses.append(loss.detach())
        self._batches.append((batch.mass, batch.rows))

    def trouble(self, progress: Progress) -> str:
        """Look: pass the sums on to the progress, or name the first batch whose loss is not finite."""
        if not self._losses:
            return ""
        masses, rows = (torch.tensor(values, dtype=torch.float64) for values in zip(*self._batches, strict=True))
        losses = torch.stack(self._losses).cpu().double() * masses
        sums = self._processes.total(torch.stack([losses, masses, rows]))
        self._losses, self._batches = [], []
        finite = sums[0].isfinite()
        if not finite.all():
            first = int(finite.int().argmin())  # True is 1
            batch = progress.batch - len(finite) + first + 1
            return f"the loss of batch {batch} of epoch {progress.epoch + 1} was {sums[0, first].item():g}"
        loss, mass, new = sums.sum(dim=1).tolist()
        progress.loss, progress.mass, self.rows = progress.loss + loss, progress.mass + mass, self.rows + int(new)
        return ""


def exploded(run: Prepared, batch: Batch | None) -> str:
    """Say whether the last step made weights with which its own batch has no finite loss any more."""
    if batch is None:
        return ""
    with untouched(run.training.module), torch.no_grad(), run.precision:
        loss = mean(run.loss(forward(run.training.module, batch.inputs), batch.targets), batch.weights)
    if math.isfinite(run.processes.total(loss.double().cpu() * batch.mass).item()):
        return ""
    return f"the weights exploded in step {run.training.progress.step}"
