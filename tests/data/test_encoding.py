"""Features as numbers: by kind, from training rows only, steady at prediction, saved and loaded."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeRegressor

from thalweg.data import (
    TRUSTED_TYPES,
    ModelFamily,
    TableEncoder,
    Task,
    cross_validation_folds,
    holdout_split,
    read_table,
    split_target,
)
from thalweg.errors import InvalidData, InvalidSettings

HOUSING = Path(__file__).parents[2] / "examples" / "data" / "housing.csv"
FAMILIES: tuple[ModelFamily, ...] = ("linear", "trees")
N = 300


def every_kind() -> tuple[pd.DataFrame, np.ndarray]:
    """A table with a column of each kind, each with a missing cell, and a target that depends on some."""
    rng = np.random.default_rng(0)
    town = rng.integers(0, 60, N)
    size = rng.normal(50, 10, N)
    table = pd.DataFrame(
        {
            "id": np.arange(N),
            "size": size,
            "sold": rng.random(N) < 0.5,
            "garden": np.where(rng.random(N) < 0.5, "yes", "no"),
            "colour": np.array(["red", "green", "blue"])[rng.integers(0, 3, N)],
            "town": [f"town {code}" for code in town],
            "day": pd.date_range("2023-01-15", periods=N).astype("str"),
            "built": pd.date_range("1950-01-01", periods=N, freq="97D"),
            "text": [f"house {i} has {i % 7} rooms, {i % 5} doors and a view" for i in range(N)],
            "country": "CH",
            "empty": np.nan,
        }
    )
    for name in ("size", "garden", "colour", "town", "day", "built", "text"):
        table.loc[rng.integers(0, N), name] = None
    return table, size + 3 * town


@pytest.fixture(params=FAMILIES)
def fitted(request: pytest.FixtureRequest) -> tuple[TableEncoder, pd.DataFrame, np.ndarray]:
    table, y = every_kind()
    encoder = TableEncoder(for_model=request.param)
    return encoder, table, encoder.fit_transform(table, y)


def test_every_kind_becomes_numbers(fitted: tuple[TableEncoder, pd.DataFrame, np.ndarray]) -> None:
    encoder, table, matrix = fitted
    names = list(encoder.get_feature_names_out())
    kinds = "identifier number boolean boolean category category date date text constant empty"
    assert [column.kind for column in encoder.columns_] == kinds.split()
    assert len(names) == len(set(names)) == matrix.shape[1] < 130
    assert {"size", "sold", "garden", "colour_red", "colour_(missing)", "day_year", "text_39"} <= set(names)
    assert not {"id", "country", "empty"} & set(names)
    if encoder.for_model == "linear":
        assert matrix.dtype == np.float64
        assert np.isfinite(matrix).all()
        assert np.abs(matrix).max() <= 3
        assert {"missingindicator_size", "missingindicator_garden"} <= set(names)
    else:
        assert matrix.dtype == np.float32
        size = matrix[:, names.index("size")]
        np.testing.assert_array_equal(size, table["size"].to_numpy(np.float32))
        assert set(matrix[:, names.index("garden")]) >= {0.0, 1.0}
        assert np.isnan(matrix[:, names.index("day_year")]).sum() == 1
    red = matrix[:, names.index("colour_red")]
    np.testing.assert_array_equal(red, (table["colour"] == "red").to_numpy(float))


def test_transforming_again_gives_the_same_but_for_cross_fitted_columns(
    fitted: tuple[TableEncoder, pd.DataFrame, np.ndarray],
) -> None:
    encoder, table, matrix = fitted
    differs = ~np.isclose(encoder.transform(table), matrix, atol=1e-4, equal_nan=True).all(axis=0)
    assert list(encoder.get_feature_names_out()[differs]) == ["town"]


def test_prediction_survives_what_happens_to_tables(
    fitted: tuple[TableEncoder, pd.DataFrame, np.ndarray],
) -> None:
    encoder, table, _ = fitted
    expected = encoder.transform(table)
    others: list[Any] = [
        table[table.columns[::-1]].assign(surplus="?"),
        table.assign(size=table["size"].astype("str"), sold=table["sold"].map({True: "True", False: "false"})),
        table.assign(sold=table["sold"].astype("float"), colour=table["colour"].astype("category")),
        table.assign(day=pd.to_datetime(table["day"]), built=table["built"].dt.tz_localize("UTC")),
        table.assign(built=table["built"].astype("str")),
        table.set_index("size", drop=False),
        pl.from_pandas(table),
    ]
    for other in others:
        np.testing.assert_allclose(encoder.transform(other), expected, rtol=1e-5, atol=1e-6, equal_nan=True)
    for rows in (table.iloc[[3]], table.iloc[[3]].astype("object")):
        np.testing.assert_allclose(encoder.transform(rows), expected[[3]], rtol=1e-5, atol=1e-6)


def test_values_never_seen(fitted: tuple[TableEncoder, pd.DataFrame, np.ndarray]) -> None:
    encoder, table, _ = fitted
    strange = pd.DataFrame({name: ["never seen"] for name in table.columns})
    matrix = encoder.transform(strange)
    names = list(encoder.get_feature_names_out())
    assert matrix[0, [names.index(f"colour_{c}") for c in ("red", "green", "blue")]].tolist() == [0, 0, 0]
    assert matrix[0, names.index("town_infrequent_sklearn")] == 1
    nothing = encoder.transform(pd.DataFrame({name: [None] for name in table.columns}))
    assert nothing[0, names.index("colour_(missing)")] == 1
    assert np.isfinite(nothing).all() == (encoder.for_model == "linear")


def test_huge_numbers_stay_finite() -> None:
    table = pd.DataFrame({"size": [*np.linspace(0, 1, 50), 1e300, -1e300]})
    for family in FAMILIES:
        matrix = TableEncoder(family).fit_transform(table, np.arange(52.0))[:, 0]
        assert np.isfinite(matrix).all()
        assert (np.argmax(matrix), np.argmin(matrix)) == (50, 51)


def test_a_category_stored_as_whole_numbers_is_the_same_stored_as_fractions() -> None:
    codes = np.arange(60) % 3
    encoder = TableEncoder("trees").fit(pd.DataFrame({"a": pd.Categorical(codes)}), codes)
    for dtype in ("int64", "float64", "str", "object"):
        np.testing.assert_array_equal(encoder.transform(pd.DataFrame({"a": codes.astype(dtype)})), np.eye(3)[codes])


def test_columns_that_lack_or_are_infinite(fitted: tuple[TableEncoder, pd.DataFrame, np.ndarray]) -> None:
    encoder, table, _ = fitted
    with pytest.raises(InvalidData, match=r"lacks 2 of the 8 columns the model was trained on: 'size', 'text'"):
        encoder.transform(table.drop(columns=["size", "text", "id"]))
    with pytest.raises(InvalidData, match=r"column 'size' holds 1 infinite value \(the first in row 3\)"):
        encoder.transform(table.assign(size=[1.0, 2.0, np.inf] + [0.0] * (N - 3)))


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_is_learnt_from_training_rows(family: ModelFamily) -> None:
    table, y = every_kind()
    half = N // 2
    spoilt = table.copy()
    spoilt.loc[half:, "size"] = 1e9
    spoilt.loc[half:, "colour"] = "black"
    spoilt.loc[half:, "day"] = "no day"
    spoilt.loc[half:, "text"] = "words that training never saw"
    encoders = [TableEncoder(family).fit(t.iloc[:half], y[:half]) for t in (table, spoilt)]
    assert encoders[0].columns_ == encoders[1].columns_
    for rows in (table, spoilt):
        np.testing.assert_array_equal(encoders[0].transform(rows), encoders[1].transform(rows))


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_no_row_sees_its_own_target(task: Task) -> None:
    """Of a thousand categories that mean nothing, the target encoding must teach nothing."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"town": [f"t{code}" for code in rng.permutation(np.arange(3000) % 1000)]})
    y = rng.normal(size=3000) if task == "regression" else rng.integers(0, 2, 3000)
    encoder = TableEncoder("trees", task)
    matrix = encoder.fit_transform(table, y)
    assert matrix.shape == (3000, 31)
    seen = abs(np.corrcoef(matrix[:, -1], y)[0, 1])
    leaking = abs(np.corrcoef(encoder.transform(table)[:, -1], y)[0, 1])
    # The standard error of a correlation of nothing is 1 / sqrt(3000) = 0.018.
    assert seen < 0.08 < 0.3 < leaking


def test_a_thousand_categories_are_learnt() -> None:
    rng = np.random.default_rng(0)
    effect = rng.normal(size=1000)
    town = np.arange(20_000) % 1000
    y = effect[town] + rng.normal(scale=0.3, size=20_000)
    split = holdout_split(pd.DataFrame({"town": [f"t{code}" for code in town]}), y, "regression")
    model = make_pipeline(TableEncoder("linear"), Ridge()).fit(split.X_train, split.y_train)
    assert model.score(split.X_test, split.y_test) > 0.8


@pytest.mark.parametrize(("classes", "width"), [(2, 31), (5, 35), (11, 30)])
def test_the_width_is_bounded_for_any_number_of_classes(classes: int, width: int) -> None:
    table = pd.DataFrame({"town": [f"t{i % 100}" for i in range(1100)]})
    y = np.arange(1100) % classes
    for labels in (y, np.char.add("class ", y.astype(str))):
        assert TableEncoder("trees", "classification").fit_transform(table, labels).shape == (1100, width)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_saved_and_loaded_without_pickle(family: ModelFamily, task: Task) -> None:
    table, y = every_kind()
    if task == "classification":
        y = np.where(y > y.mean(), "dear", "cheap")
    encoder = TableEncoder(family, task).fit(table, y)
    stored = skops.io.dumps(encoder)
    assert set(skops.io.get_untrusted_types(data=stored)) <= set(TRUSTED_TYPES)
    loaded = skops.io.loads(stored, trusted=list(TRUSTED_TYPES))
    assert isinstance(loaded, TableEncoder)
    assert loaded.columns_ == encoder.columns_
    np.testing.assert_array_equal(loaded.transform(table), encoder.transform(table))
    assert list(loaded.get_feature_names_out()) == list(encoder.get_feature_names_out())


def test_every_trusted_type_is_needed() -> None:
    table, y = every_kind()
    needed = {
        name
        for family in FAMILIES
        for name in skops.io.get_untrusted_types(data=skops.io.dumps(TableEncoder(family).fit(table, y)))
    }
    assert needed == set(TRUSTED_TYPES)


def test_it_is_a_scikit_learn_transformer() -> None:
    table, y = every_kind()
    encoder = TableEncoder("linear", "regression")
    assert clone(encoder).get_params() == {"for_model": "linear", "task": "regression"}
    scores = cross_val_score(make_pipeline(encoder, Ridge()), table, y, cv=cross_validation_folds(y, "regression"))
    assert scores.mean() > 0.5
    with pytest.raises(InvalidSettings, match="for_model must be 'linear' or 'trees', got 'forest'"):
        encoder.set_params(for_model="forest").fit(table, y)
    with pytest.raises(InvalidData, match="no column can be learnt from"):
        TableEncoder().fit(table[["id", "country"]], y)


def test_names_that_would_collide_stay_apart() -> None:
    table = pd.DataFrame({"a_b": [1.0, 2.0, 3.0, 4.0], "a": ["b", "c", "b", "c"]})
    encoder = TableEncoder("trees").fit(table, np.arange(4.0))
    assert list(encoder.get_feature_names_out()) == ["number__a_b", "category__a_b", "a_c"]


def test_columns_may_have_any_name() -> None:
    table, y = every_kind()
    for names in ({"day": "number", "text": "category", "size": "a__b"}, {"day": "a__b", "text": "n_jobs"}):
        matrix = TableEncoder("linear").fit_transform(table.rename(columns=names), y)
        np.testing.assert_array_equal(matrix, TableEncoder("linear").fit_transform(table, y))


def test_housing() -> None:
    data = split_target(read_table(HOUSING), "median_house_value")
    split = holdout_split(data.X, data.y, data.task)
    assert (data.task, data.reason) == ("regression", "regression: 3,842 different numbers")
    linear = make_pipeline(TableEncoder("linear"), Ridge()).fit(split.X_train, split.y_train)
    tree = make_pipeline(TableEncoder("trees"), DecisionTreeRegressor(min_samples_leaf=20, random_state=0))
    assert linear.score(split.X_test, split.y_test) > 0.65
    assert tree.fit(split.X_train, split.y_train).score(split.X_test, split.y_test) > 0.72


def test_text_is_learnt() -> None:
    rng = np.random.default_rng(0)
    common = ["we", "meet", "at", "noon", "see", "you", "there", "then", "bring", "some", "bread", "home"]
    y = np.arange(400) % 2
    telling = np.array(["prize", "lunch"])
    texts = [" ".join([*rng.choice(common, 6), telling[label], *rng.choice(common, 6)]) for label in y]
    split = holdout_split(pd.DataFrame({"text": texts}), y, "classification")
    model = make_pipeline(TableEncoder("linear", "classification"), LogisticRegression())
    assert model.fit(split.X_train, split.y_train).score(split.X_test, split.y_test) > 0.95
