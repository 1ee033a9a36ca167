"""Evaluations that LBFGS needs beside SciPy's L-BFGS-B, on every test function that has a gradient.

    python benchmarks/lbfgs.py

Both begin at the same 50 random points of each function's box (the start is evaluation 1; one evaluation is a value with
its gradient), have the same memory of 10 pairs, and run to their own end with their defaults. The accuracy is the one that
SciPy reaches: where f* is the lowest value of both runs and of SciPy's polished one, and SciPy ends at f* + e, both count
the evaluations until a value is first at most f* + e', where e' is e rounded up to a power of ten, and at least
10⁻⁸ max(1, |f*|). (Not rounded, the level would be one of SciPy's own values, reached at the moment when it is counted.)

On functions with many minima the two may end in different ones, and then their counts say nothing about each other: a start
is compared only where both end in the same minimum, that is where SciPy's last point, polished by a second run without its
tolerance on the decrease where it is not already there, lies within 10⁻³ of the box's width of ours. A start where ours ends
in the same minimum without having reached the level counts as infinitely many evaluations. The ratio is the median over the
compared starts of ours divided by SciPy's.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from thalweg.arrays import Floats
from thalweg.optimizers.gradient import LBFGS
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.problem.functions import ALL, Benchmark
from thalweg.rng import generator
from thalweg.space import Box

STARTS, MOST = 50, 6_000
FIXED = ("branin", "hartmann3", "hartmann6")
UNBOUNDED = ("sphere", "ellipsoid", "rosenbrock", "rastrigin", "ackley", "griewank", "levy", "styblinski_tang")


@dataclass(frozen=True)
class Run:
    """The values of one run, in order, its last point, and its CPU seconds without those of the function."""

    values: Floats
    x: Floats
    seconds: float

    @property
    def lowest(self) -> float:
        """The least value."""
        return float(self.values.min())

    def until(self, level: float) -> float:
        """Evaluations until a value is first at most ``level``."""
        reached = np.flatnonzero(self.values <= level)
        return float(reached[0] + 1) if len(reached) else np.inf


class Counted:
    """A function and its gradient that keep every value, and the time that they take."""

    def __init__(self, f: Benchmark) -> None:
        self.f, self.values, self.seconds = f, [], 0.0
        assert f.gradient is not None
        self.gradient: Callable[[Any], Floats] = f.gradient

    def __call__(self, x: Floats) -> tuple[float, Floats]:
        started = time.process_time()
        value, gradient = float(self.f(x)), self.gradient(x)
        self.seconds += time.process_time() - started
        self.values.append(value)
        return value, gradient


def thalweg_run(f: Benchmark, space: Box | Any, start: Floats) -> Run:
    """Run LBFGS to its end."""
    counted, optimizer = Counted(f), LBFGS()
    problem = Problem(f, space, gradient=f.gradient)
    state, nothing, one = optimizer.init(problem, 0), Candidates.none(problem.columns), np.ones(1, dtype=np.int64)
    candidates = Candidates.at(problem.columns, start[None])
    started = time.process_time()
    while len(candidates) and len(counted.values) < MOST:
        value, gradient = counted(candidates.x[0])
        told = Evaluations(candidates, np.array([[value]]), gradient[None, None], np.empty((1, 0)), np.zeros(1), one)
        state = optimizer.tell(state, told)
        candidates, state = optimizer.ask(state, 1, nothing)
    return Run(np.array(counted.values), state.x, time.process_time() - started - counted.seconds)


def scipy_run(f: Benchmark, bounds: Any, start: Floats, **options: float) -> Run:
    """Run L-BFGS-B to its end."""
    counted = Counted(f)
    limits = {"maxfun": 10 * MOST, "maxiter": MOST}
    started = time.process_time()
    x = minimize(counted, start, jac=True, method="L-BFGS-B", bounds=bounds, options=limits | options).x
    return Run(np.array(counted.values), x, time.process_time() - started - counted.seconds)


def lowest_of_one_minimum(f: Benchmark, bounds: Any, ours: Run, theirs: Run) -> float | None:
    """Give the lowest value of the minimum that both ended in; None where these are two."""
    columns = f.space.columns
    near = 1e-3 * float((columns.high - columns.low).max())
    if np.abs(ours.x - theirs.x).max() <= near:
        return min(ours.lowest, theirs.lowest)
    polished = scipy_run(f, bounds, theirs.x, ftol=0.0, gtol=1e-8)
    if np.abs(ours.x - polished.x).max() <= near:
        return min(ours.lowest, theirs.lowest, polished.lowest)
    return None


def row(f: Benchmark, bounded: bool) -> str:
    """Compare on one function."""
    columns = f.space.columns
    bounds = list(zip(columns.low, columns.high, strict=True)) if bounded else None
    space = f.space if bounded else Box(dim=columns.dim)
    counts, seconds, evaluations = [], np.zeros(2), np.zeros(2)
    for start in columns.random(generator(0, columns.dim), STARTS):
        ours, theirs = thalweg_run(f, space, start), scipy_run(f, bounds, start)
        seconds += ours.seconds, theirs.seconds
        evaluations += len(ours.values), len(theirs.values)
        lowest = lowest_of_one_minimum(f, bounds, ours, theirs)
        if lowest is not None:
            error = max(theirs.lowest - lowest, 1e-8 * max(1.0, abs(lowest)))
            level = lowest + 10 ** np.ceil(np.log10(error))
            counts.append((ours.until(level), theirs.until(level)))
    own, scipy = np.array(counts).T if counts else np.full((2, 1), np.nan)
    cost = 1e6 * seconds / evaluations
    return (
        f"| {f.name} | {'box' if bounded else 'none'} | {len(counts)} | {np.median(own):g} | {np.median(scipy):g} "
        f"| {np.median(own / scipy):.2f} | {cost[0]:.0f} | {cost[1]:.0f} |"
    )


def functions() -> Iterator[tuple[Benchmark, bool]]:
    """Give every function with a gradient, in 2, 10 and 50 dimensions where that can be chosen, with and without its box."""
    for bounded in (True, False):
        for name, make in ALL.items():
            if make().derivative is not None and (bounded or name in UNBOUNDED):
                for f in [make()] if name in FIXED else [make(dim=dim) for dim in (2, 10, 50)]:
                    yield f, bounded


def main() -> None:
    lines = [
        "LBFGS and SciPy's L-BFGS-B: evaluations to the same accuracy, medians over those of",
        f"{STARTS} random starts from which both end in the same minimum (`python benchmarks/lbfgs.py`, whose head says how",
        "they are compared); and CPU microseconds that each spends for itself per evaluation, ours in NumPy, SciPy's in C.",
        "",
        "| function | bounds | compared | Thalweg | SciPy | ratio | µs Thalweg | µs SciPy |",
        "|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    for f, bounded in functions():
        print(row(f, bounded), flush=True)


if __name__ == "__main__":
    main()
