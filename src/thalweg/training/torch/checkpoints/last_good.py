"""The last good state of a training: in memory, and now and then in a file."""

import math
import time
import warnings
from pathlib import Path
from typing import Any, final

from thalweg.errors import StorageError
from thalweg.training.files import CheckpointWarning, write_whole
from thalweg.training.torch.checkpoints.agreement import allow_continuation
from thalweg.training.torch.checkpoints.files import from_file_bytes, read_file, to_file_bytes
from thalweg.training.torch.checkpoints.state import Training
from thalweg.training.torch.devices.parallel import Processes
from thalweg.training.torch.events import RolledBack
from thalweg.training.torch.settings import Checkpoint

__all__ = ["LastGood"]

EVERY = 100  # batches between two looks at the losses, and two copies of the state
ROLLBACKS = 10


@final
class LastGood:
    """A copy of the training at the last look that found nothing wrong, to which it can go back.

    Args:
        training: At its beginning, which is its first good state.
        checkpoint: The file, or None.
        settings: That stand in the file.
        processes: That train together; the first one writes.
    """

    def __init__(
        self, training: Training, checkpoint: Checkpoint | None, settings: dict[str, Any], processes: Processes
    ) -> None:
        """Copy the beginning, and write nothing yet."""
        self._training, self._checkpoint, self._settings, self._processes = training, checkpoint, settings, processes
        # A name that begins in the present folder, which may be another one later.
        self._path = str(Path(checkpoint.path).expanduser().absolute()) if checkpoint else ""
        self._every = min(EVERY, checkpoint.steps or EVERY) if checkpoint else EVERY
        self._started = self._written = time.monotonic()
        self._written_step = 0
        self._snapshot = training.snapshot()
        self._before = 0.0  # seconds of processes that were here before

    def resume(self) -> bool:
        """Go on from the file; tell whether there is one.

        Raises:
            ContradictorySettings: Another training has written it.
            UnreadableState: It is damaged.
            StorageError: It cannot be read, or its folder does not exist.
        """
        if self._checkpoint is None:
            return False
        path, first = self._path, self._processes.rank == 0
        data = self._processes.same(read_file(path) if first else None)
        if data is None:
            return False
        snapshot, stored = from_file_bytes(data, self._processes.rank)
        allow_continuation(stored, self._settings, snapshot, self._training, path)
        self._training.restore(snapshot)
        progress = self._training.progress
        if progress.epoch == stored["epochs"] < self._settings["epochs"]:
            progress.stop_reason = ""  # more epochs are asked for
        self._snapshot, self._before, self._written_step = self._training.snapshot(), progress.seconds, progress.step
        return True

    @property
    def seconds(self) -> float:
        """Time that the training took until now."""
        return self._before + time.monotonic() - self._started

    @property
    def due(self) -> bool:
        """Whether it is time for a look."""
        return self._training.progress.step - self._snapshot.progress.step >= self._every

    def keep(self, write: bool = False) -> None:
        """Copy the state, which was found good; write it where it is time, or in any case."""
        self._training.progress.seconds = self.seconds
        self._snapshot = self._training.snapshot()
        if self._checkpoint is None:
            return
        late = time.monotonic() - self._written >= self._checkpoint.seconds
        far = self._snapshot.progress.step - self._written_step >= (self._checkpoint.steps or math.inf)
        if write or far or self._processes.same(late):
            self._write(self._path)

    def roll_back(self, trouble: str, stop: bool) -> RolledBack:
        """Go back to the copy, with half the rate, or to stay there.

        Args:
            trouble: What has happened.
            stop: Make an end. It is made too when going back has not helped.
        """
        training, before = self._training, self._training.progress
        training.restore(self._snapshot)
        progress = training.progress
        progress.factor, progress.rollbacks = before.factor, before.rollbacks
        place = f"epoch {progress.epoch + 1}, batch {progress.batch}"
        if stop or len(progress.rollbacks) >= ROLLBACKS:
            tried = "" if stop else f", and to go back with half the rate has not helped {ROLLBACKS} times"
            weights = f"epoch {progress.best_epoch}, the best" if training.best else f"{place}, the last that were good"
            progress.stop_reason = f"{trouble}{tried}; the weights are those of {weights}"
        else:
            progress.factor /= 2
            progress.rollbacks += (f"{trouble}: back to {place}, the learning rate times {progress.factor:g}",)
        return RolledBack(progress.epoch + 1, progress.batch, progress.factor, trouble)

    def _write(self, path: str) -> None:
        owns = self._processes.gathered(self._snapshot.own)
        self._written, self._written_step = time.monotonic(), self._snapshot.progress.step
        if self._processes.rank:
            return
        try:
            write_whole(path, to_file_bytes(self._snapshot, owns, self._settings))
        except StorageError as error:
            warnings.warn(f"{error}; the training goes on, and will try again", CheckpointWarning, stacklevel=2)
