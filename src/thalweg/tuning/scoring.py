"""How models are scored: the rule for a search, and the table for rows that it never saw."""

import difflib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import (
    accuracy_score,
    get_scorer,
    get_scorer_names,
    log_loss,
    make_scorer,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from thalweg.arrays import AnyArray
from thalweg.data import Task
from thalweg.errors import InvalidSettings

__all__ = ["Scorer", "Scores", "Scoring", "choose_scoring", "constant_predictor", "measure"]

Scorer = Callable[[Any, Any, Any], float]
"""``scorer(estimator, X, y)``, greater is better: scikit-learn's convention."""

_SHOWN = {  # scorers that the held-out table shows already, by its columns
    "neg_root_mean_squared_error": "RMSE",
    "neg_mean_absolute_error": "MAE",
    "r2": "R²",
    "accuracy": "accuracy",
    "neg_log_loss": "log loss",
    "roc_auc": "ROC AUC",
    "roc_auc_ovr": "ROC AUC",
}


@final
@dataclass(frozen=True)
class Scoring:
    """A scorer and its name."""

    name: str
    scorer: Scorer


@final
@dataclass(frozen=True, eq=False)
class Scores:
    """Scores on held-out rows: a row per model, a column per metric.

    Attributes:
        table: For regression RMSE, MAE (in the target's unit) and R²; for classification accuracy, log loss
            and ROC AUC (of several classes: one against the rest, averaged). The search's own scorer follows
            where it is another.
        search_rows: Rows that the models were fitted to.
        holdout_rows: Rows that they are scored on.
    """

    table: pd.DataFrame
    search_rows: int
    holdout_rows: int


def choose_scoring(scoring: str | Scorer | None, task: Task, y: AnyArray, *, probabilities: bool = True) -> Scoring:
    """Find the scorer, and check that it can score this target.

    Without a name it is the root mean squared error for regression, and for classification the log loss,
    which sees how sure a model is and so tells models apart of equal accuracy; accuracy for a classifier
    without probabilities.

    Args:
        scoring: A name that scikit-learn knows, a scorer, or None.
        task: The task.
        y: The targets (n,).
        probabilities: Whether the models have ``predict_proba``.

    Raises:
        InvalidSettings: There is no scorer of that name, or it cannot score this target.

    Example:
        >>> choose_scoring(None, "regression", np.arange(9.0)).name
        'neg_root_mean_squared_error'
    """
    if scoring is None:
        by_class = "neg_log_loss" if probabilities else "accuracy"
        scoring = "neg_root_mean_squared_error" if task == "regression" else by_class
    if callable(scoring):
        found = Scoring(getattr(scoring, "__name__", None) or str(scoring), scoring)
    elif not isinstance(scoring, str) or scoring not in get_scorer_names():
        raise InvalidSettings(f"scoring={scoring!r} is no scorer of scikit-learn{_near(scoring)}")
    elif scoring == "neg_log_loss":  # a fold may lack a rare class, of which the loss must be told
        labels = np.unique(y)
        loss = make_scorer(log_loss, greater_is_better=False, response_method="predict_proba", labels=labels)
        found = Scoring(scoring, loss)
    else:
        found = Scoring(scoring, get_scorer(scoring))
    _try(found, task, y)
    return found


def constant_predictor(task: Task) -> Any:
    """Make the model that looks at no feature: the mean, or the share of each class."""
    return DummyRegressor() if task == "regression" else DummyClassifier(strategy="prior")


def measure(
    model: Any, X: Any, y: AnyArray, task: Task, scoring: Scoring, *, probabilities: bool = True
) -> dict[str, float]:
    """Score a fitted model on rows that it was not fitted to.

    Args:
        model: The fitted model.
        X: The features, n rows.
        y: The targets (n,).
        task: The task.
        scoring: The search's own, added where none of the usual metrics is it.
        probabilities: Whether all models that are compared have ``predict_proba``.
    """
    predicted = model.predict(X)
    if task == "regression":
        scores = {
            "RMSE": root_mean_squared_error(y, predicted),
            "MAE": mean_absolute_error(y, predicted),
            "R²": r2_score(y, predicted),
        }
    else:
        scores = {"accuracy": accuracy_score(y, predicted)}
        scores |= _of_probabilities(model, X, y) if probabilities else {}
    if _SHOWN.get(scoring.name) not in scores:
        scores[scoring.name] = scoring.scorer(model, X, y)
    return {name: float(score) for name, score in scores.items()}


def _of_probabilities(model: Any, X: Any, y: AnyArray) -> dict[str, float]:
    probability = model.predict_proba(X)
    scores = {"log loss": log_loss(y, probability, labels=model.classes_), "ROC AUC": np.nan}
    if len(np.unique(y)) == len(model.classes_):  # a class without held-out rows has no curve
        score = probability[:, 1] if len(model.classes_) == 2 else probability
        scores["ROC AUC"] = roc_auc_score(y, score, multi_class="ovr")
    return scores


def _try(scoring: Scoring, task: Task, y: AnyArray) -> None:
    """Score a constant predictor, to refuse before the first trial a scorer that does not fit the target."""
    nothing = np.zeros((len(y), 1))
    model = constant_predictor(task).fit(nothing, y)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scoring.scorer(model, nothing, y)
    except Exception as error:  # whatever a scorer raises
        raise InvalidSettings(
            f"scoring={scoring.name!r} cannot score this {task} target ({type(error).__name__}: {error}); "
            "choose another one, or None for the usual one"
        ) from error


def _near(scoring: object) -> str:
    near = difflib.get_close_matches(str(scoring), get_scorer_names(), n=3, cutoff=0.5)
    if near:
        return f": did you mean {' or '.join(map(repr, near))}?"
    return ": sklearn.metrics.get_scorer_names() lists them; or give a function scorer(estimator, X, y)"
