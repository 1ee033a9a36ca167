"""A training that is killed and continued ends as one that never was; and files that nobody should continue."""

import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from thalweg.errors import ContradictorySettings, StorageError, UnreadableState
from thalweg.optimizers.rules import SGD, Accumulate, AdamW, Chain, ClipNorm, HeavyBall, Muon, ScheduleFreeAdamW
from thalweg.optimizers.rules.exponential_average import ExponentialAverage
from thalweg.problem import Minibatches
from thalweg.rng import generator
from thalweg.training.files import CheckpointWarning
from thalweg.training.torch.checkpoints import last_good
from thalweg.training.torch.checkpoints.files import from_file_bytes
from thalweg.training.torch.events import TrainingStarted
from thalweg.training.torch.fit import fit_module
from thalweg.training.torch.settings import Checkpoint, EarlyStopping, Hardware, Recipe

ROWS = 90


class Killed(Exception):
    """Ends a training as a signal would, as far as the file is concerned."""


class Killer:
    """An observer of every batch that lives for so many of them."""

    every_batch = True

    def __init__(self, batches):
        self.left = batches

    def __call__(self, event):
        self.left -= 1
        if not self.left:
            raise Killed


def data():
    X = torch.from_numpy(generator(7).normal(size=(ROWS, 4)).astype(np.float32))
    return X, (X[:, 0] * X[:, 1] > 0).long()


def net():
    module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))
    source = generator(8)
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(torch.from_numpy(source.normal(size=tuple(weight.shape)) * 0.3))
    return module


def minibatches():
    return Minibatches(*data(), size=16, seed=3)


def loader(**settings):
    return DataLoader(TensorDataset(*data()), batch_size=16, shuffle=True, **settings)


def weighted():
    X, y = data()
    return Minibatches.of(lambda rows: (X[rows], y[rows], X[rows].abs()[:, 0]), rows=ROWS, size=16)


def stream():
    def epoch(number):
        order = torch.from_numpy(generator(5, number).permutation(ROWS))
        return ((X[part], y[part]) for part in order.split(16))

    X, y = data()
    return Minibatches.stream(epoch)


class Noisy:
    """Batches that are drawn from the global generators while they are read."""

    def __init__(self):
        self.X, self.y = data()

    def __len__(self):
        return 6

    def __iter__(self):
        for _ in range(len(self)):
            rows = np.random.randint(ROWS, size=16)
            yield self.X[rows] + 0.1 * torch.randn(16, 4), self.y[rows]


RECIPE = Recipe(AdamW(), 0.02, epochs=4)
CASES = {
    "minibatches": (minibatches, RECIPE, {}),
    "loader": (loader, RECIPE, {}),
    "loader with a generator": (lambda: loader(generator=torch.Generator().manual_seed(5)), RECIPE, {}),
    "stream": (stream, RECIPE, {}),
    "noisy": (Noisy, RECIPE, {}),
    "weights": (weighted, RECIPE, {"loss": nn.CrossEntropyLoss(reduction="none")}),
    "momentum": (minibatches, replace(RECIPE, rule=HeavyBall()), {}),
    "average": (loader, replace(RECIPE, rule=ExponentialAverage(AdamW(), decay=0.9)), {}),
    "accumulation": (minibatches, replace(RECIPE, rule=Accumulate(Chain((ClipNorm(1.0), AdamW())), gradients=4)), {}),
    "our own rule": (minibatches, replace(RECIPE, rule=Muon()), {}),
    "schedule-free": (minibatches, replace(RECIPE, rule=ScheduleFreeAdamW()), {}),
    "automatic rate": (minibatches, replace(RECIPE, learning_rate="auto"), {}),
    "early stopping": (minibatches, replace(RECIPE, early_stopping=EarlyStopping(patience=2)), {"validation": data()}),
    "half precision": (minibatches, RECIPE, {"hardware": Hardware(device="cpu", precision="float16")}),
    "unstable": (minibatches, Recipe(SGD(), 1e9, epochs=3), {"loss": lambda output, _: (output**2).mean()}),
}


def train(case, path, observers=(), steps=1, **changed):
    make, recipe, options = CASES[case]
    options = {"loss": nn.CrossEntropyLoss(), "recipe": recipe, "seed": 11} | options | changed
    checkpoint = None if path is None else Checkpoint(str(path), seconds=0.0, steps=steps)
    return fit_module(net(), options.pop("loss"), make(), checkpoint=checkpoint, observers=observers, **options)


def content(result):
    state = {name: tensor.numpy().tobytes() for name, tensor in result.module.state_dict().items()}
    history = [replace(epoch, epochs=0, seconds=0.0, rows_per_second=0.0) for epoch in result.history]
    return state, history, result.stop_reason, result.rollbacks, result.best_epoch


@pytest.mark.parametrize("case", CASES)
def test_a_training_that_died_again_and_again_ends_with_the_same_bytes(case, tmp_path):
    path = tmp_path / "net.safetensors"
    expected = content(train(case, None if case != "unstable" else tmp_path / "other.safetensors", steps=5))
    deaths = 0
    for lives in (1, 4, 3, 7, 2, 5):
        try:
            result = train(case, path, [Killer(lives)], steps=1 if case != "unstable" else 5)
            break
        except Killed:
            deaths += 1
    else:
        result = train(case, path, steps=1 if case != "unstable" else 5)
    assert deaths >= 3
    assert content(result) == expected
    assert case != "unstable" or result.rollbacks


def test_the_same_call_again_returns_the_finished_training(tmp_path):
    path = tmp_path / "net.safetensors"
    first = train("average", path)
    written = path.read_bytes()
    events = []
    again = train("average", path, [events.append])
    assert content(again) == content(first)
    assert not events
    assert path.read_bytes() == written


def test_more_epochs_continue_a_finished_training(tmp_path):
    path, longer = tmp_path / "net.safetensors", replace(RECIPE, epochs=6)
    train("loader", path)
    assert content(train("loader", path, recipe=longer)) == content(train("loader", None, recipe=longer))


def test_random_generators_stand_where_they_stood():
    module = net()
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    fit_module(module, nn.CrossEntropyLoss(), Noisy(), recipe=replace(RECIPE, learning_rate="auto"), seed=11)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before[1:]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"recipe": replace(RECIPE, learning_rate=0.01)}, "learning_rate was 0.02 and is 0.01"),
        ({"recipe": replace(RECIPE, rule=SGD())}, "rule was"),
        ({"recipe": replace(RECIPE, epochs=2)}, "epochs was 4 and is 2, which is less"),
        ({"loss": nn.CrossEntropyLoss(label_smoothing=0.1).forward}, "loss was"),
        ({"seed": 12}, "seed was 11 and is 12"),
        ({"validation": data()}, "validation data: rows was None and is 90"),
        ({"hardware": Hardware(precision="bfloat16")}, "precision was 'float32' and is 'bfloat16'"),
    ],
    ids=["rate", "rule", "epochs", "loss", "seed", "validation", "precision"],
)
def test_a_training_with_other_settings_is_refused(changed, words, tmp_path):
    path = tmp_path / "net.safetensors"
    train("minibatches", path)
    before = path.read_bytes()
    with pytest.raises(ContradictorySettings, match=words):
        train("minibatches", path, **changed)
    assert path.read_bytes() == before


def test_another_module_other_data_and_longer_schedules_are_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    train("automatic rate", path)
    with pytest.raises(ContradictorySettings, match="follows a schedule over all epochs"):
        train("automatic rate", path, recipe=replace(RECIPE, learning_rate="auto", epochs=5))
    recipe, loss = CASES["automatic rate"][1], nn.CrossEntropyLoss()
    with pytest.raises(ContradictorySettings, match=r"module\.0\.weight was \(\(8, 4\), 'torch.float32'\) and is"):
        fit_module(nn.Sequential(nn.Linear(4, 2)), loss, minibatches(), recipe=recipe, checkpoint=path, seed=11)
    other = Minibatches(*data(), size=32, seed=3)
    with pytest.raises(ContradictorySettings, match="rows a batch was 16 and is 32"):
        fit_module(net(), loss, other, recipe=recipe, checkpoint=path, seed=11)
    X, y = data()
    with pytest.raises(ContradictorySettings, match="data: fingerprint was"):
        fit_module(net(), loss, Minibatches(X + 1, y, size=16, seed=3), recipe=recipe, checkpoint=path, seed=11)
    sigmoid = nn.Sequential(*net()[:2], nn.Sigmoid(), *net()[3:])
    with pytest.raises(ContradictorySettings, match=r"the module had \(2\): ReLU\(\) and has \(2\): Sigmoid\(\)"):
        fit_module(sigmoid, loss, minibatches(), recipe=recipe, checkpoint=path, seed=11)


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    train("minibatches", path)
    whole = path.read_bytes()
    for damaged in (
        b"",
        whole[:100],
        whole[:-1],
        whole[:-9] + b"\x55" + whole[-8:],
        b"\xff" * 200,
        whole.replace(b'"step', b'"stop', 1),
        whole.replace(b"exp_avg_sq", b"exp_avg_sp", 1),
    ):
        path.write_bytes(damaged)
        with pytest.raises(UnreadableState):
            train("minibatches", path)
        assert path.read_bytes() == damaged


def test_a_checkpoint_is_plain_safetensors(tmp_path):
    from safetensors import safe_open

    path = tmp_path / "net.safetensors"
    result = train("minibatches", path)
    with safe_open(path, "pt") as file:
        assert torch.equal(file.get_tensor("module.0.weight"), result.module[0].weight)
        assert json.loads(file.metadata()["thalweg"])["progress"]["epoch"] == 4


def test_where_nothing_can_be_written_the_training_goes_on(tmp_path):
    path = tmp_path / "net.safetensors"
    path.mkdir()
    with pytest.raises(StorageError, match="cannot be read"):
        train("minibatches", path)
    folder = tmp_path / "folder"
    with pytest.raises(StorageError, match="there is no folder"):
        train("minibatches", folder / "net.safetensors")
    folder.mkdir()

    def removed(event):
        if isinstance(event, TrainingStarted):
            (folder / "net.safetensors").unlink()
            folder.rmdir()

    with pytest.warns(CheckpointWarning, match="cannot be written"):
        result = train("minibatches", folder / "net.safetensors", [removed])
    assert content(result) == content(train("minibatches", None))


def test_the_file_stays_where_it_was_named(tmp_path, monkeypatch):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir(), elsewhere.mkdir()
    (home / "link").symlink_to(elsewhere / "net.safetensors")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    train("minibatches", "link", [lambda event: os.chdir(tmp_path)])
    assert train("minibatches", "~/link").stop_reason == "4 epochs were made"
    assert (home / "link").is_symlink()
    assert os.listdir(elsewhere) == ["net.safetensors"]
    assert not (tmp_path / "link").exists()


@pytest.mark.parametrize(
    ("settings", "steps"),
    [({}, [0, 24]), ({"steps": 7}, [0, 7, 14, 21, 24]), ({"seconds": 0.0, "steps": 9}, [0, 9, 18, 24])],
    ids=["end", "steps", "seconds"],
)
def test_a_checkpoint_is_written_when_it_was_asked_for(settings, steps, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        last_good, "write_whole", lambda path, data: written.append(from_file_bytes(data)[0].progress.step)
    )
    checkpoint = Checkpoint(str(tmp_path / "net.safetensors"), **({"seconds": 1e9} | settings))
    fit_module(net(), nn.CrossEntropyLoss(), minibatches(), recipe=RECIPE, checkpoint=checkpoint)
    assert written == steps


# What follows runs in processes of its own: this file is their script.


def run_script(*arguments, **options):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, __file__, *map(str, arguments)], env=environment, check=True, timeout=100, **options
    )


def test_kill_9_anywhere_loses_nothing(tmp_path):
    output = tmp_path / "weights"
    run_script("killed", tmp_path / "net.safetensors", output)
    report = json.loads((tmp_path / "weights.json").read_text())
    expected, *_ = content(train("average", None, recipe=LONG))
    assert report["kills"] == 5
    assert output.read_bytes() == b"".join(expected.values())


def test_the_last_good_checkpoint_survives_a_full_disk(tmp_path):
    output = tmp_path / "weights"
    run_script("full", tmp_path / "net.safetensors", output)
    report = json.loads((tmp_path / "weights.json").read_text())
    expected, *_ = content(train("average", None, recipe=LONG))
    assert report["warned"] and 0 < report["stored"] < report["made"]
    assert report["left"] == ["net.safetensors", "weights"]
    assert output.read_bytes() == b"".join(expected.values())


LONG = replace(CASES["average"][1], epochs=20)


def write_weights(path, output):
    state, *_ = content(train("average", path, steps=2, recipe=LONG))
    Path(output).write_bytes(b"".join(state.values()))


def killed(path, output):
    """Train in one child after the other, and kill each but the last: some files on, at a moment that nobody chose."""
    torch.optim.SGD([nn.Parameter(torch.zeros(1))])  # loads what each child would load again
    kills = 0
    while not Path(output).exists():
        child = os.fork()  # nothing was computed yet, so that there are no threads to lose
        if not child:
            write_weights(path, output)
            os._exit(0)
        if kills < 5:
            for _ in range(random.randint(1, 8)):
                wait_for_another_file(path)
            time.sleep(random.uniform(0, 0.01))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        kills += os.WIFSIGNALED(status)
    Path(f"{output}.json").write_text(json.dumps({"kills": kills}))


def wait_for_another_file(path):
    before = written = os.path.getmtime(path) if os.path.exists(path) else None
    while written == before:
        time.sleep(0.001)
        written = os.path.getmtime(path) if os.path.exists(path) else None


def full(path, output):
    """Leave no room for a checkpoint after the first ones; then make room, and continue."""
    import warnings

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    made = []

    def fill(event):
        made.append(event)
        if len(made) == 10:
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most))
        if len(made) == 30:
            raise Killed

    fill.every_batch = True
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with contextlib.suppress(Killed):
            train("average", path, [fill], recipe=LONG)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.getrlimit(resource.RLIMIT_FSIZE)[1],) * 2)
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        stored = json.loads(file.metadata()["thalweg"])["progress"]["step"]
    write_weights(path, output)
    report = {"warned": any(warning.category is CheckpointWarning for warning in caught), "stored": stored,
              "made": len(made), "left": sorted(file.name for file in Path(path).parent.iterdir())}  # fmt: skip
    Path(f"{output}.json").write_text(json.dumps(report))


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"killed": killed, "full": full}[sys.argv[1]](*sys.argv[2:])
