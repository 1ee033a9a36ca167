"""Is the automatic learning rate of a network as good as the best of a sweep?

    python benchmarks/rate_race.py > benchmarks/results/rate_race.md

A net of two hidden layers of 128 rectified units is trained by ``fit_module`` with the rate of the race, and with each rate
of a sweep on the same schedule. Test accuracy, or R², means over seeds. One core, some minutes.
"""

import os
import sys
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from sklearn.datasets import load_digits, make_classification, make_friedman1
from sklearn.model_selection import train_test_split
from torch import nn

from thalweg.optimizers.rules import AdamW, HeavyBall
from thalweg.problem import Minibatches
from thalweg.training.rate_race import rise_and_fall
from thalweg.training.torch.fit import fit_module
from thalweg.training.torch.settings import Hardware, Recipe

HIDDEN, SIZE, SEEDS, CPU = 128, 64, 4, Hardware("cpu")
RULES = {"AdamW": (AdamW(), np.logspace(-4, -0.5, 8)), "HeavyBall": (HeavyBall(), np.logspace(-3.5, 0.5, 9))}


class Task(NamedTuple):
    """A data set and how long it is learned."""

    data: str
    epochs: int


TASKS = (
    Task("digits", 20), Task("digits", 80), Task("synthetic", 20), Task("unscaled", 20), Task("far from scaled", 20),
    Task("regression", 20), Task("300 rows", 20),
)  # fmt: skip


def read(name: str, seed: int) -> tuple[Any, Any]:
    """Give columns, and classes or numbers."""
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        return X / 16, y
    if name in ("regression", "300 rows"):
        X, y = make_friedman1(4000 if name == "regression" else 300, 10, noise=1.0, random_state=seed)
        return (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    X, y = make_classification(
        n_samples=4000, n_features=20, n_informative=10, n_redundant=4, n_classes=4, n_clusters_per_class=3,
        flip_y=0.1, random_state=seed,
    )  # fmt: skip
    spread = {"unscaled": 1.5, "far from scaled": 3.0}.get(name, 0.0)
    return X * 10 ** np.random.default_rng(seed).uniform(-spread, spread, X.shape[1]), y


def train(task: Task, seed: int, rule: Any, rate: float | None) -> tuple[float, float]:
    """Give the score on the test rows, and the rate."""
    X, y = read(task.data, seed)
    classes = y.dtype.kind == "i"
    X, X_test, y, y_test = (
        torch.tensor(part, dtype=torch.int64 if part.dtype.kind == "i" else torch.float32)
        for part in train_test_split(X, y, random_state=seed)
    )
    torch.manual_seed(seed)
    outputs = int(y.max()) + 1 if classes else 1
    layers = [
        nn.Linear(X.shape[1], HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, outputs),
    ]
    module, loss = nn.Sequential(*layers), nn.CrossEntropyLoss() if classes else nn.MSELoss()
    batches = Minibatches(X, y if classes else y[:, None], size=SIZE, seed=seed)
    schedule = "auto" if rate is None else rise_and_fall(rate, task.epochs * batches.batches_per_epoch)
    recipe = Recipe(rule, schedule, task.epochs, on_divergence="stop")
    result = fit_module(module, loss, batches, recipe=recipe, hardware=CPU, seed=seed)
    with torch.no_grad():
        output = module(X_test)
    if classes:
        return float((output.argmax(1) == y_test).float().mean()), result.learning_rate
    score = 1 - float((output[:, 0] - y_test).square().mean() / y_test.var())
    return max(score, -1.0) if np.isfinite(score) else -1.0, result.learning_rate


def main() -> None:
    print("| data, epochs | rule | best fixed rate | its score | median of the rates | **auto** | rates chosen |")
    print("|---|---|---|---|---|---|---|")
    for name, (rule, rates) in RULES.items():
        for task in TASKS:
            sweep = np.array([[train(task, seed, rule, float(rate))[0] for rate in rates] for seed in range(SEEDS)])
            auto, chosen = zip(*(train(task, seed, rule, None) for seed in range(SEEDS)), strict=True)
            means, best = sweep.mean(axis=0), int(sweep.mean(axis=0).argmax())
            print(
                f"| {task.data}, {task.epochs} | {name} | {rates[best]:.2g} | {means[best]:.3f} | {np.median(means):.3f} | "
                f"**{np.mean(auto):.3f}** | {min(chosen):.2g} to {max(chosen):.2g} |", flush=True,
            )  # fmt: skip
            print(task, name, np.round(sweep, 3).tolist(), np.round(auto, 3), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
