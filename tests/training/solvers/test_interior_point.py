"""The interior-point method against linear programming (HiGHS), scikit-learn's quantile regression and libsvm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array
from scipy.sparse import random as random_sparse
from sklearn.linear_model import QuantileRegressor
from sklearn.svm import SVC, SVR

from thalweg.errors import InvalidSettings
from thalweg.training.losses import Hinge, Logistic, Quantile
from thalweg.training.objective import LinearObjective
from thalweg.training.penalties import L1, L2, NoPenalty
from thalweg.training.rows import rows_of
from thalweg.training.solvers.interior_point import InteriorPoint


def objective(X, y, loss, strength=0.0, weight=None, intercept=True):
    return LinearObjective(rows_of(X, y, weight), loss, L2() if strength else NoPenalty(), strength, intercept)


def solved(problem, **options):
    solution = InteriorPoint(**options).solve(problem)
    assert solution.converged and not solution.warning, solution
    assert solution.value == pytest.approx(
        problem.value(solution.theta), rel=1e-6 if problem.rows.dtype == "f4" else 1e-12
    )
    assert solution.gap >= 0
    return solution


def regression(n=300, d=5, seed=0, noise="t"):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    error = rng.standard_t(2, size=n) if noise == "t" else rng.normal(size=n)
    return X, X @ rng.normal(size=d) + 3 + error


def classes(n=300, d=5, seed=0):
    X, y = regression(n, d, seed)
    return X, (y > 3.5).astype(float)


def by_linear_programming(problem):
    """min Σ u (a⁺ p − a⁻ m) where zᵀθ − c = p − m, and p, m ≥ 0."""
    rows, loss = problem.rows, problem.loss
    X = rows.X if isinstance(rows.X, np.ndarray) else rows.X.toarray()
    n = rows.n
    u = (np.ones(n) if rows.weight is None else rows.weight) / rows.total_weight
    if isinstance(loss, Quantile):
        c, above, below = rows.y, 1 - loss.quantile, loss.quantile
    else:
        c, above, below = 2 * rows.y - 1, 1 - rows.y, rows.y
    Z = np.column_stack([X, np.ones(n)]) if problem.intercept else X
    cost = np.concatenate([np.zeros(Z.shape[1]), u * above, u * below])
    bounds = [(None, None)] * Z.shape[1] + [(0, None)] * (2 * n)
    result = linprog(cost, A_eq=np.hstack([Z, -np.eye(n), np.eye(n)]), b_eq=c, bounds=bounds)
    assert result.success
    return result.fun


@pytest.mark.parametrize("q", [0.5, 0.9, 0.02])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_quantiles_of_linear_programming(q, intercept, weighted):
    X, y = regression()
    weight = np.random.default_rng(1).random(len(y)) * (np.arange(len(y)) % 5 > 0) if weighted else None
    problem = objective(X, y, Quantile(q), weight=weight, intercept=intercept)
    assert solved(problem).value == pytest.approx(by_linear_programming(problem), rel=1e-8)


@pytest.mark.parametrize("weighted", [True, False])
def test_the_hinge_loss_of_linear_programming(weighted):
    X, y = classes()
    weight = np.random.default_rng(1).random(len(y)) if weighted else None
    problem = objective(X, y, Hinge(), weight=weight)
    assert solved(problem).value == pytest.approx(by_linear_programming(problem), rel=1e-8)


@pytest.mark.parametrize("q", [0.3, 0.95])
def test_quantiles_of_scikit_learn(q):
    X, y = regression(seed=2)
    peer = QuantileRegressor(quantile=q, alpha=0.0).fit(X, y)
    solution = solved(objective(X, y, Quantile(q)), tolerance=1e-11)
    assert np.allclose(solution.theta, np.append(peer.coef_, peer.intercept_), atol=1e-8)


@pytest.mark.parametrize("strength", [1.0, 1e-2, 1e-3])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("sparse", [True, False])
def test_the_support_vector_machine_of_libsvm(strength, weighted, sparse):
    X, y = classes(200)
    weight = 0.5 + np.random.default_rng(1).random(len(y)) if weighted else np.ones(len(y))
    problem = objective(csr_array(X) if sparse else X, y, Hinge(), strength, weight if weighted else None)
    peer = SVC(kernel="linear", C=1 / (strength * weight.sum()), tol=1e-9).fit(X, y, weight)
    theta = np.append(peer.coef_, peer.intercept_)
    assert solved(problem).value <= problem.value(theta) * (1 + 1e-8)
    assert solved(problem).value == pytest.approx(problem.value(theta), rel=1e-6)
    assert np.allclose(solved(problem, tolerance=1e-11).theta[:-1], theta[:-1], atol=1e-4)


@pytest.mark.parametrize("strength", [1.0, 1e-3])
def test_the_median_with_a_ridge_is_support_vector_regression_without_a_tube(strength):
    X, y = regression(150, noise="normal")
    problem = objective(X, y, Quantile(), strength)
    peer = SVR(kernel="linear", epsilon=0.0, C=1 / (2 * strength * len(y)), tol=1e-9).fit(X, y)
    value = problem.value(np.append(peer.coef_, peer.intercept_))
    assert value * (1 - 1e-6) <= solved(problem).value <= value * (1 + 1e-8)


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(3, 40),
    d=st.integers(1, 6),
    hinge=st.booleans(),
    ridge=st.sampled_from([0.0, 1e-6, 1e-2, 10.0]),
    intercept=st.booleans(),
    degenerate=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_nothing_nearby_is_better(seed, n, d, hinge, ridge, intercept, degenerate):
    """On a convex function that is the minimum; small whole numbers bring ties, duplicates and dependent columns."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-2, 3, (n, d)).astype(float) if degenerate else rng.normal(size=(n, d))
    y = rng.integers(0, 2, n).astype(float) if hinge or degenerate else rng.normal(size=n)
    problem = objective(X, y, Hinge() if hinge else Quantile(0.3), ridge, intercept=intercept)
    solution = solved(problem)
    slack = 1e-8 * solution.value + 1e-13
    for length in 10.0 ** -np.arange(7):
        assert problem.value(solution.theta + length * rng.normal(size=solution.theta.shape)) >= solution.value - slack


def test_the_gap_bounds_the_error_all_along():
    X, y = regression(noise="normal")
    for loss, target, strength in ((Quantile(0.7), y, 0.0), (Quantile(0.7), y, 0.1), (Hinge(), (y > 3) * 1.0, 0.01)):
        problem = objective(X, target, loss, strength)
        least = solved(problem, tolerance=1e-12).value
        for tolerance in (0.3, 1e-2, 1e-4):
            solution = solved(problem, tolerance=tolerance)
            assert 0 <= solution.value - least <= solution.gap + 1e-13
            assert solution.gap <= tolerance * solution.value


def test_whole_weights_are_repeated_rows_and_none_is_no_row():
    X, y = regression(80)
    times = np.arange(80) % 4
    weighted = solved(objective(X, y, Quantile(0.4), 0.01, weight=times.astype(float)), tolerance=1e-12)
    repeated = solved(objective(np.repeat(X, times, axis=0), np.repeat(y, times), Quantile(0.4), 0.01), tolerance=1e-12)
    assert np.allclose(weighted.theta, repeated.theta, atol=1e-7)


DEGENERATE = {
    "equal columns": lambda X, y: (np.column_stack([X, X[:, 0], X[:, 1] + X[:, 2]]), y),
    "a constant column": lambda X, y: (np.column_stack([X, np.full(len(y), 7.3)]), y),
    "a column of zeros": lambda X, y: (np.column_stack([X, np.zeros(len(y))]), y),
    "zeros only": lambda X, y: (np.zeros((len(y), 2)), y),
    "equal rows": lambda X, y: (np.repeat(X[:20], 15, axis=0), np.repeat(y[:20], 15)),
    "whole numbers": lambda X, y: (np.round(X), np.round(y)),
    "far from 0": lambda X, y: (X + 1e5, y),
    "units": lambda X, y: (X * 10.0 ** np.array([-4, -2, 0, 2, 4]), y * 1e6),
    "more columns than rows": lambda X, y: (np.random.default_rng(9).normal(size=(20, 30)), y[:20]),
    "one row": lambda X, y: (X[:1], y[:1]),
}


@pytest.mark.parametrize("loss", [Quantile(0.7), Hinge()], ids=repr)
@pytest.mark.parametrize("strength", [0.0, 0.01])
@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_data(case, loss, strength):
    X, y = DEGENERATE[case](*regression())
    if loss.classes:
        y = (y > np.median(y)).astype(float)
    problem = objective(X, y, loss, strength)
    solution = solved(problem)
    if strength:
        for direction in np.vstack(
            [np.eye(len(solution.theta)), np.random.default_rng(0).normal(size=(20, len(solution.theta)))]
        ):
            for length in (1e-3, -1e-3):
                assert problem.value(solution.theta + length * direction) >= solution.value * (1 - 1e-8) - 1e-15
    else:
        assert solution.value == pytest.approx(by_linear_programming(problem), rel=1e-8, abs=1e-10 * np.abs(y).max())


@pytest.mark.parametrize("target", [np.zeros(50), np.full(50, 3.0), np.arange(50.0)])
def test_targets_that_are_met_exactly(target):
    solution = solved(objective(np.arange(50.0)[:, None], target, Quantile(0.2)))
    assert solution.value < 1e-12


@pytest.mark.parametrize("loss", [Quantile(0.7), Hinge()], ids=repr)
def test_single_precision_data_and_many_chunks(loss):
    X, y = regression(27_000, 40) if loss == Quantile(0.7) else classes(27_000, 40)
    single = X.astype(np.float32)
    assert len(list(rows_of(X, y).chunks())) > 1
    exact = solved(objective(single.astype(float), y.astype(np.float32).astype(float), loss, 1e-3))
    got = solved(objective(single, y.astype(np.float32), loss, 1e-3))
    assert got.value == pytest.approx(exact.value, rel=2e-8)
    assert got.theta.dtype == np.float64


def test_sparse_rows_are_as_good_as_dense_ones():
    rng = np.random.default_rng(3)
    X = csr_array(random_sparse(500, 40, density=0.1, rng=rng))
    y = X @ rng.normal(size=40) + rng.normal(size=500)
    for strength in (0.0, 0.1):
        sparse = solved(objective(X, y, Quantile(), strength))
        dense = solved(objective(X.toarray(), y, Quantile(), strength))
        assert sparse.value == pytest.approx(dense.value, rel=2e-8)


def test_a_start_is_used_and_not_written_to():
    X, y = regression()
    problem = objective(X, y, Quantile(), 0.01)
    first = solved(problem)
    start = first.theta.copy()
    again = InteriorPoint().solve(problem, start)
    assert again.converged and again.value == pytest.approx(first.value, rel=2e-8)
    assert np.array_equal(start, first.theta)


def test_too_few_steps_are_said():
    X, y = regression()
    solution = InteriorPoint(max_iterations=2).solve(objective(X, y, Quantile()))
    assert not solution.converged and solution.iterations == 2 and solution.reason == "stopped after 2 steps"
    assert "may be above its minimum by" in solution.warning


def test_data_beyond_double_precision_end_in_an_honest_gap():
    """Columns at 1,000,000 ± 1 without an intercept: the Gram matrix has lost 12 of its 16 digits."""
    X, y = regression()
    problem = objective(X + 1e6, y, Quantile(0.7), intercept=False)
    solution = InteriorPoint(tolerance=1e-12).solve(problem)
    assert not solution.converged and "may be above its minimum by" in solution.warning
    assert -1e-6 < solution.value - by_linear_programming(problem) < solution.gap + 1e-6


def test_a_tolerance_beyond_double_precision_is_met_as_well_as_it_can_be():
    X, y = regression()
    solution = solved(objective(X, y, Quantile(0.3)), tolerance=1e-30)
    assert solution.gap < 1e-12 * solution.value and "1e-30" not in solution.reason


def test_what_it_does_not_serve_is_refused_in_words():
    X, y = classes(20)
    assert "two lines" in InteriorPoint().refusal(objective(X, y, Logistic()))
    assert "not smooth" in InteriorPoint().refusal(LinearObjective(rows_of(X, y), Hinge(), L1(), 0.1, True))
    assert "6,000 × 6,000" in InteriorPoint().refusal(objective(csr_array((2, 6000)), y[:2], Hinge()))
    assert InteriorPoint().refusal(objective(X, y, Hinge())) == ""


@pytest.mark.parametrize("options", [{"tolerance": 0.0}, {"max_iterations": 0}])
def test_settings_out_of_range(options):
    with pytest.raises(InvalidSettings, match="expected a positive tolerance"):
        InteriorPoint(**options)
