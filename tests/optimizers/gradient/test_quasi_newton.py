"""LBFGS, BFGS and NewtonCG: their steps against SciPy's, their minima against solvers, their ends in words."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import lsq_linear, minimize

import thalweg as tw
from thalweg.errors import IncompatibleProblem, InvalidProblem, InvalidSettings
from thalweg.optimizers.gradient import BFGS, LBFGS, NewtonCG, WolfeSearch
from thalweg.problem import Candidates, Minibatches, Need, Problem, evaluate
from thalweg.problem.functions import ellipsoid, levy, rastrigin, rosenbrock, styblinski_tang
from thalweg.space import Box

NEED = Need.VALUE | Need.GRADIENT
ALL = [LBFGS(), BFGS(), NewtonCG()]
each = pytest.mark.parametrize("optimizer", ALL, ids=lambda one: type(one).__name__)


def descend(optimizer, problem, initial=None, most=2000):
    """Give the points that were asked for, and the last state."""
    state, nothing, points = optimizer.init(problem, 0), Candidates.none(problem.columns), []
    if initial is not None:
        state = optimizer.tell(state, evaluate(problem, Candidates.at(problem.columns, np.array([initial])), NEED))
    while len(points) < most and not optimizer.stop(state):
        candidates, state = optimizer.ask(state, 1, nothing)
        points.append(candidates.x[0])
        state = optimizer.tell(state, evaluate(problem, candidates, NEED))
    return np.array(points), state


@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize("make", [rosenbrock, rastrigin, levy, styblinski_tang])
def test_lbfgs_takes_the_same_steps_as_scipy(make, bounded):
    f = make(dim=6)
    low, high = f.space.columns.low, f.space.columns.high
    problem = Problem(f, f.space if bounded else Box(dim=6), gradient=f.gradient)
    for seed in range(5):
        start, expected = np.random.default_rng(seed).uniform(low, high), []
        minimize(
            lambda x, seen=expected: seen.append(x.copy()) or (float(f(x)), f.gradient(x)),
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(low, high, strict=True)) if bounded else None,
        )
        points, _ = descend(LBFGS(search=WolfeSearch()), problem, start)
        shared = min(len(points), len(expected) - 1, 20)
        np.testing.assert_allclose(points[:shared], expected[1 : shared + 1], rtol=1e-5, atol=1e-6)


@each
def test_finds_the_minimum_of_least_squares_within_bounds(optimizer):
    for seed in range(6):
        random = np.random.default_rng(seed)
        A, b = random.normal(size=(20, 8)), 5 * random.normal(size=20)
        low, high = -random.exponential(0.5, 8), random.exponential(0.5, 8)
        problem = Problem(
            lambda x, A=A, b=b: float(((A @ x - b) ** 2).sum()),
            Box(low, high),
            gradient=lambda x, A=A, b=b: 2 * A.T @ (A @ x - b),
        )
        expected = lsq_linear(A, b, (low, high), tol=1e-14).x
        points, state = descend(optimizer, problem)
        assert state.ended, "it did not end"
        np.testing.assert_allclose(state.x, expected, atol=1e-6)
        assert len(points) < 100


@each
def test_quadratics_end_like_conjugate_gradients(optimizer):
    """In exact arithmetic d searches of two evaluations each; 10⁶ between the curvatures costs some more."""
    f = ellipsoid(dim=8)
    points, state = descend(optimizer, Problem(f, Box(dim=8), gradient=f.gradient), np.ones(8))
    assert state.ended.startswith("the projected gradient") and len(points) < 150
    points, _ = descend(optimizer, Problem(f, Box(dim=8), gradient=lambda x: 2 * x, vectorized=False), np.ones(8), 50)
    assert len(points) < 50


@each
def test_solves_rosenbrock_from_the_classical_start(optimizer):
    f = rosenbrock(dim=2)
    for space in (f.space, Box(dim=2)):
        points, state = descend(optimizer, Problem(f, space, gradient=f.gradient), [-1.2, 1.0])
        np.testing.assert_allclose(state.x, 1.0, atol=1e-5)
        assert len(points) < 150


def test_bfgs_keeps_the_secant_equation():
    f, optimizer = rosenbrock(dim=4), BFGS()
    problem = Problem(f, f.space, gradient=f.gradient)
    state, nothing, checked = optimizer.init(problem, 0), Candidates.none(problem.columns), 0
    while not state.ended:
        before = state
        candidates, state = optimizer.ask(state, 1, nothing)
        state = optimizer.tell(state, evaluate(problem, candidates, NEED))
        if state.model.pairs == before.model.pairs + 1:
            s, y = state.x - before.x, state.gradient - before.gradient
            np.testing.assert_allclose(state.model.B @ s, y, rtol=1e-6, atol=1e-8 * np.abs(y).max())
            assert (np.linalg.eigvalsh(state.model.B) > 0).all()
            checked += 1
    assert checked > 10


def test_newton_cg_leaves_a_saddle():
    """Of f = x⁴ − x² + y² near its saddle at 0, where the curvature along x is negative."""
    problem = Problem(
        lambda x: float(x[0] ** 4 - x[0] ** 2 + x[1] ** 2),
        Box(dim=2),
        gradient=lambda x: [4 * x[0] ** 3 - 2 * x[0], 2 * x[1]],
    )
    _, state = descend(NewtonCG(), problem, [1e-3, 1.0])
    np.testing.assert_allclose(np.abs(state.x), [math.sqrt(0.5), 0.0], atol=1e-6)


@each
def test_corners_are_met_exactly(optimizer):
    problem = Problem(lambda x: float(x @ [1.0, -2.0, 0.1]), Box(-0.1, 0.3, dim=3), gradient=lambda x: [1.0, -2.0, 0.1])
    _, state = descend(optimizer, problem)
    assert state.x.tolist() == [-0.1, 0.3, -0.1]
    assert state.ended == "the projected gradient is within the tolerance 1e-06"


@each
def test_a_failed_evaluation_is_a_step_too_long(optimizer):
    problem = Problem(
        lambda x: float(x[0] - math.log(x[0])) if x[0] > 0 else math.nan, Box(dim=1), gradient=lambda x: 1 - 1 / x
    )
    for start in (20.0, 1e-3):
        points, state = descend(optimizer, problem, [start])
        assert abs(state.x[0] - 1) < 1e-5 and len(points) < 60


@each
def test_gives_up_in_words_where_the_start_fails(optimizer):
    points, state = descend(optimizer, Problem(lambda x: math.nan, Box(dim=2), gradient=lambda x: x))
    assert len(points) == 1
    assert (
        state.ended == "the objective failed at the starting point: see its error, or give another start with initial="
    )


@each
def test_says_that_the_decrease_is_lost_in_rounding(optimizer):
    f = ellipsoid(dim=4)
    problem = Problem(lambda x: 1e6 + float(f(x)), Box(dim=4), gradient=f.gradient)
    points, state = descend(replace(optimizer, tolerance=0.0), problem, np.ones(4))
    assert "lost in rounding; the projected gradient is " in state.ended
    assert np.abs(state.x).max() < 1e-3 and len(points) < 300


@each
def test_a_gradient_of_the_wrong_sign_ends_in_words(optimizer):
    problem = Problem(lambda x: float(x @ x), Box(dim=2), gradient=lambda x: -2 * x)
    points, state = descend(optimizer, problem, [1.0, 2.0])
    assert "the projected gradient is 4" in state.ended and len(points) < 100


@each
def test_bears_huge_and_tiny_numbers(optimizer):
    for scale in (1e150, 1e-150):
        problem = Problem(
            lambda x, c=scale: float(c * (x @ x)), Box(-1, 2, dim=3), gradient=lambda x, c=scale: 2 * c * x
        )
        _, state = descend(optimizer, problem, [0.5, 1.0, 1.5])
        assert state.ended and ((state.x >= -1) & (state.x <= 2)).all()
        problem = replace_space(problem, Box(dim=3))
        assert descend(optimizer, problem, [0.5, 1.0, 1.5])[1].ended


def replace_space(problem, space):
    return Problem(problem.objective, space, gradient=problem.gradient)


@each
def test_begins_at_the_best_point_that_it_is_told_first(optimizer):
    f = styblinski_tang(dim=2)
    problem = Problem(f, f.space, gradient=f.gradient)
    state = optimizer.init(problem, 0)
    early, state = optimizer.ask(state, 1, Candidates.none(problem.columns))
    assert early.x.tolist() == [[0.0, 0.0]]
    for rows in ([[4.0, 4.0]], [[5.0, 5.0], [2.0, -2.0]], [[3.0, 3.0]]):
        state = optimizer.tell(state, evaluate(problem, Candidates.at(problem.columns, np.array(rows)), NEED))
    assert state.x.tolist() == [2.0, -2.0]
    assert optimizer.tell(state, evaluate(problem, early, NEED)) is state, "nobody waits for the first start any more"


@each
def test_refuses_samples_and_missing_gradients(optimizer):
    data = np.arange(6.0)
    sampled = Problem(
        lambda w, y: float(((y - w) ** 2).sum()),
        Box(dim=1),
        gradient=lambda w, y: w,
        minibatches=Minibatches(data, size=2),
    )
    with pytest.raises(IncompatibleProblem, match="minibatches give samples"):
        optimizer.init(sampled, 0)
    problem = Problem(lambda x: float(x @ x), Box(dim=2), gradient=lambda x: 2 * x)
    candidates, state = optimizer.ask(optimizer.init(problem, 0), 1, Candidates.none(problem.columns))
    with pytest.raises(InvalidProblem, match="without its gradient"):
        optimizer.tell(state, evaluate(problem, candidates, Need.VALUE))


@each
def test_needs_no_budget(optimizer):
    f = rosenbrock(dim=2)
    result = tw.minimize(f, f.space, gradient=f.gradient, optimizer=optimizer, seed=0)
    assert result.best.value < 1e-9
    with pytest.raises(InvalidSettings, match=f"{type(optimizer).__name__}: tolerance=-1"):
        type(optimizer)(tolerance=-1.0)


def test_refuses_a_memory_of_nothing():
    with pytest.raises(InvalidSettings, match="memory=0"):
        LBFGS(memory=0)
