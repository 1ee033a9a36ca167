"""Least squares against LAPACK and scikit-learn, and on columns that make it hard."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import Ridge

from thalweg.training.losses import Logistic, Squared
from thalweg.training.objective import LinearObjective
from thalweg.training.penalties import L1, L2, NoPenalty
from thalweg.training.rows import rows_of
from thalweg.training.solvers.exact import Exact
from thalweg.training.solvers.gram import gram, product


def data(n=400, d=6, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, d)) * 10.0 ** random.uniform(-2, 2, d) + random.normal(size=d)
    return X, X @ random.normal(size=d) + random.normal(size=n) + 3, random.random(n)


def solve(X, y, strength=0.0, weight=None, intercept=True):
    return Exact().solve(LinearObjective(rows_of(X, y, weight), Squared(), L2(), strength, intercept))


@pytest.mark.parametrize("strength", [0.0, 1e-4, 10.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("form", [np.asarray, np.asfortranarray, csr_array], ids=["C", "F", "sparse"])
def test_is_ridge_regression(strength, weighted, intercept, form):
    X, y, weight = data()
    weight = weight if weighted else None
    solution = solve(form(X), y, strength, weight, intercept)
    total = len(y) if weight is None else weight.sum()
    peer = Ridge(strength * total, fit_intercept=intercept, solver="svd").fit(X, y, weight)
    np.testing.assert_allclose(solution.theta[:6], peer.coef_, rtol=1e-7)
    if intercept:
        assert solution.theta[6] == pytest.approx(peer.intercept_, rel=1e-7)
    assert solution.converged and "Cholesky" in solution.reason
    objective = LinearObjective(rows_of(X, y, weight), Squared(), L2(), strength, intercept)
    assert solution.value == pytest.approx(objective.value(solution.theta), rel=1e-9)
    assert np.abs(objective.value_and_gradient(solution.theta)[1]).max() < 1e-8


def test_a_mean_far_from_zero_costs_no_digits():
    X, y, _ = data()
    moved = solve(X + 1e9, y).theta[:6]
    np.testing.assert_allclose(moved, solve((X + 1e9) - 1e9, y).theta[:6], rtol=1e-5)
    drifting = X + np.linspace(0, 1e6, len(X))[:, None] * np.arange(6)
    expected = np.linalg.lstsq(np.column_stack([drifting, np.ones(len(y))]), y, rcond=None)[0][:6]
    np.testing.assert_allclose(solve(drifting, y).theta[:6], expected, rtol=1e-4)


@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_nearly_collinear_columns_are_solved_as_well_as_the_data_allows(form):
    X, y, _ = data()
    X = np.column_stack([X, X[:, 0] + 1e-6 * np.abs(X[:, 0]).mean() * np.random.default_rng(1).normal(size=len(y))])
    solution = solve(form(X), y)
    assert "QR and SVD" in solution.reason and "depend" not in solution.reason
    expected = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean(), rcond=None)[0]
    np.testing.assert_allclose(solution.theta[:7], expected, rtol=1e-6)


def test_of_dependent_columns_the_smallest_coefficients_are_taken():
    X, y, _ = data()
    X = np.column_stack([X, X[:, 0] - X[:, 1], np.full(len(y), 4.0)])
    solution = solve(X, y)
    assert "2 columns depend on others, and the smallest coefficients were taken" in solution.reason
    expected = np.linalg.pinv(X - X.mean(axis=0), rcond=1e-13) @ (y - y.mean())
    np.testing.assert_allclose(solution.theta[:8], expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("strength", [0.0, 0.1])
def test_more_columns_than_rows(strength):
    X, y, _ = data(n=8, d=20)
    solution = solve(X, y, strength)
    if strength:
        np.testing.assert_allclose(solution.theta[:20], Ridge(0.8, solver="svd").fit(X, y).coef_, rtol=1e-6, atol=1e-9)
    else:
        expected = np.linalg.pinv(X - X.mean(axis=0), rcond=1e-13) @ (y - y.mean())
        np.testing.assert_allclose(solution.theta[:20], expected, rtol=1e-6, atol=1e-9)


def test_constant_columns_and_a_single_row_get_zero():
    X = np.column_stack([np.full(50, 7.0), np.linspace(0, 1, 50), np.zeros(50)])
    solution = solve(X, 2 * X[:, 1])
    np.testing.assert_allclose(solution.theta, [0, 2, 0, 0], atol=1e-9)
    np.testing.assert_allclose(solve(np.ones((1, 3)), np.array([5.0])).theta, [0, 0, 0, 5])


def test_single_precision_data_is_multiplied_in_double():
    X, y, _ = data()
    single = X.astype(np.float32), y.astype(np.float32)
    np.testing.assert_allclose(
        solve(*single).theta, solve(single[0].astype(float), single[1].astype(float)).theta, rtol=1e-9
    )


@pytest.mark.parametrize(("n", "d"), [(1, 1), (700, 3), (700, 80), (5000, 50)])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_product_of_a_block(n, d, weighted):
    random = np.random.default_rng(0)
    X, weight = random.normal(size=(n, d)), random.random(n) if weighted else None
    expected = X.T @ (X if weight is None else X * weight[:, None])
    np.testing.assert_allclose(np.triu(product(X, weight)), np.triu(expected), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(product(csr_array(X), weight), expected, rtol=1e-10, atol=1e-10)


def test_a_gram_matrix_is_computed_once():
    X, y, _ = data()
    rows = rows_of(X, y)
    assert gram(rows, True) is gram(rows, True)
    assert gram(rows, True) is not gram(rows, False)


def test_says_what_it_cannot_do():
    rows = rows_of(*data()[:2])
    assert "least squares" in Exact().refusal(LinearObjective(rows, Logistic(), L2(), 0.0, True))
    assert "not smooth" in Exact().refusal(LinearObjective(rows, Squared(), L1(), 0.1, True))
    assert Exact().refusal(LinearObjective(rows, Squared(), NoPenalty(), 0.1, True)) == ""
