"""The simplex method, step for step against SciPy's, its laws and its ends."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

import thalweg as tw
from thalweg.errors import IncompatibleProblem, InvalidSettings
from thalweg.optimizers.baseline.nelder_mead import NelderMead
from thalweg.problem import Candidates, Problem, evaluate
from thalweg.problem.functions import ackley, ellipsoid, rosenbrock
from thalweg.space import Box, Float, Int
from thalweg.testing.optimizers import OptimizerLaws


class TestNelderMead(OptimizerLaws):
    optimizer = NelderMead()


def run(problem, state, optimizer, evaluations, batch=1):
    """Give the points and the last state."""
    points, nothing = [], Candidates.none(problem.columns)
    while len(points) < evaluations and not optimizer.stop(state):
        candidates, state = optimizer.ask(state, batch, nothing)
        points.extend(candidates.x)
        state = optimizer.tell(state, evaluate(problem, candidates))
    return np.array(points), state


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize(
    ("make", "dim"),
    [(rosenbrock, 2), (rosenbrock, 5), (ellipsoid, 4), (ackley, 3)],
    ids=lambda v: getattr(v, "__name__", v),
)
def test_takes_the_same_steps_as_scipy(make, dim, bounded):
    f = make(dim=dim)
    low, high = (np.full(dim, -0.5), np.full(dim, 2.0)) if bounded else (np.full(dim, -np.inf), np.full(dim, np.inf))
    simplex = np.clip(np.random.default_rng(dim).normal(size=(dim + 1, dim)), low, high)
    expected = []
    minimize(
        lambda x: expected.append(x.copy()) or float(f(x)),
        simplex[0],
        method="Nelder-Mead",
        bounds=list(zip(low, high, strict=True)),
        options={"adaptive": True, "initial_simplex": simplex, "maxfev": 150, "xatol": 0.0, "fatol": 0.0},
    )
    problem, optimizer = Problem(f, Box(low, high)), NelderMead()
    corners = (simplex - low) / (high - low) if bounded else simplex
    points, _ = run(problem, replace(optimizer.init(problem, 0), corners=corners), optimizer, 150)
    np.testing.assert_allclose(points[:75], expected[:75], rtol=1e-7, atol=1e-9)


def test_first_simplex_goes_inwards_at_a_bound():
    problem, optimizer = Problem(lambda p: 0.0, {"a": Float(0, 2), "b": Float(1, 100, log=True)}), NelderMead()
    start = evaluate(problem, Candidates.at(problem.columns, np.array([[2.0, 1.0]])))
    state = optimizer.tell(optimizer.init(problem, 0), start)
    candidates, _ = optimizer.ask(state, 5, Candidates.none(problem.columns))
    np.testing.assert_allclose(candidates.x, [[1.8, 1.0], [2.0, 100**0.1]])


def test_begins_at_the_best_point_that_it_is_told_first():
    problem, optimizer = Problem(lambda x: float(x @ x), Box(dim=2)), NelderMead(size=0.5)
    early, state = optimizer.ask(optimizer.init(problem, 0), 1, Candidates.none(problem.columns))
    for rows in ([[9.0, 9.0]], [[5.0, 5.0], [4.0, -0.5]], [[8.0, 8.0]]):
        state = optimizer.tell(state, evaluate(problem, Candidates.at(problem.columns, np.array(rows))))
    assert optimizer.tell(state, evaluate(problem, early)) is state, "that corner belongs to no simplex any more"
    candidates, state = optimizer.ask(state, 5, Candidates.none(problem.columns))
    assert candidates.x.tolist() == [[6.0, -0.5], [4.0, 0.0]]
    state = optimizer.tell(state, evaluate(problem, candidates))
    better = evaluate(problem, Candidates.at(problem.columns, np.array([[0.0, 0.0]])))
    assert optimizer.tell(state, better) is state


def test_the_corners_in_parallel_give_the_same_run():
    f = rosenbrock(dim=3)
    problem, optimizer = Problem(f, f.space), NelderMead()
    one, many = (run(problem, optimizer.init(problem, 0), optimizer, 200, batch)[0] for batch in (1, 8))
    assert np.array_equal(one[:200], many[:200])


@pytest.mark.parametrize("dim", [1, 2, 4])
def test_ends_at_the_minimum(dim):
    result = tw.minimize(
        lambda x: float(((x - 1.25) ** 2 * np.arange(1, dim + 1)).sum()),
        Box(-5, 5, dim=dim),
        optimizer=NelderMead(),
        seed=0,
    )
    assert result.stop_reason == "the simplex has shrunk to the tolerance 1e-08"
    np.testing.assert_allclose(result.best.params, 1.25, atol=1e-6)


def test_a_failed_corner_is_the_worst_one():
    problem = Problem(lambda x: math.nan if x[0] > 0.5 else float(((x - 0.4) ** 2).sum()), Box(-1, 1, dim=2))
    _, state = run(problem, NelderMead().init(problem, 0), NelderMead(), 1000)
    assert "tolerance" in state.ended
    assert state.value[0] < 1e-12


def test_gives_up_in_words_where_everything_fails():
    problem = Problem(lambda x: math.nan, Box(-1, 1, dim=2))
    points, state = run(problem, NelderMead().init(problem, 0), NelderMead(), 1000)
    assert len(points) == 3
    assert state.ended == "the objective failed at every corner: see the error of one of them"


def test_ends_on_a_plateau():
    problem = Problem(lambda x: 1.0, Box(-1, 1, dim=3))
    assert "tolerance" in run(problem, NelderMead().init(problem, 0), NelderMead(), 10_000)[1].ended


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"size": 0.0}, "size=0.0"),
        ({"size": 0.6}, "0.5"),
        ({"tolerance": 0.0}, "tolerance=0.0"),
        ({"tolerance": 0.2}, "size=0.1"),
    ],
)
def test_refuses_settings_out_of_range(settings, text):
    with pytest.raises(InvalidSettings, match=text):
        NelderMead(**settings)


def test_refuses_integers():
    with pytest.raises(IncompatibleProblem, match="without integers"):
        NelderMead().init(Problem(lambda p: 0.0, {"n": Int(0, 3)}), 0)
