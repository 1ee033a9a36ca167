"""Averaged SGD against the exact solution, beside scikit-learn's, and on data that make others diverge."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

from thalweg.errors import InvalidSettings
from thalweg.serial import from_bytes, to_bytes
from thalweg.training.losses import Hinge, Huber, Logistic, Multinomial, Poisson, Quantile, Squared
from thalweg.training.objective import LinearObjective
from thalweg.training.penalties import L1, L2, GroupLasso, NonNegative
from thalweg.training.rows import rows_of
from thalweg.training.solvers.gradient_descent import GradientDescent
from thalweg.training.solvers.interior_point import InteriorPoint
from thalweg.training.solvers.lbfgs import LBFGS
from thalweg.training.solvers.sgd import SGD


def data(n=20_000, d=10, seed=0):
    """Columns of all scales, far from 0."""
    random = np.random.default_rng(seed)
    Z = random.normal(size=(n, d))
    eta = Z @ random.normal(size=d) / 2
    scale = 10.0 ** random.uniform(-2, 2, d)
    return Z * scale + scale * random.normal(size=d), eta, random


def targets(loss, eta, random):
    if isinstance(loss, Multinomial):
        return (eta[:, None] * np.arange(3) + random.gumbel(size=(len(eta), 3))).argmax(axis=1).astype(float)
    if loss.classes:
        return (eta + random.logistic(size=len(eta)) > 0).astype(float)
    if isinstance(loss, Poisson):
        return random.poisson(np.exp(eta)).astype(float)
    return 100 * (eta + random.standard_t(3, size=len(eta)))


LOSSES = [Squared(), Huber(100.0), Logistic(), Poisson(), Hinge(), Quantile(0.8), Multinomial()]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_comes_near_the_solution_of_every_loss(loss):
    X, eta, random = data(n=5000)
    y = targets(loss, eta, random)
    objective = LinearObjective(rows_of(X, y), loss, L2(), 1e-4, True, 3 if isinstance(loss, Multinomial) else 1)
    best = (LBFGS(tolerance=1e-10) if loss.smooth else InteriorPoint()).solve(objective).value
    first, fifth = (SGD(passes=passes).solve(objective) for passes in (1, 5))
    assert fifth.value == pytest.approx(objective.value(fifth.theta), rel=1e-12)
    assert 0 <= fifth.value - best < 0.01 * best
    assert fifth.value - best < first.value - best < 0.1 * best


def test_is_better_than_its_peer_after_one_pass():
    X, eta, random = data()
    X = X / X.std(axis=0)
    y = targets(Logistic(), eta, random)
    objective = LinearObjective(rows_of(X, y), Logistic(), L2(), 1e-4, True)
    peer = SGDClassifier(loss="log_loss", alpha=1e-4, average=True, max_iter=1, tol=None, random_state=0).fit(X, y)
    assert SGD(passes=1).solve(objective).value < objective.value(np.append(peer.coef_[0], peer.intercept_))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_never_diverges(loss):
    """Entries with tails so heavy that single rows outweigh all others; targets that have outliers; few rows."""
    random = np.random.default_rng(1)
    for n in (3, 100, 3000):
        X = np.exp(3 * random.normal(size=(n, 5)))
        y = targets(loss, random.normal(size=n), random)
        y = y if loss.classes else np.abs(y) * np.exp(2 * random.normal(size=n))
        objective = LinearObjective(rows_of(X, y), loss, L2(), 1e-6, True, 3 if isinstance(loss, Multinomial) else 1)
        assert SGD(passes=2).solve(objective).value <= objective.value(objective.start()) * 1.05


@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("penalty", [L1(), NonNegative(), GroupLasso((0, 0, 1, 1, 2))], ids=lambda p: type(p).__name__)
def test_serves_penalties_with_kinks(form, penalty):
    X, eta, random = data(d=5)
    X, y = X / X.std(axis=0), eta + random.normal(size=len(eta))
    objective = LinearObjective(rows_of(form(X), y), Squared(), penalty, 0.1, True)
    best = GradientDescent(tolerance=1e-10).solve(objective).value
    assert 0 <= SGD().solve(objective).value - best < 2e-3 * best


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_count_as_repeated_rows(dtype):
    X, eta, random = data()
    y = targets(Logistic(), eta, random)
    weight = random.integers(0, 4, size=len(y)).astype(float)
    weighted = LinearObjective(
        rows_of(X.astype(dtype), y.astype(dtype), weight.astype(dtype)), Logistic(), L2(), 0.01, True
    )
    solution, exact = SGD().solve(weighted), LBFGS(tolerance=1e-9).solve(weighted)
    assert solution.theta.dtype == np.float64 and 0 <= solution.value - exact.value < 1e-3 * exact.value


@pytest.mark.parametrize("copies", [1, 20])
def test_takes_as_many_passes_as_the_rows_need(copies):
    X, eta, random = data(n=600)
    y = np.tile(eta + random.normal(size=len(eta)), copies)
    objective = LinearObjective(rows_of(np.tile(X, (copies, 1)), y), Squared(), L2(), 1e-6, True)
    solution, best = SGD().solve(objective), LBFGS(tolerance=1e-12).solve(objective).value
    assert 0 <= solution.value - best < 1e-4 * best
    assert (solution.iterations > 50) == (copies == 1)


def test_few_rows_are_enough_for_the_hinge_loss():
    """The start lies in the kinks of nine rows in ten, where no step makes the loss of a batch fall."""
    X, y = load_digits(return_X_y=True)
    for digit in (0, 8):
        target = (y == digit).astype(float)
        objective = LinearObjective(rows_of(X, target), Hinge(), L2(), 1 / len(y), True)
        solution, best = SGD().solve(objective), InteriorPoint().solve(objective).value
        assert 0 <= solution.value - best < 0.1 * (objective.value(objective.start()) - best)
        right = (objective.predictor(X, solution.theta) > 0) == target
        assert right.mean() > {0: 0.998, 8: 0.965}[digit]


@pytest.mark.parametrize("size", [20, 100, 500])
def test_one_look_at_chunks_of_few_rows_comes_near(size):
    X, eta, random = data(n=2000)
    X, solver, state = X / X.std(axis=0), SGD(), None
    y = 100 * eta + 5 * random.normal(size=len(eta))
    for begin in range(0, len(y), size):
        part = slice(begin, begin + size)
        piece = LinearObjective(rows_of(X[part], y[part]), Squared(), L2(), 1e-6, True)
        state = solver.learn(piece, solver.init(piece) if state is None else state)
    exact = LBFGS(tolerance=1e-12).solve(LinearObjective(rows_of(X, y), Squared(), L2(), 1e-6, True)).theta
    assert abs(state.average - exact)[:-1].max() < 0.01 * abs(exact[:-1]).max()


def test_stops_where_the_average_stands_still():
    X = data(n=500)[0]
    objective = LinearObjective(rows_of(X, np.full(len(X), 3.0)), Squared(), L2(), 1.0, True)
    solution = SGD().solve(objective)
    assert solution.reason.endswith("then F stood still") and solution.iterations == 32


def test_goes_on_with_new_rows_and_from_bytes():
    X, eta, random = data()
    y, solver, state = targets(Logistic(), eta, random), SGD(), None
    values = []
    whole = LinearObjective(rows_of(X, y), Logistic(), L2(), 1e-4, True)
    for part in np.array_split(np.arange(len(y)), 20):
        piece = LinearObjective(rows_of(X[part], y[part]), Logistic(), L2(), 1e-4, True)
        state = solver.init(piece) if state is None else from_bytes(to_bytes(state))
        state = solver.learn(piece, state)
        values.append(whole.value(state.average))
    best = LBFGS().solve(whole).value
    assert values[-1] - best < 0.05 * (values[0] - best)
    assert values[-1] - best < 2e-3 * best


def test_the_same_seed_gives_the_same_answer_and_another_one_another():
    X, eta, _ = data(n=500)
    objective = LinearObjective(rows_of(X, eta), Squared(), L2(), 1e-4, True)
    first, same, other = (SGD(seed=seed).solve(objective).theta for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_zero_weights_zero_columns_and_settings():
    X, eta, _ = data(n=500)
    X[:, 3] = 0
    objective = LinearObjective(rows_of(X, eta, np.repeat([0.0, 1.0], 250)), Squared(), L2(), 1e-4, True)
    solution = SGD().solve(objective)
    assert np.isfinite(solution.theta).all() and solution.theta[3] == 0
    assert not SGD().refusal(objective)
    with pytest.raises(InvalidSettings, match="passes=0"):
        SGD(passes=0)
