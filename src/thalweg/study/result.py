"""What a run found."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import ArrayLike

from thalweg.arrays import Bools
from thalweg.errors import InvalidProblem, InvalidSettings, NoCompletedTrial
from thalweg.optimizers.base import AnyOptimizer, order
from thalweg.problem import Problem, Status
from thalweg.problem.pareto import hypervolume, non_dominated
from thalweg.study.trial import Trial, Trials

if TYPE_CHECKING:
    import pandas

__all__ = ["Result", "describe_trial"]


@final
@dataclass(frozen=True)
class Result:
    """Everything a run found, and why it stopped.

    Attributes:
        name: The study's name.
        problem: What was optimized.
        optimizer: The settings of the optimizer.
        seed: The seed that repeats the run.
        trials: Every trial as columns.
        stop_reason: Why the run is over, in words.
        choice: Where the optimizer was chosen automatically: which, and why, in words.
        recommended: The configuration that the optimizer believes best, where that need not be one of the trials.
    """

    name: str
    problem: Problem
    optimizer: AnyOptimizer
    seed: int
    trials: Trials
    stop_reason: str
    choice: str = ""
    recommended: Any = None

    def __repr__(self) -> str:
        """Show the best trial and why the run stopped."""
        done = self.trials.count(Status.COMPLETE)
        found = f"best={self.best!r}, " if done and self.problem.objectives == 1 else ""
        if not done and self.trials.errors:
            found = f"first error={next(iter(self.trials.errors.values()))!r}, "
        return f"Result({found}trials={len(self.trials)}, complete={done}, stop_reason={self.stop_reason!r})"

    @property
    def best(self) -> Trial:
        """The best trial: the best feasible value, or the least violation where none is feasible.

        Raises:
            NoCompletedTrial: No trial has a value; the error says what happened to them.
            InvalidProblem: There are several objectives, so there is a :attr:`front` instead.
        """
        if self.problem.objectives > 1:
            raise InvalidProblem("several objectives have no single best trial; use result.front")
        complete = np.flatnonzero(self.trials.status == Status.COMPLETE)
        if not len(complete):
            raise NoCompletedTrial(self._why_none())
        kept = self.trials.take(complete)
        violation = np.maximum(kept.violation, 0.0).sum(axis=1)
        return self.trial(int(complete[order(kept.value[:, 0], violation)[0]]))

    @property
    def front(self) -> list[Trial]:
        """The feasible trials that no other feasible trial dominates, by their first objective.

        One trial dominates another when it is at least as good in every objective and better in one.
        """
        rows = np.flatnonzero(self._feasible)
        kept = rows[non_dominated(self.trials.value[rows])]
        return [self.trial(int(row)) for row in kept[np.argsort(self.trials.value[kept, 0], kind="stable")]]

    def hypervolume(self, reference: ArrayLike) -> float:
        """Measure the part of the objectives' space that the feasible trials dominate, up to a reference point.

        Args:
            reference: (m,) one value an objective, in your sign of it; a little worse than what is of interest.

        Raises:
            InvalidSettings: It has not one finite value an objective.
        """
        r, m = np.asarray(reference, dtype=np.float64), self.problem.objectives
        if r.shape != (m,):
            raise InvalidSettings(f"the reference must be {m} values, one an objective; got the shape {r.shape}")
        return hypervolume(self.trials.value[self._feasible], r * self.problem.signs)

    @property
    def _feasible(self) -> Bools:
        """(n,) which trials are complete and violate nothing."""
        holds = np.all(np.nan_to_num(self.trials.violation) <= 0, axis=1)
        feasible: Bools = (self.trials.status == Status.COMPLETE) & holds
        return feasible

    def trial(self, row: int) -> Trial:
        """Give the trial in a row of :attr:`trials`, in the user's terms."""
        return describe_trial(self.problem, self.trials, row)

    def to_frame(self) -> "pandas.DataFrame":
        """Give a table with a row per trial: number, status, value, seconds, error, then every parameter.

        Several objectives are ``value_0``, ``value_1`` …; constraints ``violation_0`` …; the components of a Box
        ``name[0]`` …. An inactive parameter is missing in its row.
        """
        import pandas  # here, for "import thalweg" is not to wait for it

        trials, space = self.trials, self.problem.space
        names = {status.value: status.name.lower() for status in Status}
        table: dict[str, Any] = {
            "number": trials.number,
            "status": [names[code] for code in trials.status.tolist()],
        }
        values = trials.value * self.problem.signs
        for prefix, block in (("value", values), ("violation", trials.violation)):
            single = prefix == "value" and block.shape[1] == 1
            for j in range(block.shape[1]):
                table[prefix if single else f"{prefix}_{j}"] = block[:, j]
        table["seconds"] = trials.cost
        table["started"] = pandas.to_datetime(trials.started, unit="s", utc=True)
        table["error"] = [trials.errors.get(number, "") for number in trials.number.tolist()]
        for name, column in space.decode_columns(trials.candidates.x, trials.candidates.active).items():
            label = {name: column} if column.ndim == 1 else {f"{name}[{j}]": c for j, c in enumerate(column.T)}
            table.update({key if key not in table else f"params.{key}": value for key, value in label.items()})
        return pandas.DataFrame(table)

    def _why_none(self) -> str:
        if not len(self.trials):
            return f"no trial was begun ({self.stop_reason}); give the run a larger budget"
        counts = Counter(Status(code).name.lower() for code in self.trials.status.tolist())
        said = ", ".join(f"{count} {status}" for status, count in counts.items())
        first = next(iter(self.trials.errors.values()), "")
        return f"none of {len(self.trials)} trials was completed ({said})" + (
            f"; the first error: {first}" if first else ""
        )


def describe_trial(problem: Problem, trials: Trials, row: int) -> Trial:
    """Put one row of trials into the user's terms."""
    one = trials.take(slice(row, row + 1))
    (params,) = problem.space.decode(one.candidates.x, one.candidates.active)
    values = tuple((one.value[0] * problem.signs).tolist())
    complete = one.status[0] == Status.COMPLETE
    number, cost = int(one.number[0]), float(one.cost[0])
    return Trial(
        number,
        params,
        (values[0] if len(values) == 1 else values) if complete else None,
        tuple(one.violation[0].tolist()) if complete else (),
        Status(int(one.status[0])),
        None if np.isnan(cost) else cost,
        one.errors.get(number, ""),
    )
