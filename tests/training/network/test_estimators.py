"""Multi-layer perceptrons: scikit-learn's contract, frames, and what they say of bad input."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_iris, make_friedman1
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import estimator_checks_generator

from thalweg.errors import InvalidData, InvalidSettings
from thalweg.training.losses import Multinomial
from thalweg.training.network.classifier import MLPClassifier
from thalweg.training.network.regressor import MLPRegressor

UNFIT = {
    "check_array_api_input",  # it needs another setting of SciPy
    "check_sample_weight_equivalence_on_dense_data",  # a repeated row is in two batches, one of weight 2 in one
    "check_methods_subset_invariance",  # single precision: the last digit of a product depends on the number of rows
}
QUICK = {"epochs": 5, "learning_rate": 0.01}
CATEGORIES = ["hills", "lake", "town"]


def checks():
    for model in (MLPClassifier(), MLPRegressor()):
        for number, (estimator, check) in enumerate(estimator_checks_generator(model)):
            name = getattr(check, "func", check).__name__
            if name not in UNFIT:
                yield pytest.param(estimator, check, id=f"{type(model).__name__}-{number}-{name}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


def regression(n=300, seed=0):
    return make_friedman1(n, noise=0.5, random_state=seed)


def mixed(n=600):
    """Make a frame of which a number with missing cells, a text and a category decide."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "rooms": random.normal(size=n),
            "place": random.choice(CATEGORIES, n),
            "floor": pd.Categorical(random.integers(0, 12, n).astype(str)),
            "new": random.random(n) < 0.5,
        }
    )
    y = (
        frame["rooms"]
        + 2.0 * frame["place"].map({"hills": 0, "lake": 3, "town": -1})
        + (frame["floor"].astype(str).astype(int) % 3)
    )
    frame.loc[::7, "rooms"] = np.nan
    y[::7] += 4 - frame["rooms"].fillna(0)[::7]  # a missing cell says something
    return frame, y.to_numpy()


def test_what_a_fit_tells():
    X, y = regression()
    model = MLPRegressor(epochs=10, validation_fraction=0.2).fit(X, y)
    assert model.n_iter_ == 10 == len(model.loss_curve_) == len(model.validation_curve_)
    assert model.best_epoch_ == 1 + np.argmin(model.validation_curve_) and model.loss_curve_[-1] < model.loss_curve_[0]
    assert model.stop_reason_ == "all 10 epochs were made" and model.rollbacks_ == ()
    assert "rates after" in model.learning_rate_reason_ and 0 < model.learning_rate_ < 1
    whole = MLPRegressor(epochs=10, validation_fraction=0).fit(X, y)
    assert whole.validation_curve_ == [] and len(whole.loss_curve_) == 10


@pytest.mark.parametrize("make", [lambda frame: frame, pl.from_pandas], ids=["pandas", "polars"])
def test_frames_with_texts_categories_and_missing_cells(make):
    frame, y = mixed()
    model = MLPRegressor(seed=1).fit(make(frame[:500]), y[:500])
    assert model.score(make(frame[500:]), y[500:]) > 0.9
    assert model.feature_names_in_.tolist() == ["rooms", "place", "floor", "new"] and model.n_features_in_ == 4
    classifier = MLPClassifier(**QUICK).fit(make(frame[:500]), y[:500] > 3)
    assert classifier.score(make(frame[500:]), y[500:] > 3) > 0.8


def test_pandas_and_polars_give_the_same():
    frame, y = mixed(200)
    ours, other = (MLPRegressor(**QUICK).fit(table, y) for table in (frame, pl.from_pandas(frame)))
    assert np.array_equal(ours.predict(frame), other.predict(pl.from_pandas(frame)))


def test_categories_that_are_new_or_missing_are_borne():
    frame, y = mixed(200)
    model = MLPRegressor(**QUICK).fit(frame, y)
    new = frame[:3].assign(place=["moon", None, "lake"])
    assert np.isfinite(model.predict(new)).all()
    assert np.isfinite(model.predict(frame[:3].assign(place=np.nan, rooms=None))).all()


def test_labels_of_every_kind():
    X, y = load_iris(return_X_y=True)
    for labels in (y * 2.0 - 1, np.array(["a", "b", "c"])[y], np.array(["x", "y", "z"], dtype=object)[y], y == 1):
        model = MLPClassifier(epochs=20, learning_rate=0.01).fit(X, labels)
        assert model.score(X, labels) > 0.9 and np.array_equal(model.classes_, np.unique(labels))
        np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
        assert np.array_equal(model.predict(X), model.classes_[model.predict_proba(X).argmax(axis=1)])


def test_the_same_seed_gives_the_same_bits():
    X, y = regression(200)
    first, again, other = (MLPRegressor(epochs=5, seed=seed).fit(X, y) for seed in (3, 3, 4))
    assert np.array_equal(first.network_.weights, again.network_.weights)
    assert not np.array_equal(first.network_.weights, other.network_.weights)
    free = [MLPRegressor(**QUICK, seed=None).fit(X, y).network_.weights for _ in range(2)]
    assert not np.array_equal(*free)


def test_copies_predict_the_same():
    frame, y = mixed(200)
    model = MLPRegressor(**QUICK).fit(frame, y)
    for same in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), clone(model).fit(frame, y)):
        assert np.array_equal(same.predict(frame), model.predict(frame))


def test_a_grid_is_searched():
    X, y = load_iris(return_X_y=True)
    search = GridSearchCV(MLPClassifier(learning_rate=0.01), {"epochs": [1, 10], "hidden": [(8,), (32,)]}, cv=2).fit(
        X, y
    )
    assert search.best_params_["epochs"] == 10 and search.best_score_ > 0.8


@pytest.mark.parametrize(("n", "batch"), [(1, None), (2, 5), (5, 1000), (101, 7)])
def test_few_rows_and_batches_of_any_size(n, batch):
    X, y = regression(n)
    model = MLPRegressor(epochs=3, batch_size=batch).fit(X, y)
    assert np.isfinite(model.predict(X)).all() and model.n_iter_ == 3


def test_hard_columns_are_borne():
    X, y = regression()
    hard = np.column_stack(
        [X, np.ones(300), np.full(300, np.nan), 1e30 * X[:, 0], np.where(X[:, 1] > 0.5, np.nan, 1.0)]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MLPRegressor(epochs=20, learning_rate=0.01).fit(hard, y)
        assert model.score(hard, y) > 0.7
        hard[:, 0] = np.nan  # missing where none was missing in the fit
        assert np.isfinite(model.predict(hard)).all()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"epochs": 0}, "epochs=0: expected a whole number"),
        ({"batch_size": 2.5}, "batch_size=2.5: expected a whole number of at least 1, or None"),
        ({"patience": 0}, "patience=0"),
        ({"validation_fraction": 1.0}, "validation_fraction=1.0: expected a share"),
        ({"rule": "adam"}, "rule='adam': expected an update rule"),
        ({"learning_rate": -0.1}, "learning_rate=-0.1: expected a positive number, a Schedule or 'auto'"),
        ({"learning_rate": "fast"}, "learning_rate='fast'"),
        ({"seed": -1}, "seed=-1"),
        ({"activation": "step"}, "activation='step': expected one of relu"),
        ({"dropout": 1.0}, "rate=1.0"),
        ({"embedding": "deep"}, "embedding='deep': expected 'periodic'"),
        ({"hidden": (0,)}, "width=0"),
        ({"loss": "cubic"}, "loss='cubic': expected one of squared"),
        ({"loss": Multinomial()}, "a Loss of numbers"),
        ({"checkpoint": "here", "seed": None}, "needs a seed"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_settings_are_checked(settings, text):
    X, y = regression(20)
    with pytest.raises(InvalidSettings, match=text):
        MLPRegressor(**{**QUICK, **settings}).fit(X, y)


def test_bad_input_is_named():
    X, y = regression(20)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="Input y contains"):
            MLPRegressor(**QUICK).fit(X, np.where(y > y.mean(), bad, y))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        MLPRegressor(**QUICK).fit(np.where(X > 0.5, np.inf, X), y)
    with pytest.raises(TypeError, match=r"Sparse data was passed.*toarray"):
        MLPRegressor(**QUICK).fit(csr_array(X), y)
    with pytest.raises(InvalidData, match="X is an array of text"):
        MLPRegressor(**QUICK).fit(X.astype(str), y)
    with pytest.raises(InvalidData, match="none of the 10 columns has a value"):
        MLPRegressor(**QUICK).fit(np.full_like(X, np.nan), y)
    with pytest.raises(ValueError, match="at least one non-zero number"):
        MLPRegressor(**QUICK).fit(X, y, sample_weight=np.zeros(20))
    with pytest.raises(InvalidData, match="counts or rates"):
        MLPRegressor(loss="poisson", **QUICK).fit(X, -y)
    with pytest.raises(InvalidData, match=r"one class only, \[3\]"):
        MLPClassifier(**QUICK).fit(X, np.full(20, 3))
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier(**QUICK).fit(X, y)
    with pytest.raises(InvalidSettings, match=r"class_weight=.*8"):
        MLPClassifier(class_weight={8: 2.0}, **QUICK).fit(X, y > 10)
    with pytest.raises(ValueError, match="X has 3 features, but MLPRegressor is expecting 10"):
        MLPRegressor(**QUICK).fit(X, y).predict(X[:, :3])


def test_columns_that_changed_are_named():
    frame, y = mixed(150)
    model = MLPRegressor(**QUICK).fit(frame, y)
    with pytest.raises(InvalidData, match="the column 'place' holds numbers, and held categories in the fit"):
        model.predict(frame.assign(place=1.0))
    with pytest.raises(InvalidData, match="the column 'rooms' holds categories, and held numbers in the fit"):
        model.predict(frame.assign(rooms="many"))
    with pytest.raises(InvalidData, match="expected a frame with the columns of the fit, place, floor"):
        model.predict(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.drop(columns="place"))
    with pytest.raises(InvalidData, match="column 'rooms' holds 1 infinite value"):
        model.predict(frame.assign(rooms=[np.inf] + [0.0] * 149))
    numbers = MLPRegressor(**QUICK).fit(frame[["rooms", "new"]], y)
    with pytest.raises(InvalidData, match="the column 'rooms' holds categories, and held numbers"):
        numbers.predict(frame[["rooms", "new"]].assign(rooms="many"))


def test_settings_may_be_numbers_of_numpy():
    X, y = make_friedman1(60, random_state=0)
    model = MLPRegressor((np.int64(8),), epochs=2, learning_rate=np.float32(0.01)).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    with pytest.raises(InvalidSettings, match="hidden=8: expected a sequence of widths"):
        MLPRegressor(8).fit(X, y)


@pytest.mark.parametrize("factors", [{0: -1.0, 1: 1.0}, {0: 0.0, 1: 0.0}], ids=["negative", "nothing"])
def test_factors_of_classes_are_not_negative(factors):
    with pytest.raises(InvalidSettings, match="expected factors of at least 0, and one that is positive"):
        MLPClassifier(class_weight=factors, **QUICK).fit([[0.0], [1.0]], [0, 1])
