import pickle

import cloudpickle
import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

from thalweg.data import TableEncoder, split_target
from thalweg.errors import InvalidSettings
from thalweg.space import Float
from thalweg.tuning.given import GivenModel
from thalweg.tuning.models import FamilyModels
from thalweg.tuning.objective import CrossValidation, choose_folds
from thalweg.tuning.scoring import choose_scoring


@pytest.fixture
def objective(houses):
    data = split_target(houses, "price")
    folds, _ = choose_folds(3, data.X, data.y, data.task, 0)
    scorer = choose_scoring(None, data.task, data.y).scorer
    return CrossValidation(FamilyModels(data.task, data.y), data.X, data.y, folds, scorer, seed=0)


def test_it_is_the_cross_validation_of_scikit_learn(objective):
    """Features kept from one configuration to the next give what a pipeline fitted in every fold gives."""
    for params in (*objective.models.defaults[:2], objective.models.defaults[0]):
        model = objective.models.model(params)
        if "random_state" in model["model"].get_params():
            model.set_params(model__random_state=0)
        expected = cross_val_score(
            model, objective.X, objective.y, cv=objective.folds, scoring="neg_root_mean_squared_error"
        )
        assert objective.scores(params) == pytest.approx(expected, rel=1e-12)
        assert objective(params) == pytest.approx(expected.mean(), rel=1e-12)


def test_features_are_learnt_from_training_rows_and_once(objective, monkeypatch):
    fitted = []
    learn = TableEncoder.fit_transform

    def counted(self, X, y):
        fitted.append(len(X))
        return learn(self, X, y)

    monkeypatch.setattr(TableEncoder, "fit_transform", counted)
    for alpha in (1.0, 2.0):
        objective({"model": "linear", "linear.alpha": alpha})
    assert fitted == [60, 60, 60]


def test_it_travels_without_what_it_has_kept(objective):
    before = len(cloudpickle.dumps(objective))
    score = objective(objective.models.defaults[0])
    sent = cloudpickle.dumps(objective)
    assert len(sent) == before
    assert pickle.loads(sent)(objective.models.defaults[0]) == score


def test_a_score_that_is_no_number_says_which_fold(objective):
    objective.scorer = lambda estimator, X, y: np.nan
    with pytest.raises(ValueError, match="the score of fold 1 of 3 is nan"):
        objective(objective.models.defaults[0])


def test_arrays_stay_arrays(letters):
    X = letters[0]
    seen = []

    class Watched(Ridge):
        def fit(self, X, y):
            seen.append(type(X))
            return super().fit(X, y)

    data = split_target(np.column_stack([X, X @ [1.0, 2.0, 3.0]]), "x3")
    models = GivenModel(Watched(), {"alpha": Float(0.1, 1)}, data)
    folds, _ = choose_folds(2, X, data.y, data.task, 0)
    scorer = choose_scoring(None, data.task, data.y).scorer
    CrossValidation(models, X, data.y, folds, scorer, 0)({"alpha": 0.5})
    assert seen == [np.ndarray, np.ndarray]


@pytest.mark.parametrize(("rows", "folds"), [(20, 5), (5_000, 5), (5_001, 3), (10_000, 3), (10_001, 1), (3, 3)])
def test_the_number_of_folds_follows_the_rows(rows, folds):
    y = np.arange(float(rows))
    chosen, _ = choose_folds(None, y[:, None], y, "regression", 0)
    assert len(chosen) == folds
    for training, validation in chosen:
        assert len(training) + len(validation) == rows
        assert not set(training) & set(validation)


def test_classes_have_their_share_and_the_seed_decides():
    y = np.repeat([0, 1, 2], [30, 20, 10])
    chosen, words = choose_folds(5, y[:, None], y, "classification", 3)
    assert words == "5 folds"
    for _, validation in chosen:
        assert np.bincount(y[validation]).tolist() == [6, 4, 2]
    again, _ = choose_folds(5, y[:, None], y, "classification", 3)
    other, _ = choose_folds(5, y[:, None], y, "classification", 4)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(chosen, again, strict=True))
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(chosen, other, strict=True))


def test_splitters_and_rows_of_the_user_are_taken():
    y = np.arange(12.0)
    chosen, words = choose_folds(KFold(4), y[:, None], y, "regression", 0)
    assert (len(chosen), words) == (4, "4 folds of KFold")
    chosen, _ = choose_folds([(range(6), range(6, 12))], y[:, None], y, "regression", 0)
    assert chosen[0][1].tolist() == [6, 7, 8, 9, 10, 11]


@pytest.mark.parametrize(
    ("cv", "words"),
    [
        ("five", "cv='five': expected None, a number of folds"),
        (True, "cv=True: expected None"),
        (1, "the number of folds must lie between 2 and the 12 rows, got 1"),
        (13, "the number of folds must lie between 2 and the 12 rows, got 13"),
        (StratifiedKFold(7), "cannot split 12 rows: n_splits=7 cannot be greater than the number of members"),
    ],
)
def test_folds_that_cannot_be_are_said_in_words(cv, words):
    y = np.repeat([0, 1], 6)
    with pytest.raises(InvalidSettings) as caught:
        choose_folds(cv, y[:, None], y, "classification", 0)
    assert words in str(caught.value)
