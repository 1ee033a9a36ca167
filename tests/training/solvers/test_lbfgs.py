"""L-BFGS against scikit-learn and Newton's method, its preconditioner, and how honest its gap is."""

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array
from sklearn.linear_model import LogisticRegression

from thalweg.errors import InvalidSettings
from thalweg.serial import from_bytes, to_bytes
from thalweg.training.losses import Hinge, Huber, Logistic, Multinomial, Poisson, Squared, SquaredHinge
from thalweg.training.objective import LinearObjective
from thalweg.training.penalties import L1, L2, NoPenalty
from thalweg.training.rows import rows_of
from thalweg.training.solvers.exact import Exact
from thalweg.training.solvers.lbfgs import LBFGS
from thalweg.training.solvers.newton import Newton
from thalweg.training.solvers.preconditioner import preconditioner


def data(n=300, d=6, classes=2, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, d)) * 10.0 ** random.uniform(-1, 1, d)
    scores = X / X.std(axis=0) @ random.normal(size=(d, classes)) + random.gumbel(size=(n, classes))
    return X, scores.argmax(axis=1).astype(float), random.random(n) + 0.1


def objective_of(X, y, loss, strength=0.01, weight=None, intercept=True, predictors=1):
    return LinearObjective(
        rows_of(X, y, weight), loss, L2() if strength else NoPenalty(), strength, intercept, predictors
    )


@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("classes", [2, 4])
def test_is_logistic_regression(form, weighted, intercept, classes):
    X, y, weight = data(classes=classes)
    weight = weight if weighted else None
    loss, K = (Logistic(), 1) if classes == 2 else (Multinomial(), classes)
    objective = objective_of(form(X), y, loss, 0.01, weight, intercept, K)
    solution = LBFGS(tolerance=1e-12).solve(objective)
    total = len(y) if weight is None else weight.sum()
    peer = LogisticRegression(C=1 / (0.01 * total), fit_intercept=intercept, solver="newton-cholesky", tol=1e-12)
    peer.fit(X, y, weight)
    theta = np.vstack([peer.coef_.T, peer.intercept_[None]] if intercept else [peer.coef_.T])
    theta = theta[:, 0] if classes == 2 else theta
    assert abs(solution.value - objective.value(theta)) < 1e-10
    assert abs(solution.value - objective.value(solution.theta)) < 1e-13
    np.testing.assert_allclose(solution.theta[:6], theta[:6], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "loss", [Squared(), Huber(0.5), Poisson(), SquaredHinge()], ids=lambda loss: type(loss).__name__
)
@pytest.mark.parametrize("strength", [0.0, 0.01])
def test_serves_every_smooth_loss(loss, strength):
    X, y, weight = data()
    y = y if loss.classes else np.random.default_rng(1).poisson(np.exp(X[:, 0] / 10 + 1)).astype(float)
    objective = objective_of(X, y, loss, strength, weight)
    solution = LBFGS().solve(objective)
    exact = (Exact() if isinstance(loss, Squared) else Newton(tolerance=1e-14)).solve(objective)
    assert solution.converged and -1e-12 < solution.value - exact.value <= 1e-6 * abs(exact.value)
    assert solution.gap <= 1e-7 * abs(solution.value)


@pytest.mark.parametrize("d", [0.0, 1.0, 2.0])
def test_the_gap_is_honest_where_columns_are_correlated(d):
    random = np.random.default_rng(2)
    X = random.normal(size=(500, 30)) @ (np.linalg.qr(random.normal(size=(30, 30)))[0] * np.logspace(0, -d, 30))
    X = X @ np.linalg.qr(random.normal(size=(30, 30)))[0]
    y = (X @ random.normal(size=30) + 0.5 * random.logistic(size=500) > 0).astype(float)
    objective = objective_of(X, y, Logistic(), 1e-5)
    solution, exact = LBFGS(tolerance=1e-6).solve(objective), Newton(tolerance=1e-14).solve(objective)
    assert solution.converged and solution.value - exact.value <= 1e-5 * exact.value


def test_scales_and_origins_of_columns_change_nothing():
    X, y, _ = data(n=2000)
    far = X * np.array([1, 1e3, 1e-3, 1, 1e5, 1]) + np.array([0, 1e4, 0, 50, 0, -7])
    near, there = (LBFGS().solve(objective_of(Z, y, Logistic(), 0.0)) for Z in (X, far))
    assert abs(near.iterations - there.iterations) <= 1
    assert abs(near.value - there.value) <= 2e-7 * near.value


@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("K", [1, 3])
def test_the_preconditioner_makes_the_diagonal_one_and_gradients_of_it(form, intercept, K):
    X, y, weight = data(classes=max(K, 2))
    X[:, 2] = 0
    loss = Logistic() if K == 1 else Multinomial()
    objective = objective_of(form(X), y, loss, 0.1, weight, intercept, K)
    theta = np.zeros(objective.shape)
    units = preconditioner(objective, theta)
    u = np.random.default_rng(0).normal(size=objective.shape)
    np.testing.assert_allclose(units.u(units.theta(u)), u, atol=1e-9)

    def gradient(u):
        return units.gradient(objective.value_and_gradient(units.theta(u))[1])

    h = 1e-5
    for j in np.ndindex(objective.shape):
        e = np.zeros(objective.shape)
        e[j] = h
        change = (gradient(e) - gradient(-e)) / (2 * h)
        assert change[j] == pytest.approx(1, abs=1e-5)
        if intercept and K == 1 and j[0] < 6:
            assert abs(change[-1]) < 1e-6
    value = [objective.value(units.theta(u + s * 1e-6 * u)) for s in (1, -1)]
    assert (value[0] - value[1]) / 2e-6 == pytest.approx(float(np.vdot(gradient(u), u)), rel=1e-5)


def test_many_rare_columns_take_few_passes():
    random = np.random.default_rng(0)
    X = csr_array(random_array((3000, 2000), density=0.01, rng=random, data_sampler=random.random))
    y = (X @ random.normal(size=2000) + random.logistic(size=3000) > 0).astype(float)
    objective = objective_of(X, y, Logistic(), 1 / 3000)
    solution = LBFGS().solve(objective)
    exact = LBFGS(tolerance=1e-13).solve(objective)
    assert solution.iterations < 20 and solution.value - exact.value <= 1e-6 * exact.value


def test_single_precision_and_a_warm_start():
    X, y, _ = data(n=2000)
    double = LBFGS(tolerance=1e-9).solve(objective_of(X, y, Logistic()))
    single = LBFGS().solve(objective_of(X.astype(np.float32), y.astype(np.float32), Logistic()))
    np.testing.assert_allclose(single.theta, double.theta, rtol=1e-2, atol=1e-3)
    assert single.converged
    again = LBFGS().solve(objective_of(X, y, Logistic()), double.theta)
    assert again.iterations == 2 and again.value <= double.value * (1 + 1e-12)


def test_a_state_goes_on_from_its_bytes():
    X, y, _ = data()
    objective, solver = objective_of(X, y, Logistic()), LBFGS()
    state = solver.init(objective)
    for _ in range(3):
        state = solver.advance(objective, state)
    other = from_bytes(to_bytes(state))
    while not state.ended:
        state, other = solver.advance(objective, state), solver.advance(objective, other)
    np.testing.assert_array_equal(state.u, other.u)
    assert state.passes == other.passes


def test_says_where_there_is_no_answer_or_none_yet():
    X, _, _ = data()
    separable = LBFGS().solve(objective_of(X, (X[:, 0] > 0).astype(float), Logistic(), 0.0))
    assert not separable.converged and "separable" in separable.warning
    short = LBFGS(tolerance=1e-12, max_passes=4).solve(objective_of(X, (X[:, 0] > 1).astype(float), Logistic()))
    assert not short.converged and short.iterations == 4 and "allow more passes" in short.warning
    perfect = LBFGS().solve(objective_of(X, X @ np.arange(6.0), Squared(), 0.0))
    assert perfect.converged and perfect.value < 1e-10
    np.testing.assert_allclose(perfect.theta[:6], np.arange(6.0), atol=1e-5)


def test_refuses_in_words():
    X, y, _ = data()
    assert "Hinge has kinks" in LBFGS().refusal(objective_of(X, y, Hinge()))
    assert "L1 has kinks" in LBFGS().refusal(LinearObjective(rows_of(X, y), Logistic(), L1(), 0.1, True))
    with pytest.raises(InvalidSettings, match="tolerance=0"):
        LBFGS(tolerance=0)
    with pytest.raises(InvalidSettings, match="memory=0"):
        LBFGS(memory=0)
