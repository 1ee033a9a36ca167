"""Rows parted: disjoint, complete, in proportion, repeatable."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.data import cross_validation_folds, holdout_split
from thalweg.errors import InvalidData, InvalidSettings

class_sizes = st.lists(st.integers(1, 30), min_size=2, max_size=8).filter(lambda sizes: max(sizes) > 1)


def labels(sizes: list[int]) -> np.ndarray:
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))


@given(class_sizes, st.floats(0.05, 0.5), st.integers(0, 10))
def test_holdout_keeps_every_class_in_training_and_in_proportion(sizes: list[int], share: float, seed: int) -> None:
    y = labels(sizes)
    split = holdout_split(pd.DataFrame({"row": np.arange(len(y))}), y, "classification", share, seed)
    train, test = split.X_train["row"].to_numpy(), split.X_test["row"].to_numpy()
    assert sorted([*train, *test]) == list(range(len(y)))
    np.testing.assert_array_equal(y[train], split.y_train)
    np.testing.assert_array_equal(y[test], split.y_test)
    assert set(split.y_train) == set(y)
    repeated = sum(size for size in sizes if size > 1)
    tested = max(1, round(share * repeated))
    assert len(test) == tested
    for label, size in enumerate(sizes):
        expected = size * tested / repeated if size > 1 else 0
        assert abs(np.sum(split.y_test == label) - expected) < 1 + 1e-9


@given(class_sizes, st.integers(2, 6), st.integers(0, 10))
def test_folds_validate_every_row_once_and_train_on_every_class(sizes: list[int], folds: int, seed: int) -> None:
    y = labels(sizes)
    repeated = sum(size for size in sizes if size > 1)
    if repeated < folds:
        return
    parts = cross_validation_folds(y, "classification", folds, seed)
    validated = np.concatenate([validation for _, validation in parts])
    assert len(parts) == folds
    assert len(validated) == len(set(validated)) == repeated
    for train, validation in parts:
        assert sorted([*train, *validation]) == list(range(len(y)))
        assert set(y[train]) == set(y)
        for label, size in enumerate(sizes):
            assert size == 1 or abs(np.sum(y[validation] == label) - size / folds) < 1


def test_regression_rows_are_drawn_at_random() -> None:
    y = np.arange(1000.0)
    split = holdout_split(np.c_[y], y, "regression", seed=3)
    assert (len(split.y_train), len(split.y_test)) == (800, 200)
    np.testing.assert_array_equal(split.X_test["x0"], split.y_test)
    # 200 of 1000 without replacement: the mean's standard error is 289 * sqrt(0.8 / 200) = 18.
    assert abs(split.y_test.mean() - y.mean()) < 4 * 18
    validated = np.concatenate([v for _, v in cross_validation_folds(y, "regression")])
    assert sorted(validated) == list(range(1000))


def test_a_seed_is_a_split() -> None:
    y = np.arange(50.0)
    first, same, other = (holdout_split(np.c_[y], y, "regression", seed=s).y_test.tolist() for s in (1, 1, 2))
    assert first == same != other
    folds, again, another = (
        [v.tolist() for _, v in cross_validation_folds(y, "regression", seed=s)] for s in (1, 1, 2)
    )
    assert folds == again != another


def test_settings_out_of_range() -> None:
    y = np.arange(20.0)
    for share in (0.0, 0.51, -1.0):
        with pytest.raises(InvalidSettings, match=r"share of test rows must lie in \(0, 0\.5\]"):
            holdout_split(np.c_[y], y, "regression", share)
    for folds in (1, 21):
        with pytest.raises(InvalidSettings, match="between 2 and the 20 rows"):
            cross_validation_folds(y, "regression", folds)
    with pytest.raises(InvalidData, match="20 rows and the target has 19"):
        holdout_split(np.c_[y], y[1:], "regression")
