"""Learning rates: each against a plain loop written from its paper, on all data; their bounds, failures and refusals."""

import math

import numpy as np
import pytest

from thalweg.errors import InvalidSettings
from thalweg.optimizers.gradient import GradientDescent
from thalweg.optimizers.gradient.learning_rates import (
    Armijo,
    BarzilaiBorwein,
    Fixed,
    MalitskyMishchenko,
    StochasticArmijo,
    StochasticPolyak,
    StrongWolfe,
    automatic,
)
from thalweg.optimizers.gradient.line_search import WolfeSearch
from thalweg.optimizers.rules import SGD, Adam, HeavyBall, Nesterov
from thalweg.optimizers.rules.schedules import Cosine
from thalweg.problem import Candidates, Minibatches, Need, Problem, evaluate
from thalweg.problem.functions import rosenbrock
from thalweg.space import Box

NEED = Need.VALUE | Need.GRADIENT
SEARCHES = [Armijo(), StrongWolfe(), BarzilaiBorwein(), MalitskyMishchenko()]
ADAPTIVE = [*SEARCHES, StochasticArmijo(), StochasticPolyak()]

random = np.random.default_rng(5)
X = random.normal(size=(80, 6)) * [1, 1, 1, 2, 2, 5]
Y = np.where(X @ random.normal(size=6) + random.normal(size=80) > 0, 1.0, -1.0)


def loss(w, X=X, y=Y):
    return float(np.logaddexp(0, -y * (X @ w)).mean() + 0.005 * w @ w)


def slope(w, X=X, y=Y):
    return -X.T @ (y / (1 + np.exp(y * (X @ w)))) / len(y) + 0.01 * w


LOGISTIC = Problem(loss, Box(dim=6), gradient=slope)
BOUNDED = Problem(loss, Box(-0.2, 0.2, dim=6), gradient=slope)
ROSENBROCK = Problem(rosenbrock(2), rosenbrock(2).space, gradient=rosenbrock(2).gradient)


def descend(optimizer, problem, evaluations, start=None):
    """Give the points (n, d), the batches (n,) and the last state."""
    state, nothing = optimizer.init(problem, 0), Candidates.none(problem.columns)
    if start is not None:
        state = optimizer.tell(state, evaluate(problem, Candidates.at(problem.columns, np.array([start])), NEED))
    points, batches = [], []
    while len(points) < evaluations and not optimizer.stop(state):
        candidates, state = optimizer.ask(state, 1, nothing)
        points.append(candidates.x[0])
        batches.append(candidates.minibatch[0])
        state = optimizer.tell(state, evaluate(problem, candidates, NEED))
    return np.array(points), batches, state


def armijo(f, g, x, low, high, n, c=0.1, beta=0.5):
    points, alpha = [x], 1 / np.linalg.norm(g(x))
    while len(points) < n:
        fx, gx, searched = f(x), g(x), False
        while True:
            end = np.clip(x - alpha * gx, low, high)
            points.append(end)
            if f(end) <= fx + c * gx @ (end - x):
                break
            alpha, searched = alpha * beta, True
        x, alpha = end, alpha if searched else alpha / beta
    return points[:n]


def barzilai_borwein(f, g, x, low, high, n, memory=10, gamma=1e-4):
    points, values, alpha = [x], [f(x)], 1 / np.linalg.norm(g(x))
    while len(points) < n:
        last, a = max(values[-memory:]), alpha
        while True:
            end = np.clip(x - a * g(x), low, high)
            points.append(end)
            if f(end) <= last + gamma * g(x) @ (end - x):
                break
            a /= 2
        s, y = end - x, g(end) - g(x)
        alpha = s @ s / (s @ y) if s @ y > 0 else 10 * a
        x = end
        values.append(f(x))
    return points[:n]


def malitsky_mishchenko(f, g, x, low, high, n):
    points, alpha, theta = [x], 1e-4 * max(1, np.linalg.norm(x)) / np.linalg.norm(g(x)), None
    while len(points) < n:
        end = np.clip(x - alpha * g(x), low, high)
        points.append(end)
        L = np.linalg.norm(g(end) - g(x)) / np.linalg.norm(end - x)
        if theta is None:
            new, theta = 1 / L, 1 / 3
        else:
            part = 2 * alpha**2 * L**2 - 1
            new = min(math.sqrt(2 / 3 + theta) * alpha, alpha / math.sqrt(part) if part > 0 else math.inf)
            theta = new / alpha
        x, alpha = end, new
    return points[:n]


@pytest.mark.parametrize("problem", [LOGISTIC, BOUNDED, ROSENBROCK], ids=["free", "bounded", "rosenbrock"])
@pytest.mark.parametrize(
    ("rate", "by_hand"),
    [(Armijo(), armijo), (BarzilaiBorwein(), barzilai_borwein), (MalitskyMishchenko(), malitsky_mishchenko)],
    ids=["armijo", "barzilai-borwein", "malitsky-mishchenko"],
)
def test_takes_the_steps_of_its_paper(rate, by_hand, problem):
    columns = problem.columns
    points, _, _ = descend(GradientDescent(rate, tolerance=1e-4), problem, 30)
    expected = by_hand(problem.objective, problem.gradient, columns.neutral, columns.low, columns.high, len(points))
    np.testing.assert_allclose(points, expected, rtol=1e-7, atol=1e-9)
    assert len(points) >= 8


def strong_wolfe(f, g, x, low, high, n, search):
    points, promise = [x], None
    while len(points) < n:
        gx, start = g(x), x
        along = gx * ((x > low) | (gx < 0)) * ((x < high) | (gx > 0))
        first = 1 / np.linalg.norm(gx) if promise is None else promise / (gx @ gx)
        state = search.begin(f(x), -gx @ along, first)
        while not state.accepted:
            assert not state.failed
            x = np.clip(start - state.alpha * gx, low, high)
            points.append(x)
            free = (start - state.alpha * gx >= low) & (start - state.alpha * gx <= high)
            state = search.advance(state, f(x), -g(x)[free] @ gx[free])
        promise = state.alpha * (gx @ gx)
    return points[:n]


@pytest.mark.parametrize("problem", [LOGISTIC, BOUNDED], ids=["free", "bounded"])
def test_strong_wolfe_searches_along_the_projected_path(problem):
    search, columns = WolfeSearch(decrease=1e-4, curvature=0.05), problem.columns
    points, _, _ = descend(GradientDescent(StrongWolfe(search), tolerance=1e-4), problem, 25)
    arguments = problem.objective, problem.gradient, columns.neutral, columns.low, columns.high, len(points), search
    np.testing.assert_allclose(points, strong_wolfe(*arguments), rtol=1e-7, atol=1e-9)
    assert len(points) >= 8


def test_every_step_fulfils_the_strong_wolfe_conditions():
    search = WolfeSearch(decrease=1e-4, curvature=0.1)
    optimizer, nothing = GradientDescent(StrongWolfe(search)), Candidates.none(LOGISTIC.columns)
    state, steps = optimizer.init(LOGISTIC, 0), 0
    while not optimizer.stop(state) and steps < 25:
        candidates, state = optimizer.ask(state, 1, nothing)
        before, state = state, optimizer.tell(state, evaluate(LOGISTIC, candidates, NEED))
        if not np.array_equal(state.x, before.x):
            steps += 1
            assert np.array_equal(state.x, before.next_x)
            squared = before.gradient @ before.gradient
            assert state.value <= before.value - 1e-4 * before.alpha * squared
            assert abs(state.gradient @ before.gradient) <= 0.1 * squared
    assert steps == 25


@pytest.mark.parametrize("rate", ADAPTIVE, ids=lambda rate: type(rate).__name__)
def test_finds_the_minimum_within_bounds(rate):
    """Of Σ (x − c)² over a box that does not hold c it is the nearest corner or face."""
    center, low, high = np.array([3.0, 0.25, -7.0]), np.array([-1.0, -1, -1]), np.array([1.0, 2, 1])
    problem = Problem(lambda x: float((x - center) @ (x - center)), Box(low, high), gradient=lambda x: 2 * (x - center))
    points, _, state = descend(GradientDescent(rate), problem, 400)
    assert (points >= low).all() and (points <= high).all()
    np.testing.assert_allclose(state.x, [1, 0.25, -1], atol=1e-6)
    assert "tolerance" in state.ended


@pytest.mark.parametrize("rate", SEARCHES, ids=lambda rate: type(rate).__name__)
def test_solves_a_smooth_problem_and_stops(rate):
    points, _, state = descend(GradientDescent(rate), LOGISTIC, 2000)
    assert state.ended == "the gradient is within the tolerance 1e-06"
    assert np.abs(slope(points[-1])).max() <= 1e-6


@pytest.mark.parametrize("rate", [*ADAPTIVE, Fixed(0.9)], ids=lambda rate: type(rate).__name__)
def test_a_failed_evaluation_is_a_step_too_long(rate):
    """x − ln x is not defined left of 0; every method must come back and find x = 1."""
    problem = Problem(
        lambda x: float(x[0] - np.log(x[0])) if x[0] > 0 else math.nan,
        Box(dim=1),
        gradient=lambda x: 1 - 1 / x,
    )
    _, _, state = descend(GradientDescent(rate), problem, 300, start=[0.4] if isinstance(rate, Fixed) else [3.9])
    if isinstance(rate, StochasticPolyak):  # its least value is wrong here: it goes back and forth
        assert state.ended == "" and abs(state.x[0]) < 20
    else:
        assert math.isclose(state.x[0], 1, abs_tol=1e-5) and "tolerance" in state.ended


HIDDEN = Problem(  # x² + 2e8, which tells x to 1e-4 only, and is not monotone there
    lambda x: float(((x + 1e4) ** 2).sum() - 2e4 * x.sum()), Box(dim=2), gradient=lambda x: 2 * x
)


@pytest.mark.parametrize("rate", [Armijo(), BarzilaiBorwein(), MalitskyMishchenko()], ids=str)
def test_gradients_tell_what_values_lose_in_rounding(rate):
    _, _, state = descend(GradientDescent(rate, tolerance=1e-12), HIDDEN, 200, start=[1.0, 2.0])
    assert "tolerance" in state.ended


def test_ends_in_words_where_no_step_goes_down():
    lying = Problem(lambda x: float(x @ x), Box(dim=2), gradient=lambda x: -2 * x)
    for rate in (Armijo(), BarzilaiBorwein(), StrongWolfe()):
        _, _, state = descend(GradientDescent(rate), lying, 300, start=[1.0, 2.0])
        assert state.ended.startswith("no step along the gradient lowers the objective by enough")


def test_momentum_that_leads_up_is_forgotten():
    """With a search every step goes down, also with momentum; without the restart it would not."""
    _, _, state = descend(GradientDescent(Armijo(), HeavyBall(0.95)), LOGISTIC, 400)
    assert "tolerance" in state.ended
    optimizer, nothing, values = GradientDescent(Armijo(), Nesterov()), Candidates.none(LOGISTIC.columns), []
    state = optimizer.init(LOGISTIC, 0)
    while not optimizer.stop(state):
        candidates, state = optimizer.ask(state, 1, nothing)
        state = optimizer.tell(state, evaluate(LOGISTIC, candidates, NEED))
        values.append(state.value)
    assert (np.diff(values) <= 1e-15).all()


def test_a_schedule_is_followed_step_by_step():
    schedule = Cosine(0.5, steps=20)
    points, _, _ = descend(GradientDescent(schedule), LOGISTIC, 15)
    for k in range(14):
        np.testing.assert_allclose(points[k + 1], points[k] - schedule.at(k) * slope(points[k]), rtol=1e-12)


BATCHES = Minibatches(X, Y, size=16, seed=3)
SAMPLED = Problem(loss, Box(dim=6), gradient=slope, minibatches=BATCHES)


def test_stochastic_armijo_sees_both_ends_of_a_step_on_one_batch():
    points, batches, state = descend(GradientDescent(StochasticArmijo()), SAMPLED, 60)
    x, alpha, k, expected, numbers = np.zeros(6), None, 0, [], []
    while len(expected) < 60:
        a, b = BATCHES.at(k)
        g = slope(x, a, b)
        expected.append(x)
        alpha = max(1, 1 / np.linalg.norm(g)) if alpha is None else 2 ** (1 / 5) * alpha
        while True:
            end = x - alpha * g
            expected.append(end)
            numbers += [k] * (2 if len(numbers) == len(expected) - 2 else 1)
            if loss(end, a, b) <= loss(x, a, b) - 0.1 * alpha * g @ g:
                break
            alpha *= 0.9
        x, k = end, k + 1
    np.testing.assert_allclose(points, expected[:60], rtol=1e-9, atol=1e-12)
    assert batches == numbers[:60]
    assert GradientDescent(StochasticArmijo()).recommend(state) is not None


def test_stochastic_polyak_steps_by_value_and_gradient_of_the_batch():
    points, batches, _ = descend(GradientDescent(StochasticPolyak(least=0.01)), SAMPLED, 40)
    x, last = np.zeros(6), math.inf
    for k, point in enumerate(points):
        np.testing.assert_allclose(point, x, rtol=1e-9, atol=1e-12)
        a, b = BATCHES.at(k)
        g = slope(x, a, b)
        last = min((loss(x, a, b) - 0.01) / (0.5 * g @ g), 2 ** (1 / 5) * last)
        x = x - last * g
    assert batches == list(range(40))


@pytest.mark.parametrize("rate", [StochasticArmijo(), StochasticPolyak()], ids=lambda rate: type(rate).__name__)
def test_stochastic_rates_converge_linearly_where_one_point_fits_all(rate):
    solution = np.arange(6) - 2.0
    problem = Problem(
        lambda w, X, y: np.mean((X @ w - y) ** 2),
        Box(dim=6),
        gradient=lambda w, X, y: 2 * X.T @ (X @ w - y) / len(y),
        minibatches=Minibatches(X, X @ solution, size=16),
    )
    _, _, state = descend(GradientDescent(rate), problem, 1500)
    np.testing.assert_allclose(state.x, solution, atol=1e-6)


def test_polyak_says_when_the_least_value_is_wrong():
    problem = Problem(lambda x: float(x[0]), Box(dim=1), gradient=lambda x: np.ones(1))
    with pytest.raises(ValueError, match="was told the value -1 and takes 0 for the least there is; give least="):
        descend(GradientDescent(StochasticPolyak()), problem, 10, start=[-1.0])


def test_auto_chooses_by_problem_and_rule():
    assert automatic(LOGISTIC, SGD()) == BarzilaiBorwein()
    assert automatic(LOGISTIC, Nesterov()) == Armijo()
    assert automatic(SAMPLED, SGD()) == automatic(SAMPLED, HeavyBall()) == Fixed(0.1)
    assert automatic(LOGISTIC, Adam()) == Fixed(0.01)
    assert automatic(Problem(loss, Box([-3, 0], [3, 2]), gradient=slope), Adam()) == Fixed(0.02)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: GradientDescent(BarzilaiBorwein(), Adam()), r"cannot judge the directions of rule=Adam\("),
        (lambda: GradientDescent(StrongWolfe(), HeavyBall()), "it serves the rule SGD. Give another rule"),
        (lambda: GradientDescent(Armijo(), Adam()), "it serves the rule SGD, HeavyBall, Nesterov"),
        (lambda: GradientDescent(StrongWolfe()).init(SAMPLED, 0), "compares values, and with minibatches each is of"),
        (lambda: GradientDescent(BarzilaiBorwein()).init(SAMPLED, 0), r"give StochasticArmijo\(\), StochasticPolyak"),
        (lambda: GradientDescent("fast"), "learning_rate='fast', expected 'auto', a positive number, a schedule or"),
        (lambda: GradientDescent(Armijo), "expected 'auto', a positive number"),
        (lambda: Fixed(0.0), "learning_rate=0.0, expected a positive number"),
        (lambda: Armijo(c=1.0), "c=1.0"),
        (lambda: Armijo(beta=0.0), "beta=0.0"),
        (lambda: BarzilaiBorwein(memory=0), "memory=0"),
        (lambda: BarzilaiBorwein(gamma=0.0), "gamma=0.0"),
        (lambda: StochasticArmijo(gamma=0.5), "gamma=0.5, expected at least 1"),
        (lambda: StochasticPolyak(tau=0.5), "tau=0.5, expected at least 1"),
        (lambda: StochasticPolyak(c=0.0), "c=0.0"),
        (lambda: StochasticPolyak(least=math.nan), "least=nan"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(make, text):
    with pytest.raises(InvalidSettings, match=text):
        make()
