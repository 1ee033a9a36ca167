"""Observers of a training: a bar in the terminal, TensorBoard, MLflow."""

import re
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self, final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from thalweg.errors import MissingDependency
from thalweg.training.torch.events import (
    BatchEnded,
    EpochEnded,
    Event,
    RolledBack,
    TrainingStarted,
    TrainingStopped,
)

__all__ = ["EpochBar", "MLflow", "TensorBoard"]

REDRAWN_PER_SECOND = 10


@final
class EpochBar:
    """Show the epoch, the losses, the metric, the learning rate, and when all epochs would be over.

    Nothing is drawn where nobody looks. The bar vanishes when the training is over. As a context it does so where that
    fails, too.

    Args:
        console: Where to draw; standard error by default. Nothing is drawn on what is no terminal.

    Example:
        >>> with EpochBar() as bar:
        ...     bar(EpochEnded(1, 20, 100, 0.7, None, None, "", 0.001, True, 2.5, 4000.0))
    """

    def __init__(self, console: Console | None = None) -> None:
        """Draw nothing yet."""
        console = console or Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(),
        )
        self.every_batch = console.is_terminal
        self._progress = Progress(
            *columns, console=console, transient=True, auto_refresh=False, disable=not console.is_terminal
        )
        self._task = self._progress.add_task("", total=None, told="")
        self._last, self._drawn = "", 0.0  # what the last epoch has shown; when the bar was drawn

    def __enter__(self) -> Self:
        """Wait for the training."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Wipe the bar away."""
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Draw what has happened, a few times a second at most."""
        match event:
            case TrainingStarted():
                self._progress.reset(self._task, total=float(event.epochs), completed=event.epoch - 1)
                self._progress.start()
            case BatchEnded() if time.monotonic() - self._drawn > 1 / REDRAWN_PER_SECOND:
                done = event.epoch - 1 + (event.batch / event.batches if event.batches else 0)
                self._draw(done, event.epoch, f"loss {float(event.loss.detach()):.4g}", event.learning_rate)
            case EpochEnded():
                told = {"validation": event.validation_loss, event.metric_name: event.metric}
                self._last = "".join(f"  {name} {value:.4g}" for name, value in told.items() if value is not None)
                self._draw(event.epoch, event.epoch, f"loss {event.loss:.4g}", event.learning_rate)
            case RolledBack():
                self._last += f"  went back to epoch {event.epoch}"
            case TrainingStopped():
                self._progress.stop()

    def _draw(self, done: float, epoch: int, loss: str, learning_rate: float) -> None:
        epochs = self._progress.tasks[0].total
        described = f"epoch {epoch} of {epochs:.0f}" if epochs else f"epoch {epoch}"
        told = f"{loss}{self._last}  rate {learning_rate:.2g}"
        self._progress.update(self._task, completed=done, description=described, told=told)
        self._progress.refresh()
        self._drawn = time.monotonic()


@final
class TensorBoard:
    """Write losses, metric, learning rate and speed of every epoch where TensorBoard shows them.

    A training that continues goes on with its curves. One that begins takes the place of whatever the folder showed before.

    Args:
        folder: Of this run; ``tensorboard --logdir`` takes it, or the folder above for several runs.

    Raises:
        MissingDependency: TensorBoard is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, TensorBoard(folder) as board:
        ...     board(TrainingStarted(20, 1, 100, 7, "cpu", 0.001, "given"))
        ...     board(EpochEnded(1, 20, 100, 0.7, None, None, "", 0.001, True, 2.5, 4000.0))
    """

    def __init__(self, folder: str | Path) -> None:
        """Write nothing yet."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingDependency("TensorBoard", "logging to it", "tensorboard") from error
        self._open = SummaryWriter
        self._folder = str(folder)
        self._writer: Any = None

    def __enter__(self) -> Self:
        """Wait for the training."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file."""
        self._close()

    def __call__(self, event: Event) -> None:
        """Write what has happened."""
        match event:
            case TrainingStarted():
                self._begin(event.epoch)
                self._writer.add_text("training", _table(_facts(event)), event.epoch - 1)
            case EpochEnded():
                for name, value in _measured(event).items():
                    self._writer.add_scalar(name, value, event.epoch)
                self._writer.flush()
            case RolledBack():
                self._begin(event.epoch)
            case TrainingStopped():
                self._writer.add_text("stopped", event.reason)
                self._close()

    def _begin(self, epoch: int) -> None:
        """Go on from an epoch: TensorBoard leaves out what was written for it and later ones before."""
        self._close()
        self._writer = self._open(self._folder, purge_step=epoch)

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


@final
class MLflow:
    """Log a training to MLflow: a run with what was set, and losses, metric, learning rate and speed of every epoch.

    ::

        with MLflow("digits", run_name="wide net") as log:
            fit_module(module, loss, batches, observers=[log])

    A training that continues at a later epoch continues its run, which is found by its name; epochs that the run knows
    already are not logged again. The run ends as FINISHED when the training stops. As a context it ends as FAILED where that
    raises, or KILLED where it is interrupted.

    MLflow itself reports how it is used to its makers, unless ``MLFLOW_DISABLE_TELEMETRY=true`` is in the environment.

    Args:
        experiment: Its name, made where there is none; MLflow's ``Default`` where it is None.
        run_name: Of the run; MLflow makes one up where it is None.
        tracking_uri: Where runs are kept, such as ``"sqlite:///mlflow.db"`` or the address of a server; what MLflow is set
            to where it is None.

    Raises:
        MissingDependency: MLflow is not installed.
    """

    def __init__(
        self, experiment: str | None = None, run_name: str | None = None, tracking_uri: str | None = None
    ) -> None:
        """Reach the store; nothing is written yet."""
        try:
            from mlflow.entities import Metric, Param
            from mlflow.tracking import MlflowClient

            self._client = MlflowClient(tracking_uri)  # loads what the kind of store needs
        except ImportError as error:
            raise MissingDependency("MLflow", "logging to it", "mlflow") from error
        self._metric, self._parameter = Metric, Param
        self._experiment, self._name = experiment or "Default", run_name
        self._run, self._running = "", False
        self._logged = 0  # epochs

    def __enter__(self) -> Self:
        """Wait for the training."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the run, if the training has not."""
        if self._running:
            stopped = "FINISHED" if kind is None else "FAILED" if issubclass(kind, Exception) else "KILLED"
            self._end(stopped, "" if error is None else f"{type(error).__name__}: {error}")

    def __call__(self, event: Event) -> None:
        """Log what has happened."""
        match event:
            case TrainingStarted():
                self._begin(event)
            case EpochEnded() if event.epoch > self._logged:
                now = int(time.time() * 1000)
                measured = _measured(event).items()
                metrics = [self._metric(_allowed(name), value, now, event.epoch) for name, value in measured]
                self._client.log_batch(self._run, metrics=metrics)
                self._logged = event.epoch
            case RolledBack():
                self._logged = min(self._logged, event.epoch - 1)
            case TrainingStopped():
                self._end("FINISHED", event.reason)

    def _begin(self, event: TrainingStarted) -> None:
        """Continue a run, or make one."""
        known = self._client.get_experiment_by_name(self._experiment)
        experiment = known.experiment_id if known else self._client.create_experiment(self._experiment)
        run = self._earlier(experiment) if event.epoch > 1 else ""
        self._logged = (
            max((value.step for value in self._client.get_metric_history(run, "loss")), default=0) if run else 0
        )
        if run:
            self._client.update_run(run, status="RUNNING")
        else:
            run = self._client.create_run(experiment, run_name=self._name).info.run_id
            parameters = [self._parameter(name, value) for name, value in _facts(event).items()]
            self._client.log_batch(run, params=parameters)
        self._run, self._running = run, True

    def _earlier(self, experiment: str) -> str:
        """Give the run that this training has had: the last one of the name."""
        runs = self._client.search_runs([experiment]) if self._name and not self._run else []
        return next((run.info.run_id for run in runs if run.info.run_name == self._name), self._run)

    def _end(self, status: str, reason: str) -> None:
        self._client.set_tag(self._run, "stop_reason", reason)
        self._client.set_terminated(self._run, status)
        self._running = False


def _facts(event: TrainingStarted) -> dict[str, str]:
    """Give what was set, for people."""
    return {name: str(value) for name, value in vars(event).items() if name != "epoch"}


def _measured(event: EpochEnded) -> dict[str, float]:
    """Give what an epoch has shown, by name."""
    values = {
        "loss": event.loss,
        "validation_loss": event.validation_loss,
        event.metric_name: event.metric,
        "learning_rate": event.learning_rate,
        "rows_per_second": event.rows_per_second,
    }
    return {name: value for name, value in values.items() if value is not None}


def _table(facts: dict[str, str]) -> str:
    """Give a table in Markdown, which TensorBoard shows as one."""
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items())])


def _allowed(name: str) -> str:
    """Replace what MLflow does not take in the name of a metric."""
    return re.sub(r"[^\w\-./: ]", "_", name)
