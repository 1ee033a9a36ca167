"""The race of optimizers: its rounds, its ranks, its winner; and the automatic learning rate that is made of it."""

import math

import numpy as np
import pytest

import thalweg as tw
from thalweg.errors import InvalidSettings
from thalweg.optimizers.gradient import Averaged, GradientDescent, Race
from thalweg.optimizers.gradient.race import _plan, _promise
from thalweg.optimizers.rules import Adam, AdamW, ScheduleFreeAdamW
from thalweg.problem import Candidates, Minibatches, Need, Problem, evaluate
from thalweg.serial import from_bytes, to_bytes
from thalweg.space import Box
from thalweg.testing.optimizers import OptimizerLaws

NEED = Need.VALUE | Need.GRADIENT
RATES = (0.001, 0.03, 0.3, 1e200)
RUNNERS = tuple(GradientDescent(rate, Adam()) for rate in RATES)
SOLUTION = np.array([1.0, -2.0, 0.5])


class TestRace(OptimizerLaws):
    optimizer = Race(RUNNERS, evaluations=60)


class TestRaceOfAverages(OptimizerLaws):
    optimizer = Race(tuple(Averaged(runner) for runner in RUNNERS[:3]), evaluations=30)


def least_squares(noise=0.0, size=16, rows=320, sign=1.0, shift=0.0):
    random = np.random.default_rng(3)
    X = random.normal(size=(rows, 3))
    y = X @ SOLUTION + noise * random.normal(size=rows)
    return Problem(
        lambda w, X, y: sign * np.mean((X @ w - y) ** 2) + shift,
        Box(dim=3),
        goal="minimize" if sign > 0 else "maximize",
        gradient=lambda w, X, y: sign * 2 * X.T @ (X @ w - y) / len(y),
        minibatches=Minibatches(X, y, size=size),
    )


def follow(optimizer, problem, evaluations, n=1, initial=None):
    """Give everything that was asked for, and the last state."""
    state, nothing, asked = optimizer.init(problem, 0), Candidates.none(problem.columns), []
    if initial is not None:
        state = optimizer.tell(state, evaluate(problem, Candidates.at(problem.columns, np.array([initial])), NEED))
    while sum(map(len, asked)) < evaluations:
        candidates, state = optimizer.ask(state, n, nothing)
        asked.append(candidates)
        state = optimizer.tell(state, evaluate(problem, candidates, NEED))
    return Candidates.join(*asked), state


def winner(state):
    (left,) = [i for i, inner in enumerate(state.states) if inner is not None]
    return left


def test_rounds_share_the_evaluations():
    # 11, 8, 6, 4, 3, 2 runners; the worst third goes, and a round is never shorter than four steps.
    assert _plan(11, 660) == tuple(np.cumsum([10, 13, 18, 27, 36, 55]))
    assert _plan(2, 100) == (50,)
    assert _plan(11, 1) == (4, 8, 12, 16, 20, 24)


def test_all_runners_see_the_same_minibatches_in_turn():
    asked, _ = follow(Race(RUNNERS[:3], evaluations=60), least_squares(), 27)
    assert asked.slot.tolist() == list(range(27))
    assert asked.minibatch.tolist() == [k // 3 for k in range(27)]


@pytest.mark.parametrize("initial", [None, [3.0, 3.0, 3.0]])
def test_the_winner_goes_on_as_if_it_were_alone(initial):
    problem = least_squares(noise=0.5)
    race = Race(RUNNERS[:3], evaluations=90)
    asked, state = follow(race, problem, 200, initial=initial)
    left = winner(state)
    own = asked.x[asked.slot % 3 == left]
    alone, alone_state = follow(RUNNERS[left], problem, len(own), initial=initial)
    assert np.array_equal(own, alone.x)
    assert np.array_equal(race.recommend(state), RUNNERS[left].recommend(alone_state))


@pytest.mark.parametrize("n", [1, 2, 7])
def test_takes_the_best_rate(n):
    race = Race(tuple(GradientDescent(rate) for rate in (1e-4, 1e-3, 0.1, 0.9, 100.0)), evaluations=150)
    _, state = follow(race, least_squares(noise=0.1), 300, n=n)
    assert winner(state) == 2
    np.testing.assert_allclose(race.recommend(state), SOLUTION, atol=0.1)


@pytest.mark.parametrize(("sign", "shift"), [(1.0, -1e6), (-1.0, 0.0), (1.0, 10.0)])
def test_takes_the_best_rate_of_any_objective(sign, shift):
    race = Race(tuple(GradientDescent(rate) for rate in (1e-4, 1e-3, 0.1, 0.9)), evaluations=150)
    assert winner(follow(race, least_squares(0.1, sign=sign, shift=shift), 300)[1]) == 2


def test_what_still_falls_is_before_what_fell_and_got_stuck():
    stuck = np.concatenate([[100.0, 20.0], np.full(18, 1.4)])
    falling = np.geomspace(10, 1.5, 20)
    assert falling[10:].mean() > stuck[10:].mean()
    assert _promise(falling) < _promise(stuck)


def test_failures_and_nothing_have_no_promise():
    assert _promise(np.array([1.0, 0.5, np.inf, 0.1])) == math.inf
    assert _promise(np.full(5, np.nan)) == math.inf
    assert _promise(np.array([0.5, np.nan])) == 0.5
    assert _promise(np.full(4, 1.7e308)) == math.inf


def test_recommends_the_leader_before_the_race_is_over():
    race = Race(tuple(GradientDescent(rate) for rate in (1e-6, 0.1)), evaluations=1000)
    problem = least_squares()
    assert race.recommend(race.init(problem, 0)) is None
    _, state = follow(race, problem, 60)
    np.testing.assert_allclose(race.recommend(state), SOLUTION, atol=0.1)


def test_a_race_of_hopeless_runners_ends_in_words():
    problem = Problem(
        lambda x, _: math.nan,
        Box(dim=1),
        gradient=lambda x, _: np.ones(1),
        minibatches=Minibatches(np.zeros(4), size=1),
    )
    result = tw.minimize(problem, optimizer=Race(RUNNERS, evaluations=100), evaluations=500, seed=0)
    assert "the objective failed at the starting point" in result.stop_reason


@pytest.mark.parametrize(("epochs", "least", "most"), [(None, 135, 150), (400, 360, 400)])
def test_length_of_a_race(epochs, least, most):
    ends = Race(RUNNERS[:3], epochs).init(least_squares(), 0).ends
    runners, spent, before = 3, 0, 0
    for end in ends:
        spent, before, runners = spent + runners * (end - before), end, runners - 1
    assert least <= spent <= most


def test_automatic_rate_runs_a_race_where_minibatches_meet_a_rule_that_nothing_can_judge():
    problem, auto = least_squares(noise=0.1), GradientDescent(rule=AdamW())
    state = auto.init(problem, 0)
    rates = [runner.optimizer.learning_rate for runner in state.optimizers]
    np.testing.assert_allclose(rates, np.logspace(-5, 0, 11))
    assert all(isinstance(runner, Averaged) for runner in state.optimizers)
    alone = GradientDescent(rule=ScheduleFreeAdamW()).init(problem, 0)
    assert not any(isinstance(runner, Averaged) for runner in alone.optimizers), "it has an average of its own"


def test_automatic_rate_continues_from_storage_bit_for_bit():
    problem, auto = least_squares(noise=0.1), GradientDescent(rule=Adam())
    nothing = Candidates.none(problem.columns)
    straight = stored = auto.init(problem, 0)
    for _ in range(200):
        candidates, straight = auto.ask(straight, 1, nothing)
        told = evaluate(problem, candidates, NEED)
        straight = auto.tell(straight, told)
        stored = auto.tell(from_bytes(to_bytes(auto.ask(stored, 1, nothing)[1])), told)
    assert to_bytes(straight) == to_bytes(stored)
    assert auto.stop(straight) == ""


def test_automatic_rate_solves_least_squares_of_any_scale():
    for scale in (0.01, 1.0, 10.0):
        problem = least_squares(noise=0.1)
        scaled = replace_solution(problem, scale)
        result = tw.minimize(scaled, optimizer=GradientDescent(rule=Adam()), evaluations=1000, seed=0)
        assert np.abs(result.recommended / scale - SOLUTION).max() < 0.1, scale


def replace_solution(problem, scale):
    """The same problem in the variable scale · w."""
    return Problem(
        lambda w, X, y: problem.objective(w / scale, X, y),
        Box(dim=3),
        gradient=lambda w, X, y: problem.gradient(w / scale, X, y) / scale,
        minibatches=problem.minibatches,
    )


def test_a_rule_that_remembers_its_start_begins_where_the_descent_does():
    problem, rule = least_squares(), ScheduleFreeAdamW()
    asked, _ = follow(GradientDescent(0.1, rule), problem, 5, initial=[3.0, 3.0, 3.0])
    x = np.full(3, 3.0)
    state = rule.init(x)
    for point, batch in zip(asked.x, (0, 1, 2, 3, 4), strict=True):
        direction, state = rule.update(state, problem.gradient(x, *problem.minibatches.at(batch)), x, 0.1)
        x = x - 0.1 * direction
        np.testing.assert_allclose(point, x, rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"optimizers": RUNNERS[:1]}, "at least 2"),
        ({"optimizers": (0.1, 0.2)}, "tuple of at least 2 optimizers"),
        ({"optimizers": RUNNERS, "evaluations": 0}, "evaluations=0"),
    ],
)
def test_refuses_settings_out_of_range(settings, text):
    with pytest.raises(InvalidSettings, match=text):
        Race(**settings)
