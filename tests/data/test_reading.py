"""Tables of every origin give the same frame."""

import datetime
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from thalweg.data import describe_columns, read_table
from thalweg.errors import InvalidData

HOUSING = Path(__file__).parents[2] / "examples" / "data" / "housing.csv"


@pytest.fixture
def table() -> pa.Table:
    return pa.table(
        {
            "count": [1, 2, 3],
            "size": [0.5, None, 2.5],
            "town": ["Bern", None, "Chur"],
            "sold": [True, False, True],
            "known": [True, None, False],
            "day": [datetime.date(2024, 5, 13), datetime.date(2024, 6, 1), datetime.date(2024, 6, 2)],
            "when": [datetime.datetime(2024, 5, 13, 12, 30), None, datetime.datetime(2024, 6, 2)],
            "price": [decimal.Decimal("1.50"), decimal.Decimal("2.25"), None],
            "level": pa.array(["low", "high", "low"]).dictionary_encode(),
        }
    )


def assert_plain(frame: pd.DataFrame) -> None:
    assert frame["count"].tolist() == [1, 2, 3]
    assert frame["size"].isna().tolist() == [False, True, False]
    assert frame["town"].dropna().tolist() == ["Bern", "Chur"]
    assert frame["town"].dtype == "str"
    assert frame["sold"].dtype == bool
    assert frame["known"].dtype == "boolean"
    assert frame["day"].tolist()[1] == pd.Timestamp("2024-06-01")
    assert frame["when"].tolist()[0] == pd.Timestamp("2024-05-13 12:30")
    assert frame["price"].tolist()[:2] == [1.5, 2.25]
    assert frame["level"].dtype == "category"


def write_parquet(table: pa.Table, path: Path) -> None:
    pyarrow.parquet.write_table(table, path)


def write_feather(table: pa.Table, path: Path) -> None:
    pyarrow.feather.write_feather(table, path)


def write_stream(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("t.parquet", write_parquet),
        ("t.pq", write_parquet),
        ("t.feather", write_feather),
        ("t.arrow", write_stream),
    ],
)
def test_files_of_columns(tmp_path: Path, table: pa.Table, name: str, write: Any) -> None:
    write(table, tmp_path / name)
    assert_plain(read_table(tmp_path / name))


def test_frames_of_every_library(table: pa.Table) -> None:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    for source in (table, table.to_pandas(), frame, frame.lazy()):
        assert_plain(read_table(source))
        assert [c.kind for c in describe_columns(source)] == [c.kind for c in describe_columns(table)]


def test_arrow_types_inside_pandas(table: pa.Table) -> None:
    plain = table.drop_columns("level")
    frame = read_table(plain.to_pandas(types_mapper=pd.ArrowDtype))
    pd.testing.assert_frame_equal(frame, read_table(plain), check_dtype=False)
    assert [dtype.kind for dtype in frame.dtypes] == [dtype.kind for dtype in read_table(plain).dtypes]


def test_housing_is_the_same_from_every_format(tmp_path: Path) -> None:
    expected = read_table(HOUSING)
    assert expected.shape == (20_640, 10)
    assert int(expected["total_bedrooms"].isna().sum()) == 207
    expected.to_parquet(tmp_path / "t.parquet")
    expected.to_feather(tmp_path / "t.feather")
    for source in (tmp_path / "t.parquet", tmp_path / "t.feather", pl.read_csv(HOUSING), expected):
        pd.testing.assert_frame_equal(read_table(source), expected)


def test_matrices_get_names_and_frames_lose_their_index() -> None:
    assert list(read_table(np.eye(3)).columns) == ["x0", "x1", "x2"]
    source = pd.DataFrame({0: [1, 2]}, index=[7, 8])
    frame = read_table(source)
    assert (list(frame.columns), list(frame.index)) == (["0"], [0, 1])
    assert (list(source.columns), list(source.index)) == ([0], [7, 8])


def test_unusual_columns_become_plain() -> None:
    frame = read_table(
        pd.DataFrame(
            {
                "nullable": pd.array([1, None, 3], dtype="Int64"),
                "mixed": [1, "two", 3.5],
                "objects": pd.Series([1, 2.5, None], dtype=object),
                "nothing": pd.Series([None, None, None], dtype=object),
                "zone": pd.to_datetime(["2024-05-13 12:00"] * 3).tz_localize("Europe/Zurich"),
                "length": pd.to_timedelta([1, 2, 3], unit="min"),
                "codes": pd.Categorical([1.0, 2.0, None]),
            }
        )
    )
    assert frame["nullable"].dtype == frame["nothing"].dtype == frame["objects"].dtype == "float64"
    assert frame["mixed"].tolist() == ["1", "two", "3.5"]
    assert frame["zone"].tolist()[0] == pd.Timestamp("2024-05-13 10:00")
    assert frame["length"].tolist() == [60.0, 120.0, 180.0]
    assert frame["codes"].cat.categories.tolist() == ["1", "2"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (pd.DataFrame({"a": [], "b": []}), "the table has 2 columns and no rows"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"two columns are called 'a' \(columns 1 and 2\)"),
        (pa.table([[1], [2]], names=["a", "a"]), "two columns are called 'a'"),
        (pd.DataFrame({"a": [[1], [2]]}), r"column 'a' holds values of type list \(such as \[1\]\)"),
        (pa.table({"a": [[1.0], [2.0]]}), "column 'a' holds values of type ndarray"),
        (pd.DataFrame({"a": [datetime.time(1), datetime.time(2)]}), "column 'a' holds values of type time"),
        (pd.DataFrame({"a": [1j, 2j]}), "column 'a' holds values of type complex"),
        (np.zeros(3), r"an array of two axes \(rows, columns\), got one of shape \(3,\)"),
        ([1, 2], "expected a path, array, or table of .* got list"),
    ],
)
def test_tables_that_cannot_be_used(source: Any, message: str) -> None:
    with pytest.raises(InvalidData, match=message) as caught:
        read_table(source)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "houses.csv").write_text("a\n1\n")
    cases = {
        "house.csv": r"no such file: did you mean .*houses\.csv\?",
        "nowhere/house.csv": "no such file: the directory .*nowhere does not exist",
        ".": "this is a directory",
    }
    for name, message in cases.items():
        with pytest.raises(InvalidData, match=message):
            read_table(tmp_path / name)

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InvalidData, match=r"houses\.csv: not readable: Permission denied"):
        read_table(tmp_path / "houses.csv")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("t.parquet", "not a readable Parquet file"),
        ("t.feather", "not a readable Feather or Arrow file"),
        ("t.xlsx", r"unknown kind of file '\.xlsx': expected one of \.csv"),
        ("t", "unknown kind of file ''"),
    ],
)
def test_files_of_another_kind(tmp_path: Path, name: str, message: str) -> None:
    for content in (b"\x00\x01garbage" * 50, b"ARROW1\x00\x00garbage", b"PAR1 garbage PAR1"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidData, match=message) as caught:
            read_table(tmp_path / name)
        assert "\n" not in str(caught.value)
