"""SVRG and SAGA: their steps by hand, linear convergence where SGD stalls, and their end."""

import math

import numpy as np
import pytest

from thalweg.errors import IncompatibleProblem, InvalidSettings
from thalweg.optimizers.gradient import SAGA, SVRG, GradientDescent
from thalweg.problem import Candidates, Minibatches, Need, Problem, evaluate
from thalweg.rng import generator
from thalweg.space import Box

NEED = Need.VALUE | Need.GRADIENT
random = np.random.default_rng(2)
X = random.normal(size=(110, 5)) * [1, 1, 1.5, 1, 1.5]
Y = X @ random.normal(size=5) + random.normal(size=110)
LABELS = np.where(Y > 0, 1.0, -1.0)
BATCHES = Minibatches(X, Y, size=20, seed=1)
SHARES = np.array([20, 20, 20, 20, 20, 10]) / 110


def squares(w, X, y):
    return np.mean((X @ w - y) ** 2) / 2


def squares_slope(w, X, y):
    return X.T @ (X @ w - y) / len(y)


def logistic(w, X, y):
    return np.logaddexp(0, -y * (X @ w)).mean() + 0.01 * w @ w


def logistic_slope(w, X, y):
    return -X.T @ (y / (1 + np.exp(y * (X @ w)))) / len(y) + 0.02 * w


LEAST_SQUARES = Problem(squares, Box(dim=5), gradient=squares_slope, minibatches=BATCHES)
LOGISTIC = Problem(logistic, Box(dim=5), gradient=logistic_slope, minibatches=Minibatches(X, LABELS, size=20, seed=1))


def descend(optimizer, problem, evaluations, n=1):
    """Give the recommended points, the number of evaluations and the last state."""
    state, nothing, points, spent = optimizer.init(problem, 0), Candidates.none(problem.columns), [], 0
    while spent < evaluations and not optimizer.stop(state):
        candidates, state = optimizer.ask(state, n, nothing)
        state = optimizer.tell(state, evaluate(problem, candidates, NEED))
        spent += len(candidates)
        points.append(optimizer.recommend(state))
    return points, spent, state


def distinct(points):
    """Leave out repeated ones."""
    return np.array([x for i, x in enumerate(points) if not i or not np.array_equal(x, points[i - 1])])


def test_svrg_takes_the_steps_of_its_paper():
    points, _, _ = descend(SVRG(learning_rate=0.02, epochs=1), LEAST_SQUARES, 120)
    w, expected, step = np.zeros(5), [np.zeros(5)], 0
    for _ in range(8):
        snapshot, mu = w, squares_slope(w, X, Y)
        for _ in range(6):
            a, b = BATCHES.at(int(generator(0, step).choice(6, p=SHARES)))
            w = w - 0.02 * (squares_slope(w, a, b) - squares_slope(snapshot, a, b) + mu)
            step += 1
            expected.append(w)
    found = distinct(points)
    assert len(found) > 25
    np.testing.assert_allclose(found, expected[: len(found)], rtol=1e-9)


def test_saga_takes_the_steps_of_its_paper():
    points, _, _ = descend(SAGA(learning_rate=0.02), LEAST_SQUARES, 60)
    x, expected = np.zeros(5), [np.zeros(5)]
    table = np.array([squares_slope(x, *BATCHES.at(j)) for j in range(6)])
    for k in range(54):
        j = int(generator(0, k).choice(6, p=SHARES))
        gradient = squares_slope(x, *BATCHES.at(j))
        x = x - 0.02 * (gradient - table[j] + SHARES @ table)
        table[j] = gradient
        expected.append(x)
    np.testing.assert_allclose(distinct(points), expected, rtol=1e-9)


@pytest.mark.parametrize("optimizer", [SVRG(tolerance=1e-10), SAGA(tolerance=1e-10)], ids=["svrg", "saga"])
@pytest.mark.parametrize("problem", [LEAST_SQUARES, LOGISTIC], ids=["squares", "logistic"])
def test_converges_linearly_to_the_exact_solution(optimizer, problem):
    points, spent, state = descend(optimizer, problem, 3000)
    exact = np.linalg.lstsq(X, Y, rcond=None)[0] if problem is LEAST_SQUARES else newton()
    assert optimizer.stop(state) == "the gradient is within the tolerance 1e-10"
    np.testing.assert_allclose(state.x, exact, atol=1e-9)
    error = np.array([np.linalg.norm(x - exact) for x in points if x is not None])
    quarters = error[[len(error) // 4, len(error) // 2, 3 * len(error) // 4, -1]]
    assert (quarters[:-1] > 10 * quarters[1:]).all(), f"{quarters} do not fall by the same factor again and again"
    stalled = np.linalg.norm(descend(GradientDescent(0.02), problem, spent)[2].x - exact)
    assert stalled > 1e-3


def newton():
    """Solve the logistic problem independently."""
    w = np.zeros(5)
    for _ in range(50):
        p = 1 / (1 + np.exp(-X @ w))
        hessian = X.T @ (X * (p * (1 - p))[:, None]) / len(X) + 0.02 * np.eye(5)
        w = w - np.linalg.solve(hessian, logistic_slope(w, X, LABELS))
    return w


@pytest.mark.parametrize("kind", [SVRG, SAGA])
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_needs_no_learning_rate_in_any_units(kind, scale):
    problem = Problem(
        lambda w, X, y: scale * squares(w, X, y),
        Box(dim=5),
        gradient=lambda w, X, y: scale * squares_slope(w, X, y),
        minibatches=BATCHES,
    )
    _, _, state = descend(kind(tolerance=1e-8 * scale), problem, 1500)
    assert "tolerance" in state.ended
    np.testing.assert_allclose(state.x, np.linalg.lstsq(X, Y, rcond=None)[0], atol=1e-7)


@pytest.mark.parametrize("kind", [SVRG, SAGA])
def test_needs_no_learning_rate_for_a_far_solution(kind):
    """A first step of length 1 makes the curvature look a million times too large."""
    far = Problem(squares, Box(dim=5), gradient=squares_slope, minibatches=Minibatches(X, 1e6 * Y, size=20, seed=1))
    _, _, state = descend(kind(tolerance=1e-2), far, 700)
    assert "tolerance" in state.ended


@pytest.mark.parametrize("optimizer", [SVRG(), SAGA()], ids=["svrg", "saga"])
def test_stays_within_bounds_and_finds_the_minimum_there(optimizer):
    problem = Problem(squares, Box(-0.5, 0.5, dim=5), gradient=squares_slope, minibatches=BATCHES)
    points, _, state = descend(optimizer, problem, 3000)
    assert "tolerance" in state.ended
    assert all(np.abs(x).max() <= 0.5 for x in points if x is not None)
    projected = np.clip(state.x - squares_slope(state.x, X, Y), -0.5, 0.5) - state.x
    assert np.abs(projected).max() < 1e-6


@pytest.mark.parametrize("optimizer", [SVRG(), SAGA()], ids=["svrg", "saga"])
def test_a_pass_is_shared_by_workers_and_needs_no_order(optimizer):
    problem = LEAST_SQUARES
    state, nothing = optimizer.init(problem, 0), Candidates.none(problem.columns)
    first, state = optimizer.ask(state, 4, nothing)
    rest, state = optimizer.ask(state, 4, first)
    assert sorted([*first.minibatch, *rest.minibatch]) == list(range(6))
    assert len(optimizer.ask(state, 4, Candidates.join(first, rest))[0]) == 0
    for part in (rest, first.take(np.s_[2:])):
        state = optimizer.tell(state, evaluate(problem, part, NEED))
    again, _ = optimizer.ask(state, 4, nothing)
    assert again.slot.tolist() == first.slot[:2].tolist(), "what is lost is wanted again"
    state = optimizer.tell(state, evaluate(problem, again, NEED))
    following, _ = optimizer.ask(state, 4, nothing)
    assert len(set(following.minibatch.tolist())) == 1


@pytest.mark.parametrize("optimizer", [SVRG(), SAGA(), SVRG(0.4), SAGA(0.4)], ids=str)
def test_comes_back_from_where_there_is_no_value(optimizer):
    """Mean of −ln (a x) + a x with a > 0: not defined left of 0, least where x = 1 / mean(a)."""
    a = np.linspace(0.5, 2, 12)
    problem = Problem(
        lambda x, a: float(np.mean(a * x[0] - np.log(a * x[0]))) if x[0] > 0 else math.nan,
        Box([-9], [9.0]),
        gradient=lambda x, a: np.array([np.mean(a) - 1 / x[0]]),
        minibatches=Minibatches(a, size=4),
    )
    state = optimizer.init(problem, 0)
    start = Candidates.at(problem.columns, np.array([[0.2]]))
    state, nothing = optimizer.tell(state, evaluate(problem, start, NEED)), Candidates.none(problem.columns)
    for _ in range(3000):
        candidates, state = optimizer.ask(state, 1, nothing)
        if not len(candidates):
            break
        state = optimizer.tell(state, evaluate(problem, candidates, NEED))
    assert "tolerance" in optimizer.stop(state)
    assert math.isclose(state.x[0], 1 / a.mean(), rel_tol=1e-5)


@pytest.mark.parametrize("kind", [SVRG, SAGA])
def test_ends_in_words(kind):
    _, _, state = descend(kind(learning_rate=3.0), LEAST_SQUARES, 5000)
    assert state.ended.startswith("it diverged: the objective was") and "or 'auto'" in state.ended
    broken = Problem(lambda w, X, y: math.nan, Box(dim=5), gradient=squares_slope, minibatches=BATCHES)
    assert descend(kind(), broken, 100)[2].ended.startswith("the objective failed at the starting point")
    seen = []

    def only_at_the_start(w, X, y):
        seen.append(w)
        return squares(w, X, y) if not w.any() else math.nan

    fragile = Problem(only_at_the_start, Box(dim=5), gradient=squares_slope, minibatches=BATCHES)
    assert "31 points in a row" in descend(kind(learning_rate=0.1), fragile, 500)[2].ended


@pytest.mark.parametrize("kind", [SVRG, SAGA])
def test_refuses_in_words(kind):
    for batches in (Minibatches(X, Y, size=4, replacement=True), Minibatches.stream(lambda epoch: [(X, Y)])):
        problem = Problem(squares, Box(dim=5), gradient=squares_slope, minibatches=batches)
        with pytest.raises(IncompatibleProblem, match="needs minibatches that part the rows"):
            kind().init(problem, 0)
    for setting in ({"learning_rate": 0.0}, {"learning_rate": "fast"}, {"tolerance": -1.0}):
        with pytest.raises(InvalidSettings, match=next(iter(setting))):
            kind(**setting)
    with pytest.raises(InvalidSettings, match="epochs"):
        SVRG(epochs=0.0)
