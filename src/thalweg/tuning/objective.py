"""The objective of a tuning: a configuration's score by cross-validation."""

from collections.abc import Iterable
from typing import Any, final

import numpy as np
from sklearn.model_selection import check_cv

from thalweg.arrays import AnyArray, Floats, Ints
from thalweg.data import ModelFamily, TableEncoder, Task, cross_validation_folds
from thalweg.errors import InvalidSettings
from thalweg.tuning.family import Params
from thalweg.tuning.fitting import fitted, quiet
from thalweg.tuning.models import Models
from thalweg.tuning.scoring import Scorer

__all__ = ["CrossValidation", "Folds", "choose_folds"]

Folds = list[tuple[Ints, Ints]]
"""Training rows and validation rows, as positions."""

FIVE_FOLDS, THREE_FOLDS = 5_000, 10_000  # up to so many rows


@final
class CrossValidation:
    """Score configurations by cross-validation: the mean over the folds, greater is better.

    The features are learnt from a fold's training rows only; as they do not depend on the configuration,
    they are kept for the next one.

    Args:
        models: What configurations mean.
        X: The features, n rows: a data frame, or an array.
        y: The targets (n,).
        folds: Training and validation rows.
        scorer: Scores a fitted estimator, greater is better.
        seed: For estimators that draw random numbers and were given no seed of their own.
    """

    def __init__(self, models: Models, X: Any, y: AnyArray, folds: Folds, scorer: Scorer, seed: int) -> None:
        """Keep everything; nothing is computed before the first call."""
        self.models, self.X, self.y, self.folds = models, X, y, folds
        self.scorer, self.seed = scorer, seed
        self._kept: dict[tuple[ModelFamily | None, int], tuple[Any, Any]] = {}

    def __call__(self, params: Params) -> float:
        """Give the mean score of a configuration over the folds.

        Raises:
            ValueError: A score is not a number.
        """
        return float(np.mean(self.scores(params)))

    def scores(self, params: Params) -> Floats:
        """Give the score of a configuration in each fold (k,)."""
        scores = np.empty(len(self.folds))
        for fold, (training, validation) in enumerate(self.folds):
            with quiet(len(training)):
                train, valid = self._features(self.models.features(params), fold)
                estimator = fitted(self.models.estimator(params), train, self.y[training], self.seed)
                scores[fold] = self.scorer(estimator, valid, self.y[validation])
            if not np.isfinite(scores[fold]):
                raise ValueError(f"the score of fold {fold + 1} of {len(self.folds)} is {scores[fold]}")
        return scores

    def __getstate__(self) -> dict[str, Any]:
        """Travel to another process without what can be computed there."""
        return {**self.__dict__, "_kept": {}}

    def _features(self, features: ModelFamily | None, fold: int) -> tuple[Any, Any]:
        if (features, fold) not in self._kept:
            training, validation = self.folds[fold]
            train, valid = _rows(self.X, training), _rows(self.X, validation)
            if features is not None:
                encoder = TableEncoder(features, self.models.task)
                train = encoder.fit_transform(train, self.y[training])
                valid = encoder.transform(valid)
            self._kept[features, fold] = train, valid
        return self._kept[features, fold]


def choose_folds(cv: Any, X: Any, y: AnyArray, task: Task, seed: int) -> tuple[Folds, str]:
    """Part the rows for cross-validation.

    Args:
        cv: A number of folds; a splitter of scikit-learn, or pairs of training and validation rows; None for
            5 folds up to 5,000 rows, 3 up to 10,000, and beyond a single split that validates on a fifth.
        X: The features, n rows.
        y: The targets (n,).
        task: In classification every class has its share of each fold.
        seed: The same seed gives the same folds.

    Returns:
        The folds, and what they are in words.

    Raises:
        InvalidSettings: ``cv`` is none of these, or a splitter cannot split these rows.
    """
    if cv is None and len(y) > THREE_FOLDS:
        return cross_validation_folds(y, task, 5, seed)[:1], "one split, a fifth validates"
    if cv is None:
        cv = min(5 if len(y) <= FIVE_FOLDS else 3, len(y))
    if isinstance(cv, int | np.integer) and not isinstance(cv, bool):
        return cross_validation_folds(y, task, int(cv), seed), f"{cv} folds"
    if isinstance(cv, str) or not (hasattr(cv, "split") or isinstance(cv, Iterable)):
        raise InvalidSettings(
            f"cv={cv!r}: expected None, a number of folds, a splitter such as "
            "sklearn.model_selection.KFold(5), or pairs of row numbers"
        )
    try:
        splitter = check_cv(cv, y, classifier=task == "classification")
        folds = [(np.asarray(train), np.asarray(valid)) for train, valid in splitter.split(X, y)]
    except (ValueError, TypeError) as error:
        raise InvalidSettings(f"cv={cv!r} cannot split {len(y):,} rows: {error}") from error
    return folds, f"{len(folds)} folds of {type(splitter).__name__}"


def _rows(X: Any, rows: Ints) -> Any:
    return X.iloc[rows].reset_index(drop=True) if hasattr(X, "iloc") else X[rows]
