"""Run children, find the loosest tolerance that is accurate enough, repeat, and take medians."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from linear.cases import Case, Run
from linear.methods import METHODS

ACCURACY = 1e-6  # (F − min F) / min F that counts as solved
PATIENCE = 150  # seconds of a child, after which it is stopped
SLOW = 15.0  # CPU seconds of a fit that is not repeated
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
HERE = Path(__file__).parents[1]


def within(value: float, minimum: float) -> bool:
    """Tell whether a value counts as the minimum."""
    return value <= minimum + ACCURACY * abs(minimum)


@dataclass
class Measured:
    """What was seen of one method on one case.

    Attributes:
        name: The method.
        tolerance: The one that was measured.
        value: F at its answer.
        runs: The children's facts, by number of threads.
        failure: Why there are none.
    """

    name: str
    tolerance: float | None = None
    value: float = float("inf")
    runs: dict[int, list[dict[str, float]]] = field(default_factory=dict)
    failure: str = ""

    def median(self, fact: str, threads: int) -> float:
        runs = self.runs.get(threads, [])
        return statistics.median(run[fact] for run in runs) if runs else float("nan")


def child(folder: Path, run: Run, threads: int, cold: Path | None = None) -> dict[str, float] | str:
    """Fit in a fresh process; give its facts, or why there are none.

    Args:
        folder: Of the data.
        run: Method and tolerance.
        threads: That every library is allowed.
        cold: A folder for what numba compiles, if nothing is to be loaded or compiled before the measurement.
    """
    command = [sys.executable, "-m", "linear.child", str(folder), run[0], json.dumps(run[1]), str(threads)]
    environment = os.environ | dict.fromkeys(THREADS, str(threads))
    if cold is not None:
        command.append("--cold")
        environment["NUMBA_CACHE_DIR"] = str(cold)
    try:
        done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return f"not there after {PATIENCE} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"])[-1]
    facts: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return facts


def installed(name: str) -> str:
    """Give the version of a method's package; empty where it is not installed."""
    try:
        return version(METHODS[name].package)
    except PackageNotFoundError:
        return ""


def references(case: Case, folder: Path) -> tuple[float, float]:
    """Give the smallest F of the two reference runs, and how far apart they are, relatively; NaN where one failed."""
    answers = [child(folder, run, 1) for run in case.references]
    values = [answer["value"] for answer in answers if not isinstance(answer, str)]
    apart = (max(values) - min(values)) / abs(min(values)) if len(values) == 2 else float("nan")
    return min(values, default=float("inf")), apart


def searched(name: str, folder: Path, minimum: float) -> Measured:
    """Bisect the tolerances of a method for the loosest that is accurate enough; else keep the tightest."""
    found, tolerances = Measured(name), METHODS[name].tolerances
    low, high = 0, len(tolerances) - 1
    while low <= high:
        middle = (low + high) // 2
        facts = child(folder, (name, tolerances[middle]), 1)
        if isinstance(facts, str):  # most likely it took too long
            found.failure, high = facts, middle - 1
            continue
        accurate = within(facts["value"], minimum)
        if accurate or not within(found.value, minimum):
            found.tolerance, found.value, found.runs = tolerances[middle], facts["value"], {1: [facts]}
        low, high = (low, middle - 1) if accurate else (middle + 1, high)
    return found


def repeat(all_measured: list[Measured], folder: Path, repeats: int) -> None:
    """Add the other runs, taking turns: what else the machine does then falls on all of them alike."""
    for turn in range(repeats):
        for measured in all_measured:
            for threads in (1, 2):
                runs = measured.runs.setdefault(threads, [])
                once = bool(measured.runs[1]) and measured.runs[1][0]["cpu"] > SLOW
                if not measured.runs[1] or len(runs) > turn or (once and runs):
                    continue
                facts = child(folder, (measured.name, measured.tolerance), threads)
                if not isinstance(facts, str):
                    runs.append(facts)


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """Keep the machine busy with endless loops, no nicer than what is measured."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()
