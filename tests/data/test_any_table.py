"""Any table is learnt from or refused in one line, and prediction takes whatever comes later."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from thalweg.data import ModelFamily, TableEncoder, describe_columns, holdout_split, split_target
from thalweg.errors import InvalidData

COLUMNS: tuple[Callable[[np.random.Generator, int], Any], ...] = (
    lambda rng, n: rng.normal(size=n),
    lambda rng, n: rng.integers(-(10**12), 10**12, n),
    lambda rng, n: np.full(n, 3.0),
    lambda rng, n: np.full(n, np.nan),
    lambda rng, n: rng.choice(["yes", "no"], n),
    lambda rng, n: rng.choice([True, False], n),
    lambda rng, n: [f"k{code}" for code in rng.integers(0, 70, n)],
    lambda rng, n: [f"u{code}" for code in rng.permutation(n)],
    lambda rng, n: pd.date_range("1900-01-01", periods=n, freq="17h"),
    lambda rng, n: pd.date_range("2020-01-01", periods=n, tz="Europe/Paris"),
    lambda rng, n: pd.date_range("1999-01-01", periods=n).strftime("%d.%m.%Y"),
    lambda rng, n: [" ".join(rng.choice(list("abcdefghijk"), 8)) for _ in range(n)],
    lambda rng, n: rng.choice(np.array([1, "x", 2.5, None], dtype=object), n),
    lambda rng, n: pd.Categorical(rng.integers(0, 40, n)),
    lambda rng, n: pd.array(rng.integers(0, 9, n), dtype="Int64"),
    lambda rng, n: rng.choice(["", "  ", "!!!", "日本語のテキスト", "é" * 400], n),
    lambda rng, n: [str(number) for number in rng.normal(size=n)],
    lambda rng, n: pd.to_timedelta(rng.integers(0, 1000, n), unit="s"),
    lambda rng, n: 10.0 ** rng.integers(-30, 300, n),
)
FAMILIES: tuple[ModelFamily, ...] = ("linear", "trees")


def any_table(rng: np.random.Generator, rows: int, width: int) -> pd.DataFrame:
    columns = {}
    for place in range(width):
        column = pd.Series(COLUMNS[rng.integers(len(COLUMNS))](rng, rows))
        columns[f"c{place}"] = column.mask(rng.random(rows) < rng.choice([0, 0, 0.05, 0.5, 0.98]))
    return pd.DataFrame(columns)


@pytest.mark.parametrize("seed", range(25))
def test_any_table_is_learnt_or_refused(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, width = int(rng.integers(10, 150)), int(rng.integers(1, 7))
    table = any_table(rng, rows, width)
    table["y"] = (rng.normal(size=rows), rng.choice(["p", "q", "r"], rows), rng.integers(0, 2, rows))[seed % 3]
    try:
        data = split_target(table, "y")
        split = holdout_split(data.X, data.y, data.task, seed=seed)
        encoders = [TableEncoder(family, data.task) for family in FAMILIES]
        linear, trees = (encoder.fit_transform(split.X_train, split.y_train) for encoder in encoders)
    except InvalidData as error:
        assert "\n" not in str(error)
        assert not any(column.is_feature for column in describe_columns(table.drop(columns="y")))
        return
    assert np.isfinite(linear).all()
    assert not np.isinf(trees).any()
    for later in (split.X_test, any_table(rng, 7, width)):
        matrices = [encoder.transform(later) for encoder in encoders]
        assert np.isfinite(matrices[0]).all()
        assert [m.shape[1] for m in matrices] == [linear.shape[1], trees.shape[1]]
        assert [len(set(e.get_feature_names_out())) for e in encoders] == [linear.shape[1], trees.shape[1]]
