"""The task seen from the target, and the targets that cannot be learnt."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from thalweg.data import Task, labelled_data, split_target
from thalweg.errors import InvalidData, InvalidSettings

N = 400


def table_of(target: Any) -> pd.DataFrame:
    return pd.DataFrame({"x": np.linspace(0, 1, len(target)), "y": target})


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (["ham", "spam"] * 200, "classification: 2 different values (ham, spam)"),
        ([True, False] * 200, "classification: 2 different values (False, True)"),
        (pd.Categorical(np.arange(N) % 50), "classification: 50 different values (0, 1, 10, 11, 12, …)"),
        (np.arange(N) % 2, "classification: 2 different values (0, 1)"),
        ((np.arange(N) % 3).astype(float), "classification: 3 different values (0, 1, 2)"),
        (np.arange(N) % 20, "classification: 20 different values (0, 1, 2, 3, 4, …)"),
        (np.arange(N) % 21, "regression: 21 different numbers"),
        ((np.arange(N) % 3)[:12] * 0.5, "regression: 3 different numbers, with fractions"),
        ((np.arange(N) % 3)[:12], "regression: 3 different numbers"),
        ([str(i / 3) for i in range(N)], "regression: 400 different numbers, with fractions"),
    ],
)
def test_the_task_is_seen_from_the_target(target: Any, reason: str) -> None:
    data = split_target(table_of(target), "y")
    assert data.reason == reason
    assert data.reason.startswith(data.task)
    assert list(data.X.columns) == ["x"]
    assert data.notes == ()


@pytest.mark.parametrize(
    ("target", "task", "kind", "first"),
    [
        (np.arange(N) % 4, None, "i", 0),
        ((np.arange(N) % 4).astype(float), None, "i", 0),
        (np.arange(N) % 4, "regression", "f", 0.0),
        (np.arange(N) % 4 / 2, "classification", "U", "0.0"),
        ([True, False] * 200, None, "b", True),
        ([True, False] * 200, "regression", "f", 1.0),
        ([1, "b"] * 200, "classification", "U", "1"),
    ],
)
def test_the_form_of_y(target: Any, task: Task | None, kind: str, first: Any) -> None:
    data = split_target(table_of(target), "y", task)
    assert (data.y.dtype.kind, data.y[0]) == (kind, first)
    assert task is None or data.task == task


def test_an_overruled_task_is_said() -> None:
    data = split_target(table_of(np.arange(N) % 4), "y", "regression")
    assert data.reason == "regression: as asked; by its values (4 different) it would be classification"


def test_rows_without_target_are_left_out_and_said() -> None:
    target = np.arange(N) / 3
    target[[5, 7]] = np.nan
    data = split_target(table_of(target), "y")
    assert len(data.X) == len(data.y) == N - 2
    assert data.X.index.tolist() == list(range(N - 2))
    assert data.notes == ("left out: 2 rows without a value of 'y'",)
    np.testing.assert_allclose(data.X["x"] * (N - 1) / 3, data.y)


def test_a_class_of_one_row_is_kept_and_said() -> None:
    data = split_target(table_of(["a"] * 20 + ["b"] * 20 + ["c"]), "y")
    assert data.notes == ("learnt from, but never tested: 1 class of 'y' with a single row ('c')",)
    assert "c" in data.y


def test_a_thousand_classes() -> None:
    assert split_target(table_of([f"k{i % 1000}" for i in range(5000)]), "y").task == "classification"
    with pytest.raises(InvalidData, match="'y' has 1,000 classes in 4,999 rows"):
        split_target(table_of([f"k{i % 1000}" for i in range(4999)]), "y")


@pytest.mark.parametrize(
    ("target", "task", "message"),
    [
        ([None] * N, None, "'y' is missing in every row"),
        ([3] * N, None, "'y' is 3 in every row"),
        (["a"] * N, None, "'y' is a in every row"),
        ([1.0, np.inf] * 5 + [0.5], None, r"column 'y' holds 5 infinite values \(the first in row 2\)"),
        ([1.5], None, "1 row with a value of 'y': needed are 10"),
        ([1.5, 2, None, 3], None, "3 rows with a value of 'y'"),
        ([1.5] * 8 + ["two"] * 4, None, r"'y' mixes 8 numbers with 4 texts \(such as 'two'\)"),
        ([1.5] * 8 + ["two"] * 4, "regression", "'y' mixes 8 numbers with 4 texts"),
        (["a", "b"] * 10, "regression", "'y' holds text: regression needs numbers"),
        ([f"k{i}" for i in range(12)], None, "12 classes in 12 rows, 0 of them in more than one row"),
        (["a"] * 11 + ["b"], None, "2 classes in 12 rows, 1 of them in more than one row"),
        (pd.date_range("2024", periods=N), None, "'y' holds dates"),
    ],
)
def test_targets_that_cannot_be_learnt(target: Any, task: Task | None, message: str) -> None:
    with pytest.raises(InvalidData, match=message) as caught:
        split_target(table_of(target), "y", task)
    assert "\n" not in str(caught.value)


def test_the_column_must_exist() -> None:
    table = pd.DataFrame({"house_value": [1.0], "Median_Income": [2.0], "x": [1.0]})
    with pytest.raises(InvalidData, match=r"no column 'house_valu': did you mean 'house_value'\?"):
        split_target(table, "house_valu")
    with pytest.raises(InvalidData, match="did you mean 'Median_Income'"):
        split_target(table, "median_income")
    with pytest.raises(InvalidData, match="no column 'zzz': the columns are house_value, Median_Income, x"):
        split_target(table, "zzz")


def test_the_features_must_be_fit_to_learn_from() -> None:
    target = np.arange(20) / 3
    with pytest.raises(InvalidData, match="no column beside the target 'y'"):
        split_target(pd.DataFrame({"y": target}), "y")
    with pytest.raises(InvalidData, match="no column can be learnt from"):
        split_target(pd.DataFrame({"y": target, "id": range(20), "c": 1}), "y")
    table = table_of(target)
    table.loc[[3, 4], "x"] = -np.inf
    with pytest.raises(InvalidData, match=r"column 'x' holds 2 infinite values \(the first in row 4\)"):
        split_target(table, "y")


def test_features_and_target_that_come_apart() -> None:
    X = np.random.default_rng(0).normal(size=(30, 2))
    for y in (list("ab") * 15, np.array(list("ab") * 15), pd.Series(list("ab") * 15, index=range(5, 35))):
        data = labelled_data(X, y)
        assert (data.task, data.y[:2].tolist(), list(data.X.columns)) == (
            "classification",
            ["a", "b"],
            ["x0", "x1"],
        )
    assert labelled_data(X, X[:, :1]).task == "regression"
    with pytest.raises(InvalidData, match="the features have 30 rows and the target has 29"):
        labelled_data(X, np.arange(29))
    with pytest.raises(InvalidData, match=r"one axis \(rows\), got shape \(30, 2\)"):
        labelled_data(X, X)
    with pytest.raises(InvalidSettings, match="got 'ranking'"):
        labelled_data(X, X[:, 0], "ranking")  # type: ignore[arg-type]
