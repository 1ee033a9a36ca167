"""What columns are taken for."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from thalweg.data import describe_columns
from thalweg.data.columns import feature_columns
from thalweg.errors import InvalidData

N = 200
WORDS = np.array(["red", "green", "blue"])
PROSE = [f"a fine house of {i} rooms beside the lake" for i in range(N)]
DAYS = pd.date_range("2023-01-15", periods=N)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (np.linspace(0, 1, N), "number"),
        (np.arange(N), "number"),
        ([str(i / 7) for i in range(N)], "number"),
        ([True, False] * 100, "boolean"),
        ([True, None] * 100, "boolean"),
        ([0, 1] * 100, "boolean"),
        (["yes", "No"] * 100, "boolean"),
        ([None, 1.0] * 100, "boolean"),
        (WORDS[np.arange(N) % 3], "category"),
        (pd.Categorical(np.arange(N)), "category"),
        ([f"K{i % 90}" for i in range(N)], "category"),
        (["north sea coast", "south sea coast"] * 100, "category"),
        (["May", "June"] * 100, "category"),
        (DAYS, "date"),
        (DAYS.astype("str"), "date"),
        (DAYS.strftime("%d/%m/%Y"), "date"),
        (DAYS.strftime("%Y-%m-%dT%H:%M:%S+02:00"), "date"),
        (PROSE, "text"),
        ([f"K{i}" for i in range(N)], "identifier"),
        ([7] * N, "constant"),
        ([None] * N, "empty"),
    ],
)
def test_kinds(cells: Any, kind: str) -> None:
    (column,) = describe_columns(pd.DataFrame({"a": cells}))
    assert column.kind == kind


@pytest.mark.parametrize("name", ["id", "ID", "user_id", "userId", "row index", "Unnamed: 0", "uuid"])
def test_a_telling_name_makes_unrepeated_whole_numbers_an_identifier(name: str) -> None:
    unrepeated, repeated = np.arange(N), np.arange(N) // 2
    assert describe_columns(pd.DataFrame({name: unrepeated}))[0].kind == "identifier"
    assert describe_columns(pd.DataFrame({name: repeated}))[0].kind == "number"


@pytest.mark.parametrize("name", ["paid", "humidity", "grid", "monkey", "x0"])
def test_other_names_do_not(name: str) -> None:
    assert describe_columns(pd.DataFrame({name: np.arange(N)}))[0].kind == "number"


def test_a_few_words_among_many_numbers_are_missing_and_said() -> None:
    cells = [str(i) for i in range(N)]
    cells[3] = cells[9] = "unknown"
    (column,) = describe_columns(pd.DataFrame({"a": cells}))
    assert str(column) == "a: number, 199 different values, 2 cells of text such as 'unknown' count as missing"
    many = ["unknown"] * 50 + cells[50:]
    assert describe_columns(pd.DataFrame({"a": many}))[0].kind == "category"


def test_lines_for_readers() -> None:
    table = pd.DataFrame({"a": [1.5, None, 3.0], "b": ["x"] * 3, "c": [None] * 3, "d": ["2024-05-13"] * 2 + [None]})
    assert [str(column) for column in describe_columns(table)] == [
        "a: number, 2 different values, 1 missing",
        "b: constant, always 'x'",
        "c: empty",
        "d: date, 1 different value, 1 missing, written as %Y-%m-%d",
    ]


def test_a_table_without_features_is_refused() -> None:
    columns = describe_columns(pd.DataFrame({"id": range(N), "b": [1] * N}))
    with pytest.raises(InvalidData, match=r"no column can be learnt from.*id: identifier.*b: constant"):
        feature_columns(columns)
