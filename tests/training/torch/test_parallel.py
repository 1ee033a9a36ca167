"""Two processes that train together end where one does, alike to the bit; and they survive together."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from thalweg.errors import ContradictorySettings
from thalweg.optimizers.rules import SGD, AdamW
from thalweg.optimizers.rules.exponential_average import ExponentialAverage
from thalweg.problem import Minibatches
from thalweg.rng import generator
from thalweg.training.torch.fit import fit_module
from thalweg.training.torch.settings import Checkpoint, EarlyStopping, Hardware, Metric, Recipe

ROWS = 61  # in batches of 20 the last one has a single row: none for the second process
CPU = Hardware(device="cpu")
RATE = Recipe(ExponentialAverage(AdamW(), decay=0.8), 0.02, epochs=3)


class Killed(Exception):
    pass


class Loss:
    """Cross-entropy that ends the training, in all processes at the same batch, after so many of them."""

    def __init__(self, batches):
        self.left = batches

    def __call__(self, output, target):
        self.left -= output.requires_grad
        if self.left < 0:
            raise Killed
        return nn.functional.cross_entropy(output, target)


def data():
    X = torch.from_numpy(generator(1).normal(size=(ROWS, 5)).astype(np.float32))
    return X, (X[:, 0] * X[:, 1] > 0).long(), X[:, 2].abs()


def net(dropout=0.0):
    random = generator(2)
    module = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 2))
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(torch.from_numpy(random.normal(size=tuple(weight.shape))))
    return module


def plain():
    X, y, _ = data()
    return fit_module(
        net(), nn.CrossEntropyLoss(), Minibatches(X, y, size=20), recipe=RATE, hardware=CPU, validation=(X, y)
    )


def weighted():
    recipe, loss = Recipe(SGD(), 0.3, epochs=2), nn.CrossEntropyLoss(reduction="none")
    return fit_module(net(), loss, Minibatches(*data(), size=20), recipe=recipe, hardware=CPU)


def automatic():
    X, y, _ = data()
    return fit_module(
        net(), nn.CrossEntropyLoss(), Minibatches(X, y, size=20), recipe=Recipe(SGD(), epochs=3), hardware=CPU, seed=1
    )


def unstable():
    """Diverge at one row, which only one of the processes sees."""
    X, y, _ = data()

    def loss(output, target):
        bad = torch.is_grad_enabled() & (output.detach().abs().max() > 6.0)
        return nn.functional.cross_entropy(output, target) * torch.where(bad, torch.inf, 1.0)

    recipe = Recipe(SGD(), 8.0, epochs=3)
    return fit_module(net(), loss, Minibatches(X, y, size=20), recipe=recipe, hardware=CPU)


def stopped():
    """Measure something that each process sees otherwise, and stop when the first one says so."""
    X, y, _ = data()
    values = iter([1.0, 2.0, 1.5, 1.0, 0.5] if os.environ.get("RANK", "0") == "0" else [5.0, 4.0, 3.0, 2.0, 1.0])
    metric = Metric("number", lambda output, target: next(values))
    recipe = Recipe(SGD(), 0.1, epochs=5, early_stopping=EarlyStopping(patience=2))
    return fit_module(
        net(),
        nn.CrossEntropyLoss(),
        Minibatches(X, y, size=20),
        recipe=recipe,
        hardware=CPU,
        validation=(X, y),
        metric=metric,
    )


def shuffled(path, batches=10**9):
    """Train with dropout, and with a loader that deals the rows out."""
    rows = TensorDataset(*data()[:2])
    sampler = DistributedSampler(rows) if torch.distributed.is_initialized() else None
    loader = DataLoader(rows, batch_size=7, sampler=sampler, shuffle=None if sampler else True)
    checkpoint = Checkpoint(str(path), steps=1) if path else None
    return fit_module(net(dropout=0.4), Loss(batches), loader, recipe=RATE, hardware=CPU, checkpoint=checkpoint, seed=5)


def survived(path):
    """Die twice, and continue."""
    for batches in (4, 6):
        with pytest.raises(Killed):
            shuffled(path, batches)
    return shuffled(path)


SAME = {"plain": plain, "weighted": weighted, "automatic": automatic, "unstable": unstable, "stopped": stopped}


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parallel")
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        __file__,
        str(folder),
    ]
    ended = subprocess.run(
        command, env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=100, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return folder


def outcome(folder, name, rank):
    return load_file(folder / f"{name}.{rank}"), (folder / f"{name}.{rank}.txt").read_text()


@pytest.mark.parametrize("name", SAME)
def test_two_processes_end_where_one_does(together, name):
    alone = SAME[name]()
    weights, words = outcome(together, name, 0)
    torch.testing.assert_close(alone.module.state_dict(), weights, rtol=1e-4, atol=1e-5)
    assert words.split("\n")[:2] == [alone.stop_reason, repr(alone.rollbacks)]
    assert float(words.split("\n")[2]) == pytest.approx(alone.history[-1].loss, rel=1e-4)
    assert name != "unstable" or alone.rollbacks


@pytest.mark.parametrize("name", [*SAME, "shuffled", "survived"])
def test_all_processes_end_alike(together, name):
    assert outcome(together, name, 0)[1] == outcome(together, name, 1)[1]
    weights = [outcome(together, name, rank)[0] for rank in (0, 1)]
    assert all(torch.equal(tensor, weights[1][key]) for key, tensor in weights[0].items())


def test_a_training_that_was_interrupted_ends_with_the_same_bytes(together):
    whole, continued = (outcome(together, name, 0)[0] for name in ("shuffled", "survived"))
    assert all(torch.equal(tensor, continued[key]) for key, tensor in whole.items())


def test_another_number_of_processes_is_another_training(together):
    with pytest.raises(ContradictorySettings, match="number of processes was 2 and is 1"):
        shuffled(together / "net.safetensors")


def write(folder, name, rank, result):
    save_file({key: tensor.clone() for key, tensor in result.module.state_dict().items()}, folder / f"{name}.{rank}")
    words = f"{result.stop_reason}\n{result.rollbacks}\n{result.history[-1].loss!r}"
    (folder / f"{name}.{rank}.txt").write_text(words)


def main(folder):
    rank = int(os.environ["RANK"])
    torch.manual_seed(rank)  # what is drawn without a seed must not matter
    for name, train in SAME.items():
        write(folder, name, rank, train())
    write(folder, "shuffled", rank, shuffled(None))
    write(folder, "survived", rank, survived(folder / "net.safetensors"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
