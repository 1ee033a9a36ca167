"""The optimality conditions are the reference: a convex problem is solved where they hold, whatever found the point."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import ElasticNet as SklearnElasticNet
from sklearn.linear_model import Lasso, LogisticRegression

from thalweg.training import losses
from thalweg.training.losses import Huber, Logistic, Poisson, Quantile, Squared
from thalweg.training.objective import LinearObjective
from thalweg.training.penalties import L1, L2, ElasticNet, GroupLasso, NonNegative
from thalweg.training.rows import rows_of
from thalweg.training.solvers.coordinate import Coordinate, coordinate, copies, explicit
from thalweg.training.solvers.coordinate.kinks import kinks_of
from thalweg.training.solvers.coordinate.quadratic import Matrix, minimize

PENALTIES = {
    "l1": L1(),
    "elastic net": ElasticNet(l1_ratio=0.5),
    "non-negative": NonNegative(),
    "non-negative l1": NonNegative(L1()),
    "non-negative elastic net": NonNegative(ElasticNet(l1_ratio=0.3)),
    "group": GroupLasso(groups=tuple(j // 3 for j in range(24))),
    "l2": L2(),
}
LOSSES = {"squared": Squared(), "logistic": Logistic(), "poisson": Poisson(), "huber": Huber(delta=0.5)}


def problem(
    loss="squared", penalty="l1", n=80, sparse=False, weighted=False, intercept=True, strength=0.05, dtype=float
):
    """24 columns, among them one of zeros, a constant one, and a copy of another at twice its size."""
    random = np.random.default_rng(0)
    X = random.normal(size=(n, 24)) * (random.random((n, 24)) < 0.4 if sparse else 1)
    X[:, 3], X[:, 5], X[:, 7] = 0, 2, 2 * X[:, 6]
    eta = X @ np.where(random.random(24) < 0.3, random.normal(size=24), 0) / 2 + 0.3
    y = {
        "squared": eta + 0.3 * random.normal(size=n),
        "huber": eta + 0.3 * random.standard_t(2, size=n),
        "logistic": (random.random(n) < 1 / (1 + np.exp(-eta))).astype(float),
        "poisson": random.poisson(np.exp(np.clip(eta, -3, 3))).astype(float),
    }[loss]
    weight = random.integers(0, 3, size=n).astype(dtype) if weighted else None
    X = X.astype(dtype)
    rows = rows_of(csr_array(X) if sparse else X, y.astype(dtype), weight)
    return LinearObjective(rows, LOSSES[loss], PENALTIES[penalty], strength, intercept)


def violation(objective, theta):
    """How far the optimality conditions are from holding."""
    _, gradient = objective.value_and_gradient(theta)
    w, g = objective.coefficients(theta), objective.coefficients(gradient)
    distance = objective.penalty.distance(w, g, objective.strength).max()
    return max(distance, abs(gradient[-1]) if objective.intercept else 0)


@pytest.fixture(params=["gram", "matrix", "products", "working sets", "samples"])
def route(request, monkeypatch):
    """Every way to know the curvature, whatever the size of the data would have chosen."""
    few, matrix, first, tall = {
        "gram": (256, 1000, 500, 8),
        "matrix": (0, 1000, 500, 8),
        "products": (0, 0, 0, 8),
        "working sets": (2, 6, 4, 1),
        "samples": (0, 0, 0, 8),
    }[request.param]
    for name, value in (("FEW", few), ("MATRIX", matrix), ("FIRST", first), ("TALL", tall)):
        monkeypatch.setattr(coordinate, name, value)
    if request.param == "samples":
        sample_always(monkeypatch)
    return request.param


def sample_always(monkeypatch):
    """Let a copy be made of a part of the rows, however few they are."""
    monkeypatch.setattr(coordinate, "FEW", 0)
    monkeypatch.setattr(coordinate, "MATRIX", 0)
    monkeypatch.setattr(coordinate, "FIRST", 0)
    monkeypatch.setattr(copies, "ROWS_PER_PRODUCT", 0)
    monkeypatch.setattr(copies, "COPY_BYTES", 5_000)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_optimality_conditions_hold(loss, penalty, route):
    for sparse, weighted, intercept in (
        (False, False, True),
        (True, True, False),
        (True, False, True),
        (False, True, True),
    ):
        objective = problem(loss, penalty, sparse=sparse, weighted=weighted, intercept=intercept)
        solution = Coordinate(tolerance=1e-11).solve(objective)
        assert solution.converged
        assert violation(objective, solution.theta) < 1e-5
        assert solution.value == pytest.approx(objective.value(solution.theta), rel=1e-9)


@pytest.mark.parametrize("penalty", ["l1", "elastic net", "non-negative l1", "group"])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_more_columns_than_rows(loss, penalty, route):
    objective = problem(loss, penalty, n=15)
    solution = Coordinate(tolerance=1e-11).solve(objective)
    assert violation(objective, solution.theta) < 1e-5


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("penalty", ["l1", "elastic net", "non-negative l1", "group"])
def test_a_strong_penalty_leaves_exactly_nothing(loss, penalty, route):
    """Just above the least λ for which 0 is best; just below, something is left."""
    free = problem(loss, penalty, strength=0.0)
    empty = Coordinate(tolerance=1e-13).solve(problem(loss, penalty, strength=1e6)).theta
    _, gradient = free.value_and_gradient(empty)
    low, high = 0.0, 1e6
    for _ in range(100):
        middle = (low + high) / 2
        stays = not free.penalty.distance(empty[:-1], gradient[:-1], middle).any()
        low, high = (low, middle) if stays else (middle, high)
    assert not Coordinate().solve(problem(loss, penalty, strength=1.0001 * high)).theta[:-1].any()
    assert Coordinate(tolerance=1e-10).solve(problem(loss, penalty, strength=0.99 * high)).theta[:-1].any()


def test_lasso_and_elastic_net_of_scikit_learn(route):
    for penalty, peer in (("l1", Lasso(0.05)), ("elastic net", SklearnElasticNet(0.05, l1_ratio=0.5))):
        objective = problem("squared", penalty)
        peer.set_params(tol=1e-12, max_iter=100_000).fit(objective.rows.X, objective.rows.y)
        theirs = objective.value(np.append(peer.coef_, peer.intercept_))
        assert Coordinate(tolerance=1e-10).solve(objective).value == pytest.approx(theirs, rel=1e-8)


def test_logistic_regression_of_liblinear(route):
    objective = problem("logistic", "l1", intercept=False, sparse=True, n=200, strength=0.02)
    peer = LogisticRegression(
        l1_ratio=1, C=1 / (0.02 * 200), solver="liblinear", fit_intercept=False, tol=1e-10, max_iter=10_000
    ).fit(objective.rows.X, objective.rows.y)
    assert Coordinate(tolerance=1e-10).solve(objective).value == pytest.approx(objective.value(peer.coef_[0]), rel=1e-8)


def test_the_duality_gap_bounds_what_is_missing():
    objective = problem("squared", "elastic net")
    best = Coordinate(tolerance=1e-14).solve(objective).value
    rough = Coordinate(tolerance=1e-2).solve(objective)
    assert best - 1e-12 <= rough.value <= best + rough.gap + 1e-12


def test_single_precision(route):
    for loss in ("squared", "logistic"):
        exact = Coordinate(tolerance=1e-10).solve(problem(loss)).value
        assert Coordinate().solve(problem(loss, dtype=np.float32)).value == pytest.approx(exact, rel=1e-5)


def test_a_sample_of_rows_without_weight():
    random = np.random.default_rng(0)
    X, weight = random.normal(size=(30_000, 2)), np.zeros(30_000)
    weight[7:40] = 1
    y = (random.random(30_000) < 0.5).astype(float)
    objective = LinearObjective(rows_of(X, y, weight), Logistic(), L1(), 0.01, True)
    assert violation(objective, Coordinate(tolerance=1e-10).solve(objective).theta) < 1e-5


@pytest.mark.parametrize("sparse", [False, True])
def test_a_copy_of_rows_without_weight(sparse, monkeypatch):
    sample_always(monkeypatch)
    plain = problem("logistic", sparse=sparse)
    X, y, weight = plain.rows.X, plain.rows.y, np.zeros(80)
    weight[:3] = 1, 2, 1
    objective = LinearObjective(rows_of(X, y, weight), Logistic(), L1(), 0.02, True)
    for seed in range(5):
        assert violation(objective, Coordinate(tolerance=1e-11, seed=seed).solve(objective).theta) < 1e-5


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(("room", "most", "share"), [(1.0, 1.0, 1.0), (0.7, 1.0, 0.693), (1.0, 0.3, 0.3)])
def test_a_copy_has_the_columns_of_the_rows_it_names(sparse, room, most, share, monkeypatch):
    rows, chosen = problem(sparse=sparse).rows, np.array([0, 2, 3, 8, 9, 11, 20])
    X = rows.X.toarray() if sparse else rows.X
    size = np.count_nonzero(X[:, chosen]) * 8 if sparse else 80 * 7 * 4
    monkeypatch.setattr(copies, "COPY_BYTES", int(room * size) + 1)
    copy = copies.compact(rows, chosen, (X != 0).mean(axis=0) if sparse else np.ones(24), 0.1, most, 1)
    assert copy is not None
    had = copy.rows.X.toarray() if sparse else copy.rows.X
    np.testing.assert_allclose(had, X[copy.sample][:, chosen], rtol=1e-6)
    assert copy.rows.n == pytest.approx(80 * copy.share, abs=10)
    assert copy.share == pytest.approx(share, rel=0.01)
    assert copy.serves(chosen[:5], copy.share) and not copy.serves(np.array([0, 1]), 0.1)
    assert copies.compact(rows, chosen, np.ones(24), 1.0, 0.5, 0) is None


@pytest.mark.parametrize("intercept", [False, True])
def test_a_hessian_that_grew_is_the_one_made_at_once(intercept):
    objective = problem("squared", "elastic net", weighted=True, intercept=intercept)
    first, new, theta = np.array([1, 6, 9, 20]), np.array([0, 7, 23]), objective.start()
    grown = explicit.grown(objective, explicit.explicit(objective, first, theta, 1.0, 0), new)
    once = explicit.explicit(objective, np.sort(np.concatenate([first, new])), theta, 1.0, 0)
    np.testing.assert_array_equal(grown.columns, once.columns)
    np.testing.assert_allclose(grown.H, once.H, atol=1e-12)
    np.testing.assert_allclose(grown.centre.along, once.centre.along, atol=1e-12)


def test_a_warm_start_needs_fewer_models():
    objective = problem("logistic")
    cold = Coordinate().solve(objective)
    assert Coordinate().solve(objective, cold.theta).iterations < cold.iterations


def test_columns_far_from_zero_and_of_all_scales():
    random = np.random.default_rng(1)
    X = (random.normal(size=(300, 8)) + 1000) * 10 ** random.uniform(-2, 2, size=8)
    y = (random.random(300) < 0.5).astype(float)
    y[X[:, 0] > np.median(X[:, 0])] = 1
    objective = LinearObjective(rows_of(X, y), Logistic(), L1(), 1e-3, True)
    solution = Coordinate(tolerance=1e-10).solve(objective)
    assert solution.converged
    assert solution.iterations < 15
    assert violation(objective, solution.theta) < 1e-6


def test_a_solver_that_runs_out_says_so():
    solution = Coordinate(max_iterations=1).solve(problem("logistic"))
    assert not solution.converged
    assert "1" in solution.reason and solution.warning


def test_refusals_are_in_words():
    X, y = np.ones((4, 1)), np.array([0.0, 1.0, 2.0, 1.0])
    rows = rows_of(X, y)
    assert "kinks" in Coordinate().refusal(LinearObjective(rows, Quantile(0.5), L1(), 1.0, True))
    assert "one predictor" in Coordinate().refusal(LinearObjective(rows, losses.Multinomial(), L1(), 1.0, True, 3))
    assert not Coordinate().refusal(LinearObjective(rows, Squared(), L1(), 1.0, True))


@pytest.mark.parametrize("penalty", ["l1", "non-negative l1", "group"])
def test_a_singular_quadratic(penalty):
    """More columns than rows: the face is flat in some directions, and a Newton step there has no end."""
    for seed in range(5):
        random = np.random.default_rng(seed)
        X, y = random.normal(size=(10, 24)), random.normal(size=10)
        H, xy = X.T @ X / 10, X.T @ y / 10
        w, _, _ = minimize(Matrix(H), kinks_of(PENALTIES[penalty], 0.02), np.zeros(24), -xy, 1e-18, 0.0, 300)
        assert PENALTIES[penalty].distance(w, H @ w - xy, 0.02).max() < 1e-7
