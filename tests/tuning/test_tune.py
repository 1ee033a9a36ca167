import numpy as np
import pandas as pd
import polars
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from xgboost import XGBClassifier

from thalweg.data import holdout_split, split_target
from thalweg.errors import ContradictorySettings, InvalidData, InvalidSettings, NoCompletedTrial
from thalweg.optimizers.baseline import RandomSearch
from thalweg.space import Float, Int
from thalweg.study import Serial
from thalweg.tuning import tune
from thalweg.tuning.families import families_for

ALPHA = {"alpha": Float(1e-3, 1e3, log=True)}
HERE = Serial()


@pytest.fixture(scope="module")
def families(houses):
    """Give a search of all families, long enough for every default and start and one more."""
    return tune(None, houses, "price", trials=7, cv=2, executor=HERE, seed=0)


def test_defaults_are_tried_first_and_never_beaten_downwards(families):
    frame = families.to_frame()
    names = [family.name for family in families_for("regression")]
    assert list(frame["model"].drop_duplicates()) == names
    assert families.cross_validation_score == frame["value"].max() >= frame["value"][:6].max()
    assert families.scoring == "neg_root_mean_squared_error"
    assert (frame["value"] < 0).all()


def test_the_held_out_table_scores_the_very_model_that_is_given(families, houses):
    data = split_target(houses, "price")
    split = holdout_split(data.X, data.y, data.task, share=0.2, seed=0)
    table = families.holdout.table
    assert (families.holdout.search_rows, families.holdout.holdout_rows) == (72, 18)
    assert list(table.columns) == ["RMSE", "MAE", "R²"]
    assert table.index[0] == "constant predictor"
    assert table.index[1].startswith("untuned default (best by cross-validation): ")
    assert table.index[2] == f"tuned: {families.best_params['model']}"
    expected = root_mean_squared_error(split.y_test, families.best_estimator.predict(split.X_test))
    assert table["RMSE"].iloc[2] == expected
    assert table["RMSE"].iloc[0] == pytest.approx(np.sqrt(np.mean((split.y_test - split.y_train.mean()) ** 2)))


def test_the_untuned_row_is_the_best_default_by_cross_validation(families):
    frame = families.to_frame()
    (default,) = families.holdout.table.index[1].split(": ")[1:]
    firsts = frame.drop_duplicates("model")  # of each family the default comes first
    assert default == firsts.loc[firsts["value"].idxmax(), "model"]


def test_it_is_repeatable(families, houses):
    again = tune(None, houses, "price", trials=7, cv=2, executor=HERE, seed=0)
    assert again.to_frame()["value"].equals(families.to_frame()["value"])
    assert again.best_params == families.best_params
    assert again.holdout.table.equals(families.holdout.table)


def test_another_process_finds_the_same(houses):
    def values(executor):
        found = tune(Ridge(), houses, "price", trials=4, cv=2, executor=executor, seed=3)
        return found.to_frame()["value"].tolist()

    assert values(None) == values(HERE)


def test_classes_of_any_name_in_every_family(letters):
    result = tune(None, *letters, trials=6, cv=2, executor=HERE, seed=0)
    frame = result.to_frame()
    assert (frame["status"] == "complete").all()
    assert set(frame["model"]) == {family.name for family in families_for("classification")}
    assert list(result.holdout.table.columns) == ["accuracy", "log loss", "ROC AUC"]
    assert result.task == "classification"
    assert set(result.best_estimator.predict(letters[0])) <= {"a", "b", "c"}


def test_xgboost_of_the_user_predicts_the_users_labels(letters):
    X, y = letters
    result = tune(XGBClassifier(n_estimators=20), X, y, space={"max_depth": Int(2, 4)}, trials=2, executor=HERE)
    assert np.mean(result.best_estimator.predict(X) == y) > 0.9


def test_tables_of_any_library(houses):
    pandas_scores = tune(Ridge(), houses, "price", trials=2, cv=2, executor=HERE, seed=0).to_frame()["value"]
    frame = polars.from_pandas(houses)
    result = tune(Ridge(), frame.drop("price"), frame["price"], trials=2, cv=2, executor=HERE, seed=0)
    assert result.to_frame()["value"].tolist() == pandas_scores.tolist()
    assert len(result.best_estimator.predict(frame.drop("price"))) == len(houses)


def test_without_held_out_rows_all_are_searched(houses):
    result = tune(Ridge(), houses, "price", trials=2, cv=2, holdout=None, executor=HERE, seed=0)
    assert result.holdout is None


def test_the_estimator_decides_the_task():
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = np.repeat([1, 2, 3], 20)
    assert tune(Ridge(), X, y, trials=1, cv=2, executor=HERE).task == "regression"
    assert tune(LogisticRegression(), X, y, trials=1, cv=2, executor=HERE).task == "classification"


def test_an_estimator_outside_its_space_is_compared_with_all_the_same(letters):
    space = {"n_neighbors": Int(7, 9)}
    result = tune(KNeighborsClassifier(), *letters, space=space, trials=2, cv=2, executor=HERE, seed=0)
    assert result.holdout.table.index[1] == "untuned default: KNeighborsClassifier"
    assert result.to_frame()["n_neighbors"].between(7, 9).all()


def test_a_classifier_without_probabilities_is_scored_by_accuracy(letters):
    result = tune(LinearSVC(), *letters, space={"C": Float(0.1, 1)}, trials=1, cv=2, executor=HERE)
    assert result.scoring == "accuracy"
    assert list(result.holdout.table.columns) == ["accuracy"]


def test_a_stored_run_goes_on_where_it_was(houses, tmp_path):
    def go(trials, name, **changed):
        call = {"trials": trials, "cv": 2, "executor": HERE, **changed}
        return tune(Ridge(), houses, "price", storage=f"sqlite:///{tmp_path / 'runs.db'}", name=name, **call)

    go(2, "halted", seed=5)
    continued, whole = go(7, "halted"), go(7, "whole", seed=5)
    assert continued.to_frame()["value"].tolist() == whole.to_frame()["value"].tolist()
    assert continued.holdout.table.equals(whole.holdout.table)
    for changed, words in (
        ({"scoring": "r2"}, "scoring = 'neg_root_mean_squared_error', and the call says 'r2'"),
        ({"cv": 3}, "cv = '2 folds', and the call says '3 folds'"),
        ({"holdout": 0.3}, "holdout = 0.2, and the call says 0.3"),
        ({"optimizer": RandomSearch()}, "optimizer"),
    ):
        with pytest.raises(ContradictorySettings) as caught:
            go(7, "halted", **changed)
        assert words in str(caught.value)


def test_a_stored_run_refuses_another_table(houses, tmp_path):
    call = {"trials": 1, "cv": 2, "executor": HERE, "storage": tmp_path / "runs.db", "name": "a"}
    tune(Ridge(), houses, "price", **call)
    changed = houses.copy()
    changed.loc[3, "rooms"] += 1.0
    with pytest.raises(ContradictorySettings, match="stored with table = "):
        tune(Ridge(), changed, "price", **call)


class Moody(RegressorMixin, BaseEstimator):
    def __init__(self, mood=0.0):
        self.mood = mood

    def fit(self, X, y):
        if self.mood > 0.5:
            raise ArithmeticError("in a bad mood")
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


def test_a_configuration_that_fails_is_recorded_and_the_others_go_on(houses):
    table = houses[["rooms", "price"]]
    result = tune(Moody(), table, "price", space={"mood": Float(0, 1)}, trials=8, cv=2, executor=HERE, seed=0)
    frame = result.to_frame()
    failed = frame["status"] == "failed"
    assert failed.any() and not failed.all()
    assert frame.loc[failed, "error"].str.contains("in a bad mood").all()
    assert result.best_params["mood"] <= 0.5
    with pytest.raises(NoCompletedTrial, match="in a bad mood"):
        tune(Moody(mood=1.0), table, "price", space={"mood": Float(0.6, 1)}, trials=2, cv=2, executor=HERE)


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"scoring": "rmse"}, InvalidSettings, "is no scorer of scikit-learn"),
        ({"cv": 1000}, InvalidSettings, "the number of folds must lie between 2 and the 72 rows"),
        ({"trials": 0}, InvalidSettings, "trials=0"),
        ({"holdout": 0.9}, InvalidSettings, "must lie in (0, 0.5], got 0.9"),
        ({"seed": -1}, InvalidSettings, "seed=-1: expected a whole number of at least 0"),
        ({"trial_seconds": 1.0}, InvalidSettings, "use executor=Processes(1)"),
        ({"task": "ranking"}, InvalidSettings, "the task must be 'regression' or 'classification'"),
        ({"space": ALPHA, "estimator": None}, InvalidSettings, "give the estimator, too"),
        ({"y": "prize"}, InvalidData, "did you mean 'price'"),
        ({"y": [1.0, 2.0]}, InvalidData, "the features have 90 rows and the target has 2"),
    ],
)
def test_what_is_wrong_is_said_before_any_trial(houses, wrong, error, words):
    call = {"estimator": Ridge(), "X": houses, "y": "price", "trials": 2, "executor": HERE, **wrong}
    with pytest.raises(error) as caught:
        tune(**call)
    assert words in str(caught.value)


def test_the_result_shows_itself_in_one_line(families):
    assert repr(families).startswith("TuningResult(neg_root_mean_squared_error=-")
    assert "the budget of 7 trials is spent" in repr(families)


def test_seconds_end_the_search(houses):
    table = pd.concat([houses] * 2, ignore_index=True)
    result = tune(Ridge(), table, "price", seconds=0.2, executor=HERE, cv=2, seed=0)
    assert result.stop_reason == "the budget of 0.2 seconds is spent"


def test_other_folds_of_the_same_kind_are_refused(houses, tmp_path):
    def go(state):
        cv, storage = KFold(3, shuffle=True, random_state=state), f"sqlite:///{tmp_path / 'runs.db'}"
        return tune(Ridge(), houses, "price", trials=2, cv=cv, executor=HERE, seed=0, storage=storage, name="folded")

    go(1)
    with pytest.raises(ContradictorySettings, match="folds = "):
        go(2)
