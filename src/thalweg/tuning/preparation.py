"""From what a user gives to what a tuning needs: rows, models, scorer, folds."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pandas as pd

from thalweg.arrays import AnyArray
from thalweg.data import LabelledData, Task, holdout_split, labelled_data, split_target
from thalweg.errors import InvalidSettings
from thalweg.serial import without_addresses
from thalweg.space import SpaceLike
from thalweg.tuning.given import GivenModel, check_estimator, task_of
from thalweg.tuning.models import FamilyModels, Models
from thalweg.tuning.objective import CrossValidation, choose_folds
from thalweg.tuning.scoring import Scorer, Scoring, choose_scoring

__all__ = ["Prepared", "Rows", "prepare"]


@final
@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of the search and, unless None, those held out."""

    X: Any
    y: AnyArray
    X_holdout: Any
    y_holdout: AnyArray


@final
@dataclass(frozen=True, eq=False)
class Prepared:
    """Everything that a tuning computes before its first trial.

    Attributes:
        models: What configurations mean.
        rows: The rows.
        scoring: The scorer.
        objective: Scores a configuration by cross-validation.
        seed: Of the rows' division and of the models.
        settings: What must be the same where a stored run is continued, as JSON values.
    """

    models: Models
    rows: Rows
    scoring: Scoring
    objective: CrossValidation
    seed: int
    settings: Mapping[str, Any]


def prepare(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    space: SpaceLike,
    task: Task | None,
    scoring: str | Scorer | None,
    cv: Any,
    holdout: float | None,
    seed: int,
) -> Prepared:
    """Check everything that can be wrong, and divide the rows; arguments as of :func:`thalweg.tune`."""
    if estimator is not None:
        check_estimator(estimator)
        task = task or task_of(estimator)
    elif space is not None:
        raise InvalidSettings("space= names the parameters of an estimator: give the estimator, too")
    data = split_target(X, y, task) if isinstance(y, str) else labelled_data(X, y, task)
    models = FamilyModels(data.task, data.y) if estimator is None else GivenModel(estimator, space, data)
    probabilities = estimator is None or hasattr(estimator, "predict_proba")
    rule = choose_scoring(scoring, data.task, data.y, probabilities=probabilities)
    rows = _divide(data, holdout, isinstance(X, np.ndarray) and not isinstance(y, str), seed)
    folds, in_words = choose_folds(cv, rows.X, rows.y, data.task, seed)
    settings = {
        "table": _fingerprint(data),
        "task": data.task,
        "scoring": without_addresses(rule.name),
        "holdout": holdout or 0,
        "cv": in_words,
        "folds": _digest(repr([(training.tolist(), validation.tolist()) for training, validation in folds])),
        "estimator": "" if estimator is None else _identified(estimator),
    }
    objective = CrossValidation(models, rows.X, rows.y, folds, rule.scorer, seed)
    return Prepared(models, rows, rule, objective, seed, settings)


def _divide(data: LabelledData, holdout: float | None, as_array: bool, seed: int) -> Rows:
    """Hold rows out; give arrays back to who gave an array, so that a model does not ask for names."""
    X: Any = data.X
    X_holdout: Any = None
    y, y_holdout = data.y, data.y[:0]
    if holdout:
        split = holdout_split(data.X, data.y, data.task, share=holdout, seed=seed)
        X, X_holdout, y, y_holdout = split.X_train, split.X_test, split.y_train, split.y_test
    if as_array:
        X, X_holdout = X.to_numpy(), None if X_holdout is None else X_holdout.to_numpy()
    return Rows(X, y, X_holdout, y_holdout)


def _fingerprint(data: LabelledData) -> str:
    digest = hashlib.sha256("\0".join(data.X.columns).encode())
    digest.update(pd.util.hash_pandas_object(data.X, index=False).to_numpy().tobytes())
    digest.update(pd.util.hash_pandas_object(pd.Series(data.y), index=False).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def _identified(estimator: Any) -> str:
    """Tell estimators apart, also where scikit-learn abridges what it shows of them."""
    parameters = sorted(estimator.get_params(deep=True).items())
    return f"{without_addresses(repr(estimator))} ({_digest(without_addresses(repr(parameters)))})"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
