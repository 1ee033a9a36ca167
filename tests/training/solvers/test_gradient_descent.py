"""Gradient descent against scikit-learn and the other solvers."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import ElasticNet as PeerElasticNet

from thalweg.errors import InvalidSettings
from thalweg.training.losses import Hinge, Huber, Logistic, Poisson, Squared
from thalweg.training.objective import LinearObjective
from thalweg.training.penalties import L1, L2, ElasticNet, GroupLasso, NonNegative, NoPenalty
from thalweg.training.rows import rows_of
from thalweg.training.solvers.exact import Exact
from thalweg.training.solvers.gradient_descent import GradientDescent
from thalweg.training.solvers.lbfgs import LBFGS
from thalweg.training.solvers.pace import remaining


def data(seed=0):
    random = np.random.default_rng(seed)
    X = (random.normal(size=(200, 6)) + 1) * 10.0 ** random.uniform(-1, 1, 6)
    return X, X / X.std(axis=0) @ random.normal(size=6) + random.normal(size=200), random.random(200) + 0.1


@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("penalty", [NoPenalty(), L2()], ids=["none", "l2"])
def test_is_least_squares(form, intercept, weighted, penalty):
    X, y, weight = data()
    objective = LinearObjective(rows_of(form(X), y, weight if weighted else None), Squared(), penalty, 0.1, intercept)
    solution, exact = GradientDescent(tolerance=1e-11).solve(objective), Exact().solve(objective)
    assert solution.converged and abs(solution.value - exact.value) < 1e-8
    np.testing.assert_allclose(solution.theta, exact.theta, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("loss", [Logistic(), Huber(1.0), Poisson()], ids=lambda loss: type(loss).__name__)
def test_is_what_lbfgs_finds(loss):
    X, y, _ = data()
    y = (y > 0).astype(float) if loss.classes else np.abs(y)
    objective = LinearObjective(rows_of(X, y), loss, L2(), 0.01, True)
    solution, other = GradientDescent().solve(objective), LBFGS(tolerance=1e-12).solve(objective)
    assert solution.converged and abs(solution.value - other.value) <= 1e-6 * abs(other.value)


@pytest.mark.parametrize("ratio", [0.5, 1.0])
def test_is_the_elastic_net(ratio):
    X, y, _ = data()
    penalty = L1() if ratio == 1 else ElasticNet(ratio)
    objective = LinearObjective(rows_of(X, y), Squared(), penalty, 0.3, True)
    peer = PeerElasticNet(alpha=0.3, l1_ratio=ratio, tol=1e-14, max_iter=100_000).fit(X, y)
    solution = GradientDescent(tolerance=1e-12).solve(objective)
    assert abs(solution.value - objective.value(np.append(peer.coef_, peer.intercept_))) < 1e-8
    np.testing.assert_array_equal(solution.theta[:6] == 0, peer.coef_ == 0)


@pytest.mark.parametrize("penalty", [GroupLasso((0, 0, 1, 1, 2, 2)), NonNegative(L1())], ids=lambda p: type(p).__name__)
def test_ends_where_no_penalty_has_a_step_left(penalty):
    X, y, _ = data()
    objective = LinearObjective(rows_of(X / X.std(axis=0), y), Squared(), penalty, 1.0, True)
    solution = GradientDescent(tolerance=1e-14, max_passes=5000).solve(objective)
    gradient = objective.value_and_gradient(solution.theta)[1]
    assert penalty.distance(solution.theta[:6], gradient[:6], 1.0).max() < 1e-5
    assert (solution.theta[:6] == 0).any()


def test_a_perfect_fit_and_a_constant_column_come_to_an_end():
    X, _, _ = data()
    X[:, 1], X[:, 2] = 7.0, 0.0
    w = np.array([1.0, 0, 0, 2, 3, 4])
    solution = GradientDescent().solve(LinearObjective(rows_of(X, X @ w + 5), Squared(), NoPenalty(), 0.0, True))
    assert solution.converged and solution.value < 1e-10
    np.testing.assert_allclose(solution.theta, [*w, 5], atol=1e-5)


def test_says_when_it_is_not_done():
    X, y, _ = data()
    short = GradientDescent(tolerance=1e-14, max_passes=4).solve(
        LinearObjective(rows_of(X, y), Squared(), L2(), 0.1, True)
    )
    assert not short.converged and short.iterations == 4 and "allow more passes" in short.warning
    assert "Hinge has kinks" in GradientDescent().refusal(
        LinearObjective(rows_of(X, (y > 0) * 1.0), Hinge(), L2(), 0.1, True)
    )
    with pytest.raises(InvalidSettings, match="tolerance=-1"):
        GradientDescent(tolerance=-1)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_pace_of_a_geometric_descent_is_known(rate):
    values = [3 + rate**k for k in range(9)]
    assert remaining(values) == pytest.approx(rate**8, rel=1e-9)
    assert remaining(values[:2]) == 0 and remaining([1.0, 1.0, 1.0]) == 0
