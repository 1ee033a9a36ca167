"""Columns as a network's input."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from thalweg.errors import InvalidData
from thalweg.training.network.architecture import layers_for
from thalweg.training.network.layers import CategoryEmbedding, ColumnSplit, OneHot, Periodic
from thalweg.training.network.table import TableInput, framed, is_mixed

FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.0, None], "b": ["x", "y", None, "x"], "c": [True, False, True, True]})


def test_numbers_follow_their_formula():
    x = np.random.default_rng(0).normal(5, 3, (1000, 1))
    z = (x - np.median(x)) / (np.quantile(x, 0.75) - np.quantile(x, 0.25))
    np.testing.assert_allclose(TableInput().fit(x).transform(x), z / np.sqrt(1 + (z / 3) ** 2), atol=1e-6)


def test_outliers_and_units_are_of_no_account():
    x = np.random.default_rng(0).normal(size=(500, 2))
    x[0] = 1e12
    one, other = TableInput().fit(x).transform(x), TableInput().fit(1e5 * x - 7).transform(1e5 * x - 7)
    assert np.abs(one).max() <= 3 and one.dtype == np.float32
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_missing_cells_say_so_where_the_fit_had_some():
    x = np.array([[1.0, 1.0], [np.nan, 2.0], [3.0, 3.0], [2.0, 9.0]])
    table = TableInput().fit(x)
    assert table.width == 3 and table.transform(x)[:, 2].tolist() == [0, 1, 0, 0]
    assert table.transform(np.full((1, 2), np.nan)).tolist() == [[0, 0, 1]]


def test_columns_of_nothing_are_left_out_and_constant_ones_are_zero():
    x = np.array([[np.nan, 5.0, 1.0], [np.nan, 5.0, 2.0]])
    assert TableInput().fit(x).transform(x)[:, 0].tolist() == [0, 0] and TableInput().fit(x).width == 2
    assert TableInput().fit(x).transform([[7.0, 5.0, 1.0]])[0, 0] == 0
    with pytest.raises(InvalidData, match="none of the 3 columns has a value"):
        TableInput().fit(np.full((4, 3), np.nan))


def test_categories_become_codes():
    table = TableInput().fit(framed(FRAME))
    assert table.names == ["b"] and table.cardinalities == (2,) and table.numbers == 3
    assert table.transform(framed(FRAME))[:, 3].tolist() == [0, 1, -1, 0]
    assert table.transform(framed(FRAME.assign(b=["y", "new", "y", None])))[:, 3].tolist() == [1, -1, 1, -1]
    assert table.transform(framed(FRAME.assign(b=np.nan)))[:, 3].tolist() == [-1] * 4
    only = framed(FRAME[["b"]])
    assert TableInput().fit(only).transform(only).tolist() == [[0], [1], [-1], [0]]


@pytest.mark.parametrize("make", [pl.from_pandas, pa.Table.from_pandas, lambda f: pl.from_pandas(f).lazy()], ids="plz")
def test_frames_of_every_library(make):
    expected = TableInput().fit(framed(FRAME)).transform(framed(FRAME))
    frame = framed(make(FRAME))
    assert is_mixed(frame) and np.array_equal(TableInput().fit(frame).transform(frame), expected)


def test_what_is_no_frame_or_only_numbers_stays_as_it_is():
    for X in (np.ones((3, 2)), [[1.0, 2.0]], FRAME[["a", "c"]]):
        assert framed(X) is X and not is_mixed(X)


def test_objects_are_seen_for_what_they_are():
    frame = framed(
        pd.DataFrame({"a": pd.Series([1, None, 3], dtype=object), "b": pd.Series(["1", 2, 3.0], dtype=object)})
    )
    table = TableInput().fit(frame)
    assert table.names == ["b"] and table.cardinalities == (3,)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"a": pd.Timestamp("2020-01-01")}, "the columns a are dates.*TableEncoder"),
        ({"a": [1.0, np.inf, 2.0, np.inf]}, "'a' holds 2 infinite values .the first in row 2"),
        ({"b": [{1}, {2}, {3}, {4}]}, "column 'b' holds values of type set"),
    ],
    ids=["dates", "infinite", "sets"],
)
def test_what_cannot_be_learned_from_is_refused(change, text):
    with pytest.raises(InvalidData, match=text):
        framed(FRAME.assign(**change))


def test_the_scaling_of_many_rows_needs_few_of_them():
    x = np.random.default_rng(0).normal(size=(50_000, 1))
    table = TableInput().fit(x, seed=1)
    assert np.array_equal(table.transform(x), TableInput().fit(x, seed=1).transform(x))
    np.testing.assert_allclose(table.transform(x), TableInput().fit(x[:10_000]).transform(x), atol=0.1)


def test_layers_of_a_mixed_table():
    X = np.zeros((5, 4), np.float32)
    first, *_ = layers_for(X, (3, 40), (8,), "relu", 0.0, "periodic", 1)
    assert isinstance(first, ColumnSplit)
    (numbers, periodic), few, many = first.parts
    assert numbers == 2 and isinstance(periodic[0], Periodic)
    assert few == (1, (OneHot((3,)),)) and many == (1, (CategoryEmbedding((40,)),))
