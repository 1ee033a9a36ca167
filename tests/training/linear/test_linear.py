"""Linear models: scikit-learn's contract, and what they say of bad input."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array, csr_array
from sklearn import linear_model
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import estimator_checks_generator

from thalweg.errors import IncompatibleProblem, InvalidData, InvalidSettings
from thalweg.training.linear import GeneralizedLinearRegressor, LinearClassifier, LinearRegression, LogisticRegression
from thalweg.training.losses import Huber, Multinomial, Quantile
from thalweg.training.path import StrengthSearch
from thalweg.training.penalties import ElasticNet, NonNegative
from thalweg.training.rows import rows_of
from thalweg.training.rows.parquet import ParquetRows
from thalweg.training.solvers.newton import Newton
from thalweg.training.solvers.pass_log import PassLog

QUICK = StrengthSearch(points=4, folds=2)
MODELS = [
    LinearRegression(),
    LinearRegression("l2", QUICK),
    LinearRegression("l1", 0.01),
    GeneralizedLinearRegressor(),
    GeneralizedLinearRegressor("quantile", tolerance=1e-12),
    GeneralizedLinearRegressor("poisson"),
    LogisticRegression(),
    LogisticRegression(strength=QUICK),
    LogisticRegression("elastic_net", 0.01),
    LinearClassifier(),
]


def checks():
    """Leave out what needs another setting of SciPy; and folds of repeated rows, which are other folds."""
    for number, model in enumerate(MODELS):
        for estimator, check in estimator_checks_generator(model):
            name = getattr(check, "func", check).__name__
            foldless = not isinstance(model.strength, StrengthSearch)
            if name != "check_array_api_input" and (foldless or "sample_weight_equivalence" not in name):
                yield pytest.param(estimator, check, id=f"{number}-{name}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


def regression(dtype=np.float64, **settings):
    X, y = make_regression(200, 8, noise=10, random_state=0, **settings)
    return X.astype(dtype), y.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", [np.asarray, csr_array, csc_array])
def test_precision_is_kept(dtype, form):
    X, y = regression(dtype)
    model = LinearRegression().fit(form(X), y)
    assert model.coef_.dtype == np.asarray(model.intercept_).dtype == model.predict(form(X)).dtype == dtype
    np.testing.assert_allclose(model.coef_, linear_model.LinearRegression().fit(X, y).coef_, rtol=1e-3)
    classifier = LogisticRegression().fit(form(X), y > 0)
    assert classifier.coef_.dtype == classifier.predict_proba(form(X)).dtype == dtype


def test_default_strengths_are_those_of_scikit_learn():
    X, y = regression()
    np.testing.assert_allclose(
        LinearRegression("l2").fit(X, y).coef_, linear_model.Ridge(1.0).fit(X, y).coef_, rtol=1e-9
    )
    mine = LogisticRegression(tolerance=1e-14).fit(X, y > 0)
    theirs = linear_model.LogisticRegression(C=1.0, tol=1e-10).fit(X, y > 0)
    np.testing.assert_allclose(mine.coef_, theirs.coef_, rtol=1e-4)
    np.testing.assert_allclose(mine.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(mine.predict_log_proba(X), np.log(mine.predict_proba(X)), rtol=1e-9)


def test_labels_of_every_kind():
    X, y = load_iris(return_X_y=True)
    for labels in (y, y * 2.0 - 1, np.array(["a", "b", "c"])[y], np.array(["x", "y", "z"], dtype=object)[y]):
        model = LogisticRegression().fit(X, labels)
        assert model.coef_.shape == (3, 4) and model.score(X, labels) > 0.95
        assert set(model.predict(X)) == set(labels)
        np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    for two in (y[:100] == 1, y[:100] + 5, np.where(y[:100] == 1, -1.0, 1.0), np.array(["no", "yes"])[y[:100]]):
        model = LogisticRegression().fit(X[:100], two)
        assert model.coef_.shape == (1, 4) and model.score(X[:100], two) == 1
        assert np.array_equal(model.classes_, np.unique(two))
    assert LinearClassifier().fit(X, y).coef_.shape == (3, 4)


def test_a_strength_that_chooses_itself_keeps_its_path():
    X, y = regression(n_informative=3)
    model = LinearRegression("l1", StrengthSearch(points=12, folds=3)).fit(X, y)
    assert model.strength_ == model.path_.strength and model.path_.coefficients.shape == (12, 8)
    np.testing.assert_allclose(model.path_.theta[:8], model.coef_, rtol=1e-6, atol=1e-6)
    assert "mean loss on 3 folds" in model.path_.reason
    assert LinearRegression("l1", 0.1).fit(X, y).path_ is None
    assert LinearRegression("none", "auto").fit(X, y).path_ is None


def test_names_the_solver_and_why():
    X, y = regression()
    assert LinearRegression().fit(X, y).solver_ == "Exact: least squares of 200 rows of 8 columns need one pass"
    assert LogisticRegression().fit(X, y > 0).solver_.startswith("Newton: 9 parameters are few enough")
    assert LogisticRegression("l1").fit(X, y > 0).solver_.startswith("Coordinate: the penalty L1")
    assert GeneralizedLinearRegressor(Quantile(0.9)).fit(X, y).solver_.startswith("InteriorPoint: the loss Quantile")
    assert LinearRegression(solver=Newton()).fit(X, y).solver_ == "Newton: named by the user"


@pytest.mark.parametrize(
    ("model", "error", "text"),
    [
        (LinearRegression(penalty="l3"), InvalidSettings, "penalty='l3': expected one of none, l1"),
        (LinearRegression("l2", strength=-1.0), InvalidSettings, "strength=-1.0: expected a number of at least 0"),
        (LinearRegression("l2", strength="big"), InvalidSettings, "strength='big'"),
        (LinearRegression(solver="magic"), InvalidSettings, "solver='magic': expected 'auto', one of exact, newton"),
        (LinearRegression("l1", solver="newton"), IncompatibleProblem, "the penalty L1 has kinks; take Coordinate"),
        (LinearRegression("l1", solver="exact"), IncompatibleProblem, "not smooth; take Coordinate"),
        (GeneralizedLinearRegressor("poisson", solver="exact"), IncompatibleProblem, "least squares only"),
        (GeneralizedLinearRegressor("quantile", solver="newton"), IncompatibleProblem, "the loss Quantile has kinks"),
        (GeneralizedLinearRegressor("cubic"), InvalidSettings, "loss='cubic': expected one of squared"),
        (GeneralizedLinearRegressor(Multinomial()), InvalidSettings, "a Loss of numbers"),
        (LinearRegression(tolerance=0.0), InvalidSettings, "tolerance=0.0"),
    ],
)
def test_settings_are_checked_before_anything_runs(model, error, text):
    X, y = regression()
    with pytest.raises(error, match=text):
        model.fit(X, np.abs(y))


def test_bad_input_is_named():
    X, y = regression()
    with pytest.raises(InvalidData, match=r"one class only, \[1\]"):
        LogisticRegression().fit(X, np.ones(len(y), dtype=int))
    with pytest.raises(ValueError, match="Unknown label type"):
        LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="contains NaN"):
        LinearRegression().fit(np.where(X > 1, np.nan, X), y)
    with pytest.raises(ValueError, match="at least one non-zero number"):
        LinearRegression().fit(X, y, sample_weight=np.zeros(len(y)))
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        LinearRegression().fit(X, y, sample_weight=-np.ones(len(y)))
    with pytest.raises(InvalidData, match="counts or rates"):
        GeneralizedLinearRegressor("poisson").fit(X, y)
    with pytest.raises(InvalidSettings, match="loss='squared': expected one of hinge"):
        LinearClassifier("squared").fit(X, y > 0)


def test_separable_classes_without_a_penalty_are_named():
    X, y = make_classification(100, 4, class_sep=10, flip_y=0, n_clusters_per_class=1, random_state=0)
    with pytest.warns(ConvergenceWarning, match="separable"):
        LogisticRegression("none").fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LogisticRegression().fit(X, y)


def test_hard_columns_are_borne():
    X, y = regression()
    X = np.column_stack([X, X[:, 0], np.ones(len(y)), np.zeros(len(y)), X[:, 1] * 1e9])
    for model, target in (
        (LinearRegression(), y),
        (LogisticRegression(), y > 0),
        (LogisticRegression("l1", 0.01), y > 0),
    ):
        fitted = model.fit(X, target)
        assert np.isfinite(fitted.coef_).all() and fitted.score(X, target) > 0.9
    wide = LinearRegression().fit(X[:5], y[:5])
    np.testing.assert_allclose(wide.predict(X[:5]), y[:5], rtol=1e-6)


def test_a_warm_start_goes_on():
    X, y = make_classification(500, 10, random_state=0)
    model = LogisticRegression(warm_start=True).fit(X, y)
    first = model.n_iter_
    assert model.fit(X, y).n_iter_ < first


def test_class_weights():
    X, y = make_classification(500, 5, weights=[0.9], random_state=0)
    balanced = LogisticRegression(class_weight="balanced").fit(X, y)
    theirs = linear_model.LogisticRegression(class_weight="balanced", tol=1e-8).fit(X, y)
    np.testing.assert_allclose(balanced.coef_, theirs.coef_, rtol=1e-2)
    assert balanced.predict(X).mean() > LogisticRegression().fit(X, y).predict(X).mean()


def test_rows_bring_their_own_targets():
    X, y = regression()
    model = LinearRegression().fit(rows_of(X, y))
    assert np.array_equal(model.coef_, LinearRegression().fit(X, y).coef_) and model.n_features_in_ == 8
    with pytest.raises(InvalidSettings, match="give neither y nor sample_weight"):
        LinearRegression().fit(rows_of(X, y), y)
    with pytest.raises(InvalidData, match="a classifier needs classes"):
        LogisticRegression().fit(rows_of(X, y))


def test_frames_name_their_columns():
    X, y = regression()
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(8)])
    model = LinearRegression().fit(frame, y)
    assert model.feature_names_in_.tolist() == list(frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[frame.columns[::-1]])


def test_losses_and_penalties_with_their_own_settings():
    X, y = regression()
    outlying = y + np.where(np.arange(len(y)) % 20 == 0, 5000, 0)
    plain, robust = (
        LinearRegression().fit(X, outlying),
        GeneralizedLinearRegressor(Huber(10.0), "none").fit(X, outlying),
    )
    truth = LinearRegression().fit(X, y).coef_
    assert np.abs(robust.coef_ - truth).max() < 0.1 * np.abs(plain.coef_ - truth).max()
    share = (GeneralizedLinearRegressor(Quantile(0.9), "none").fit(X, y).predict(X) >= y).mean()
    assert 0.85 < share < 0.95
    assert (LinearRegression(NonNegative(), 0.0).fit(X, -y).coef_ >= 0).all()
    assert (LinearRegression(ElasticNet(0.9), 40.0).fit(X, y).coef_ == 0).any()


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
def test_a_fit_that_is_interrupted_goes_on_from_its_log(solver, tmp_path, monkeypatch):
    X, y = make_classification(3000, 10, random_state=0)
    straight = LogisticRegression(solver=solver).fit(X, y)
    log, passes = tmp_path / "fit.log", []
    save = PassLog.save

    def interrupted(self, state):
        save(self, state)
        passes.append(state)
        if len(passes) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(PassLog, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        LogisticRegression(solver=solver).fit(X, y, log=log)
    resumed = LogisticRegression(solver=solver).fit(X, y, log=log)
    assert np.array_equal(resumed.coef_, straight.coef_) and len(passes) < 2 * straight.n_iter_ + 2
    assert not log.exists()
    with pytest.raises(InvalidSettings, match="keeps nothing between passes"):
        LogisticRegression("l1").fit(X, y, log=log)


@pytest.mark.parametrize("classes", [2, 3])
def test_partial_fit_comes_near_the_fit_of_all_rows(classes):
    X, y = make_classification(6000, 8, n_informative=6, n_classes=classes, random_state=0)
    model, whole = LogisticRegression(), LogisticRegression().fit(X, y)
    for i in range(0, 6000, 500):
        model.partial_fit(X[i : i + 500], y[i : i + 500], classes=range(classes))
    assert model.score(X, y) > whole.score(X, y) - 0.01
    with pytest.raises(InvalidSettings, match="at the first call"):
        LogisticRegression().partial_fit(X, y)
    with pytest.raises(InvalidData, match="beyond those named at first"):
        model.partial_fit(X, y + 1)


def test_files_are_fitted_like_memory(tmp_path):
    X, y = make_classification(5000, 6, random_state=0)
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(label=np.where(y, "yes", "no"), price=X @ np.arange(6))
    for part in range(2):
        frame[part::2].to_parquet(tmp_path / f"{part}.parquet", index=False)
    both = pd.concat([frame[0::2], frame[1::2]])
    columns = frame.drop(columns="label")
    regression_of_files = LinearRegression().fit(ParquetRows(tmp_path, "price", columns=list("abcdef")))
    assert np.array_equal(regression_of_files.coef_, LinearRegression().fit(both[list("abcdef")], both["price"]).coef_)
    both.drop(columns="price").to_parquet(tmp_path / "all.parquet", index=False)
    classifier = LogisticRegression().fit(tmp_path / "all.parquet", "label")
    inside = LogisticRegression().fit(both[list("abcdef")], both["label"])
    assert np.array_equal(classifier.coef_, inside.coef_) and classifier.feature_names_in_.tolist() == list("abcdef")
    assert np.array_equal(classifier.predict(columns[list("abcdef")]), inside.predict(columns[list("abcdef")]))
    with pytest.raises(InvalidData, match=r"nowhere\.parquet"):
        LinearRegression().fit(tmp_path / "nowhere.parquet", "price")
    with pytest.raises(InvalidSettings, match="y names the column"):
        LinearRegression().fit(tmp_path, y)


@pytest.mark.parametrize("solver", ["auto", "gradient_descent", "saga"])
def test_a_warm_start_that_the_new_penalty_forbids_is_not_the_answer(solver):
    X, y = regression()
    model = GeneralizedLinearRegressor(Huber(1.0), warm_start=True).fit(X, -y)
    warm = model.set_params(penalty="non_negative", solver=solver, tolerance=1e-9).fit(X, y).coef_
    cold = GeneralizedLinearRegressor(Huber(1.0), "non_negative", solver=solver, tolerance=1e-9).fit(X, y).coef_
    assert (warm >= 0).all()
    np.testing.assert_allclose(warm, cold, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(
    ("model", "classes"), [(LogisticRegression(), 3), (LinearClassifier(), 3), (LogisticRegression(), 2)]
)
def test_a_few_new_rows_do_not_outweigh_what_was_fitted(model, classes):
    X, y = make_classification(600, 8, n_informative=6, n_classes=classes, random_state=0)
    before = model.fit(X, y).score(X, y)
    assert model.partial_fit(X[:3], y[:3]).score(X, y) > before - 0.05
    assert model.partial_fit(X, y).score(X, y) > before - 0.05
    assert model.solver_.startswith("SGD")


def test_numbers_that_cannot_be_squared_are_named():
    X, y = regression()
    for a, b in ((X * 1e200, y), (X, y * 1e200)):
        with np.errstate(over="ignore", invalid="ignore"), pytest.raises(InvalidData, match="too large to be squared"):
            LinearRegression().fit(a, b)


@pytest.mark.parametrize("form", [np.asarray, csr_array])
def test_weights_of_one_change_nothing_in_single_precision(form):
    X, _ = regression(np.float32)
    counts = np.exp(X[:, 0]).astype(np.float32)
    plain = GeneralizedLinearRegressor("poisson").fit(form(X), counts)
    weighted = GeneralizedLinearRegressor("poisson").fit(form(X), counts, np.ones(len(counts)))
    assert weighted.n_iter_ <= plain.n_iter_ + 1
    np.testing.assert_allclose(weighted.coef_, plain.coef_, rtol=1e-4, atol=1e-5)


def test_sparse_matrices_with_long_indices():
    X, y = regression()
    X[X < 0] = 0
    wide = csr_array(X)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    for penalty in ("none", "l1"):
        model = LinearRegression(penalty, 0.1).fit(wide, y)
        np.testing.assert_allclose(model.coef_, LinearRegression(penalty, 0.1).fit(csr_array(X), y).coef_)
        assert np.isfinite(model.predict(wide)).all()


def test_balanced_classes_count_the_weights_of_rows():
    X, y = make_classification(300, 5, weights=[0.8], random_state=0)
    weight = np.random.default_rng(0).integers(0, 3, size=300)
    weighted = LogisticRegression(class_weight="balanced").fit(X, y, weight)
    repeated = LogisticRegression(class_weight="balanced").fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-4)
    with pytest.raises(InvalidData, match=r"only one class has rows with a positive weight: \[1\]"):
        LogisticRegression().fit(X, y, (y == 1).astype(float))
    with pytest.raises(InvalidSettings, match="class_weight='foo'"):
        LogisticRegression(class_weight="foo").fit(X, y)
    with pytest.raises(InvalidSettings, match="needs all rows at once"):
        LogisticRegression(class_weight="balanced").partial_fit(X, y, classes=[0, 1])


@pytest.mark.parametrize(
    "settings",
    [{"strength": [0.1]}, {"tolerance": "a"}, {"solver": int}, {"strength": True}],
    ids=lambda s: next(iter(s)),
)
def test_settings_of_another_type(settings):
    X, y = regression()
    with pytest.raises(InvalidSettings, match=f"{next(iter(settings))}="):
        LogisticRegression(**settings).fit(X, y > 0)


def test_names_of_columns_are_forgotten_with_the_columns():
    X, y = regression()
    model = LinearRegression().fit(pd.DataFrame(X, columns=list("abcdefgh")), y)
    assert not hasattr(model.fit(rows_of(X[:, :3], y)), "feature_names_in_")


def test_fitted_models_travel(tmp_path):
    X, y = regression()
    for model in (LogisticRegression(strength=QUICK).fit(X, y > 0), LinearRegression().partial_fit(X, y)):
        again = pickle.loads(pickle.dumps(model))
        assert np.array_equal(again.predict(X), model.predict(X))
