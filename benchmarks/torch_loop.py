"""What does the training loop cost? Samples a second of `fit_module`, beside a loop written by hand and other libraries.

    python benchmarks/torch_loop.py > benchmarks/results/torch_loop.md

The same net, the same batches, the same optimizer (PyTorch's fused AdamW), one thread. Each library trains for some epochs,
one after the other and again, in one process; medians over the rounds. A library that is not installed is named.
"""

import importlib.util
import os
import sys
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import torch
from torch import nn

from thalweg.problem import Minibatches
from thalweg.rng import generator
from thalweg.training.torch.fit import fit_module
from thalweg.training.torch.settings import Recipe

RATE, EPOCHS, ROUNDS, TARGET = 0.001, 10, 9, 0.97


class Task(NamedTuple):
    """A net, its data and the size of its batches."""

    name: str
    make: Callable[[], nn.Module]
    X: torch.Tensor
    y: torch.Tensor
    size: int


def dense() -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
    )  # fmt: skip


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 7 * 7, 10),
    )  # fmt: skip


def tasks() -> list[Task]:
    random = generator(0)
    X = torch.from_numpy(random.normal(size=(20_480, 64)).astype(np.float32))
    images = torch.from_numpy(random.normal(size=(2_560, 1, 28, 28)).astype(np.float32))
    labels = torch.from_numpy(random.integers(10, size=len(X)))
    return [
        Task("64 → 128 → 128 → 10, batches of 256", dense, X, labels, 256),
        Task("64 → 128 → 128 → 10, batches of 32", dense, X[:5_120], labels[:5_120], 32),
        Task("two convolutions of 28 × 28 images, batches of 64", convolutional, images, labels[: len(images)], 64),
    ]


def bare(task: Task, epochs: int) -> None:
    """Train by a loop that does nothing else."""
    module, loss = task.make(), nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(module.parameters(), lr=RATE, fused=True)
    module.train()
    for epoch in range(epochs):
        order = torch.from_numpy(generator(0, epoch).permutation(len(task.X)))
        for start in range(0, len(order), task.size):
            rows = order[start : start + task.size]
            value = loss(module(task.X.index_select(0, rows)), task.y.index_select(0, rows))
            value.backward()
            optimizer.step()
            optimizer.zero_grad()


def ours(task: Task, epochs: int) -> None:
    recipe = Recipe(learning_rate=RATE, epochs=epochs)
    fit_module(task.make(), nn.CrossEntropyLoss(), Minibatches(task.X, task.y, size=task.size), recipe=recipe)


def with_skorch(task: Task, epochs: int) -> None:
    from skorch import NeuralNetClassifier

    NeuralNetClassifier(
        task.make(), criterion=nn.CrossEntropyLoss, optimizer=torch.optim.AdamW, optimizer__fused=True, lr=RATE,
        max_epochs=epochs, batch_size=task.size, train_split=None, verbose=0, iterator_train__shuffle=True,
    ).fit(task.X.numpy(), task.y.numpy())  # fmt: skip


def with_lightning(task: Task, epochs: int) -> None:
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.loss = task.make(), nn.CrossEntropyLoss()

        def training_step(self, batch: Any, _: int) -> Any:
            return self.loss(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.AdamW(self.parameters(), lr=RATE, fused=True)

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(task.X, task.y), task.size, shuffle=True)
    lightning.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(Module(), loader)  # fmt: skip


def with_keras(task: Task, epochs: int) -> None:
    import keras

    model = keras.Sequential([keras.layers.TorchModuleWrapper(task.make())])
    model.compile(
        optimizer=keras.optimizers.AdamW(RATE), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    model.fit(task.X.numpy(), task.y.numpy(), batch_size=task.size, epochs=epochs, verbose=0)


class Method(NamedTuple):
    """A name, what it needs, and what it does."""

    name: str
    library: str
    run: Callable[[Task, int], None]


METHODS = (
    Method("a loop written by hand", "torch", bare),
    Method("`fit_module`", "thalweg", ours),
    Method("skorch", "skorch", with_skorch),
    Method("Lightning", "lightning", with_lightning),
    Method("Keras, on PyTorch", "keras", with_keras),
)


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure(task: Task, methods: list[Method]) -> list[list[float]]:
    """Give the samples a second of each method in each round."""
    speeds: list[list[float]] = [[] for _ in methods]
    for turn in range(-1, ROUNDS):  # the first warms up
        # Turned around in every other round, so that nobody is always first.
        for i in sorted(range(len(methods)), reverse=bool(turn % 2)):
            begin = time.perf_counter()
            methods[i].run(task, EPOCHS)
            if turn >= 0:
                speeds[i].append(EPOCHS * len(task.X) / (time.perf_counter() - begin))
    note(f"{task.name}: {[round(median(speed)) for speed in speeds]}")
    return speeds


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    present = [method for method in METHODS if importlib.util.find_spec(method.library)]
    absent = [method.name for method in METHODS if method not in present]
    print("# What does the training loop cost?\n")
    print(
        f"Thousand samples a second, and the share of what a loop written by hand does: medians of {ROUNDS} rounds, in "
        f"each of\nwhich every method trains for {EPOCHS} epochs, its preparation included (`python "
        f"benchmarks/torch_loop.py`). PyTorch {torch.__version__},\none thread.\n"
    )
    everything = tasks()
    print("| method | " + " | ".join(task.name for task in everything) + " |\n|---|" + "---|" * len(everything))
    speeds = [measure(task, present) for task in everything]
    for i, method in enumerate(present):
        # Shares are of neighbours in time: the machine may be slower in one round than in the next.
        shares = [median(own / hand for own, hand in zip(speed[i], speed[0], strict=True)) for speed in speeds]
        cells = [f"{median(speed[i]) / 1000:.1f} ({share:.3f})" for speed, share in zip(speeds, shares, strict=True)]
        print(f"| {method.name} | " + " | ".join(cells) + " |")
    if absent:
        print(f"\nNot installed here: {', '.join(absent)}.")
    print(f"\nThe target for `fit_module` is a share of {TARGET}.")


if __name__ == "__main__":
    main()
