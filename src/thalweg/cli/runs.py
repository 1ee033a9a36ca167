"""``thalweg runs`` and ``thalweg show``: what a database holds."""

import json
import time
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from thalweg.cli.display import make_console
from thalweg.cli.stored import StoredRun, best_text, find_run, open_runs, read_run
from thalweg.cli.tables import label_grid, scores_table
from thalweg.cli.wording import Metric, describe_params, duration
from thalweg.errors import StorageError
from thalweg.problem import Status
from thalweg.study import Trial

__all__ = ["list_runs", "show_run"]

TOP = 10
MOST_FAILURES = 5  # kinds of failures that are shown; of more, the number


def list_runs(storage: str, as_json: bool) -> None:
    """Print a table of all runs, the oldest first."""
    store = open_runs(storage)
    found: dict[str, StoredRun | str] = {}
    for name in store.names():
        try:
            found[name] = read_run(store, name)
        except StorageError as error:  # of another version, or another program's: the others are still of use
            found[name] = f"unreadable: {error}"
    if as_json:
        summaries = [_summary(name, run) for name, run in found.items()]
        print(json.dumps({"storage": storage, "runs": summaries}))
        return
    if not found:
        make_console().print(f"{storage} holds no run yet: thalweg tune TABLE --target COLUMN makes one")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for header in ("run", "kind", "target", "trials", "best", "status", "created"):
        table.add_column(header, justify="right" if header == "trials" else "left", overflow="fold")
    for name, run in found.items():
        if isinstance(run, str):
            table.add_row(name, "", "", "", "", run, "")
            continue
        target, trials = str(run.notes.get("target", "")), f"{run.record.finished:,}"
        table.add_row(name, run.kind, target, trials, best_text(run), run.status, _date(run))
    make_console().print(table)


def show_run(name: str, storage: str, as_json: bool) -> None:
    """Print everything that is known of a run."""
    store = open_runs(storage)
    run = read_run(store, find_run(store, name))
    rows = run.best_rows(TOP)
    if as_json:
        best = [_trial(run, row) for row in rows]
        failures = [{"trial": trial, "error": error} for trial, error in run.result.trials.errors.items()]
        settings = {"optimizer": run.record.settings["optimizer"], "space": run.record.settings["space"]}
        whole = {
            **_summary(run.record.name, run),
            **settings,
            "notes": run.notes,
            "best_trials": best,
            "failures": failures,
        }
        print(json.dumps(whole))
        return
    console = make_console()
    console.print(Text(run.record.name, style="bold"), Text(f"({run.status})"))
    _print_settings(console, run)
    if run.notes.get("scores"):
        console.print(f"\nScores on {run.notes['scores']['holdout_rows']:,} held-out rows", style="bold")
        console.print(scores_table(run.notes["scores"]["scores"]))
    _print_best(console, run, rows)
    _print_failures(console, run)


def _summary(name: str, run: StoredRun | str) -> dict[str, Any]:
    if isinstance(run, str):
        return {"run": name, "status": run}
    rows = run.best_rows(1)
    return {
        "run": name,
        "kind": run.kind,
        "target": run.notes.get("target"),
        "trials": run.record.finished,
        "failed": run.failed,
        "best": _trial(run, rows[0]) if rows else None,
        "scoring": run.notes.get("scoring"),
        "status": run.status,
        "created": run.record.created,
        "seconds": run.record.seconds,
        "seed": run.result.seed,
    }


def _trial(run: StoredRun, row: int) -> dict[str, Any]:
    trial = run.result.trial(row)
    score = {"score": run.score(row)} if "scoring" in run.notes else {"value": trial.value}
    return {"trial": trial.number, **score, "params": _plain(trial), "seconds": trial.seconds}


def _plain(trial: Trial) -> dict[str, Any]:
    """Give the parameters as JSON has them: a vector as a list."""
    return {key: getattr(value, "tolist", lambda value=value: value)() for key, value in trial.params.items()}


def _print_settings(console: Console, run: StoredRun) -> None:
    notes = run.notes
    grid = label_grid()
    if "table" in notes:
        grid.add_row("table", notes["table"])
        grid.add_row("task", f"{notes.get('task')} of {notes.get('target')}")
        grid.add_row("score", f"{Metric(notes['scoring']).label}, cross-validated: {notes['tuning']['cv']}")
    grid.add_row("optimizer", run.method)
    grid.add_row("seed", str(run.result.seed))
    grid.add_row("created", _date(run))
    spent = duration(run.record.seconds)
    grid.add_row("trials", f"{run.record.finished:,} in {spent}, {run.failed:,} failed")
    for name, label in (("model", "model"), ("trials_table", "trials table")):
        if notes.get(name):
            grid.add_row(label, notes[name])
    console.print(grid)


def _print_best(console: Console, run: StoredRun, rows: list[int]) -> None:
    if not rows:
        console.print("\nNo trial has a value yet.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("trial", justify="right")
    table.add_column("value", no_wrap=True)
    table.add_column("parameters")
    table.add_column("seconds", justify="right")
    for row in rows:
        trial = run.result.trial(row)
        seconds = "" if trial.seconds is None else f"{trial.seconds:.1f}"
        table.add_row(str(trial.number), run.value_text(row), describe_params(trial.params), seconds)
    console.print("\nBest trials", style="bold")
    console.print(table)


def _print_failures(console: Console, run: StoredRun) -> None:
    """Print each message once, with the number of trials that ended with it."""
    trials = run.result.trials
    if not run.failed:
        return
    numbers: dict[str, list[int]] = {}
    for row in range(len(trials)):
        if trials.status[row] in (Status.FAILED, Status.TIMED_OUT):
            trial = int(trials.number[row])
            numbers.setdefault(" ".join(trials.errors.get(trial, "").split()), []).append(trial)
    console.print("\nFailures", style="bold")
    for message, those in list(numbers.items())[:MOST_FAILURES]:
        console.print(f"{len(those)} × {message} (first in trial {those[0]})")
    if len(numbers) > MOST_FAILURES:
        console.print(f"and {len(numbers) - MOST_FAILURES} other messages, see --json")


def _date(run: StoredRun) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(run.record.created))
