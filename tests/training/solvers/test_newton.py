"""Newton's method against scikit-learn, on samples of rows, and where there is no finite answer."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression, PoissonRegressor

from thalweg.serial import from_bytes, to_bytes
from thalweg.training.losses import Huber, Logistic, Multinomial, Poisson, Quantile, Squared
from thalweg.training.objective import LinearObjective
from thalweg.training.penalties import L1, L2, NoPenalty
from thalweg.training.rows import rows_of
from thalweg.training.solvers import newton
from thalweg.training.solvers.exact import Exact
from thalweg.training.solvers.hessian import chunk_hessian, invert, stratified
from thalweg.training.solvers.newton import Newton


def data(n=500, d=5, classes=2, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, d)) * 10.0 ** random.uniform(-1, 1, d)
    scores = X / X.std(axis=0) @ random.normal(size=(d, classes)) + random.gumbel(size=(n, classes))
    return X, scores.argmax(axis=1).astype(float), random.random(n)


def objective_of(X, y, loss, strength=0.01, weight=None, intercept=True, predictors=1, penalty=None):
    return LinearObjective(rows_of(X, y, weight), loss, penalty or L2(), strength, intercept, predictors)


@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("classes", [2, 4])
def test_is_logistic_regression(form, weighted, intercept, classes):
    X, y, weight = data(classes=classes)
    weight = weight if weighted else None
    loss, K = (Logistic(), 1) if classes == 2 else (Multinomial(), classes)
    solution = Newton().solve(objective_of(form(X), y, loss, 0.01, weight, intercept, K))
    total = len(y) if weight is None else weight.sum()
    peer = LogisticRegression(C=1 / (0.01 * total), fit_intercept=intercept, solver="newton-cholesky", tol=1e-10)
    coef = peer.fit(X, y, weight).coef_.T
    np.testing.assert_allclose(solution.theta[:5], coef[:, 0] if classes == 2 else coef, rtol=1e-3, atol=2e-4)
    exact = Newton(tolerance=1e-15).solve(objective_of(form(X), y, loss, 0.01, weight, intercept, K))
    np.testing.assert_allclose(exact.theta[:5], coef[:, 0] if classes == 2 else coef, rtol=1e-6, atol=1e-8)
    assert solution.converged and "within the tolerance" in solution.reason
    assert 0 <= solution.value - exact.value <= 1e-8 * exact.value


def test_is_poisson_regression():
    X, _, _ = data()
    y = np.random.default_rng(1).poisson(np.exp(0.1 * X[:, 0] + 0.5)).astype(float)
    solution = Newton(tolerance=1e-14).solve(objective_of(X, y, Poisson()))
    peer = PoissonRegressor(alpha=0.01, solver="newton-cholesky", tol=1e-10).fit(X, y)
    np.testing.assert_allclose(solution.theta, np.append(peer.coef_, peer.intercept_), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("loss", [Squared(), Huber(0.5)], ids=str)
def test_serves_every_smooth_loss(loss):
    X, _, _ = data()
    y = X[:, 0] + np.random.default_rng(1).standard_t(2, size=len(X))
    objective = objective_of(X, y, loss)
    solution = Newton(tolerance=1e-13).solve(objective)
    assert solution.converged and np.abs(objective.value_and_gradient(solution.theta)[1]).max() < 1e-6
    if isinstance(loss, Squared):
        np.testing.assert_allclose(solution.theta, Exact().solve(objective).theta, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("scale", [1.0, 1e4], ids=["as it is", "rescaled"])
def test_many_rows_take_few_passes_whatever_the_scales(scale):
    X, y, _ = data(n=60_000)
    X = X * np.array([1, scale, 1 / scale, 1, scale])
    objective = objective_of(X, y, Logistic(), 0.0)
    few, exact = Newton().solve(objective), Newton(tolerance=1e-15).solve(objective)
    assert few.iterations <= 4
    assert 0 <= few.value - exact.value <= 1e-8 * exact.value
    assert few.gap <= 1e-8 * exact.value


def test_rows_in_order_of_their_class_are_sampled_fairly():
    X, y, _ = data(n=60_000)
    order = np.argsort(y, kind="stable")
    sorted_, shuffled = (objective_of(X[i], y[i], Logistic(), 0.0) for i in (order, np.arange(len(y))))
    a, b = Newton().solve(sorted_), Newton().solve(shuffled)
    assert a.value == pytest.approx(b.value, rel=1e-8) and a.iterations <= 4


def test_a_state_can_be_stored_between_passes():
    X, y, _ = data(n=60_000)
    objective, solver = objective_of(X, y, Logistic()), Newton()
    straight = solver.solve(objective)
    state = solver.init(objective)
    while not state.ended:
        state = from_bytes(to_bytes(solver.advance(objective, state)))
    assert np.array_equal(state.theta, straight.theta) and state.passes == straight.iterations


def test_a_warm_start_is_gone_on_from():
    X, y, _ = data()
    objective = objective_of(X, y, Logistic())
    cold = Newton().solve(objective)
    warm = Newton().solve(replace(objective, strength=0.011), cold.theta)
    assert warm.iterations < cold.iterations
    assert Newton().solve(objective, cold.theta).iterations == 1


@pytest.mark.parametrize("kind", ["complete", "partial"])
def test_separable_classes_without_a_penalty_are_named(kind):
    X, y, _ = data()
    hint = np.where(y == 1, 1.0, 0.0) if kind == "complete" else (y == 1) * (np.arange(len(y)) % 3 == 0)
    objective = objective_of(np.column_stack([X, hint]), y, Logistic(), penalty=NoPenalty())
    solution = Newton().solve(objective)
    assert "separable" in solution.warning and "give a penalty" in solution.warning
    assert np.isfinite(solution.theta).all()
    assert Newton().solve(replace(objective, penalty=L2(), strength=0.01)).warning == ""
    assert Newton().solve(objective_of(X, y, Logistic(), penalty=NoPenalty())).warning == ""


def test_collinear_constant_and_too_many_columns():
    X, y, _ = data()
    X = np.column_stack([X, X[:, 0], np.ones(len(y)), np.zeros(len(y))])
    solution = Newton().solve(objective_of(X, y, Logistic(), penalty=NoPenalty()))
    plain = Newton().solve(objective_of(X[:, :5], y, Logistic(), penalty=NoPenalty()))
    assert solution.value == pytest.approx(plain.value, rel=1e-8) and solution.warning == ""
    assert solution.theta[0] == pytest.approx(solution.theta[5])
    wide = Newton().solve(objective_of(np.random.default_rng(0).normal(size=(20, 50)), y[:20], Logistic(), 0.1))
    assert wide.converged


def test_a_step_that_is_too_long_is_halved():
    X = np.array([[0.0], [0.0], [1.0]])
    objective = objective_of(X, np.array([0.0, 0.0, 1e6]), Poisson(), penalty=NoPenalty())
    solution = Newton(tolerance=1e-12, max_passes=200).solve(objective, np.array([0.0, 0.0]))
    np.testing.assert_allclose(np.exp(solution.theta.sum()), 1e6, rtol=1e-5)
    assert "precision" in solution.reason or solution.converged


def test_too_few_passes_are_said():
    X, y, _ = data()
    solution = Newton(max_passes=2).solve(objective_of(X, y, Logistic()))
    assert not solution.converged and "the most passes, 2, are spent" in solution.warning


def test_says_what_it_cannot_do():
    X, y, _ = data()
    assert "kinks" in Newton().refusal(objective_of(X, y, Quantile()))
    assert "kinks" in Newton().refusal(objective_of(X, y, Logistic(), penalty=L1()))
    assert "would not fit" in Newton().refusal(objective_of(np.ones((2, 6000)), y[:2], Logistic()))


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize(("loss", "predictors"), [(Logistic(), 1), (Multinomial(), 3)])
def test_the_hessian_against_differences(intercept, loss, predictors):
    X, y, weight = data(classes=max(2, predictors))
    objective = objective_of(X, y, loss, 0.0, weight, intercept, predictors)
    theta = np.random.default_rng(0).normal(size=objective.shape) / 10
    (chunk,) = objective.rows.chunks()
    hessian, total = chunk_hessian(objective, chunk, theta)
    assert total == pytest.approx(weight.sum())
    numeric = []
    for index in np.ndindex(theta.shape):
        h = np.zeros_like(theta)
        h[index] = 1e-5
        above, below = (objective.value_and_gradient(theta + sign * h)[1] for sign in (1, -1))
        numeric.append((above - below).ravel() / 2e-5)
    np.testing.assert_allclose(hessian / total, numeric, rtol=1e-5, atol=1e-7)


def test_the_inverse_of_a_singular_hessian_is_the_pseudo_inverse():
    A = np.random.default_rng(0).normal(size=(4, 6))
    H, g = A.T @ A, A.T @ np.ones(4)
    inverse = invert(H, np.zeros(6))
    step, decrement = inverse.step(g)
    assert inverse.rank == 4
    np.testing.assert_allclose(H @ step, -g, rtol=1e-9, atol=1e-9)
    assert decrement == pytest.approx(0.5 * g @ np.linalg.pinv(H) @ g)


def test_samples_are_spread_over_the_rows():
    rows = stratified(3, 10_000, 0.1)
    assert len(rows) == 1000 and (np.diff(rows) > 0).all() and rows.max() < 10_000
    assert np.array_equal(rows // 10, np.arange(1000))
    assert stratified(3, 100, 0.9) == slice(None)
    assert newton.FIRST_SHARE < newton.HESSIAN_SHARE
