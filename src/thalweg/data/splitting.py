"""Rows parted into training and test rows, every class of the target on both sides."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pandas as pd

from thalweg.arrays import AnyArray, Ints
from thalweg.data.reading import read_table
from thalweg.data.target import Task
from thalweg.errors import InvalidData, InvalidSettings
from thalweg.rng import generator

__all__ = ["Split", "cross_validation_folds", "holdout_split"]


@final
@dataclass(frozen=True, eq=False)
class Split:
    """Training rows and test rows of one table.

    Args:
        X_train: Features of the training rows.
        X_test: Features of the test rows.
        y_train: Targets of the training rows.
        y_test: Targets of the test rows.
    """

    X_train: pd.DataFrame
    X_test: pd.DataFrame
    y_train: AnyArray
    y_test: AnyArray


def holdout_split(X: Any, y: Any, task: Task, share: float = 0.2, seed: int = 0) -> Split:
    """Put a share of the rows aside as test rows.

    In classification every class gives its share of test rows, to within one row; a class of a single row
    stays in training. Rows keep their order.

    Args:
        X: The features, n rows.
        y: The targets (n,).
        task: ``"regression"`` or ``"classification"``.
        share: The test rows' share, in (0, 0.5].
        seed: The same seed draws the same rows.

    Raises:
        InvalidSettings: the share lies outside (0, 0.5].

    Example:
        >>> split = holdout_split(pd.DataFrame({"x": range(10)}), np.arange(10.0), "regression")
        >>> len(split.y_train), len(split.y_test)
        (8, 2)
    """
    if not 0 < share <= 0.5:
        raise InvalidSettings(f"the share of test rows must lie in (0, 0.5], got {share}")
    frame, targets = read_table(X), np.asarray(y)
    if len(frame) != len(targets):
        raise InvalidData(f"the features have {len(frame):,} rows and the target has {len(targets):,}")
    rng = generator(seed, 0)
    dealt = _rows_by_class(targets, task, rng)
    count = max(1, round(share * len(dealt)))
    # Every (len / count)-th row in an order grouped by class: each class is met in proportion, and of two
    # neighbours one always stays, so no class of two rows or more goes to the test as a whole.
    picks = ((np.arange(count) + rng.random()) * len(dealt) / count).astype(np.int64)
    is_test = np.zeros(len(targets), dtype=bool)
    is_test[dealt[picks]] = True
    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    X_train, X_test = (frame.iloc[rows].reset_index(drop=True) for rows in (train, test))
    return Split(X_train, X_test, targets[train], targets[test])


def cross_validation_folds(y: Any, task: Task, folds: int = 5, seed: int = 0) -> list[tuple[Ints, Ints]]:
    """Part rows into folds for cross-validation.

    Every row is validated once, and every class stands in every training part, which scikit-learn's
    ``StratifiedKFold`` does not assure: a class of a single row is in all training parts, never validated.

    Args:
        y: The targets (n,).
        task: ``"regression"`` or ``"classification"``.
        folds: Number of folds, at least 2.
        seed: The same seed gives the same folds.

    Returns:
        Per fold, the training rows and the validation rows, as ascending positions.

    Raises:
        InvalidSettings: fewer than 2 folds, or more folds than rows.

    Example:
        >>> folds = cross_validation_folds(list("aabb"), "classification", folds=2)
        >>> [validation.tolist() for _, validation in folds]
        [[0, 2], [1, 3]]
    """
    targets = np.asarray(y)
    dealt = _rows_by_class(targets, task, generator(seed, 1))
    if not 2 <= folds <= len(dealt):
        raise InvalidSettings(f"the number of folds must lie between 2 and the {len(dealt)} rows, got {folds}")
    every = np.arange(len(targets))
    validations = [np.sort(dealt[start::folds]) for start in range(folds)]
    return [(np.setdiff1d(every, validation), validation) for validation in validations]


def _rows_by_class(y: AnyArray, task: Task, rng: np.random.Generator) -> Ints:
    """Order the rows by class, shuffled within; rows that are alone in their class are left out."""
    shuffled = rng.permutation(len(y))
    if task == "regression":
        return shuffled
    _, codes, sizes = np.unique(y[shuffled], return_inverse=True, return_counts=True)
    by_class = np.argsort(codes, kind="stable")
    rows: Ints = shuffled[by_class][sizes[codes[by_class]] > 1]
    return rows
