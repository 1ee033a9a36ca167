"""The loop: ask, evaluate, tell, until the budget is spent or the optimizer is done."""

import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial

from thalweg.problem import Evaluations, evaluate, failure
from thalweg.study.budget import Budget
from thalweg.study.events import Event, Observer, RunStarted, RunStopped, TrialsFinished, TrialsStarted
from thalweg.study.executors import Executor, Lost, Pool
from thalweg.study.study import Batch, Study

__all__ = ["INTERRUPTED", "run"]

INTERRUPTED = "interrupted by Ctrl-C"

LARGEST_BATCH = 16_384  # rows that a vectorized function is given at once, where the optimizer does not care
PATIENCE = 0.05  # seconds between looks at what other workers have told, when the optimizer waits for that
HOPELESS = 50  # so many trials, and none with a value: something is wrong with the objective


def run(
    study: Study,
    executor: Executor,
    budget: Budget,
    observers: Sequence[Observer] = (),
    time_limit: float | None = None,
) -> str:
    """Run a study until it stops, and return why, in words.

    Trials that a lost worker left are evaluated first. Trials that still run when the time is up, the target is reached
    or Ctrl-C is pressed are stopped where the executor can, and given back: continuing the study begins with them.
    """
    task = partial(evaluate, study.problem, need=study.method.capabilities.needs)
    watch = _Watch(study, observers)
    watch.started(budget)
    try:
        with closing(executor.open(task, time_limit)) as pool:
            reason = _run(study, pool, budget, watch)
    except KeyboardInterrupt:
        reason = INTERRUPTED
    finally:
        study.release()
    study.storage.note(study.name, stop_reason=reason)
    watch.notify(RunStopped(reason))
    return reason


def _run(study: Study, pool: Pool, budget: Budget, watch: "_Watch") -> str:
    waiting = study.reclaim()
    running: dict[int, Batch] = {}
    while True:
        over = budget.over(study.seconds, study.best_value, study.problem.signs[0])
        if over:
            return over
        reason = ""
        while pool.free > 0 and not reason:
            batch = waiting.pop(0) if waiting else None
            if batch is None:
                batch, reason = _ask(study, budget)
            if batch is None:
                break
            running[batch.numbers[0]] = batch
            watch.begun(batch)
            pool.submit(batch.numbers[0], batch.candidates)
        if not running:
            waits = study.waits_for_others
            waiting = study.reclaim() if waits else []
            if waiting:
                continue
            if reason or not waits:
                return reason or "the optimizer proposes nothing more"
            time.sleep(PATIENCE)
            continue
        for key, outcome in pool.wait(budget.seconds_left(study.seconds)):
            batch = running.pop(key)
            evaluations = _as_evaluations(study, batch, outcome)
            watch.finished(batch, evaluations, study.tell_batch(batch, evaluations))


def _ask(study: Study, budget: Budget) -> tuple[Batch | None, str]:
    """Ask for a batch; or give the reason why there will be no more, empty where the optimizer must first be told."""
    reason = budget.spent(study.asked) or study.stop() or _hopeless(study)
    if reason:
        return None, reason
    batch = study.ask_batch(LARGEST_BATCH if study.problem.vectorized else 1, budget.most)
    return batch, "" if batch else budget.spent(study.asked)


def _as_evaluations(study: Study, batch: Batch, outcome: Evaluations | Lost) -> Evaluations:
    if isinstance(outcome, Evaluations):
        return outcome
    return failure(study.problem, batch.candidates, outcome.error, outcome.status, outcome.seconds)


def _hopeless(study: Study) -> str:
    if study.failures < HOPELESS:
        return ""
    return f"the first {study.failures} trials all failed; see the error of one of them"


class _Watch:
    """Tell the observers; costs nothing where there are none."""

    def __init__(self, study: Study, observers: Sequence[Observer]) -> None:
        self.study, self.observers = study, tuple(observers)

    def notify(self, event: Event) -> None:
        for observer in self.observers:
            observer(event)

    def started(self, budget: Budget) -> None:
        study = self.study
        if self.observers:
            self.notify(RunStarted(study.name, study.problem, budget, study.asked, study.seconds, study.best_value))

    def begun(self, batch: Batch) -> None:
        if self.observers:
            self.notify(TrialsStarted(batch.numbers, batch.candidates))

    def finished(self, batch: Batch, evaluations: Evaluations, improved: bool) -> None:
        if self.observers:
            self.notify(TrialsFinished(batch.numbers, evaluations, self.study.best_value, improved))
