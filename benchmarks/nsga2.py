"""NSGA2 beside pymoo's, on functions with known fronts, at equal evaluations; and the exact hypervolume beside moocore's.

    python benchmarks/nsga2.py [--seeds 11] [--functions zdt1 zdt2 …]

Each has its defaults: 100 individuals, simulated binary crossover (η = 15, 0.9 of the pairs), polynomial mutation (η = 20,
1 / d of the genes; pymoo mutates 0.9 of the individuals). Each has 25,000 evaluations. What counts is the hypervolume of the
last population up to a reference of 1.1 in every objective (0.6 for DTLZ1), as a share of that of the true front; with three
objectives no 100 points come near the whole. Pairs won are those of a run of ours and a run of theirs. Times are CPU seconds
of one thread without those of the function. Needs pymoo.
"""

import argparse
import platform
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import moocore
import numpy as np
import pymoo
from pymoo.algorithms.moo.nsga2 import NSGA2 as PymooNSGA2
from pymoo.core.problem import Problem as PymooProblem
from pymoo.optimize import minimize

from thalweg.arrays import Floats
from thalweg.optimizers.evolution.nsga2 import NSGA2
from thalweg.problem import Candidates, Problem, evaluate
from thalweg.problem.functions import ALL, Benchmark
from thalweg.problem.pareto import hypervolume

SIZE, GENERATIONS, SIMPLEX, SPHERE = 100, 250, 0.6**3 - 0.5**3 / 6, 1.1**3 - np.pi / 6
WHOLE = {"dtlz1": SIMPLEX, "dtlz2": SPHERE}  # hypervolume of the true front, where it is known in closed form
NAMES = ("zdt1", "zdt2", "zdt3", "zdt4", "zdt6", "dtlz1", "dtlz2")


class Wrapped(PymooProblem):
    """A function in pymoo's form."""

    def __init__(self, function: Benchmark, objectives: int) -> None:
        columns = function.space.columns
        super().__init__(n_var=columns.dim, n_obj=objectives, xl=columns.low, xu=columns.high)
        self.function = function

    def _evaluate(self, x: Floats, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        out["F"] = self.function(x)


def thalweg_run(function: Benchmark, objectives: int, seed: int) -> Floats:
    """Give the objectives of the last population."""
    optimizer = NSGA2(size=SIZE)
    problem = Problem(function, function.space, goal=["minimize"] * objectives, vectorized=True)
    state, nothing = optimizer.init(problem, seed), Candidates.none(problem.columns)
    for _ in range(GENERATIONS):
        candidates, state = optimizer.ask(state, SIZE, nothing)
        state = optimizer.tell(state, evaluate(problem, candidates))
    return state.parent_value


def pymoo_run(function: Benchmark, objectives: int, seed: int) -> Floats:
    """Give the objectives of the last population."""
    problem, optimizer = Wrapped(function, objectives), PymooNSGA2(pop_size=SIZE)
    last: Floats = minimize(problem, optimizer, ("n_eval", SIZE * GENERATIONS), seed=seed).pop.get("F")
    return last


def measure(
    run: Callable[[Benchmark, int, int], Floats], function: Benchmark, seeds: int, reference: float
) -> tuple[Floats, float]:
    """Give the hypervolume of every seed, and the median of the microseconds per candidate."""
    m, batch = function.front(1).shape[1], function.space.columns.random(np.random.default_rng(0), SIZE)
    volumes, times = [], []
    for seed in range(seeds):
        started = time.process_time()
        last = run(function, m, seed)
        ended = time.process_time()
        for _ in range(GENERATIONS):
            function(batch)
        alone = time.process_time() - ended
        times.append((ended - started - alone) / (SIZE * GENERATIONS) * 1e6)
        volumes.append(hypervolume(last, [reference] * m))
    return np.array(volumes), float(np.median(times))


def compare(names: list[str], seeds: int) -> None:
    """Print a row a function."""
    print("| function | Thalweg, median (worst) | pymoo, median (worst) | pairs won | µs Thalweg | µs pymoo |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in names:
        function, reference = ALL[name](), 0.6 if name == "dtlz1" else 1.1
        whole = WHOLE.get(name) or hypervolume(function.front(100_000), [reference] * 2)
        (ours, our_time), (theirs, their_time) = (
            measure(run, function, seeds, reference) for run in (thalweg_run, pymoo_run)
        )
        cells = [f"{np.median(each) / whole:.5f} ({each.min() / whole:.5f})" for each in (ours, theirs)]
        won = np.mean(ours[:, None] > theirs)
        print(f"| {function.name} | {' | '.join(cells)} | {won:.0%} | {our_time:.1f} | {their_time:.1f} |", flush=True)


def time_hypervolume() -> None:
    """Print a row a size."""
    print("| points of the true front | Thalweg, ms | moocore (C), ms | difference |\n|---|---:|---:|---:|")
    for name, m, n in (("zdt1", 2, 10_000), ("dtlz2", 3, 100), ("dtlz2", 3, 1000), ("dtlz2", 4, 100), ("dtlz2", 5, 50)):
        function = ALL[name]() if m == 2 else ALL[name](dim=m + 9, objectives=m)
        points, reference = function.front(n), [1.1] * m
        results, seconds = [], []
        for measured in (partial(hypervolume, reference=reference), partial(moocore.hypervolume, ref=reference)):
            started = time.process_time()
            results.append(measured(points))
            seconds.append(time.process_time() - started)
        difference = abs(results[0] / results[1] - 1)
        print(f"| {name}, {m} × {n:,} | {seconds[0] * 1e3:.2f} | {seconds[1] * 1e3:.2f} | {difference:.0e} |")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=11)
    parser.add_argument("--functions", nargs="+", choices=NAMES, default=list(NAMES))
    options = parser.parse_args()
    print(
        f"Hypervolume of the last population after {SIZE * GENERATIONS:,} evaluations, as a share of the true front's, over "
        f"{options.seeds} seeds,\nand CPU microseconds per candidate (`python benchmarks/nsga2.py`, whose head says what is "
        f"compared).\nPython {platform.python_version()}, NumPy {np.__version__}, pymoo {pymoo.__version__}, one thread.\n"
    )
    compare(options.functions, options.seeds)
    print()
    time_hypervolume()


if __name__ == "__main__":
    main()
