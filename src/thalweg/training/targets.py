"""Targets of classifiers: classes to codes, and what classes weigh."""

from typing import Any

import numpy as np
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidData, InvalidSettings

__all__ = ["coded", "require_two", "strata", "weighted_by_class"]


def coded(y: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Give the classes in order, and the code 0 … K − 1 of every row's.

    Raises:
        InvalidData: The targets are no classes.
    """
    if y.dtype.kind in "biuf" and len(y):
        low, high = y.min(), y.max()
        if float(low).is_integer() and float(high).is_integer():  # the usual two classes need no sorting
            second = y == high
            if bool((second | (y == low)).all()):
                return np.array([low, high])[: 1 + int(low != high)], (second & (low != high)).view(np.int8)
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    return classes, codes


def require_two(classes: AnyArray) -> None:
    """Refuse a target that has one class only."""
    if len(classes) < 2:
        raise InvalidData(
            f"the target has one class only, {classes.tolist()}: a classifier needs samples of at least 2 classes"
        )


def strata(codes: AnyArray, held: int) -> AnyArray | None:
    """Give the codes (n,) by which rows are split so that both parts have every class; None where that is impossible.

    Args:
        codes: Of the rows' classes.
        held: Rows of one part.

    Example:
        >>> strata(np.array([0, 0, 1, 1]), held=2), strata(np.array([0, 0, 0, 1]), held=2)
        (array([0, 0, 1, 1]), None)
    """
    counts = np.unique(codes, return_counts=True)[1]
    return codes if counts.min() >= 2 and min(held, len(codes) - held) >= len(counts) else None


def weighted_by_class(
    weight: AnyArray | None, class_weight: dict[Any, float] | str | None, classes: AnyArray, codes: AnyArray, dtype: Any
) -> AnyArray | None:
    """Multiply the weights of rows (n,) by those of their classes; None where all rows weigh the same.

    Args:
        weight: (n,) of the rows, or None for 1.
        class_weight: A factor for each class, ``"balanced"`` for all classes to weigh the same, or None.
        classes: (K,) in order.
        codes: (n,) of the rows.
        dtype: Of the result.

    Raises:
        InvalidSettings: ``class_weight`` does not fit the classes.
    """
    if class_weight is None:
        return weight
    if weight is None:
        weight = np.ones(len(codes), dtype=dtype)
    try:
        each = compute_class_weight(class_weight, classes=classes, y=classes[codes], sample_weight=weight)
    except ValueError as error:
        raise InvalidSettings(f"class_weight={class_weight!r}: {error}") from error
    weighted = np.asarray(weight * np.asarray(each, dtype=dtype)[codes])
    if (each < 0).any() or not weighted.any():
        raise InvalidSettings(
            f"class_weight={class_weight!r}: expected factors of at least 0, and one that is positive"
        )
    return weighted
