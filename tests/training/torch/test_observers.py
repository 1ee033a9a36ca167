"""The bar, TensorBoard and MLflow: what they write is read back with their own readers."""

import io
import sys

import pytest
import torch
from mlflow.telemetry.utils import is_telemetry_disabled
from mlflow.tracking import MlflowClient
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from thalweg.errors import MissingDependency
from thalweg.training.torch.events import BatchEnded, EpochEnded, RolledBack, TrainingStarted, TrainingStopped
from thalweg.training.torch.observers import EpochBar, MLflow, TensorBoard


def started(epoch=1, epochs=5):
    return TrainingStarted(epochs, epoch, 10, 1234, "cpu", 0.01, "the race was won by 0.01")


def batch(epoch, number, loss=0.5, batches=10):
    return BatchEnded(epoch, number, batches, 10 * (epoch - 1) + number, torch.tensor(loss), 0.01)


def ended(epoch, loss=None, metric=0.9):
    loss = 1 / epoch if loss is None else loss
    return EpochEnded(epoch, 5, 10 * epoch, loss, 2 * loss, metric, "F1 (macro)", 0.01, True, 2.0, 5000.0)


def bare(epoch):
    return EpochEnded(epoch, 5, 10 * epoch, 1 / epoch, None, None, "", 0.01, True, 2.0, 5000.0)


def tell(observer, *events):
    for event in events:
        assert not observer(event)  # True would stop the training


def shown(terminal, *events):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=140)
    with EpochBar(console) as bar:
        assert bar.every_batch == terminal
        tell(bar, *events)
    return console.file.getvalue()


def test_the_bar_shows_how_training_goes_and_is_wiped_away():
    text = shown(
        True, started(), batch(1, 3), ended(1), RolledBack(1, 5, 0.5, "NaN"), ended(2), TrainingStopped("over")
    )
    for said in ("epoch 1 of 5", "epoch 2 of 5", "loss 0.5", "rate 0.01", "validation 2", "F1 (macro) 0.9"):
        assert said in text
    assert "\x1b[?25h" in text  # the cursor is shown again
    assert text.endswith("\x1b[2K")  # and the line is empty


def test_the_bar_knows_nothing_of_what_is_not_measured():
    text = shown(True, started(), batch(1, 3, batches=None), bare(1))
    assert "loss 1" in text
    assert "validation" not in text
    assert "None" not in text


def test_the_bar_is_drawn_a_few_times_only():
    few, many = (shown(True, started(), *(batch(1, k) for k in range(n))).count("loss") for n in (1, 3000))
    assert few == 2  # the batch, the end
    assert many < 200


def test_the_bar_is_nothing_where_nobody_looks():
    assert shown(False, started(), ended(1), TrainingStopped("over")) == ""


def test_the_terminal_is_given_back_where_training_fails():
    console = Console(file=io.StringIO(), force_terminal=True, width=140)
    with pytest.raises(ZeroDivisionError), EpochBar(console) as bar:
        tell(bar, started(), batch(1, 1))
        1 / 0  # noqa: B018
    assert console.file.getvalue().endswith("\x1b[2K")


def curve(folder, name):
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, round(event.value, 6)) for event in events.Scalars(name)]


def test_tensorboard_reads_every_epoch(tmp_path):
    with TensorBoard(tmp_path) as board:
        tell(board, started(), ended(1, 0.5), ended(2, 0.25), TrainingStopped("all epochs were made"))
    assert curve(tmp_path, "loss") == [(1, 0.5), (2, 0.25)]
    assert curve(tmp_path, "validation_loss") == [(1, 1.0), (2, 0.5)]
    assert curve(tmp_path, "F1 (macro)") == [(1, 0.9), (2, 0.9)]
    assert curve(tmp_path, "learning_rate") == [(1, 0.01), (2, 0.01)]
    assert curve(tmp_path, "rows_per_second") == [(1, 5000), (2, 5000)]
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    said = [events.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in sorted(events.Tags()["tensors"])]
    assert said[0] == "all epochs were made"
    assert "| learning_rate_reason | the race was won by 0.01 |" in said[1]


def test_tensorboard_reads_an_epoch_before_the_training_ends(tmp_path):
    board = TensorBoard(tmp_path)
    tell(board, started(), bare(1))
    assert curve(tmp_path, "loss") == [(1, 1.0)]
    board.__exit__(None, None, None)


def test_tensorboard_goes_on_with_a_curve(tmp_path):
    with TensorBoard(tmp_path) as board:
        tell(board, started(), ended(1, 0.5), ended(2, 0.4), ended(3, 0.3))
    with TensorBoard(tmp_path) as board:  # the checkpoint was older than the last epoch
        tell(board, started(epoch=3), ended(3, 0.3), ended(4, 0.2))
    assert curve(tmp_path, "loss") == [(1, 0.5), (2, 0.4), (3, 0.3), (4, 0.2)]


def test_tensorboard_forgets_what_was_rolled_back(tmp_path):
    with TensorBoard(tmp_path) as board:
        tell(board, started(), ended(1, 0.5), ended(2, 0.4), RolledBack(2, 5, 0.5, "NaN"), ended(2, 0.45))
    assert curve(tmp_path, "loss") == [(1, 0.5), (2, 0.45)]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of its own, in the kind of file that MLflow advises; and silence towards its makers."""
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.chdir(folder)
        yield f"sqlite:///{folder}/mlflow.db"


# MLflow 3.17 with SQLAlchemy 2.1
quiet = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")


def runs(store, experiment):
    """Status, stop reason and curve of the losses of every run, the last first."""
    client = MlflowClient(store)
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    curves = [[(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "loss")] for run in found]
    return [
        (run.info.status, run.data.tags.get("stop_reason"), curve) for run, curve in zip(found, curves, strict=True)
    ]


@quiet
def test_mlflow_keeps_a_run(store):
    assert is_telemetry_disabled()
    with MLflow("digits", "first", store) as log:
        tell(log, started(), ended(1, 0.5), ended(2, 0.25), bare(3), TrainingStopped("all epochs were made"))
    client = MlflowClient(store)
    (run,) = client.search_runs([client.get_experiment_by_name("digits").experiment_id])
    assert (run.info.run_name, run.info.status) == ("first", "FINISHED")
    assert run.data.tags["stop_reason"] == "all epochs were made"
    assert run.data.params == {
        "epochs": "5",
        "batches": "10",
        "parameters": "1234",
        "device": "cpu",
        "learning_rate": "0.01",
        "learning_rate_reason": "the race was won by 0.01",
    }
    curves = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
    assert {name: [(m.step, m.value) for m in curve] for name, curve in curves.items()} == {
        "loss": [(1, 0.5), (2, 0.25), (3, 1 / 3)],
        "validation_loss": [(1, 1.0), (2, 0.5)],
        "F1 _macro_": [(1, 0.9), (2, 0.9)],
        "learning_rate": [(k, 0.01) for k in (1, 2, 3)],
        "rows_per_second": [(k, 5000.0) for k in (1, 2, 3)],
    }


@quiet
def test_mlflow_goes_on_with_the_run_of_that_name(store):
    for _ in range(2):
        MLflow("continued", "other", store)(started())
    tell(MLflow("continued", "mine", store), started(), ended(1, 0.5), ended(2, 0.4))  # and is killed
    tell(MLflow("continued", "mine", store), started(epoch=2), ended(2, 0.4), ended(3, 0.3), TrainingStopped("over"))
    known = runs(store, "continued")
    assert len(known) == 3
    assert ("FINISHED", "over", [(1, 0.5), (2, 0.4), (3, 0.3)]) in known


@quiet
def test_mlflow_begins_a_run_where_a_training_begins(store):
    for _ in range(2):
        with MLflow("repeated", "mine", store) as log:
            tell(log, started(), ended(1, 0.5), TrainingStopped("over"))
    assert runs(store, "repeated") == [("FINISHED", "over", [(1, 0.5)])] * 2


@quiet
def test_mlflow_goes_on_where_no_name_was_given(store):
    log = MLflow("nameless", None, store)
    tell(log, started(), ended(1, 0.5), TrainingStopped("over"))
    tell(log, started(epoch=2), ended(2, 0.4), TrainingStopped("over"))
    tell(MLflow("nameless", None, store), started(epoch=3), ended(3, 0.3), TrainingStopped("over"))
    assert [curve for _, _, curve in runs(store, "nameless")] == [[(3, 0.3)], [(1, 0.5), (2, 0.4)]]


@quiet
@pytest.mark.parametrize(("error", "status"), [(ValueError("bad"), "FAILED"), (KeyboardInterrupt(), "KILLED")])
def test_mlflow_says_how_a_training_ended(store, error, status):
    with pytest.raises(type(error)), MLflow(status, None, store) as log:
        tell(log, started(), ended(1, 0.5))
        raise error
    reason = {"FAILED": "ValueError: bad", "KILLED": "KeyboardInterrupt: "}[status]
    assert runs(store, status) == [(status, reason, [(1, 0.5)])]


@quiet
def test_mlflow_logs_an_epoch_again_that_was_rolled_back(store):
    with MLflow("rolled back", None, store) as log:
        tell(log, started(), ended(1, 0.5), ended(2, float("nan")), RolledBack(2, 5, 0.5, "NaN"), ended(2, 0.4))
    ((_, _, curve),) = runs(store, "rolled back")
    assert [step for step, _ in curve] == [1, 2, 2]
    assert (2, 0.4) in curve


@pytest.mark.parametrize(
    ("module", "make", "said"),
    [
        ("torch.utils.tensorboard", lambda: TensorBoard("runs"), r"TensorBoard.*pip install 'thalweg\[tensorboard\]'"),
        ("mlflow.tracking", lambda: MLflow(), r"MLflow.*pip install 'thalweg\[mlflow\]'"),
    ],
    ids=["tensorboard", "mlflow"],
)
def test_says_what_to_install(module, make, said, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependency, match=said):
        make()
