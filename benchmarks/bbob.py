"""Population methods beside their peers on the 24 functions of BBOB: share of the targets reached within a budget.

    python benchmarks/bbob.py [--kind KIND ...] [--method NAME ...] [--dims 10 20] [--instances 1-3 4-6]
                              [--functions 1-24] [--budget 1000] [--jobs 1]

The targets are the 51 values 10^2, 10^1.8 … 10^-8 of f − f_opt; the share that is reached within budget·d evaluations is
averaged over functions and instances. Ours were tuned on the instances 1-3; 4-6 are there to see whether that holds.
Needs coco-experiment; peers that are not installed are named below their table.
"""

import argparse
import importlib.metadata
import os
import platform
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial

import numpy as np
from bbob.measure import FUNCTIONS, GROUPS, Run, run
from bbob.methods import KINDS, installed


def numbers(text: str) -> tuple[int, ...]:
    """Read 1-3 or 1,2,5-7."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


def one(task: tuple[str, str, int, int, int], budget: int) -> Run:
    """Run one method once; named, because functions do not travel between processes."""
    kind, name, function, dim, instance = task
    return run(KINDS[kind][name][1], function, dim, instance, budget)


def shown(runs: list[Run]) -> str:
    return f"{np.mean([one.share for one in runs]):.3f}" if runs else "—"


def table(kind: str, names: list[str], options: argparse.Namespace, pool: Executor | None) -> list[str]:
    """Measure the methods of one kind."""
    sets = [numbers(text) for text in options.instances]
    columns = [f"d = {dim}, instances {text}" for dim in options.dims for text in options.instances]
    columns += [*GROUPS, "µs a candidate", "evaluations"]
    lines = [f"| {kind} | {' | '.join(columns)} |", "|---" + "|---:" * len(columns) + "|"]
    for name in names:
        tasks = [
            (kind, name, function, dim, instance)
            for dim in options.dims
            for instance in sorted({i for given in sets for i in given})
            for function in numbers(options.functions)
        ]
        runs = list((map if pool is None else pool.map)(partial(one, budget=options.budget), tasks))
        failures = [each for each in runs if each.failure]
        if failures:
            lines.append(f"| {name} | {len(failures)} of {len(runs)} failed: {failures[0].failure} |")
            continue
        cells = [
            shown([each for each in runs if each.dim == dim and each.instance in given])
            for dim in options.dims
            for given in sets
        ]
        cells += [shown([each for each in runs if each.function in group]) for group in GROUPS.values()]
        cells.append(f"{1e6 * sum(each.seconds for each in runs) / sum(each.evaluations for each in runs):.1f}")
        used = [each.evaluations / (options.budget * each.dim) for each in runs]
        lines.append(f"| {name} | {' | '.join(cells)} | {min(np.mean(used), 1):.0%} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--method", nargs="+", default=None, metavar="NAME", help="only these")
    parser.add_argument("--dims", nargs="+", type=int, default=[10, 20])
    parser.add_argument("--instances", nargs="+", default=["1-3", "4-6"])
    parser.add_argument("--functions", default=f"{FUNCTIONS[0]}-{FUNCTIONS[-1]}")
    parser.add_argument("--budget", type=int, default=1000, help="evaluations a column")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    packages = {"thalweg": "thalweg", "cma": "cma", "minionpy": "minionpy", "pymoo": "pymoo", "scipy": "scipy"}
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages if installed(name))
    print(
        "# BBOB: share of the targets 10^2 … 10^-8 reached (`python benchmarks/bbob.py`)\n\n"
        f"{options.budget:,} evaluations a column, functions {options.functions}. "
        f"Python {platform.python_version()}, {versions}. Seconds are of the processor, the functions' own included.",
        flush=True,
    )
    pool = ProcessPoolExecutor(options.jobs) if options.jobs > 1 else None
    for kind in options.kind:
        wanted = [name for name in KINDS[kind] if options.method is None or name in options.method]
        names = [name for name in wanted if installed(KINDS[kind][name][0])]
        missing = [name for name in wanted if name not in names]
        print("", *table(kind, names, options, pool), sep="\n", flush=True)
        if missing:
            print(f"\nnot installed: {', '.join(missing)}", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
