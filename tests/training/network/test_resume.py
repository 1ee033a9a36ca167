"""A fit that is killed goes on to the same bits; a full disk and a missing PyTorch are borne."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pytest
from sklearn.datasets import make_friedman1

from thalweg.errors import ContradictorySettings, StorageError, UnreadableState
from thalweg.optimizers.rules import AdamW, ExponentialAverage
from thalweg.training.files import CheckpointWarning
from thalweg.training.network import estimator
from thalweg.training.network.checkpoint import CheckpointFile
from thalweg.training.network.regressor import MLPRegressor

SETTINGS = {"hidden": (32, 16), "dropout": 0.2, "learning_rate": 0.01, "epochs": 6, "batch_size": 32, "seed": 5}

OFTEN = """
import json, os, resource, signal, sys, warnings
from pathlib import Path
from sklearn.datasets import make_friedman1
from thalweg.training.files import CheckpointWarning
from thalweg.training.network import MLPRegressor, estimator
from thalweg.training.network.checkpoint import CheckpointFile

def often(path, fit):
    print(os.getpid(), flush=True)
    return CheckpointFile(path, fit, seconds=0.0)

estimator.CheckpointFile = often
path, settings = Path(sys.argv[1]), json.loads(sys.argv[2])

def fitted():
    return MLPRegressor(**settings, checkpoint=path).fit(*make_friedman1(600, random_state=0))
"""

ONE_AFTER_THE_OTHER = """
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        model = fitted()
        print(json.dumps([model.network_.weights.tobytes().hex(), model.loss_curve_, model.validation_curve_]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print("over", flush=True)
"""

FULL_DISK = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
save, saves, held = CheckpointFile.save, [], []

def until_full(self, state):
    saves.append(state)
    if len(saves) == 30:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        held.append(path.read_bytes())
    save(self, state)

CheckpointFile.save = until_full
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model = fitted()
told = sorted({str(warning.message) for warning in caught if warning.category is CheckpointWarning})
print(json.dumps([held == [path.read_bytes()], told, model.network_.weights.tobytes().hex()]))
"""

ABSENT = """
import importlib.util
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "torch" else found(name, package)
import thalweg
from thalweg.errors import MissingDependency
from thalweg.training.network import MLPClassifier
model = MLPClassifier(epochs=2, learning_rate=0.01).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
print(model.predict_proba([[1.0]]).shape, "torch" in sys.modules)
try:
    import thalweg.training.torch
except MissingDependency as error:
    print(error)
"""


def data():
    return make_friedman1(600, random_state=0)


def process(script, *arguments):
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_killed_at_random_moments_it_ends_with_the_same_bits(tmp_path):
    """Every step is saved, so a process is killed between, or within, two saves anywhere in an epoch."""
    straight = MLPRegressor(**SETTINGS).fit(*data())
    kills, moments, lines = 0, random.Random(0), []
    with process(OFTEN + ONE_AFTER_THE_OTHER, tmp_path / "fit", json.dumps(SETTINGS)) as parent:
        while not lines:
            print(file=parent.stdin, flush=True)
            pid = int(parent.stdout.readline())
            if kills < 8:
                time.sleep(moments.uniform(0.0, 0.03))
                with suppress(ProcessLookupError):  # a fast machine may be done
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
            lines = list(iter(parent.stdout.readline, "over\n"))
    assert kills >= 2
    weights, losses, scores = json.loads(lines[0])
    assert weights == straight.network_.weights.tobytes().hex()
    assert (losses, scores) == (straight.loss_curve_, straight.validation_curve_)


@pytest.mark.parametrize("stop", [1, 7, 17, 18, 60, 101])
@pytest.mark.parametrize("rule", [None, ExponentialAverage(AdamW(), 0.9)], ids=["adamw", "average"])
def test_interrupted_after_any_save_it_ends_with_the_same_bits(tmp_path, monkeypatch, stop, rule):
    settings = {**SETTINGS, "rule": rule}
    straight = MLPRegressor(**settings).fit(*data())
    saves, save = [], CheckpointFile.save

    def interrupted(self, state):
        save(self, state)
        saves.append(state[1].batch)
        if len(saves) == stop:
            raise KeyboardInterrupt

    monkeypatch.setattr(estimator, "CheckpointFile", lambda path, fit: CheckpointFile(path, fit, seconds=0.0))
    monkeypatch.setattr(CheckpointFile, "save", interrupted)
    path = tmp_path / "fit.safetensors"
    with pytest.raises(KeyboardInterrupt):
        MLPRegressor(**settings, checkpoint=path).fit(*data())
    resumed = MLPRegressor(**settings, checkpoint=path).fit(*data())
    assert len(saves) == 6 * (17 + 1)  # no step was taken twice
    assert np.array_equal(resumed.network_.weights, straight.network_.weights)
    assert resumed.validation_curve_ == straight.validation_curve_ and resumed.best_epoch_ == straight.best_epoch_


def test_a_fit_that_has_ended_is_only_read(tmp_path, monkeypatch):
    path = tmp_path / "fit.safetensors"
    first = MLPRegressor(**SETTINGS, checkpoint=path).fit(*data())
    monkeypatch.setattr(sys.modules["thalweg.training.network.fit"], "learn", None)
    again = MLPRegressor(**SETTINGS, checkpoint=str(path)).fit(*data())
    assert np.array_equal(first.network_.weights, again.network_.weights) and again.n_iter_ == 6


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"epochs": 7}, "epochs"),
        ({"hidden": (32, 8)}, "layers"),
        ({"loss": "quantile"}, "loss"),
        ({"validation_fraction": 0.11}, "validation_fraction"),
        ({"rows": 599}, "rows and first weights"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_the_checkpoint_of_another_fit_is_refused(tmp_path, change, name):
    path, (X, y) = tmp_path / "fit.safetensors", data()
    MLPRegressor(**SETTINGS, checkpoint=path).fit(X, y)
    n = change.pop("rows", 600)
    with pytest.raises(ContradictorySettings, match=f"checkpoint of a fit with {name}="):
        MLPRegressor(**{**SETTINGS, **change}, checkpoint=path).fit(X[:n], y[:n])


def test_what_is_no_checkpoint_is_named(tmp_path):
    path = tmp_path / "fit.safetensors"
    path.write_bytes(b"something else")
    with pytest.raises(UnreadableState, match="not the checkpoint of a fit"):
        MLPRegressor(**SETTINGS, checkpoint=path).fit(*data())
    assert path.read_bytes() == b"something else"
    path.unlink()
    MLPRegressor(**SETTINGS, checkpoint=path).fit(*data())
    damaged = bytearray(path.read_bytes())
    damaged[-9] ^= 1  # one bit of a weight
    path.write_bytes(damaged)
    with pytest.raises(UnreadableState, match="the checksum is another"):
        MLPRegressor(**SETTINGS, checkpoint=path).fit(*data())
    path.unlink()
    with pytest.raises(StorageError, match="there is no folder"):
        MLPRegressor(**SETTINGS, checkpoint=tmp_path / "nowhere" / "fit").fit(*data())


def test_a_full_disk_leaves_the_last_good_file_and_the_fit_goes_on(tmp_path):
    path = tmp_path / "fit"
    out, _ = process(OFTEN + FULL_DISK, path, json.dumps(SETTINGS)).communicate(timeout=60)
    kept, told, weights = json.loads(out.splitlines()[-1])
    assert kept and len(told) == 1 and "cannot be written" in told[0] and "the training goes on" in told[0]
    straight = MLPRegressor(**SETTINGS).fit(*data())
    assert weights == straight.network_.weights.tobytes().hex()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    resumed = MLPRegressor(**SETTINGS, checkpoint=path).fit(*data())
    assert np.array_equal(resumed.network_.weights, straight.network_.weights)


def test_a_failed_write_is_not_tried_again_at_once(tmp_path, monkeypatch):
    tries = []

    def full(path, content):
        tries.append(path)
        raise StorageError("the disk is full")

    monkeypatch.setattr("thalweg.training.network.checkpoint.write_whole", full)
    with pytest.warns(CheckpointWarning, match="the disk is full; the training goes on, and will try again"):
        MLPRegressor(**SETTINGS, checkpoint=tmp_path / "fit").fit(*data())
    assert len(tries) == 1  # at the end


def test_without_pytorch_our_own_networks_work():
    out, _ = process(ABSENT).communicate(timeout=60)
    assert out.splitlines() == [
        "(1, 2) False",
        "training a PyTorch module needs PyTorch, which is not installed: pip install 'thalweg[torch]'",
    ]
