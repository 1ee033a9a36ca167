"""Gradient descent: its steps, its bounds, its end, and its stochastic form."""

import math

import numpy as np
import pytest

import thalweg as tw
from thalweg.errors import IncompatibleProblem, InvalidProblem, InvalidSettings
from thalweg.optimizers import SGD, Adam, GradientDescent, HeavyBall, Nesterov
from thalweg.optimizers.gradient.learning_rates import StochasticArmijo
from thalweg.optimizers.rules import Chain, ClipNorm, ScheduleFreeSGD
from thalweg.problem import Candidates, Minibatches, Need, Problem, evaluate
from thalweg.problem.functions import rosenbrock
from thalweg.space import Box, Float, Int

NEED = Need.VALUE | Need.GRADIENT
SCALE = np.array([1.0, 4.0])


def quadratic(space, center=(1.0, -2.0)):
    """f(x) = ½ Σ s (x − c)²."""
    return Problem(
        lambda x: float(0.5 * (SCALE * (x - center) ** 2).sum()),
        space,
        gradient=lambda x: SCALE * (x - center),
    )


def descend(optimizer, problem, steps, initial=None):
    """Give the points, the last state and the stop reason."""
    state, nothing, points = optimizer.init(problem, 0), Candidates.none(problem.columns), []
    if initial is not None:
        state = optimizer.tell(state, evaluate(problem, Candidates.at(problem.columns, np.array([initial])), NEED))
    while len(points) < steps and not optimizer.stop(state):
        candidates, state = optimizer.ask(state, 1, nothing)
        points.append(candidates.x[0])
        state = optimizer.tell(state, evaluate(problem, candidates, NEED))
    return np.array(points), state, optimizer.stop(state)


@pytest.mark.parametrize("rule", [SGD(), HeavyBall(0.5), Nesterov(0.5), Adam()], ids=str)
def test_takes_the_steps_of_its_rule(rule):
    points, _, _ = descend(GradientDescent(0.1, rule), quadratic(Box(dim=2)), 20)
    x, state = np.zeros(2), rule.init(np.zeros(2))
    for point in points:
        assert np.array_equal(point, x)
        direction, state = rule.update(state, SCALE * (x - [1, -2]), x)
        x = x - 0.1 * direction


def test_contracts_as_theory_says():
    # On a quadratic each error component shrinks by exactly 1 − α s at every step.
    points, _, _ = descend(GradientDescent(0.1), quadratic(Box(dim=2)), 11)
    np.testing.assert_allclose(points[10] - [1, -2], (1 - 0.1 * SCALE) ** 10 * [-1, 2], rtol=1e-12)


@pytest.mark.parametrize(
    ("space", "start"),
    [
        (Box(dim=2), [0, 0]),
        (Box(-1, 5, dim=2), [2, 2]),
        (Box([2, -math.inf], [math.inf, -3]), [2, -3]),
        (Box([-2, -math.inf], [math.inf, 3]), [0, 0]),
    ],
)
def test_begins_in_the_middle_or_at_the_bound_nearest_to_zero(space, start):
    assert descend(GradientDescent(), quadratic(space), 1)[0].tolist() == [start]


def test_begins_at_the_best_point_that_it_is_told_first():
    problem, optimizer = quadratic(Box(dim=2)), GradientDescent(0.1)
    state = optimizer.init(problem, 0)
    early, state = optimizer.ask(state, 1, Candidates.none(problem.columns))
    for rows in ([[9.0, 9.0]], [[5.0, 5.0], [1.5, -2.0]], [[8.0, 8.0]]):
        state = optimizer.tell(state, evaluate(problem, Candidates.at(problem.columns, np.array(rows)), NEED))
    candidates, _ = optimizer.ask(state, 1, early)
    np.testing.assert_allclose(candidates.x, [[1.45, -2.0]])
    after = optimizer.tell(state, evaluate(problem, early, NEED))
    assert np.array_equal(optimizer.ask(after, 1, early)[0].x, candidates.x)
    state = optimizer.tell(state, evaluate(problem, candidates, NEED))
    better = evaluate(problem, Candidates.at(problem.columns, np.array([[1.0, -2.0]])), NEED)
    assert optimizer.tell(state, better) is state


def test_stops_where_the_gradient_vanishes():
    points, state, reason = descend(GradientDescent(0.2, tolerance=1e-4), quadratic(Box(dim=2)), 1000)
    assert reason == "the gradient is within the tolerance 0.0001"
    assert np.abs(SCALE * (points[-1] - [1, -2])).max() <= 1e-4 < np.abs(SCALE * (points[-2] - [1, -2])).max()
    assert len(GradientDescent().ask(state, 1, Candidates.none(state.columns))[0]) == 0


def test_stays_within_bounds_and_stops_at_one():
    points, _, reason = descend(GradientDescent(0.2), quadratic(Box([-1, -1], [0.5, 3])), 1000)
    assert (points >= [-1, -1]).all() and (points <= [0.5, 3]).all()
    assert points[-1].tolist() == [0.5, -1]
    assert "tolerance" in reason


def test_goes_back_half_way_after_a_failed_step():
    problem = Problem(
        lambda x: float(x[0] - np.log(x[0])) if x[0] > 0 else math.nan,
        Box(dim=1),
        gradient=lambda x: 1 - 1 / x,
    )
    points, _, reason = descend(GradientDescent(3.0), problem, 4, initial=[2.0])
    assert points[:4, 0].tolist() == [0.5, 3.5, 3.5 - 3 * (1 - 1 / 3.5), points[3, 0]]
    points, _, reason = descend(GradientDescent(0.5), problem, 500, initial=[0.1])
    assert "tolerance" in reason and math.isclose(points[-1, 0], 1, abs_tol=1e-5)
    points, _, _ = descend(GradientDescent(5.0), problem, 3, initial=[2.0])
    assert points[:2, 0].tolist() == [-0.5, 0.75]


def test_gives_up_in_words_where_everything_fails():
    def broken(x):
        raise RuntimeError("no")

    problem = Problem(broken, Box(dim=2), gradient=lambda x: x)
    points, _, reason = descend(GradientDescent(), problem, 100)
    assert len(points) == 1
    assert reason == "the objective failed at the starting point: see its error, or give another start with initial="


def test_gives_up_in_words_after_too_many_halvings():
    problem = Problem(lambda x: 1.0 if x[0] == 0 else math.nan, Box(dim=1), gradient=lambda x: np.ones(1))
    points, _, reason = descend(GradientDescent(), problem, 100)
    assert len(points) == 32
    assert reason.startswith("the objective failed at 31 points in a row, each half as far")


@pytest.mark.parametrize("rule", [SGD(), HeavyBall()], ids=str)
def test_notices_that_it_diverges(rule):
    points, _, reason = descend(GradientDescent(1.2, rule), quadratic(Box(dim=2)), 10_000)
    assert len(points) < 200
    assert reason.startswith("it diverged: the objective was 8.5 at the start and is ")
    assert reason.endswith("give a learning_rate below 1.2")


def test_notices_a_step_to_infinity():
    problem = Problem(lambda x: float(x[0]), Box(dim=1), gradient=lambda x: np.full(1, 1e300))
    assert "it diverged" in descend(GradientDescent(1e10), problem, 10)[2]


def test_proposes_one_point_at_a_time():
    problem, optimizer = quadratic(Box(dim=2)), GradientDescent()
    candidates, state = optimizer.ask(optimizer.init(problem, 0), 8, Candidates.none(problem.columns))
    assert candidates.slot.tolist() == [0]
    assert len(optimizer.ask(state, 8, candidates)[0]) == 0


def test_needs_the_gradient_with_every_value():
    problem, optimizer = quadratic(Box(dim=2)), GradientDescent()
    candidates, state = optimizer.ask(optimizer.init(problem, 0), 1, Candidates.none(problem.columns))
    with pytest.raises(InvalidProblem, match="without its gradient"):
        optimizer.tell(state, evaluate(problem, candidates, Need.VALUE))


def test_solves_rosenbrock_with_adam():
    f = rosenbrock(dim=2)
    result = tw.minimize(
        f, f.space, gradient=f.gradient, optimizer=GradientDescent(0.3, Adam()), evaluations=3000, seed=0
    )
    assert result.best.value < 1e-8


def test_is_stochastic_gradient_descent_on_minibatches():
    random = np.random.default_rng(1)
    X = random.normal(size=(300, 4))
    y = X @ [1.0, -2.0, 0.5, 3.0] + 0.1 * random.normal(size=300)
    batches = Minibatches(X, y, size=32, seed=4)
    problem = Problem(
        lambda w, X, y: np.mean((X @ w - y) ** 2),
        Box(dim=4),
        gradient=lambda w, X, y: 2 * X.T @ (X @ w - y) / len(y),
        minibatches=batches,
    )
    optimizer = GradientDescent(0.05, tolerance=1e9)
    points, state, reason = descend(optimizer, problem, 400)
    w = np.zeros(4)
    for k, point in enumerate(points):
        np.testing.assert_allclose(point, w, rtol=1e-9, atol=1e-12)
        a, b = batches.at(k)
        w = w - 0.05 * 2 * a.T @ (a @ w - b) / len(b)
    assert reason == "", "a tolerance says nothing about a sampled gradient"
    solution = np.linalg.lstsq(X, y, rcond=None)[0]
    assert np.abs(optimizer.recommend(state) - solution).max() < 0.05


def test_recommends_only_what_is_not_seen():
    problem, optimizer = quadratic(Box(dim=2)), GradientDescent(0.1)
    assert optimizer.recommend(optimizer.init(problem, 0)) is None
    assert optimizer.recommend(descend(optimizer, problem, 5)[1]) is None


def test_recommends_the_average_of_a_rule_that_keeps_one():
    problem, rule = quadratic(Box(dim=2)), ScheduleFreeSGD()
    optimizer = GradientDescent(0.2, rule)
    points, state, _ = descend(optimizer, problem, 200)
    average = optimizer.recommend(state)
    assert not any(np.array_equal(average, x) for x in points)
    z, weight = np.zeros(2), np.zeros(2)
    for x in points:
        z = z - 0.2 * SCALE * (x - [1, -2])
        weight = weight + z
    np.testing.assert_allclose(average, weight / 200, rtol=1e-9)  # with a constant rate the z all weigh the same
    clipped = Chain((ClipNorm(1.0), SGD()))
    optimizer = GradientDescent(0.1, clipped)
    assert optimizer.recommend(descend(optimizer, problem, 3)[1]) is None, "it keeps no average"


def test_a_sampled_point_that_fails_on_one_batch_is_seen_on_another():
    batches = Minibatches(np.array([1.0, 1.0, math.nan, 1.0]), size=1, seed=0)
    problem = Problem(
        lambda x, a: float((a * x @ x).sum()), Box(-1, 3, dim=1), gradient=lambda x, a: 2 * a * x, minibatches=batches
    )
    _, state, reason = descend(GradientDescent(StochasticArmijo()), problem, 300)
    assert reason == "" and abs(state.x[0]) < 1e-6


def test_auto_is_the_default_and_needs_no_scale():
    for scale in (1e-8, 1.0, 1e8):
        problem = Problem(
            lambda x, scale=scale: float(scale * (SCALE * x**2).sum()),
            Box(dim=2),
            gradient=lambda x, scale=scale: scale * 2 * SCALE * x,
        )
        _, state, reason = descend(GradientDescent(tolerance=1e-6 * scale), problem, 40, initial=[1.0, 1.0])
        assert "tolerance" in reason and np.abs(state.x).max() < 1e-6


def test_refuses_problems_without_gradient_and_integers():
    with pytest.raises(IncompatibleProblem, match="needs gradients"):
        GradientDescent().init(Problem(lambda x: 0.0, Box(0, 1, dim=2)), 0)
    with pytest.raises(IncompatibleProblem):
        GradientDescent().init(Problem(lambda p: 0.0, {"n": Int(0, 3), "x": Float(0, 1)}), 0)


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"learning_rate": math.inf}, "positive"),
        ({"tolerance": -1.0}, "0"),
    ],
)
def test_refuses_settings_out_of_range(setting, text):
    with pytest.raises(InvalidSettings, match=text):
        GradientDescent(**setting)
