"""The same small net by every optimizer: what each makes of the same seconds.

    python benchmarks/one_net.py > benchmarks/results/one_net.md

Two nets: 2 → 16 → 16 → 2 on two interleaved half circles (354 weights, 300 rows) and 64 → 16 → 10 on scikit-learn's digits
(1,210 weights, 1,347 rows), with hyperbolic tangents, in single precision (Newton's method takes differences of gradients,
and needs double). Every method has the same CPU time on one thread, all that it spends on itself included; some end by
themselves before. Medians over seeds, each of which draws the split, the module's weights and what is random in the method.
To add an optimizer, add a line to METHODS.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from itertools import pairwise
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import scipy
import scipy.optimize
import torch
from sklearn.datasets import load_digits, make_moons
from sklearn.model_selection import train_test_split
from torch import nn

import thalweg as tw
from thalweg.optimizers import CMAES, SeparableCovariance
from thalweg.optimizers.rules import AdamW
from thalweg.problem import Candidates, evaluate
from thalweg.training import ModuleProblem

SECONDS, SEEDS, BATCH, RADIUS, TOGETHER = 1.5, 5, 50, 2.0, 256
LOSS = nn.CrossEntropyLoss()
ALL, MINIBATCHES, POPULATION = {}, {"batch_size": BATCH}, {"radius": RADIUS}


class Task:
    """A net and its rows, drawn by a seed."""

    def __init__(self, name: str, seed: int) -> None:
        torch.manual_seed(seed)
        if name == "half circles":
            X, y = make_moons(600, noise=0.2, random_state=seed)
            sizes, test = (2, 16, 16, 2), 300
        else:
            X, y = load_digits(return_X_y=True)
            X, sizes, test = X / 16, (64, 16, 10), 450
        parts = train_test_split(X.astype(np.float32), y, test_size=test, stratify=y, random_state=seed)
        self.X, self.X_test, self.y, self.y_test = (torch.tensor(part) for part in parts)
        layers = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.Tanh())]
        self.module, self.seed = nn.Sequential(*layers[:-1]), seed
        self.whole = self.net()

    def net(self, dtype: Any = torch.float32, **settings: Any) -> ModuleProblem:
        return ModuleProblem(deepcopy(self.module).to(dtype), LOSS, self.X, self.y, seed=self.seed, **settings)

    def judge(self, weights: Any) -> tuple[float, float]:
        """Loss on the rows that were seen, accuracy on the others."""
        trained = self.whole.module(weights)
        with torch.no_grad():
            right = trained(self.X_test).argmax(dim=1) == self.y_test
            return LOSS(trained(self.X), self.y).item(), right.float().mean().item()


class OutOfTime(Exception):
    """The seconds are spent."""


class Best:
    """The best point so far, and a clock that ends the run."""

    def __init__(self) -> None:
        self.value, self.x, self.evaluations, self.started = np.inf, None, 0, time.process_time()

    @property
    def seconds(self) -> float:
        return time.process_time() - self.started

    def note(self, values: Any, points: Any) -> None:
        self.evaluations += len(values)
        i = int(np.argmin(np.where(np.isfinite(values), values, np.inf)))
        if values[i] < self.value:
            self.value, self.x = float(values[i]), points[i].copy()
        if self.seconds > SECONDS:
            raise OutOfTime


def ours(optimizer: tw.Optimizer, **settings: Any) -> Callable[[Task, Best], Any]:
    """Do what ``tw.minimize(problem, seconds=…)`` does, without keeping every iterate."""

    def run(task: Task, best: Best) -> Any:
        net = task.net(**settings)
        problem, need, nothing = net.problem, optimizer.capabilities.needs, Candidates.none(net.problem.columns)
        state = optimizer.init(problem, task.seed)
        candidates = Candidates.at(problem.columns, net.initial[None])
        with suppress(OutOfTime):
            while len(candidates):
                told = evaluate(problem, candidates, need)
                state = optimizer.tell(state, told)
                best.note(told.value[:, 0], candidates.x)
                candidates, state = optimizer.ask(state, TOGETHER, nothing)
        recommended = optimizer.recommend(state) if problem.minibatches else None
        return best.x if recommended is None else recommended

    return run


def torch_adam(rate: float) -> Callable[[Task, Best], Any]:
    """Run the loop that people write."""

    def run(task: Task, best: Best) -> Any:
        module = task.whole.module(task.whole.initial).train()
        optimizer, order = torch.optim.Adam(module.parameters(), lr=rate), torch.Generator().manual_seed(task.seed)
        while True:
            for rows in torch.randperm(len(task.X), generator=order).split(BATCH):
                loss = LOSS(module(task.X[rows]), task.y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                best.evaluations += 1
                if best.seconds > SECONDS:
                    return nn.utils.parameters_to_vector(module.parameters()).detach().double().numpy()

    return run


def scipy_lbfgs(task: Task, best: Best) -> Any:
    """Run L-BFGS-B on the module, by a plain backward pass."""
    module = task.whole.module(task.whole.initial)
    weights = list(module.parameters())

    def value_and_gradient(x: Any) -> tuple[float, Any]:
        nn.utils.vector_to_parameters(torch.tensor(x, dtype=torch.float32), weights)
        loss = LOSS(module(task.X), task.y)
        gradient = torch.cat([part.flatten() for part in torch.autograd.grad(loss, weights)])
        best.note([loss.item()], [x])
        return loss.item(), gradient.double().numpy()

    with suppress(OutOfTime):
        scipy.optimize.minimize(
            value_and_gradient, task.whole.initial, jac=True, method="L-BFGS-B", options={"maxiter": 10**6}
        )
    return best.x


def scipy_differential_evolution(task: Task, best: Best) -> Any:
    """Run 50 members at once on our vectorised loss, from the same box."""
    net = task.net(**POPULATION)
    columns = net.problem.columns

    def values(x: Any) -> Any:
        told = net.problem.objective(x.T)
        best.note(told, x.T)
        return told

    first = columns.random(np.random.default_rng(task.seed), 50)
    bounds = scipy.optimize.Bounds(columns.low, columns.high)
    with suppress(OutOfTime):
        scipy.optimize.differential_evolution(
            values, bounds, init=first, x0=net.initial, vectorized=True, updating="deferred", polish=False,
            maxiter=10**6, rng=task.seed,
        )  # fmt: skip
    return best.x


class Method(NamedTuple):
    """What it sees, its name and what it does."""

    sees: str
    name: str
    run: Callable[[Task, Best], Any]


METHODS = (
    Method("gradient, all rows", "`LBFGS()`", ours(tw.LBFGS())),
    Method("gradient, all rows", "SciPy, L-BFGS-B", scipy_lbfgs),
    Method("gradient, all rows", "`BFGS()`", ours(tw.BFGS())),
    Method("gradient, all rows", "`NewtonCG()`, double precision", ours(tw.NewtonCG(), dtype=torch.float64)),
    Method("gradient, all rows", "`GradientDescent()`", ours(tw.GradientDescent())),
    Method("gradient, minibatches", "`GradientDescent()`", ours(tw.GradientDescent(), **MINIBATCHES)),
    Method(
        "gradient, minibatches",
        "`GradientDescent(rule=AdamW())`",
        ours(tw.GradientDescent(rule=AdamW()), **MINIBATCHES),
    ),
    Method("gradient, minibatches", "PyTorch, Adam 0.001 in a plain loop", torch_adam(0.001)),
    Method("gradient, minibatches", "PyTorch, Adam 0.01 in a plain loop", torch_adam(0.01)),
    Method("gradient, minibatches", "`SVRG()`", ours(tw.SVRG(), **MINIBATCHES)),
    Method("gradient, minibatches", "`SAGA()`", ours(tw.SAGA(), **MINIBATCHES)),
    Method("value, populations", "`ParticleSwarm()`", ours(tw.ParticleSwarm(), **POPULATION)),
    Method("value, populations", "`GeneticAlgorithm()`", ours(tw.GeneticAlgorithm(), **POPULATION)),
    Method("value, populations", "`CMAES(sigma=0.05)`", ours(CMAES(sigma=0.05), **POPULATION)),
    Method(
        "value, populations",
        "`CMAES(sigma=0.05, covariance=SeparableCovariance())`",
        ours(CMAES(sigma=0.05, covariance=SeparableCovariance()), **POPULATION),
    ),
    Method("value, populations", "SciPy, differential evolution", scipy_differential_evolution),
    Method("value, populations", "`RandomSearch()`", ours(tw.RandomSearch(), **POPULATION)),
    Method("value, one by one", "`NelderMead()`", ours(tw.NelderMead(), **POPULATION)),
)
NAMES = ("half circles", "digits")


def measure(method: Method, name: str) -> Any:
    """Medians of loss, accuracy, evaluations and seconds."""
    rows = []
    for seed in range(SEEDS):
        task, best = Task(name, seed), Best()
        weights = method.run(task, best)
        seconds = best.seconds
        rows.append([*task.judge(weights), best.evaluations, seconds])
    medians = np.median(rows, axis=0)
    print(name, method.name, medians.round(4), file=sys.stderr, flush=True)
    return medians


def cells(medians: Any) -> str:
    loss, accuracy, evaluations, seconds = medians
    return f" {loss:.2g} | {accuracy:.3f} | {evaluations:,.0f} | {seconds:.1f} |"


def main() -> None:
    torch.set_num_threads(1)
    print("# The same net, every optimizer\n")
    print(
        f"What each makes of {SECONDS} CPU seconds on one thread: training loss, accuracy on rows that were not seen, and\n"
        "evaluations; fewer seconds where it ended by itself. 2 → 16 → 16 → 2 on two half circles, 64 → 16 → 10 on digits;\n"
        f"minibatches of {BATCH}, populations within ±{RADIUS:g} of the start. Medians of {SEEDS} seeds\n"
        f"(`python benchmarks/one_net.py`, PyTorch {torch.__version__.partition('+')[0]}, SciPy {scipy.__version__}).\n"
    )
    print("| sees | method |" + "".join(f" {name}: loss | accuracy | evaluations | s |" for name in NAMES))
    print("|---|---|" + "---|" * (4 * len(NAMES)))
    for method in METHODS:
        print(
            f"| {method.sees} | {method.name} |" + "".join(cells(measure(method, name)) for name in NAMES), flush=True
        )


if __name__ == "__main__":
    main()
