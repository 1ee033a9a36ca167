"""A study: the thin live shell around an optimizer's state and its storage.

Everything that matters is in the storage: a Study can be lost at any instant and opened again by its name.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from thalweg.errors import InvalidSettings
from thalweg.optimizers.auto import Auto
from thalweg.optimizers.base import AnyOptimizer, Recommends
from thalweg.problem import Candidates, Evaluations, Problem, Status, failure, judge
from thalweg.study.opening import open_study
from thalweg.study.result import Result
from thalweg.study.storage import StaleRevision, Storage, StudyRecord
from thalweg.study.trial import Trial
from thalweg.study.worker import employ, is_alive

__all__ = ["Batch", "Study"]


@final
@dataclass(frozen=True)
class Batch:
    """Trials that are evaluated together: their numbers (n) and points (n)."""

    numbers: Sequence[int]
    candidates: Candidates


@final
class Study:
    """Ask for trials and tell their results, in your own loop; :func:`thalweg.minimize` is such a loop.

    Args:
        problem: What is optimized. Its objective is not called by a study.
        optimizer: Settings of a method, or ``"auto"``: the stored one, or else one chosen from the problem.
        seed: Makes the run repeatable; the stored one, or else a fresh one, where it is None.
        storage: ``None`` for memory, ``"sqlite:///runs.db"``, or a Storage.
        name: The study's name in the storage; one is made where it is None.
        initial: Configurations to try first.

    Raises:
        IncompatibleProblem: The optimizer cannot serve the problem.
        ContradictorySettings: The storage holds a study of that name with other settings.

    Example:
        >>> import thalweg as tw
        >>> problem = tw.Problem(lambda params: params["x"] ** 2, {"x": tw.Float(-1, 1)})
        >>> study = tw.Study(problem, tw.RandomSearch(), seed=0)
        >>> for _ in range(20):
        ...     (trial,) = study.ask()
        ...     study.tell(trial, trial.params["x"] ** 2)
        >>> study.result().best.value < 0.1
        True
    """

    def __init__(
        self,
        problem: Problem,
        optimizer: AnyOptimizer | str = "auto",
        *,
        seed: int | None = None,
        storage: str | Storage | None = None,
        name: str | None = None,
        initial: Sequence[Any] = (),
    ) -> None:
        """Open the study of that name, or begin it."""
        opened = open_study(problem, optimizer, seed=seed, storage=storage, name=name, initial=initial)
        self.problem, self.storage, self.name = problem, opened.storage, opened.name
        self.optimizer, self.seed = opened.optimizer, opened.seed
        self._initial = opened.initial
        self._worker = employ(self)
        self._mine: dict[int, Batch] = {}  # batches that this process evaluates, by their first number
        self._nothing = Candidates.none(problem.columns)
        self._elsewhere = self._nothing  # points that other workers evaluate
        self._settled = 0  # every trial before this number was finished when last seen
        self._best: tuple[float, float] | None = None  # infeasibility and first objective of the best trial
        self._state: Any = None
        self._revision = self._asked = self._finished = 0
        self._seconds_before, self._opened = self._refresh().seconds, time.monotonic()

    @property
    def asked(self) -> int:
        """Trials asked for so far, by all workers."""
        return self._asked

    @property
    def seconds(self) -> float:
        """Running time over all continuations."""
        return self._seconds_before + time.monotonic() - self._opened

    @property
    def waits_for_others(self) -> bool:
        """Whether trials are still evaluated by other workers."""
        return len(self._elsewhere) > 0

    @property
    def failures(self) -> int:
        """Trials that were finished before the first that has a value; 0 once there is one."""
        return 0 if self._best is not None else self._finished

    @property
    def best_value(self) -> float | None:
        """Best feasible value so far, in the objective's own sign, or None; of several objectives, always None."""
        if self._best is None or self._best[0] > 0 or self.problem.objectives > 1:
            return None
        return self._best[1] * self.problem.signs[0]

    @property
    def method(self) -> AnyOptimizer:
        """The optimizer at work: the one that ``"auto"`` has chosen, or the one that was given."""
        chosen: AnyOptimizer = self._state.optimizer if isinstance(self.optimizer, Auto) else self.optimizer
        return chosen

    def stop(self) -> str:
        """Say why the optimizer is done, in words; an empty string while it is not."""
        return self.optimizer.stop(self._state)

    def ask(self, n: int = 1) -> list[Trial]:
        """Propose up to n trials to evaluate; none when the optimizer has to be told of earlier ones first."""
        batch = self.ask_batch(n)
        if batch is None:
            return []
        points = self.problem.space.decode(batch.candidates.x, batch.candidates.active)
        del self._mine[batch.numbers[0]]
        for i, number in enumerate(batch.numbers):
            self._mine[number] = Batch([number], batch.candidates.take(slice(i, i + 1)))
        return [Trial(number, params, study=self.name) for number, params in zip(batch.numbers, points, strict=True)]

    def tell(
        self,
        trial: Trial | int,
        value: Any = None,
        *,
        violation: Sequence[float] = (),
        gradient: Any = None,
        error: str = "",
        seconds: float = 0.0,
    ) -> None:
        """Say what a trial is worth, or that it failed.

        Args:
            trial: The trial, or its number.
            value: The objective, in its own sign; one number a goal.
            violation: The value of each constraint, feasible where ≤ 0.
            gradient: The partial derivatives, where the optimizer needs them.
            error: Why it failed, instead of a value.
            seconds: Time its evaluation took.

        Raises:
            InvalidSettings: The trial is not running.
            InvalidProblem: The value is not the right number of numbers.
        """
        number = trial.number if isinstance(trial, Trial) else int(trial)
        batch = self._mine.get(number)
        if batch is None or (isinstance(trial, Trial) and trial.study != self.name):
            raise InvalidSettings(
                f"trial {number} is not running here: tell each trial once, to the study that was asked"
            )
        if error:
            evaluations = failure(self.problem, batch.candidates, error, seconds=seconds)
        else:
            evaluations = judge(self.problem, batch.candidates, value, violation, gradient, seconds)
        self.tell_batch(batch, evaluations)

    def ask_batch(self, n: int, most: int | None = None) -> Batch | None:
        """Commit up to n new trials and the state that proposed them.

        Args:
            n: At least 1.
            most: Number of trials that the study may have in all, whoever asks for them.

        Returns:
            None where the optimizer proposes nothing, or where the study has its number of trials.
        """
        while True:
            n = n if most is None else min(n, most - self._asked)
            if n < 1:
                return None
            ahead = self._initial[self._asked : self._asked + n]
            if len(ahead):
                candidates, state = Candidates.at(self.problem.columns, ahead), self._state
            else:
                candidates, state = self.optimizer.ask(self._state, n, self._pending())
            if not len(candidates):
                if self.storage.read(self.name).revision == self._revision:
                    return None
                self._refresh()  # another worker has told what this optimizer waits for
                continue
            changed = None if state is self._state else state
            try:
                self.storage.ask(self.name, self._revision, changed, candidates, self._worker, time.time())
            except StaleRevision:
                self._refresh()
                continue
            batch = Batch(range(self._asked, self._asked + len(candidates)), candidates)
            self._state, self._revision, self._asked = state, self._revision + 1, self._asked + len(candidates)
            self._mine[batch.numbers[0]] = batch
            return batch

    def tell_batch(self, batch: Batch, evaluations: Evaluations) -> bool:
        """Commit results and the state that has taken them in; return whether the best trial is among them."""
        self._commit(evaluations, batch.numbers)
        self._finished += len(batch.numbers)
        del self._mine[batch.numbers[0]]
        return self._note_best(evaluations)

    def _commit(self, evaluations: Evaluations, numbers: Sequence[int]) -> None:
        while True:
            state = self.optimizer.tell(self._state, evaluations) if len(numbers) else self._state
            changed = None if state is self._state else state
            try:
                self.storage.tell(self.name, self._revision, changed, numbers, evaluations, self.seconds)
            except StaleRevision:
                self._refresh()
                continue
            self._state, self._revision = state, self._revision + 1
            return

    def reclaim(self) -> list[Batch]:
        """Take over the running trials of workers that are no more, to evaluate them again."""
        owners = self.storage.running(self.name)
        gone = {worker for worker in owners.values() if not is_alive(worker)}
        numbers = self.storage.claim(self.name, sorted(owners), gone, self._worker) if gone else []
        if not numbers:
            return []
        trials = self.storage.trials(self.name, first=min(numbers))
        trials = trials.take(np.isin(trials.number, numbers))
        together = len(trials) if self.problem.vectorized else 1
        batches = []
        for start in range(0, len(trials), together):
            part = trials.take(slice(start, start + together))
            batches.append(Batch(part.number.tolist(), part.candidates))
            self._mine[batches[-1].numbers[0]] = batches[-1]
        self._refresh()  # they are no longer evaluated elsewhere
        return batches

    def release(self) -> None:
        """Give back the trials that are not finished, for whoever continues the study, and commit the time spent."""
        numbers = list(self.storage.running(self.name))  # not self._mine, which an interruption may have left behind
        if numbers:
            self.storage.claim(self.name, numbers, {self._worker}, "")
        self._mine.clear()
        self._commit(failure(self.problem, self._nothing, ""), [])

    def result(self, stop_reason: str = "") -> Result:
        """Read everything that the study has found so far."""
        recommended = None
        if isinstance(self.optimizer, Recommends):
            x = self.optimizer.recommend(self._state)
            recommended = None if x is None else self.problem.space.decode(x[None])[0]
        return Result(
            self.name,
            self.problem,
            self.optimizer,
            self.seed,
            self.storage.trials(self.name),
            stop_reason or self.stop() or "the study goes on",
            f"{type(self.method).__name__}: {self._state.reason}" if isinstance(self.optimizer, Auto) else "",
            recommended,
        )

    def _pending(self) -> Candidates:
        if not self._mine:
            return self._elsewhere
        return Candidates.join(self._elsewhere, *(batch.candidates for batch in self._mine.values()))

    def _refresh(self) -> StudyRecord:
        """Read what other workers have committed."""
        record = self.storage.read(self.name)
        self._state, self._revision, self._asked = record.state, record.revision, record.asked
        self._finished = record.finished
        news = self.storage.trials(self.name, first=self._settled)
        self._note_best(Evaluations(news.candidates, news.value, None, news.violation, news.cost, news.status))
        mine = [number for batch in self._mine.values() for number in batch.numbers]
        elsewhere = (news.status == Status.RUNNING) & ~np.isin(news.number, mine)
        self._elsewhere = news.candidates.take(elsewhere) if elsewhere.any() else self._nothing
        running = news.number[news.status == Status.RUNNING]
        self._settled = int(running[0]) if len(running) else record.asked
        return record

    def _note_best(self, evaluations: Evaluations) -> bool:
        """Keep the best of these and of all before; return whether it is one of these."""
        infeasibility = evaluations.infeasibility
        least = float(infeasibility.min(initial=np.inf))
        if least == np.inf:  # all have failed
            return False
        found = (least, float(evaluations.value[infeasibility == least, 0].min()))
        if self._best is not None and found >= self._best:
            return False
        self._best = found
        return True
