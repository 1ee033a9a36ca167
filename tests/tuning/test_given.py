import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from xgboost import XGBClassifier

from thalweg.data import TableEncoder, labelled_data, split_target
from thalweg.errors import InvalidSettings, InvalidSpace
from thalweg.space import Categorical, Float, Int, Space
from thalweg.tuning.given import GivenModel, check_names, own_point, task_of
from thalweg.tuning.labels import LabelCoder

C = {"C": Float(1e-3, 1e3, log=True)}


@pytest.fixture
def numbers():
    X = np.random.default_rng(0).normal(size=(40, 3))
    return labelled_data(X, X[:, 0] + 0.5 * X[:, 1])


def test_a_known_class_has_a_space(numbers):
    models = GivenModel(Ridge(), None, numbers)
    assert set(models.space.dimensions) == {"alpha"}
    assert models.estimator({"alpha": 7.0}).alpha == 7.0
    assert models.label({}) == "Ridge"


def test_a_pipeline_is_searched_at_its_last_step(numbers):
    models = GivenModel(make_pipeline(StandardScaler(), Ridge(alpha=3.0)), None, numbers)
    assert models.defaults == [{"ridge__alpha": 3.0}]
    assert models.model({"ridge__alpha": 7.0})[-1].alpha == 7.0


def test_the_users_own_values_are_tried_first(numbers):
    given = HistGradientBoostingRegressor(max_iter=250, l2_regularization=0.3)
    models = GivenModel(given, None, numbers)
    assert models.initial[0]["max_iter"] == 250
    assert models.estimator(models.initial[0]).get_params() == given.get_params()
    assert models.estimator(models.initial[1]).get_params()["l2_regularization"] == 0.3


def test_early_stopping_that_the_user_has_chosen_stays(numbers):
    changed = {"max_iter": 300}
    models = GivenModel(HistGradientBoostingRegressor(early_stopping=True), None, numbers)
    assert models.estimator({**models.defaults[0], **changed}).early_stopping is True
    models = GivenModel(HistGradientBoostingRegressor(), None, numbers)
    assert models.estimator({**models.defaults[0], **changed}).early_stopping is False


def test_own_values_outside_the_space_are_no_configuration(numbers):
    models = GivenModel(SVR(), {"gamma": Float(0.1, 1.0)}, numbers)
    assert models.defaults == []
    assert models.estimator({}).gamma == "scale"


def test_own_values_in_a_conditional_space():
    space = Space({"kernel": Categorical(["rbf", "linear"]), "gamma": Float(0.1, 1, when={"kernel": ["rbf"]})})
    assert own_point(SVC(kernel="linear"), space) == {"kernel": "linear"}
    assert own_point(SVC(kernel="rbf", gamma=0.5), space) == {"kernel": "rbf", "gamma": 0.5}
    assert own_point(SVC(kernel="rbf"), space) is None


def test_values_that_xgboost_hides_are_found():
    assert own_point(XGBClassifier(), Space({"max_depth": Int(2, 9)})) == {"max_depth": 6}


def test_estimators_among_the_choices_are_not_shared(numbers):
    inner = Ridge()
    pipeline = Pipeline([("scale", StandardScaler()), ("model", inner)])
    models = GivenModel(pipeline, {"model": Categorical([inner, SVR()]), "model__alpha": Float(0.1, 1)}, numbers)
    assert models.model({"model": inner, "model__alpha": 0.5})["model"].alpha == 0.5
    assert inner.alpha == 1.0


def test_a_bare_estimator_gets_features_that_it_can_take(houses):
    data = split_target(houses, "price")
    for estimator, features in ((Ridge(), "linear"), (HistGradientBoostingRegressor(), "trees")):
        model = GivenModel(estimator, None, data).model({})
        assert isinstance(model["features"], TableEncoder)
        assert model["features"].for_model == features


def test_numbers_are_given_as_they_are(numbers, houses):
    assert isinstance(GivenModel(Ridge(), None, numbers).model({}), Ridge)
    missing = split_target(houses[["rooms", "age", "price"]], "price")
    assert isinstance(GivenModel(RandomForestRegressor(), None, missing).model({}), RandomForestRegressor)
    assert isinstance(GivenModel(Ridge(), None, missing).model({}), Pipeline)


def test_a_pipeline_is_left_as_it_is(houses):
    model = GivenModel(make_pipeline(StandardScaler(), Ridge()), None, split_target(houses, "price")).model({})
    assert [type(step) for _, step in model.steps] == [StandardScaler, Ridge]


def test_labels_are_renamed_for_a_classifier_that_wants_numbers(letters):
    data = labelled_data(*letters)
    assert isinstance(GivenModel(XGBClassifier(), None, data).model({}), LabelCoder)
    assert isinstance(
        GivenModel(HistGradientBoostingClassifier(), None, data).model({}), HistGradientBoostingClassifier
    )


@pytest.mark.parametrize(
    ("estimator", "space", "error", "words"),
    [
        (Ridge, None, InvalidSettings, "with parentheses: Ridge()"),
        ("ridge", None, InvalidSettings, "has no fit and no predict"),
        (StandardScaler(), None, InvalidSettings, "has no predict"),
        (SVR(), None, InvalidSettings, "no default search space is known for SVR: give space="),
        (LogisticRegression(), None, InvalidSettings, "is for classification, and the task is regression"),
        (Ridge(), {"alhpa": Float(0, 1)}, InvalidSpace, "no parameter 'alhpa'; did you mean 'alpha'"),
        (Ridge(), {"zzz": Float(0, 1)}, InvalidSpace, "it has alpha, copy_X"),
    ],
)
def test_what_does_not_fit_is_said_in_words(numbers, estimator, space, error, words):
    with pytest.raises(error) as caught:
        GivenModel(estimator, space, numbers)
    assert words in str(caught.value)


def test_names_of_steps_are_known():
    pipeline = make_pipeline(StandardScaler(), SVC())
    check_names(pipeline, Space({"svc__C": Float(1, 2), "standardscaler": Categorical([None, "passthrough"])}))
    with pytest.raises(InvalidSpace, match="'svc__c'; did you mean 'svc__C'"):
        check_names(pipeline, Space({"svc__c": Float(1, 2)}))


def test_the_task_of_an_estimator():
    assert task_of(make_pipeline(StandardScaler(), SVC())) == "classification"
    assert task_of(Ridge()) == "regression"
    assert task_of(KMeans()) is None


def test_categories_of_pandas_count_as_text():
    X = pd.DataFrame({"kind": pd.Categorical(["a", "b"] * 10), "size": np.arange(20.0)})
    assert isinstance(GivenModel(Ridge(), None, labelled_data(X, X["size"] + 0.5)).model({}), Pipeline)
