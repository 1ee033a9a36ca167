"""Strengths chosen along a path: against scikit-learn's own search, and against what theory says."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge, lasso_path
from sklearn.model_selection import cross_val_score

from thalweg.errors import InvalidData, InvalidSettings
from thalweg.training.losses import Hinge, Logistic, Multinomial, Squared
from thalweg.training.objective import LinearObjective
from thalweg.training.path import StrengthSearch, search_strength
from thalweg.training.penalties import L1, L2, ElasticNet
from thalweg.training.rows import rows_of
from thalweg.training.solvers.choice import choose_solver


def data(n=120, d=30, signal=3, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, d))
    return X, X[:, :signal].sum(axis=1) + 2 * random.normal(size=n)


def search(X, y, penalty, loss=None, weight=None, predictors=1, **settings):
    objective = LinearObjective(rows_of(X, y, weight), loss or Squared(), penalty, 0.0, True, predictors)
    return search_strength(objective, StrengthSearch(**settings), choose_solver)


def test_the_lasso_path_begins_where_the_first_coefficient_appears():
    X, y = data()
    path = search(X, y, L1(), points=20)
    assert path.strengths[0] == pytest.approx(np.abs((X - X.mean(0)).T @ (y - y.mean())).max() / len(y), rel=1e-6)
    assert not path.coefficients[0].any() and path.coefficients[1].any()
    _, expected, _ = lasso_path(X - X.mean(0), y - y.mean(), alphas=path.strengths, tol=1e-12)
    np.testing.assert_allclose(path.coefficients, expected.T, atol=1e-3)
    assert path.strengths[0] > path.strength > path.strengths[-1]
    assert np.count_nonzero(path.theta[:-1]) < 30 and (path.theta[:3] > 0.3).all()


def test_the_chosen_ridge_is_as_good_as_an_exhaustive_search():
    X, y = data()
    path = search(X, y, L2(), points=25, folds=10)
    mine, *every = (
        -cross_val_score(Ridge(s * len(y)), X, y, cv=10, scoring="neg_mean_squared_error").mean()
        for s in (path.strength, *np.geomspace(1e-4, 1e4, 60))
    )
    assert mine < 1.05 * min(every)
    assert path.errors.shape == path.scores.shape == path.strengths.shape == (25,)
    assert path.scores[np.flatnonzero(path.strengths == path.strength)[0]] == path.scores.min()


def test_scores_are_the_mean_loss_on_rows_left_out():
    X, y = data(n=40, d=2)
    path = search(X, y, L2(), points=5, folds=40)  # every row is a fold: no chance in it
    for strength, score in zip(path.strengths, path.scores, strict=True):
        errors = -cross_val_score(Ridge(strength * 39), X, y, cv=40, scoring="neg_mean_squared_error")
        assert score == pytest.approx(errors.mean() / 2, rel=1e-6)


def test_one_standard_error_takes_a_simpler_model():
    X, y = data()
    best, simple = search(X, y, L1()), search(X, y, L1(), one_standard_error=True)
    assert simple.strength > best.strength and "one standard error" in simple.reason
    assert np.count_nonzero(simple.theta) < np.count_nonzero(best.theta)
    at = np.flatnonzero(best.strengths == simple.strength)[0]
    assert best.scores[at] <= best.scores.min() + best.errors[best.scores.argmin()]


@pytest.mark.parametrize("penalty", [L1(), L2()], ids=str)
def test_criteria_price_degrees_of_freedom(penalty):
    X, y = data(n=300)
    aic, bic = search(X, y, penalty, criterion="aic"), search(X, y, penalty, criterion="bic")
    assert bic.strength >= aic.strength
    weakest = np.linalg.lstsq(np.column_stack([X, np.ones(300)]), y, rcond=None)[1][0] / 300
    assert aic.scores[-1] == pytest.approx(300 * np.log(weakest / 2) + 2 * 31, abs=0.5)
    assert np.isnan(aic.errors).all()


@pytest.mark.parametrize(("loss", "predictors"), [(Logistic(), 1), (Multinomial(), 3)])
@pytest.mark.parametrize("penalty", [L2(), ElasticNet(0.5)], ids=str)
def test_classes(loss, predictors, penalty):
    X, y = data(n=200, d=6)
    y = np.digitize(y, np.quantile(y, [0.5] if predictors == 1 else [0.3, 0.6])).astype(float)
    path = search(X, y, penalty, loss, predictors=predictors, points=10)
    assert path.scores.min() < path.scores[0]
    assert search(X, y, penalty, loss, predictors=predictors, points=10).strength == path.strength


def test_weights_count_as_repeated_rows():
    X, y = data(n=60, d=4)
    weight = np.repeat([0.0, 1.0, 3.0], 20)
    path = search(X, y, L2(), weight=weight, criterion="bic", points=8)
    again = search(
        np.repeat(X, weight.astype(int), axis=0), np.repeat(y, weight.astype(int)), L2(), criterion="bic", points=8
    )
    np.testing.assert_allclose(path.scores, again.scores, rtol=1e-8)


def test_says_what_does_not_fit():
    X, y = data()
    for settings in ({"criterion": "cp"}, {"folds": 1}, {"points": 1}):
        with pytest.raises(InvalidSettings, match=next(iter(settings))):
            StrengthSearch(**settings)
    with pytest.raises(InvalidSettings, match="no likelihood"):
        search(X, (y > 0).astype(float), L2(), Hinge(), criterion="aic", points=2)
    with pytest.raises(InvalidData, match="n_samples = 1"):
        search(X[:1], y[:1], L2())
