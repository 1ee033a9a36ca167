"""Our own backpropagation beside everybody's: samples a CPU second, and the loss curve.

    python benchmarks/network.py > benchmarks/results/network.md

A classifier 64 → 128 → 128 → 10 on standard normal columns, and a regressor 20 → 256 → 256 → 1; batches of 256, Adam
with a rate of 0.001. Ours is the whole estimator: checks, scaling, batches, training. The PyTorch loops begin at its
weights, see its scaled columns in its order, and are what one writes by hand, with tensors in memory. Medians of rounds
in which all take turns, in one process; CPU seconds, so that threads count. The last row is the matrix products of forward
and backward pass alone, by NumPy's BLAS in float32: nobody who makes them can be faster.
"""

import os
import sys
import time
import warnings
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")  # the most that anybody may use

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import thalweg as tw
from thalweg.optimizers.rules import Adam
from thalweg.rng import generator

ROWS, BATCH, EPOCHS, RATE, ROUNDS = 25_600, 256, 20, 1e-3, 5
TARGET, BOUND = 2.5, "the products alone"


class Task:
    """One net and its data."""

    def __init__(self, name: str, inputs: int, hidden: tuple[int, ...], outputs: int) -> None:
        self.name, self.inputs, self.hidden, self.outputs = name, inputs, hidden, outputs
        random = generator(0)
        self.X = random.standard_normal((ROWS, inputs)).astype(np.float32)
        scores = np.tanh(self.X @ random.standard_normal((inputs, outputs))) + random.standard_normal((ROWS, outputs))
        self.classes = outputs > 1
        self.y = scores.argmax(axis=1) if self.classes else scores[:, 0]

    def ours(self) -> Any:
        kind: Any = tw.MLPClassifier if self.classes else tw.MLPRegressor
        return kind(
            self.hidden, activation="relu", dropout=0.0, embedding=None, rule=Adam(), learning_rate=RATE, epochs=EPOCHS,
            batch_size=BATCH, validation_fraction=0.0,
        ).fit(self.X, self.y)  # fmt: skip

    def scikit_learn(self) -> Any:
        kind: Any = MLPClassifier if self.classes else MLPRegressor
        return kind(
            hidden_layer_sizes=self.hidden, alpha=0.0, batch_size=BATCH, learning_rate_init=RATE, max_iter=EPOCHS,
            n_iter_no_change=EPOCHS, random_state=0,
        ).fit(self.X, self.y)  # fmt: skip

    def module(self, ours: Any) -> nn.Sequential:
        """Make the net of PyTorch that begins where ours began."""
        widths = (self.inputs, *self.hidden, self.outputs)
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [nn.Linear(a, b), nn.ReLU()]
        net, first = nn.Sequential(*layers[:-1]), type(ours.network_)(ours.network_.layers, self.inputs, seed=0).weights
        begin = 0
        with torch.no_grad():
            for layer in net[::2]:
                for parameter, shape in ((layer.weight, layer.weight.T.shape), (layer.bias, layer.bias.shape)):
                    values = first[begin : begin + parameter.numel()].reshape(tuple(shape))
                    parameter.copy_(torch.from_numpy(values.T.copy()))
                    begin += parameter.numel()
        return net

    def tensors(self, ours: Any) -> tuple[torch.Tensor, torch.Tensor]:
        X = torch.from_numpy(ours._input.transform(self.X))
        if self.classes:
            return X, torch.from_numpy(self.y)
        return X, torch.from_numpy(((self.y - ours._centre) / ours._scale).astype(np.float32))


def loop(task: Task, ours: Any, loaded: bool = False, **options: Any) -> list[float]:
    """Train as one writes it by hand; give the mean loss of every epoch."""
    net, (X, y), losses = task.module(ours), task.tensors(ours), []
    optimizer = torch.optim.Adam(net.parameters(), RATE, **options)
    loader = DataLoader(TensorDataset(X, y), batch_size=BATCH, shuffle=True)
    for epoch in range(EPOCHS):
        total = 0.0
        order = torch.from_numpy(generator(0, epoch).permutation(ROWS))
        for x, target in loader if loaded else ((X[rows], y[rows]) for rows in order.split(BATCH)):
            output = net(x)
            if task.classes:
                loss = nn.functional.cross_entropy(output, target)
            else:
                loss = nn.functional.mse_loss(output[:, 0], target) / 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        losses.append(total / ROWS)
    return losses


def products(task: Task) -> None:
    """Multiply the matrices of forward and backward pass, and do nothing else."""
    random, widths = generator(0), (task.inputs, *task.hidden, task.outputs)
    layers = []
    for a, b in pairwise(widths):
        shapes = (BATCH, a), (a, b), (BATCH, b), (a, b), (BATCH, a)  # x, W, y, ∂L/∂W, ∂L/∂x
        layers.append([random.standard_normal(shape).astype(np.float32) for shape in shapes])
    for _ in range(EPOCHS * ROWS // BATCH):
        for number, (x, W, y, dW, dx) in enumerate(layers):
            np.dot(x, W, out=y)
            np.dot(x.T, y, out=dW)
            if number:
                np.dot(y, W.T, out=dx)


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Give CPU seconds, seconds and the result."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return time.process_time() - cpu, time.perf_counter() - wall, result


def measure(task: Task) -> None:
    ours = task.ours()
    ways: dict[str, Callable[[], Any]] = {
        "**Thalweg, the estimator**": lambda: task.ours().loss_curve_,
        "scikit-learn": lambda: task.scikit_learn().loss_curve_,
        "PyTorch eager, Adam": lambda: loop(task, ours),
        "PyTorch eager, fused Adam": lambda: loop(task, ours, fused=True),
        "PyTorch eager, DataLoader": lambda: loop(task, ours, loaded=True),
        BOUND: lambda: products(task),
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    curves = {}
    with threadpool_limits(1):
        torch.set_num_threads(1)
        for _ in range(ROUNDS):
            for name, way in ways.items():
                cpu, _, curves[name] = timed(way)
                speeds[name].append(ROWS * EPOCHS / cpu / 1000)
    own = median(speeds["**Thalweg, the estimator**"])
    print(f"\n## {task.name}\n")
    print("| | thousand samples a CPU second | least – most | Thalweg is faster by | loss, first and last epoch |")
    print("|---|---|---|---|---|")
    for name, each in speeds.items():
        curve = curves[name]
        losses = "" if curve is None else f"{curve[0]:.5f} → {curve[-1]:.5f}"
        print(
            f"| {name} | {median(each):.0f} | {min(each):.0f} – {max(each):.0f} | {own / median(each):.2f} | {losses} |"
        )
    gap = np.abs(np.array(curves["**Thalweg, the estimator**"]) - curves["PyTorch eager, Adam"]).max()
    best = max(median(each) for name, each in speeds.items() if "Thalweg" not in name and name != BOUND)
    print(f"\nLargest difference to PyTorch's loss over the epochs, same start and batches: {gap:.1e}.", end=" ")
    print(f"Against the best of the others: {own / best:.2f}; the target is {TARGET},", end=" ")
    print(f"and {median(speeds[BOUND]) / best:.2f} is where the products alone are.")


def threads(task: Task, rounds: int = ROUNDS) -> str:
    """Compare one thread allowed with two, in wall time."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for allowed, each in seconds.items():
            with threadpool_limits(allowed):
                each.append(timed(task.ours)[1])
    return f"| {task.name} | {median(seconds[1]):.2f} | {median(seconds[2]):.2f} |"


def main() -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)
    tasks = [
        Task("Classifier 64 → 128 → 128 → 10", 64, (128, 128), 10),
        Task("Regressor 20 → 256 → 256 → 1", 20, (256, 256), 1),
    ]
    print("# Networks: our own backpropagation beside everybody's\n\n`python benchmarks/network.py`\n")
    print(
        f"{ROWS:,} rows, batches of {BATCH}, {EPOCHS} epochs, Adam at {RATE}; medians of {ROUNDS} rounds, one thread each.",
        end=" ",
    )
    print(f"NumPy {np.__version__}, PyTorch {torch.__version__}, Python {sys.version.split()[0]}.")
    for task in tasks:
        measure(task)
    print("\n## Threads\n\nSeconds of wall time for the whole fit, by the threads that are allowed.\n")
    print("| | one | two |\n|---|---|---|")
    for task in (*tasks, Task("Classifier 64 → 1024 → 1024 → 10", 64, (1024, 1024), 10)):
        print(threads(task, ROUNDS if max(task.hidden) < 1000 else 1), flush=True)


if __name__ == "__main__":
    main()
