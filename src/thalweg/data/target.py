"""The target parted from the features, and the task seen from it."""

import difflib
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
import pandas as pd

from thalweg.arrays import AnyArray, Bools
from thalweg.data.columns import describe_columns, feature_columns
from thalweg.data.frames import as_frame, refuse_infinite
from thalweg.data.reading import read_table
from thalweg.errors import InvalidData, InvalidSettings

__all__ = ["LabelledData", "Task", "labelled_data", "split_target"]

Task = Literal["regression", "classification"]

_FEWEST_ROWS = 10
_FEW_CLASSES = 20
_ROWS_PER_CLASS = 5


@final
@dataclass(frozen=True, eq=False)
class LabelledData:
    """Features and target of one table, checked.

    Args:
        X: The features, n rows.
        y: The target (n,): float64 in regression; labels (text, int64 or bool) in classification.
        task: ``"regression"`` or ``"classification"``.
        target: The target's name.
        reason: Why it is this task, in words.
        notes: What a reader should know, one sentence each: rows left out, classes too rare to test.
    """

    X: pd.DataFrame
    y: AnyArray
    task: Task
    target: str
    reason: str
    notes: tuple[str, ...] = ()


def split_target(table: Any, target: str, task: Task | None = None) -> LabelledData:
    """Part a table into features and target, and see the task from the target.

    Text, booleans and categories are classes; numbers with fractions, a quantity. Whole numbers are classes
    where they take at most 20 values, each at least 5 times on average, else a quantity. Two values are
    always classes. Rows whose target is missing are left out.

    Args:
        table: Whatever :func:`~thalweg.data.read_table` takes.
        target: The name of the column to predict.
        task: ``"regression"`` or ``"classification"``; None sees it from the target.

    Raises:
        InvalidData: no such column, or nothing can be learnt from it, or from the others.

    Example:
        >>> table = pd.DataFrame({"rooms": range(30), "price": [7.5 * rooms for rooms in range(30)]})
        >>> split_target(table, "price").reason
        'regression: 30 different numbers, with fractions'
    """
    frame = read_table(table)
    if target not in frame.columns:
        raise InvalidData(f"there is no column {target!r}{_near_names(target, list(frame.columns))}")
    return _labelled(frame.drop(columns=target), frame[target], target, task)


def labelled_data(X: Any, y: Any, task: Task | None = None, target: str = "y") -> LabelledData:
    """Check features and target that come apart, as :func:`split_target` does for a table.

    Args:
        X: The features, whatever :func:`~thalweg.data.read_table` takes.
        y: The target (n,), of numbers, text or booleans.
        task: ``"regression"`` or ``"classification"``; None sees it from the target.
        target: How messages call the target.

    Raises:
        InvalidData: nothing can be learnt from the target, or from the features.

    Example:
        >>> labelled_data(np.eye(12), ["ham"] * 6 + ["spam"] * 6).reason
        'classification: 2 different values (ham, spam)'
    """
    frame = read_table(X)
    values = y.reset_index(drop=True) if isinstance(y, pd.Series) else np.squeeze(np.asarray(y))
    if values.ndim != 1:
        raise InvalidData(f"the target must have one axis (rows), got shape {np.shape(y)}")
    column = as_frame(pd.DataFrame({target: values}))[target]
    if len(frame) != len(column):
        raise InvalidData(f"the features have {len(frame):,} rows and the target has {len(column):,}")
    return _labelled(frame, column, target, task)


def _labelled(X: pd.DataFrame, column: "pd.Series[Any]", target: str, task: Task | None) -> LabelledData:
    if task not in (None, "regression", "classification"):
        raise InvalidSettings(f"the task must be 'regression' or 'classification', got {task!r}")
    if not X.shape[1]:
        raise InvalidData(f"the table has no column beside the target {target!r}: nothing to learn from")
    refuse_infinite(X)
    refuse_infinite(column.to_frame())
    known = column.notna().to_numpy()
    notes = _row_notes(target, known)
    if notes:
        X, column = X[known].reset_index(drop=True), column[known].reset_index(drop=True)
    y = _values(column, target, task)
    distinct, counts = np.unique(y, return_counts=True)
    if len(distinct) == 1:
        value = _as_labels(distinct)[0]
        raise InvalidData(f"the target {target!r} is {value} in every row: there is nothing to predict")
    feature_columns(describe_columns(X))
    seen, reason = _seen_task(y, distinct)
    if task is not None and task != seen:
        seen, reason = (
            task,
            f"{task}: as asked; by its values ({len(distinct):,} different) it would be {seen}",
        )
    if seen == "classification":
        notes += _class_notes(target, distinct, counts)
        return LabelledData(X, _as_labels(y), seen, target, reason, tuple(notes))
    if y.dtype.kind == "U":
        raise InvalidData(f"the target {target!r} holds text: regression needs numbers")
    return LabelledData(X, y.astype(np.float64), seen, target, reason, tuple(notes))


def _row_notes(target: str, known: Bools) -> list[str]:
    """Refuse too few rows with a target; note rows without."""
    count, missing = int(known.sum()), int((~known).sum())
    if not count:
        raise InvalidData(f"the target {target!r} is missing in every row")
    if count < _FEWEST_ROWS:
        raise InvalidData(
            f"the table has {_counted(count, 'row')} with a value of {target!r}: needed are {_FEWEST_ROWS}"
        )
    return [f"left out: {_counted(missing, 'row')} without a value of {target!r}"] if missing else []


def _values(column: "pd.Series[Any]", target: str, task: Task | None) -> AnyArray:
    """Give the target as plain numbers, booleans or text; refuse what is neither."""
    if pd.api.types.is_datetime64_dtype(column.dtype):
        raise InvalidData(f"the target {target!r} holds dates: give it as a number, for example of days")
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=bool)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype("str").to_numpy(dtype=np.str_)
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    if not pd.api.types.is_numeric_dtype(column.dtype):
        words = np.isnan(numbers)
        text = column.to_numpy(dtype=np.str_)
        if words.all() or task == "classification":
            return text
        if words.any():
            row = int(words.argmax())
            raise InvalidData(
                f"the target {target!r} mixes {int((~words).sum()):,} numbers with {int(words.sum()):,} "
                f"texts (such as {text[row][:40]!r}): correct those cells, or ask for task 'classification'"
            )
    return numbers


def _seen_task(y: AnyArray, distinct: AnyArray) -> tuple[Task, str]:
    count = len(distinct)
    few = f"classification: {count:,} different values ({', '.join(map(str, _as_labels(distinct[:5])))}"
    few += ", …)" if count > 5 else ")"
    if y.dtype.kind in "bU" or count == 2:
        return "classification", few
    if np.any(distinct % 1):
        return "regression", f"regression: {count:,} different numbers, with fractions"
    if count <= _FEW_CLASSES and len(y) >= _ROWS_PER_CLASS * count:
        return "classification", few
    return "regression", f"regression: {count:,} different numbers"


def _as_labels(values: AnyArray) -> AnyArray:
    """Name classes by text, whole numbers or booleans: scikit-learn takes fractions for a quantity."""
    if values.dtype.kind != "f":
        return values
    return values.astype(np.str_ if np.any(values % 1) else np.int64)


def _class_notes(target: str, distinct: AnyArray, counts: AnyArray) -> list[str]:
    """Refuse a target of too many or too rare classes; note classes that cannot be tested."""
    rows, classes = int(counts.sum()), len(distinct)
    repeated = int((counts > 1).sum())
    if repeated < 2 or (classes > _FEW_CLASSES and rows < _ROWS_PER_CLASS * classes):
        raise InvalidData(
            f"the target {target!r} has {classes:,} classes in {rows:,} rows, {repeated:,} of them in more "
            "than one row: too few rows per class to learn from; choose another target, or merge classes"
        )
    alone = [str(value) for value in distinct[counts == 1]]
    if not alone:
        return []
    names = ", ".join(map(repr, alone[:3])) + (", …" if len(alone) > 3 else "")
    return [
        f"learnt from, but never tested: {_counted(len(alone), 'class', 'classes')} of {target!r} "
        f"with a single row ({names})"
    ]


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _near_names(target: str, names: list[str]) -> str:
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(target.casefold(), list(folded), n=3)
    if near:
        return f": did you mean {' or '.join(repr(folded[name]) for name in near)}?"
    return f": the columns are {', '.join(names[:10])}{', …' if len(names) > 10 else ''}"
