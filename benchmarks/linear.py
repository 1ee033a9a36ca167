"""Linear models beside their peers: CPU seconds to the same accuracy, wall seconds, memory; one and two threads.

    python benchmarks/linear.py [--scale 1] [--repeats 3] [--only CASE ...]

Every fit has a fresh process, on the same data, loaded before, and fits a few rows first, so that libraries are loaded and
functions compiled. Ours has its defaults; of every other the loosest tolerance of a short list is taken that leads to
(F − min F) / min F ≤ 1e-6, F being computed by one function for all. At full scale it takes most of an hour and 2 GB.
"""

import argparse
import math
import os
import platform
import tempfile
from pathlib import Path

from linear.cases import CASES, Case, prepare
from linear.measure import ACCURACY, SLOW, Measured, busy, child, installed, references, repeat, searched, within
from linear.methods import METHODS

OURS = "thalweg"
SLOWER = 1.1  # by so much may the medians of two threads exceed those of one before it counts
RESCALED = ("logistic, rescaled", "logistic", 2.0)  # the first takes at most so many times as long as the second
BUSY = {"least squares": (OURS,), "logistic": (OURS, "newton-cholesky")}


def shown(number: float, digits: int = 2) -> str:
    return "—" if math.isnan(number) else f"{number:.{digits}f}"


def verdict(text: str, met: bool) -> str:
    return f"- {text}: **{'met' if met else 'NOT MET'}**"


def table(measured: list[Measured], minimum: float) -> list[str]:
    lines = [
        "| | tolerance | (F − min F) / min F | CPU s, 1 thread | wall s | CPU s, 2 threads | wall s | extra MB | 2 threads "
        "| first fit of few rows, s |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in measured:
        if not one.runs.get(1):
            lines.append(f"| {one.name} | {one.failure} |" + " |" * 8)
            continue
        excess = max(0.0, one.value / minimum - 1)
        accuracy = f"{excess:.0e}" if within(one.value, minimum) else f"{excess:.0e}, not there"
        tolerance = "default" if one.tolerance is None else f"{one.tolerance:g}"
        seconds = [shown(one.median(fact, threads)) for threads in (1, 2) for fact in ("cpu", "wall")]
        memory = [shown(one.median("memory", threads), 0) for threads in (1, 2)]
        cells = [one.name, tolerance, accuracy, *seconds, *memory, shown(one.median("first", 1), 1)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def judged(case: Case, measured: list[Measured], minimum: float) -> list[str]:
    """Compare with the targets."""
    ours = measured[0]
    if not ours.runs.get(1):
        return [verdict(f"ours failed: {ours.failure}", False)]
    there = [
        one
        for one in measured
        if one.name in (case.rivals or case.peers) and one.runs.get(1) and within(one.value, minimum)
    ]
    best = min(there, key=lambda one: one.median("cpu", 1), default=None)
    lines = []
    if best is not None:
        ratio = ours.median("cpu", 1) / best.median("cpu", 1)
        text = f"CPU seconds: {ratio:.2f} of the best, {best.name}; target ≤ {case.target}"
        lines.append(verdict(text, ratio <= case.target and within(ours.value, minimum)))
    memory = ours.median("memory", 1)
    if case.memory is not None:
        lines.append(verdict(f"extra memory: {memory:.0f} MB; target ≤ {case.memory:.0f}", memory <= case.memory))
    lines.append(threads_verdict(ours, "two threads"))
    return lines


def threads_verdict(ours: Measured, words: str) -> str:
    one, two = ours.median("wall", 1), ours.median("wall", 2)
    return verdict(f"{words}: {shown(two)} s of wall time, one thread {shown(one)} s", two <= SLOWER * one)


def compiling(case: Case, folder: Path) -> str:
    """Fit in a process that has loaded nothing, before and after anything compiled is kept."""
    with tempfile.TemporaryDirectory() as cache:
        runs = [child(folder, (OURS, None), 1, cold=Path(cache)) for _ in range(2)]
    seconds = [math.nan if isinstance(run, str) else run["wall"] for run in runs]
    return (
        f"- a process's first fit, imports included: {shown(seconds[0])} s; {shown(seconds[1])} s in the next process"
    )


def under_load(names: tuple[str, ...], known: list[Measured], folder: Path, repeats: int) -> list[str]:
    """Measure once more, beside as many endless loops as there are processors."""
    loops = os.cpu_count() or 2
    loaded = [Measured(one.name, one.tolerance, one.value, {1: []}) for one in known if one.name in names]
    with busy(loops):
        for one in loaded:
            facts = child(folder, (one.name, one.tolerance), 1)
            one.runs = {1: [facts] if not isinstance(facts, str) else []}
        repeat(loaded, folder, repeats)
    lines = ["", f"Beside {loops} endless loops:", ""]
    lines += ["| | CPU s, 1 thread | wall s | CPU s, 2 threads | wall s |", "|---|---:|---:|---:|---:|"]
    for one in loaded:
        seconds = [shown(one.median(fact, threads)) for threads in (1, 2) for fact in ("cpu", "wall")]
        lines.append(f"| {one.name} | {' | '.join(seconds)} |")
    return [*lines, "", threads_verdict(loaded[0], "two threads on a busy machine")]


def run(name: str, scale: float, repeats: int) -> float:
    """Measure one case and print it; give our CPU seconds."""
    case = CASES[name]
    names = [OURS, *(peer for peer in case.peers if installed(peer))]
    missing = [peer for peer in case.peers if not installed(peer)]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(case, scale, folder)
        minimum, apart = references(case, folder)
        measured = [searched(one, folder, minimum) for one in names]
        minimum = min([minimum, *(one.value for one in measured)])
        repeat(measured, folder, repeats)
        lines = [f"\n## {case.title}\n", *table(measured, minimum), ""]
        lines += [*judged(case, measured, minimum), compiling(case, folder)]
        runs = " and ".join(f"{one} at {tolerance or 'its default'}" for one, tolerance in case.references)
        lines.append(f"- min F = {minimum:.12g}: {runs} agree to {apart:.0e}")
        lines += [f"- not installed: {', '.join(missing)}"] * bool(missing)
        if name in BUSY:
            lines += under_load(BUSY[name], measured, folder, repeats)
    print("\n".join(lines), flush=True)
    return measured[0].median("cpu", 1)


def machine() -> str:
    """Name the processor and the versions."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    packages = {method.package: installed(name) for name, method in METHODS.items()}
    versions = ", ".join(f"{package} {number}" for package, number in packages.items() if number)
    processor = f"{os.cpu_count()} × {models[0] if models else platform.processor()}"
    return f"{processor}, load {os.getloadavg()[0]:.1f} before; Python {platform.python_version()}, {versions}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="CASE", help=", ".join(CASES))
    options = parser.parse_args()
    small = "" if options.scale == 1 else f" **With {options.scale:g} of the rows only.**"
    print(
        f"# Linear models beside their peers (`python benchmarks/linear.py`)\n\n{machine()}{small}\n\n"
        f"Medians of {options.repeats} fresh processes each; fits of more than {SLOW:g} CPU seconds once. Ours has its "
        f"defaults; the others the loosest tolerance of a list, two in every power of ten, that reaches {ACCURACY:g}, or "
        "the tightest of it. Seconds are those of fitting alone, after a first fit of few rows; memory is the peak while "
        "fitting, beyond data and libraries.",
        flush=True,
    )
    seconds = {name: run(name, options.scale, options.repeats) for name in options.only}
    slower, faster, target = RESCALED
    if slower in seconds and faster in seconds:
        ratio = seconds[slower] / seconds[faster]
        print(
            verdict(f"ours, rescaled columns beside the same before: {ratio:.2f}; target ≤ {target:g}", ratio <= target)
        )


if __name__ == "__main__":
    main()
