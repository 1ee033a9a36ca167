import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer, log_loss, make_scorer, mean_absolute_error, roc_auc_score
from sklearn.svm import LinearSVC

from thalweg.errors import InvalidSettings
from thalweg.tuning.scoring import Scoring, choose_scoring, constant_predictor, measure

NUMBERS = np.linspace(-1.0, 1.0, 20)
CLASSES = np.array(["a", "b"] * 10)


def test_the_usual_scorers():
    assert choose_scoring(None, "regression", NUMBERS).name == "neg_root_mean_squared_error"
    assert choose_scoring(None, "classification", CLASSES).name == "neg_log_loss"
    assert choose_scoring(None, "classification", CLASSES, probabilities=False).name == "accuracy"


def test_a_scorer_of_the_user_is_taken():
    def halved(estimator, X, y):
        return 0.5 * estimator.score(X, y)

    assert choose_scoring(halved, "regression", NUMBERS) == Scoring("halved", halved)
    assert "mean_absolute_error" in choose_scoring(make_scorer(mean_absolute_error), "regression", NUMBERS).name


@pytest.mark.parametrize(
    ("scoring", "task", "y", "words"),
    [
        ("neg_log_los", "classification", CLASSES, "did you mean 'neg_log_loss'"),
        ("RMSE", "regression", NUMBERS, "is no scorer of scikit-learn"),
        (7, "regression", NUMBERS, "scoring=7 is no scorer"),
        ("accuracy", "regression", NUMBERS, "cannot score this regression target"),
        ("neg_mean_squared_log_error", "regression", NUMBERS, "cannot score this regression target"),
        (
            "roc_auc",
            "classification",
            np.array(["a", "b", "c"] * 5),
            "cannot score this classification target",
        ),
    ],
)
def test_what_cannot_score_is_refused_before_any_trial(scoring, task, y, words):
    with pytest.raises(InvalidSettings) as caught:
        choose_scoring(scoring, task, y)
    assert words in str(caught.value)


def test_the_log_loss_knows_classes_that_a_fold_lacks(letters):
    X, y = letters
    model = LogisticRegression().fit(X, y)
    few = y != "c"
    score = choose_scoring(None, "classification", y).scorer(model, X[few], y[few])
    assert score == pytest.approx(-log_loss(y[few], model.predict_proba(X[few]), labels=["a", "b", "c"]))


def test_the_table_of_regression():
    X = NUMBERS[:, None]
    scores = measure(Ridge().fit(X, NUMBERS), X, NUMBERS, "regression", choose_scoring(None, "regression", NUMBERS))
    residual = NUMBERS - Ridge().fit(X, NUMBERS).predict(X)
    assert list(scores) == ["RMSE", "MAE", "R²"]
    assert scores["RMSE"] == pytest.approx(np.sqrt(np.mean(residual**2)))
    assert scores["MAE"] == pytest.approx(np.mean(np.abs(residual)))
    assert scores["R²"] == pytest.approx(1 - np.sum(residual**2) / np.sum(NUMBERS**2))


def test_the_table_of_classification(letters):
    X, y = letters
    model = LogisticRegression().fit(X, y)
    scores = measure(model, X, y, "classification", choose_scoring("f1_macro", "classification", y))
    assert list(scores) == ["accuracy", "log loss", "ROC AUC", "f1_macro"]
    assert scores["accuracy"] == pytest.approx(np.mean(model.predict(X) == y))
    assert scores["ROC AUC"] == pytest.approx(roc_auc_score(y, model.predict_proba(X), multi_class="ovr"))
    assert scores["f1_macro"] == get_scorer("f1_macro")(model, X, y)


def test_a_class_without_held_out_rows_has_no_curve(letters):
    X, y = letters
    rule = choose_scoring(None, "classification", y)
    few = y != "c"
    scores = measure(LogisticRegression().fit(X, y), X[few], y[few], "classification", rule)
    assert np.isnan(scores["ROC AUC"])
    assert np.isfinite(scores["log loss"])


def test_a_classifier_without_probabilities_has_fewer_columns(letters):
    X, y = letters
    rule = choose_scoring(None, "classification", y, probabilities=False)
    scores = measure(LinearSVC().fit(X, y), X, y, "classification", rule, probabilities=False)
    assert list(scores) == ["accuracy"]


def test_a_constant_predictor_explains_nothing():
    X = np.zeros((20, 1))
    rule = choose_scoring(None, "regression", NUMBERS)
    scores = measure(constant_predictor("regression").fit(X, NUMBERS), X, NUMBERS, "regression", rule)
    assert scores["R²"] == pytest.approx(0.0)
