"""What durability costs: no-op trials a second with SQLite, beside Optuna, while the database grows.

Run ``python benchmarks/storage.py``; it takes a minute or two, and prints a table; ``make bench`` keeps it.
A trial is the whole loop: ask, evaluate a function that does nothing, tell, everything committed. Both use
random search, for the cost of choosing a point is not what is measured. The time of a trial is taken between
the ends of the first and the last of many, so that opening the database and reading the result do not count.
"""

import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import optuna
import sqlalchemy

import thalweg as tw
from thalweg.study.events import TrialsFinished

STORED = (100, 1_000, 50_000)
TIMED, REPEATS = 400, 3

Moment = tuple[float, float]  # of the clock, and of the time that this process was given


def now() -> Moment:
    """Read both clocks."""
    return time.perf_counter(), time.process_time()


def time_thalweg(folder: Path, stored: int) -> list[Moment]:
    """Give the moments when trials of Thalweg ended, after ``stored`` trials."""
    ends: list[Moment] = []

    def note(event: object) -> None:
        if isinstance(event, TrialsFinished):
            ends.append(now())

    common = {
        "space": {"x": tw.Float(0, 1)}, "optimizer": tw.RandomSearch(), "storage": f"sqlite:///{folder}/thalweg.db",
        "name": "no-op", "seed": 0,
    }  # fmt: skip
    tw.minimize(lambda p: p["x"], vectorized=True, trials=stored, **common)
    tw.minimize(lambda p: p["x"], trials=stored + TIMED, observers=[note], **common)
    return ends


def time_optuna(folder: Path, stored: int) -> list[Moment]:
    """Give the moments when trials of Optuna ended, after ``stored`` trials."""
    ends: list[Moment] = []
    study = optuna.create_study(
        storage=f"sqlite:///{folder}/optuna.db",
        study_name="no-op",
        sampler=optuna.samplers.RandomSampler(seed=0),
    )
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with sqlite3.connect(folder / "optuna.db") as database:  # its own add_trials would take half an hour for them
        database.executescript(COPY.replace(":stored", str(stored)))
    database.close()
    study.optimize(
        lambda trial: trial.suggest_float("x", 0, 1),
        n_trials=TIMED // 8,
        callbacks=[lambda study, trial: ends.append(now())],
    )
    assert len(study.get_trials(deepcopy=False)) == stored + TIMED // 8
    return ends


# The first trial, again and again.
COPY = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :stored - 1)
INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete)
SELECT i, study_id, state, datetime_start, datetime_complete FROM n, trials WHERE trial_id = 1;
INSERT INTO trial_values (trial_id, objective, value, value_type)
SELECT t.trial_id, v.objective, v.value, v.value_type
FROM trials t, trial_values v WHERE v.trial_id = 1 AND t.trial_id > 1;
INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)
SELECT t.trial_id, p.param_name, p.param_value, p.distribution_json
FROM trials t, trial_params p WHERE p.trial_id = 1 AND t.trial_id > 1;
"""


def measure(library: Callable[[Path, int], list[Moment]], stored: int) -> tuple[float, float]:
    """Give the trials a second and the milliseconds of processor time a trial: medians over new databases."""
    rates, costs = [], []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            ends = library(Path(folder), stored)
        (first, first_cpu), (last, last_cpu), trials = ends[0], ends[-1], len(ends) - 1
        rates.append(trials / (last - first))
        costs.append(1e3 * (last_cpu - first_cpu) / trials)
    return statistics.median(rates), statistics.median(costs)


def main() -> None:
    """Measure, print, and write the table."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    load = os.getloadavg()[0]
    lines = [
        f"# No-op trials with SQLite: Thalweg {tw.__version__} beside Optuna {optuna.__version__}",
        "",
        "| stored before | Thalweg, trials a second | Optuna | Thalweg, ms of processor a trial | Optuna |",
        "|---:|---:|---:|---:|---:|",
    ]
    for stored in STORED:
        (ours, our_cpu), (theirs, their_cpu) = measure(time_thalweg, stored), measure(time_optuna, stored)
        lines.append(f"| {stored:,} | {ours:,.0f} | {theirs:,.0f} | {our_cpu:.2f} | {their_cpu:.2f} |")
    lines += [
        "",
        f"Medians of {REPEATS} runs, each on a new database; the whole loop (ask, evaluate, tell) in one "
        "process, random search, one parameter. Optuna uses SQLite's defaults, which wait for the disk at "
        "each commit; Thalweg writes ahead (WAL) and does not: a killed process loses nothing, a machine "
        "that loses its power may lose the last commits. The processor time leaves the waiting out.",
        "",
        f"{os.cpu_count()} processors, load {load:.1f} before; Python {platform.python_version()}, "
        f"SQLAlchemy {sqlalchemy.__version__}, SQLite {sqlite3.sqlite_version}.",
    ]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
