"""What a tuning found."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pandas as pd

from thalweg.data import Task
from thalweg.problem import Status
from thalweg.study import Result
from thalweg.tuning.family import Params
from thalweg.tuning.fitting import fitted, quiet
from thalweg.tuning.preparation import Prepared
from thalweg.tuning.scoring import Scores, constant_predictor, measure

__all__ = ["TuningResult", "conclude"]


@final
@dataclass(frozen=True, eq=False)
class TuningResult:
    """The best model of a tuning, what it is worth, and every trial.

    Attributes:
        best_estimator: The best configuration's model, fitted on the search rows (all but the held-out
            ones): the very one that ``holdout`` scores. It takes tables as the tuning was given them.
        best_params: Its configuration.
        task: ``"regression"`` or ``"classification"``.
        scoring: Name of the scorer that was maximized.
        cross_validation_score: Its mean score over the folds, in the scorer's sign: greater is better. As
            the best of many it is a little too good; ``holdout`` is not.
        holdout: Scores on the held-out rows of a constant predictor, of the best untuned default and of
            ``best_estimator``; None where no rows were held out.
        search: The study's result.
        stop_reason: Why the search ended, in words.
    """

    best_estimator: Any
    best_params: dict[str, Any]
    task: Task
    scoring: str
    cross_validation_score: float
    holdout: Scores | None
    search: Result
    stop_reason: str

    def __repr__(self) -> str:
        """Show the best configuration and its score."""
        return (
            f"TuningResult({self.scoring}={self.cross_validation_score:.6g}, best_params={self.best_params}, "
            f"trials={len(self.search.trials)}, stop_reason={self.stop_reason!r})"
        )

    def to_frame(self) -> pd.DataFrame:
        """Give a table with a row per trial; ``value`` is its score, in the scorer's sign."""
        return self.search.to_frame()


def conclude(prepared: Prepared, search: Result) -> TuningResult:
    """Fit the best configuration's model, and score it beside the best untuned one.

    Raises:
        NoCompletedTrial: No configuration has a score.
    """
    best = search.best
    model = _fitted(prepared, best.params)
    return TuningResult(
        model,
        dict(best.params),
        prepared.models.task,
        prepared.scoring.name,
        float(best.value),
        None if prepared.rows.X_holdout is None else _held_out(prepared, search, best.params, model),
        search,
        search.stop_reason,
    )


def _held_out(prepared: Prepared, search: Result, best: Params, tuned: Any) -> Scores:
    models, rows = prepared.models, prepared.rows
    with quiet(len(rows.y)):
        constant = constant_predictor(models.task).fit(np.zeros((len(rows.y), 1)), rows.y)
    compared = {"constant predictor": constant}
    several = " (best by cross-validation)" if len(models.defaults) > 1 else ""
    untuned = _best_default(prepared, search)
    if untuned is not None:
        name = f"untuned default{several}: {models.label(untuned)}"
        compared[name] = tuned if untuned == best else _fitted(prepared, untuned)
    compared[f"tuned: {models.label(best)}"] = tuned
    measured = (rows.X_holdout, rows.y_holdout, models.task, prepared.scoring)
    probabilities = all(hasattr(model, "predict_proba") for model in compared.values())
    with quiet(len(rows.y)):
        table = pd.DataFrame.from_dict(
            {name: measure(model, *measured, probabilities=probabilities) for name, model in compared.items()},
            orient="index",
        )
    return Scores(table, len(rows.y), len(rows.y_holdout))


def _best_default(prepared: Prepared, search: Result) -> Params | None:
    """Find the untuned model with the best score; ``{}`` is a given estimator outside the space."""
    models, trials = prepared.models, search.trials
    if not models.defaults:
        return {}
    scored = {}
    for i, row in enumerate(models.space.encode(models.defaults)[0]):
        same = (trials.candidates.x == row).all(axis=1) & (trials.status == Status.COMPLETE)
        if same.any():
            scored[i] = float(trials.value[same, 0].min())
    return models.defaults[min(scored, key=scored.__getitem__)] if scored else None


def _fitted(prepared: Prepared, params: Params) -> Any:
    rows = prepared.rows
    with quiet(len(rows.y)):
        return fitted(prepared.models.model(params), rows.X, rows.y, prepared.seed)
