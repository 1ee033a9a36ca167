"""``thalweg tune`` and ``thalweg resume``: a search for the best model of a table, kept at every step."""

import contextlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import final

import pandas as pd
from rich.console import Console

from thalweg.cli.display import Display, make_console
from thalweg.cli.files import sha256_of, write_whole
from thalweg.cli.outcome import INTERRUPTED, complain
from thalweg.cli.request import Request, check_name, check_table, free_name
from thalweg.cli.stored import find_run, open_runs
from thalweg.cli.summary import Saved, print_data, print_summary, scores_of, summary
from thalweg.cli.wording import Metric
from thalweg.data import LabelledData, describe_columns, read_table, split_target
from thalweg.errors import NoCompletedTrial
from thalweg.problem import Status
from thalweg.study import Event, RunStarted, Storage, open_storage
from thalweg.study.loop import INTERRUPTED as BY_CTRL_C
from thalweg.study.worker import worker_identity
from thalweg.tuning import TuningResult
from thalweg.tuning import tune as tune_model
from thalweg.tuning.scoring import choose_scoring

__all__ = ["begin", "resume"]

QUIET = "ignore:resource_tracker:UserWarning"  # what loky says where a fit is stopped at the end of its time


def begin(request: Request, name: str | None, storage: str, as_json: bool) -> int:
    """Begin a run, or continue the one of that name, and return the exit code.

    Raises:
        ThalwegError: The table, an option or the database cannot serve.
    """
    if name is not None:
        check_name(name)
    job = _Job(request, storage, as_json)
    store = open_storage(storage)
    return job.search(name or free_name(job.request, store), store)


def resume(run: str, trials: int | None, seconds: float | None, storage: str, as_json: bool) -> int:
    """Continue a stored run until its budget, or the one given in its place, is spent; return the exit code.

    Raises:
        ThalwegError: There is no such run, its table has changed, or a setting cannot serve.
    """
    store = open_runs(storage)
    name = find_run(store, run)
    notes = store.read(name).notes
    request = Request.stored(name, notes)
    if trials is not None or seconds is not None:
        request = replace(request, trials=trials, seconds=seconds)
    check_table(request, notes)
    return _Job(request, storage, as_json).search(name, store)


@final
class _Job:
    """A table, what is asked of it, and the steps to a saved model."""

    def __init__(self, request: Request, storage: str, as_json: bool) -> None:
        """Read the table, check what the search would refuse later, and say what the table looks like."""
        self.request, self.storage, self.as_json = request.absolute(), storage, as_json
        self.console = make_console(to_stderr=as_json)
        self.table: pd.DataFrame = read_table(Path(request.table))
        self.data: LabelledData = split_target(self.table, request.target, request.task)
        self.scoring = choose_scoring(request.scoring, self.data.task, self.data.y).name
        print_data(self.console, request.table, self.data, describe_columns(self.data.X))

    def search(self, name: str, store: Storage) -> int:
        """Search, save, report."""
        os.environ.setdefault("PYTHONWARNINGS", QUIET)
        directory = Path(self.request.output) / name
        saved = Saved(name, self.storage, directory / "model.skops", directory / "trials.csv")
        display = _display(self.console, self.scoring, name, store)
        try:
            with display:
                result = self._tune(name, store, display)
                _save(result, saved, store)
        except (KeyboardInterrupt, NoCompletedTrial) as error:
            if isinstance(error, NoCompletedTrial) and display.stopped != BY_CTRL_C:
                hint = f"give it more: {saved.resume} --seconds S (or --trials N)"
                raise NoCompletedTrial(f"{error}; {display.stopped}; {hint}") from None
            kept = f"; every finished trial is kept: {saved.resume} goes on"
            complain("interrupted" + (kept if display.started else " before the search had begun"))
            return INTERRUPTED
        finally:
            with contextlib.suppress(OSError):  # it is not empty: the run's files are in it
                directory.rmdir()
            if display.started:
                store.note(name, worker="")
        return self._report(result, saved, display.stopped == BY_CTRL_C)

    def _tune(self, name: str, store: Storage, display: Display) -> TuningResult:
        request = self.request
        found = {"task": self.data.task, "scoring": self.scoring, "features": list(self.data.X)}
        content = sha256_of(Path(request.table))

        def note(event: Event) -> None:
            if isinstance(event, RunStarted):
                budgeted = replace(request, trials=event.budget.most, seconds=event.budget.seconds)
                worker = worker_identity()
                store.note(name, **budgeted.notes(), **found, sha256=content, worker=worker, stop_reason="")

        return tune_model(
            None,
            self.table,
            request.target,
            task=self.data.task,
            scoring=request.scoring,
            cv=request.cv,
            trials=request.trials,
            seconds=request.seconds,
            optimizer=request.method(),
            holdout=request.holdout,
            storage=store,
            name=name,
            executor=request.workers,
            trial_seconds=request.trial_seconds,
            seed=request.seed,
            observers=[note, display],
        )

    def _report(self, result: TuningResult, saved: Saved, interrupted: bool) -> int:
        print_summary(self.console, result, saved)
        if self.as_json:
            print(json.dumps(summary(result, saved, interrupted)))
        if interrupted:
            complain(f"interrupted; everything is kept: {saved.resume} goes on")
            return INTERRUPTED
        self.console.print(f"\nNext: thalweg predict {saved.run} NEW.csv{saved.option}")
        return 0


def _display(console: Console, scoring: str, name: str, store: Storage) -> Display:
    """Make the display of a run that may have begun before."""
    if name not in store.names():
        return Display(console, Metric(scoring))
    trials = store.trials(name)
    failed = trials.count(Status.FAILED) + trials.count(Status.TIMED_OUT)
    return Display(console, Metric(scoring), trials.count(Status.COMPLETE) + failed, failed)


def _save(result: TuningResult, saved: Saved, store: Storage) -> None:
    """Save the model and the table of trials, and note where."""
    from thalweg.cli.models import save_model  # here, for skops loads for 2.5 s, before the search

    save_model(result.best_estimator, saved.model)
    write_whole(saved.trials, lambda path: result.to_frame().to_csv(path, index=False))
    store.note(saved.run, model=str(saved.model), trials_table=str(saved.trials), scores=scores_of(result))
