"""Which learning rate? Every way to do without choosing one, against the best of six.

    python benchmarks/learning_rate.py > benchmarks/results/learning_rate.md

A net of two hidden layers of 128 rectified units is trained for the same number of evaluations by each method; what a
method spends on its own search counts. Test accuracy, medians over seeds, each of which draws the data, the split,
the start and the minibatches. One core, some minutes.
"""

import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.datasets import load_digits, make_classification

import thalweg as tw
from thalweg.optimizers.gradient import Averaged, GradientDescent
from thalweg.optimizers.gradient.learning_rates import StochasticArmijo, StochasticPolyak
from thalweg.optimizers.rules import AdamW, Cosine, OneCycle, Prodigy, ScheduleFreeAdamW
from thalweg.problem import Candidates, evaluate
from thalweg.rng import generator
from thalweg.training.learning_rate import find_learning_rate

HIDDEN, SIZE, EPOCHS, SEEDS = 128, 64, 20, 5
RATES = np.logspace(-4, -1, 6)
SPREADS = {"unscaled": 1.5, "far from scaled": 3.0}  # U(−s, s): decimal logarithms of what columns are multiplied by
TARGET = 0.02


class Net:
    """Forward and backward through two hidden layers, on one vector of weights."""

    def __init__(self, inputs: int, classes: int) -> None:
        self.shapes = [(inputs, HIDDEN), (HIDDEN,), (HIDDEN, HIDDEN), (HIDDEN,), (HIDDEN, classes), (classes,)]
        self.ends = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)])
        self.dim = int(self.ends[-1])

    def parts(self, w: Any) -> list[Any]:
        blocks = zip(self.ends, self.ends[1:], self.shapes, strict=False)
        return [w[start:end].reshape(shape) for start, end, shape in blocks]

    def start(self, seed: int) -> Any:
        """He's start: weights of variance 2 / inputs, biases of 0."""
        random, w = generator(seed, 1), np.zeros(self.dim)
        for part in self.parts(w)[::2]:
            part[...] = random.normal(size=part.shape) * np.sqrt(2 / len(part))
        return w

    def forward(self, w: Any, X: Any) -> tuple[Any, Any, Any]:
        """Outputs of both hidden layers, and the classes' scores."""
        first, b, second, c, third, d = self.parts(w)
        one = np.maximum(X @ first + b, 0)
        two = np.maximum(one @ second + c, 0)
        return one, two, two @ third + d

    def loss(self, w: Any, X: Any, y: Any) -> float:
        """Mean cross-entropy."""
        scores = self.forward(w, X)[2]
        top = scores.max(axis=1)
        return float(np.mean(top + np.log(np.exp(scores - top[:, None]).sum(axis=1)) - scores[np.arange(len(y)), y]))

    def gradient(self, w: Any, X: Any, y: Any) -> Any:
        one, two, scores = self.forward(w, X)
        delta = np.exp(scores - scores.max(axis=1, keepdims=True))
        delta /= delta.sum(axis=1, keepdims=True)
        delta[np.arange(len(y)), y] -= 1
        delta /= len(y)
        gradient = np.empty_like(w)
        parts, weights = self.parts(gradient), self.parts(w)
        for layer, below in ((4, two), (2, one), (0, X)):
            parts[layer][...], parts[layer + 1][...] = below.T @ delta, delta.sum(axis=0)
            if layer:
                delta = (delta @ weights[layer].T) * (below > 0)
        return gradient

    def accuracy(self, w: Any, X: Any, y: Any) -> float:
        return float(np.mean(self.forward(w, X)[2].argmax(axis=1) == y))


class Task:
    """A data set, split and drawn by a seed, as a problem to train the net on."""

    def __init__(self, name: str, seed: int) -> None:
        X, y = read(name, seed)
        order = generator(seed, 2).permutation(len(X))
        train, test = np.split(order, [len(X) * 3 // 4])
        self.test = X[test], y[test]
        self.net = Net(X.shape[1], int(y.max()) + 1)
        self.start = self.net.start(seed)
        batches = tw.Minibatches(X[train], y[train], size=SIZE, seed=seed)
        self.evaluations = EPOCHS * -(-len(train) // SIZE)
        self.problem = tw.Problem(
            self.net.loss, tw.Box(dim=self.net.dim), gradient=self.net.gradient, minibatches=batches
        )

    def accuracy(self, optimizer: tw.Optimizer, evaluations: int | None = None) -> float:
        """Train, and give the test accuracy of the weights that the optimizer recommends.

        This is what ``tw.minimize(…, initial=[start], evaluations=…)`` does, without keeping every iterate.
        """
        problem, columns, need = self.problem, self.problem.columns, optimizer.capabilities.needs
        nothing, start = Candidates.none(columns), Candidates.at(columns, self.start[None])
        state = optimizer.tell(optimizer.init(problem, 0), evaluate(problem, start, need))
        for _ in range((self.evaluations if evaluations is None else evaluations) - 1):
            candidates, state = optimizer.ask(state, 1, nothing)
            if not len(candidates):  # it has diverged
                break
            state = optimizer.tell(state, evaluate(problem, candidates, need))
        return self.net.accuracy(optimizer.recommend(state), *self.test)


def read(name: str, seed: int) -> tuple[Any, Any]:
    """Give the columns and classes of a data set."""
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        return X / 16, y
    X, y = make_classification(
        n_samples=4000, n_features=20, n_informative=10, n_redundant=4, n_classes=4, n_clusters_per_class=3,
        flip_y=0.1, random_state=seed,
    )  # fmt: skip
    spread = SPREADS.get(name, 0.0)
    return X * 10 ** generator(seed, 3).uniform(-spread, spread, X.shape[1]), y


def range_test(task: Task) -> float:
    """A range test, and one cycle with the evaluations that it has left."""
    found = find_learning_rate(task.problem, AdamW(), initial=task.start)
    left = task.evaluations - len(found.losses)
    return task.accuracy(GradientDescent(OneCycle(found.suggestion, left), AdamW()), left)


def plain(optimizer: tw.Optimizer) -> Callable[[Task], float]:
    """Train with one optimizer."""
    return lambda task: task.accuracy(optimizer)


def prodigy(task: Task) -> float:
    """Prodigy, with the schedule that its authors use."""
    return task.accuracy(GradientDescent(Cosine(1.0, task.evaluations), Prodigy()))


class Method(NamedTuple):
    """A name and what it does."""

    name: str
    run: Callable[[Task], float]


AUTO = Method('`learning_rate="auto"`: race of rates, averaged', plain(GradientDescent(rule=AdamW())))
METHODS = (
    AUTO,
    Method("AdamW, 0.001", plain(GradientDescent(0.001, AdamW()))),
    Method("AdamW, 0.001, averaged", plain(Averaged(GradientDescent(0.001, AdamW()), eta=8))),
    Method("schedule-free AdamW, 0.0025", plain(GradientDescent(0.0025, ScheduleFreeAdamW()))),
    Method("Prodigy", plain(GradientDescent(1.0, Prodigy()))),
    Method("Prodigy, cosine", prodigy),
    Method("range test and one cycle, AdamW", range_test),
    Method("stochastic Armijo, SGD", plain(GradientDescent(StochasticArmijo()))),
    Method("stochastic Polyak, SGD", plain(GradientDescent(StochasticPolyak()))),
)
NAMES = ("digits", "synthetic", *SPREADS)
AIMED = 3  # the target is for the first three; the last shows where the race fails


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure(name: str) -> tuple[Any, Any]:
    """Give the accuracies (seeds, rates) of the sweep and (seeds, methods)."""
    sweep, methods = [], []
    for seed in range(SEEDS):
        task = Task(name, seed)
        methods.append([method.run(task) for method in METHODS])
        sweep.append([task.accuracy(GradientDescent(float(rate), AdamW())) for rate in RATES])
        note(f"{name} {seed}: sweep {np.round(sweep[-1], 3)} methods {np.round(methods[-1], 3)}")
    return np.array(sweep), np.array(methods)


def table(best: list[float], middle: list[float], methods: list[list[float]]) -> list[str]:
    """One row a method, one column a data set."""
    rows = [("best of six rates, chosen on the test data of each seed", best), ("median of the six rates", middle)]
    rows += [(method.name, [row[i] for row in methods]) for i, method in enumerate(METHODS)]
    lines = ["| method | " + " | ".join(NAMES) + " |", "|---|" + "---|" * len(NAMES)]
    for name, values in rows:
        cells = [f"{value:.3f}" for value in values]
        if name == AUTO.name:
            name, cells = f"**{name} (the default)**", [f"**{cell}**" for cell in cells]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def conclusion(lost: Any) -> list[str]:
    """Say what follows from what each method loses to the best of six: (data sets, methods)."""
    worst, auto = lost[:AIMED].max(axis=0), METHODS.index(AUTO)
    order = [int(i) for i in np.argsort(worst, kind="stable") if i != auto]
    most = f"{worst[auto]:.3f}" if worst[auto] > 0 else f"nothing (it is better, by {-worst[auto]:.3f} or more)"
    reached = bool(worst[auto] <= TARGET)
    return [
        f"On the first three, the automatic rate loses {most} to the best of six rates, which",
        f"costs six times as much; the target, at most {TARGET}, is {'reached' if reached else 'missed'}. "
        f"The next best, {METHODS[order[0]].name}, loses {worst[order[0]]:.3f} where it is worst,",
        f"the last, {METHODS[order[-1]].name}, {worst[order[-1]]:.3f}. "
        f"On the last data set the automatic rate loses {lost[AIMED:, auto].max():.3f}: large rates collapse there to a",
        "constant answer long before smaller ones have come down to it. "
        + ('So: scale the columns, and leave the learning rate to `"auto"`.' if reached else ""),
    ]


def main() -> None:
    best, middle, methods = [], [], []
    for name in NAMES:
        sweep, accuracies = measure(name)
        best.append(float(np.median(sweep.max(axis=1))))
        middle.append(float(np.median(np.median(sweep, axis=1))))
        methods.append(np.median(accuracies, axis=0).tolist())
    print("# Which learning rate?\n")
    print(
        f"Test accuracy of a net of 2 × {HIDDEN} rectified units after {EPOCHS} epochs of minibatches of {SIZE}, every "
        "method's search\nincluded; the sweep gives each of its rates "
        f"({', '.join(f'{rate:.2g}' for rate in RATES)}; AdamW) as many.\nMedians of {SEEDS} seeds "
        "(`python benchmarks/learning_rate.py`). Unscaled: the columns of the synthetic data\nmultiplied by "
        + ", far from scaled: by ".join(f"10^U(−{spread}, {spread})" for spread in SPREADS.values())
        + ".\n"
    )
    print("\n".join(table(best, middle, methods)))
    print()
    print("\n".join(conclusion(np.array(best)[:, None] - np.array(methods))))


if __name__ == "__main__":
    main()
