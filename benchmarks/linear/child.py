"""A fresh process: load the data, fit a few rows, then fit all of them while time and memory are taken.

    python -m linear.child FOLDER METHOD TOLERANCE THREADS [--cold]

CPU seconds are those of the whole process, user and system, all threads (CLOCK_PROCESS_CPUTIME_ID). Extra memory is the
largest resident set while fitting (VmHWM, reset before) less the one before, data and libraries being loaded by then.
"""

import ctypes
import gc
import json
import sys
import time
from pathlib import Path

import numpy as np

from linear.cases import load
from linear.methods import fitted

FEW = 2_000  # rows that load and compile what a method needs


def status(field: str) -> float:
    """Read a line of /proc/self/status, in MB; NaN where there is none."""
    file = Path("/proc/self/status")
    lines = file.read_text().splitlines() if file.exists() else []
    return next((float(line.split()[1]) * 1.024e-3 for line in lines if line.startswith(field)), float("nan"))


def reset_peak() -> None:
    """Give freed memory back, and let the largest resident set be the present one."""
    gc.collect()
    if Path("/proc/self/clear_refs").exists():
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")


def main() -> None:
    folder, name, tolerance, threads = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
    task = load(folder, threads)
    started = time.perf_counter()
    if "--cold" not in sys.argv:
        fitted(name, task.head(FEW), tolerance)
    first = time.perf_counter() - started
    reset_peak()
    resident, started, cpu = status("VmRSS"), time.perf_counter(), time.process_time()
    w, b = fitted(name, task, tolerance)
    cpu, wall, peak = time.process_time() - cpu, time.perf_counter() - started, status("VmHWM")
    value = task.value(w, b)
    facts = {"cpu": cpu, "wall": wall, "memory": max(0.0, peak - resident), "first": first, "value": value}
    print(json.dumps(facts | {"zeros": int((np.ravel(w) == 0).sum())}))


if __name__ == "__main__":
    main()
