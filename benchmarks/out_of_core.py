"""Fits of a Parquet file that is never in memory as a whole, beside reading it and doing nothing.

    python benchmarks/out_of_core.py [--rows 5000000] [--columns 20] [--repeats 3]

The file is made in a temporary folder, as pyarrow writes one: float64 columns of normal numbers, two classes, Snappy,
groups of a million rows. Every figure is of a fresh child process: CPU seconds (user and system) from before the file is
opened until the answer is there, and the peak of the resident memory above what was resident before. Medians. The answers
of ``Exact`` and ``Newton`` must equal, bit for bit, those of the same numbers in memory; the exit code is 1 where they do
not.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SUBJECTS = {
    "reading alone, pyarrow's own settings": "read_default",
    "reading alone, in bounded memory": "read_lean",
    "`ParquetRows`: rows in C order, checked": "rows",
    "`Exact` least squares, one pass": "exact",
    "`Exact`, the table in memory": "exact_memory",
    "`Newton` logistic regression": "newton",
    "`Newton`, the table in memory": "newton_memory",
    "`SGD` logistic regression, one pass": "sgd",
    "scikit-learn `SGDClassifier`, averaged, one `partial_fit` pass": "sklearn_sgd",
}
PAIRS = [("exact", "exact_memory"), ("newton", "newton_memory")]


def make_file(path: str, n: int, d: int) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(0)
    w = random.normal(size=d) / 3
    schema = pa.schema([(f"x{j}", pa.float64()) for j in range(d)] + [("y", pa.int64())])
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, n, 1_000_000):
            X = random.normal(size=(d, min(1_000_000, n - first)))
            y = (random.random(X.shape[1]) < 1 / (1 + np.exp(-(w @ X)))).astype(np.int64)
            writer.write_table(pa.table([*X, y], schema=schema))


def resident(field: str) -> float:
    """Give VmRSS or VmHWM (the peak) of this process in MB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def child(subject: str, path: str, threads: int) -> dict:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from sklearn.linear_model import SGDClassifier

    from thalweg.training.losses import Logistic, Squared
    from thalweg.training.objective import LinearObjective
    from thalweg.training.penalties import L2
    from thalweg.training.rows import DenseRows, Rows
    from thalweg.training.rows.parquet import ParquetRows
    from thalweg.training.rows.parquet_files import LEAN
    from thalweg.training.solvers.exact import Exact
    from thalweg.training.solvers.newton import Newton
    from thalweg.training.solvers.sgd import SGD

    def in_memory() -> Rows:
        chunks = list(ParquetRows(path, "y").chunks())
        return DenseRows(np.concatenate([part.X for part in chunks]), np.concatenate([part.y for part in chunks]))

    def objective(rows: Rows, loss: object) -> LinearObjective:
        return LinearObjective(rows, loss, L2(), 1e-6, intercept=True)

    def read(**settings: object) -> None:
        for _ in pq.ParquetFile(path, **settings).iter_batches(8192 if settings else 65536, use_threads=threads > 1):
            pass

    def fit_sklearn() -> SGDClassifier:
        model = SGDClassifier(loss="log_loss", average=True, random_state=0)
        for batch in pq.ParquetFile(path, **LEAN).iter_batches(8192, use_threads=False):
            *columns, y = (np.from_dlpack(column) for column in batch.columns)
            model.partial_fit(np.column_stack(columns), y, classes=[0, 1])
        return model

    def fit(rows: Rows, subject: str) -> np.ndarray:
        if subject.startswith("exact"):
            return Exact().solve(objective(rows, Squared())).theta
        problem = objective(rows, Logistic())
        if subject == "sgd":
            return SGD().learn(problem, SGD().init(problem, np.zeros(problem.shape))).average
        return Newton().solve(problem).theta

    pa.set_cpu_count(threads)
    given = in_memory() if subject.endswith("memory") else None
    passes: list[bool] = []
    theta = None
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, cpu, wall = resident("VmRSS"), time.process_time(), time.perf_counter()
    rows = given or ParquetRows(path, "y", observe=lambda done, total: passes.append(done == total))
    if subject.startswith("read"):
        read(**(LEAN if subject == "read_lean" else {}))
    elif subject == "rows":
        for _ in rows.chunks():
            pass
    elif subject == "sklearn_sgd":
        model = fit_sklearn()
        theta = np.append(model.coef_[0], model.intercept_)
    else:
        theta = fit(rows, subject)
    cpu, wall, peak = time.process_time() - cpu, time.perf_counter() - wall, resident("VmHWM")
    read_passes = sum(passes) or 1
    loss = None if theta is None or subject.startswith("exact") else objective(rows, Logistic()).value(theta)
    digest = None if theta is None else hashlib.sha256(theta.tobytes()).hexdigest()
    return {"cpu": cpu, "wall": wall, "extra": peak - before, "passes": read_passes, "loss": loss, "digest": digest}


def measure(subject: str, path: str, threads: int, repeats: int) -> dict:
    environment = os.environ | {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "OPENBLAS", "MKL")}
    arguments = [sys.executable, __file__, "--child", subject, path, str(threads)]
    runs = []
    for _ in range(repeats):
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    middle = {key: statistics.median(run[key] for run in runs) for key in ("cpu", "wall", "extra", "passes")}
    return middle | {"loss": runs[0]["loss"], "digests": {run["digest"] for run in runs}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.child[0], options.child[1], int(options.child[2]))))
        return 0
    digests: dict[str, set] = {subject: set() for subject in SUBJECTS.values()}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "table.parquet")
        make_file(path, options.rows, options.columns)
        print(
            f"{options.rows:,} × {options.columns} float64 and a class, a Snappy Parquet file of "
            f"{Path(path).stat().st_size / 1e6:.0f} MB; each figure the median of {options.repeats} fresh processes\n"
            "(`python benchmarks/out_of_core.py`).\n"
        )
        print("| threads | what | thousand rows per CPU second | passes | CPU s | wall s | extra MB | mean loss |")
        print("|---|---|---|---|---|---|---|---|")
        for threads in (1, 2):
            for name, subject in SUBJECTS.items():
                row = measure(subject, path, threads, options.repeats)
                digests[subject] |= row["digests"]
                passes = "" if subject.endswith("memory") else f"{row['passes']:.0f}"
                rate = options.rows / row["cpu"] / 1000
                print(
                    f"| {threads} | {name} | {rate:.0f} | {passes} | {row['cpu']:.2f} | {row['wall']:.2f} "
                    f"| {row['extra']:.0f} | {'' if row['loss'] is None else format(row['loss'], '.6f')} |",
                    flush=True,
                )
    wrong = 0
    for file, memory in PAIRS:
        same = len(digests[file] | digests[memory]) == 1
        wrong += not same
        print(f"\nThe answers of `{file.capitalize()}` from file and from memory, with one thread and two: ", end="")
        print("the same, bit for bit." if same else "NOT the same.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
