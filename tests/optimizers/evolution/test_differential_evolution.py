"""Differential evolution: its equations by hand, a plain loop beside it, the laws, and what the papers say it solves."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from thalweg.errors import InvalidSettings
from thalweg.optimizers.evolution.differential.success_history import SuccessHistory
from thalweg.optimizers.evolution.differential.variation import binomial_crossover, current_to_pbest, pull_inside
from thalweg.optimizers.evolution.differential_evolution import DifferentialEvolution
from thalweg.problem import Candidates, Problem, evaluate
from thalweg.problem.functions import ackley, rastrigin, rosenbrock, sphere
from thalweg.rng import generator
from thalweg.serial import from_bytes, to_bytes
from thalweg.space import Box, Categorical, Float, Int
from thalweg.testing.optimizers import OptimizerLaws


class TestDifferentialEvolution(OptimizerLaws):
    optimizer = DifferentialEvolution()


class TestAShortPlan(OptimizerLaws):
    optimizer = DifferentialEvolution(evaluations=60, size=5)
    sphere_evaluations = 60


def generations(optimizer, problem, seed=0, most=10_000):
    """Run whole generations until it stops; give the states, the first one included, and the best value."""
    state, nothing, best = optimizer.init(problem, seed), Candidates.none(problem.columns), math.inf
    states = [state]
    while not optimizer.stop(state) and len(states) <= most:
        candidates, state = optimizer.ask(state, 1_000_000, nothing)
        told = evaluate(problem, candidates)
        state, best = optimizer.tell(state, told), min(best, float(np.fmin.reduce(told.value[:, 0])))
        states.append(state)
    return states, best


def solved(function, evaluations, **settings):
    problem = Problem(function, function.space, vectorized=True)
    return generations(DifferentialEvolution(evaluations=evaluations, **settings), problem)[1]


# The learned settings


def test_remembers_the_weighted_lehmer_means_of_what_was_better():
    # By hand: weights 3/4 and 1/4; M_F = (0.75·0.64 + 0.25·0.16) / (0.75·0.8 + 0.25·0.4), M_CR = (0.75·0.01 + 0.25·0.81) /
    # (0.75·0.1 + 0.25·0.9). The second system had one success; a trial that was no better counts nowhere.
    history = SuccessHistory.begin(3)
    system, gain = np.array([0, 0, 0, 1]), np.array([3.0, 1.0, 0.0, 2.0])
    F, CR = np.array([0.8, 0.4, 0.9, 0.3]), np.array([0.1, 0.9, 0.5, 0.7])
    after = history.update(system, F, CR, gain)
    np.testing.assert_allclose(after.F, [[0.52 / 0.7, 0.5, 0.5], [0.3, 0.5, 0.5]])
    np.testing.assert_allclose(after.CR, [[0.21 / 0.3, 0.5, 0.5], [0.7, 0.5, 0.5]])
    assert after.place.tolist() == [1, 1]
    # A gain of 2 a trial in the second system, of 4/3 in the first: the share moves a tenth of the way to 2 / (2 + 4/3).
    assert after.share == pytest.approx(0.9 * 0.5 + 0.1 * 0.6)
    assert (history.F == 0.5).all(), "the memory before is another one"


def test_places_are_set_in_turn():
    history = SuccessHistory.begin(2)
    for value in (0.1, 0.2, 0.3):
        history = history.update(np.zeros(1, dtype=int), np.array([value]), np.array([value]), np.ones(1))
    np.testing.assert_allclose(history.F[0], [0.3, 0.2])
    assert history.place.tolist() == [1, 0]


def test_learns_nothing_where_nothing_was_better():
    history = SuccessHistory.begin(2)
    assert history.update(np.array([0, 1]), np.ones(2), np.ones(2), np.zeros(2)) is history


def test_a_crossover_rate_that_only_zero_served_stays_zero():
    # The terminal value ⊥ of the paper: once CR = 0 alone was successful, the place never comes back.
    history, system = SuccessHistory.begin(1), np.zeros(2, dtype=int)
    history = history.update(system, np.ones(2), np.zeros(2), np.ones(2))
    assert np.isnan(history.CR[0]).all() and not np.isnan(history.CR[1]).any()
    assert (history.draw(np.zeros(100, dtype=int), generator(0))[1] == 0).all()
    assert np.isnan(history.update(system, np.ones(2), np.ones(2), np.ones(2)).CR[0]).all()


def test_draws_the_distributions_of_the_paper():
    # The reference draws again while F ≤ 0, as the paper says; quantiles of both agree.
    history = replace(SuccessHistory.begin(1), F=np.array([[0.1], [0.8]]), CR=np.array([[0.05], [0.6]]))
    n, random = 200_000, generator(5)
    for system in (0, 1):
        F, CR = history.draw(np.full(n, system), generator(3))
        plain = history.F[system, 0] + 0.1 * random.standard_cauchy(3 * n)
        plain = np.minimum(plain[plain > 0][:n], 1)
        shares = np.linspace(0.05, 0.95, 19)
        np.testing.assert_allclose(np.quantile(F, shares), np.quantile(plain, shares), rtol=0.02, atol=0.005)
        normal = np.clip(history.CR[system, 0] + 0.1 * random.standard_normal(n), 0, 1)
        np.testing.assert_allclose(np.quantile(CR, shares), np.quantile(normal, shares), atol=0.005)
        assert F.min() > 0 and F.max() == 1


# The trials


def test_mutants_are_made_of_four_different_individuals():
    # Individuals are unit vectors, so a mutant's coordinates tell who took part.
    u, archive = np.eye(7)[:5], np.eye(7)[5:]
    F, random = np.full(5, 0.25), generator(0)
    second, first = set(), set()
    for _ in range(400):
        v = current_to_pbest(u, archive, F, 2, random)
        for i in range(5):
            parts = (v[i] - u[i]) / 0.25  # e_pbest − e_i + e_r1 − e_r2
            parts[i] += 1
            r2 = int(np.argmin(parts))
            assert parts.sum() == pytest.approx(1)
            assert r2 != i or parts[i] == pytest.approx(0)
            parts[r2] += 1
            assert parts.min() > -1e-9 and parts.max() <= 2 + 1e-9
            assert set(np.flatnonzero(parts > 0.5)) & {0, 1}, "one of the best two takes part"
            second.add((i, r2))
            first |= {(i, j) for j in np.flatnonzero(parts > 0.5).tolist() if j > 1}
    assert second >= {(i, j) for i in range(5) for j in range(7) if i != j and (i > 1 or j > 1)}
    assert not {(i, i) for i in range(2, 5)} & first, "r1 is another one than i"


def test_crossover_takes_coordinates_along_the_axes():
    u, v, random = np.zeros((4000, 2)), np.tile([2.0, 0.0], (4000, 1)), generator(1)
    turned = np.arange(4000) % 2 == 1
    axes = np.array([[1.0, -1.0], [1.0, 1.0]]) / math.sqrt(2)
    trial = binomial_crossover(u, v, np.zeros(4000), turned, axes, random)
    # CR = 0 takes just one coordinate: of the columns that is all of the step or nothing, of the diagonals a half each.
    plain = {tuple(row) for row in trial[~turned].tolist()}
    assert plain == {(0.0, 0.0), (2.0, 0.0)}
    diagonal = {tuple(row) for row in np.round(trial[turned], 12).tolist()}
    assert diagonal == {(1.0, 1.0), (1.0, -1.0)}
    assert np.allclose(binomial_crossover(u, v, np.ones(4000), turned, axes, random), v)


def test_what_leaves_the_cube_stops_half_way_between_wall_and_parent():
    trial = pull_inside(np.array([[-0.3, 0.4, 1.7]]), np.array([[0.2, 0.9, 0.6]]))
    np.testing.assert_allclose(trial, [[0.1, 0.4, 0.8]])


# The generations


def test_selection_by_hand():
    # Four parents at 4, 3, 2, 1; of the trials the first is better, the second equal, the third worse, the fourth failed.
    problem = Problem(lambda x: float(x[0]), Box(0, 10, dim=1))
    optimizer = DifferentialEvolution(evaluations=1000, size=4, archive=2)
    state = generations(optimizer, problem, most=1)[0][-1]
    state = replace(
        state, u=np.array([[0.4], [0.3], [0.2], [0.1]]), value=np.array([4.0, 3.0, 2.0, 1.0]),
        trial=np.array([[0.25], [0.3], [0.9], [0.05]]), F=np.array([0.6, 0.7, 0.8, 0.9]), archive=np.empty((0, 1)),
        CR=np.array([0.2, 0.3, 0.4, 0.5]), system=np.array([1, 0, 0, 0]), history=SuccessHistory.begin(2),
    )  # fmt: skip
    candidates, state = optimizer.ask(state, 9, Candidates.none(problem.columns))
    told = evaluate(Problem(lambda x: math.nan if x[0] < 0.6 else float(x[0]), problem.space), candidates)
    after = optimizer.tell(state, told)
    np.testing.assert_allclose(after.u[:, 0], [0.1, 0.2, 0.25, 0.3])
    np.testing.assert_allclose(after.value, [1, 2, 2.5, 3])
    np.testing.assert_allclose(after.archive, [[0.4]])
    np.testing.assert_allclose(after.history.F, [[0.5, 0.5], [0.6, 0.5]])
    np.testing.assert_allclose(after.history.CR, [[0.5, 0.5], [0.2, 0.5]])
    assert after.spent == state.spent + 4


def test_the_population_shrinks_linearly_to_four():
    problem = Problem(lambda x: (x**2).sum(axis=1), Box(-5, 5, dim=2), vectorized=True)
    states, _ = generations(DifferentialEvolution(evaluations=2000, size=40), problem)
    assert len(states) > 50
    for state in states[1:-1]:
        assert len(state.trial) == max(4, round(40 - 36 * (state.spent - state.begun) / (2000 - state.begun)))
        assert len(state.archive) <= len(state.u)
        assert (np.diff(state.value) >= 0).all()
    assert len(states[-1].u) == 4 and states[-1].spent >= 2000


@pytest.mark.parametrize("settings", [{}, {"size": 30}])
def test_stops_when_the_plan_is_spent(settings):
    problem = Problem(lambda x: float(x @ x), Box(-5, 5, dim=1))
    optimizer = DifferentialEvolution(evaluations=500, **settings)
    states, _ = generations(optimizer, problem)
    assert "the 500 evaluations" in optimizer.stop(states[-1])
    assert optimizer.stop(states[-2]) == ""
    assert len(optimizer.ask(states[-1], 5, Candidates.none(problem.columns))[0]) == 0


def test_a_population_that_rests_at_one_point_begins_anew_while_there_is_time():
    # All values are equal, so every generation rests at once.
    problem = Problem(lambda x: 7.0, Box(-5, 5, dim=2))
    optimizer = DifferentialEvolution(evaluations=200, size=20)
    states, _ = generations(optimizer, problem)
    assert len(states) > 5
    for before, state in itertools.pairwise(states[:-1]):
        assert state.begun == state.spent == before.spent + before.first
        assert len(state.trial) == state.first <= 20
        assert not np.isin(state.trial, before.trial).any()
    assert optimizer.stop(states[-1]) == "all individuals rest at one point"
    assert 160 < states[-1].spent < 200, "the rest is less than 20 evaluations a column"


@pytest.mark.parametrize("problem", ["plain", "constrained"])
def test_any_order_of_results_gives_the_same_state(problem):
    constraints = (lambda x: 2 - x.sum(axis=1)) if problem == "constrained" else ()
    problem = Problem(lambda x: (x**2).sum(axis=1), Box(-5, 5, dim=3), constraints=constraints, vectorized=True)
    optimizer, nothing, random = DifferentialEvolution(evaluations=600), Candidates.none(problem.columns), generator(0)
    whole = pieces = optimizer.init(problem, 4)
    while not optimizer.stop(whole):
        candidates, whole = optimizer.ask(whole, 100, nothing)
        told = evaluate(problem, candidates)
        whole = optimizer.tell(whole, told)
        for part in np.array_split(random.permutation(len(candidates)), 3):
            pieces = from_bytes(to_bytes(optimizer.tell(pieces, told.take(part))))
        assert to_bytes(pieces) == to_bytes(whole)


# What it solves


@pytest.mark.parametrize(
    ("function", "dim", "evaluations", "highest"),
    [
        (sphere, 10, 10_000, 1e-12),
        (rosenbrock, 10, 20_000, 1e-8),
        (rastrigin, 10, 20_000, 1e-8),
        (ackley, 10, 10_000, 1e-8),
    ],
)
def test_solves_what_the_papers_solve(function, dim, evaluations, highest):
    assert solved(function(dim=dim), evaluations) < highest


def test_learned_axes_solve_a_long_valley_along_no_column():
    # An ellipsoid of condition 10⁶, turned at random: without its axes the population needs several times as long.
    turn = np.linalg.qr(generator(9).standard_normal((8, 8)))[0]
    scale = 10.0 ** np.linspace(0, 6, 8)
    problem = Problem(lambda x: ((x @ turn) ** 2 * scale).sum(axis=1), Box(-5, 5, dim=8), vectorized=True)
    states, best = generations(DifferentialEvolution(evaluations=12_000), problem)
    assert best < 1e-8
    assert max(state.history.share for state in states) > 0.7


def test_learns_no_axes_of_very_many_columns():
    problem = Problem(lambda x: (x**2).sum(axis=1), Box(-5, 5, dim=501), vectorized=True)
    states, best = generations(DifferentialEvolution(evaluations=3000, size=20), problem)
    assert states[-1].covariance.shape == (0, 0) and not any(state.system.any() for state in states)
    assert best < 0.8 * states[1].value[0]


def test_ends_at_the_boundary_of_what_is_feasible():
    problem = Problem(
        lambda x: x.sum(axis=1), Box(-5, 5, dim=2), constraints=lambda x: 1 - x.sum(axis=1), vectorized=True
    )
    states, _ = generations(DifferentialEvolution(evaluations=3000), problem)
    assert 1 <= min(state.value[0] for state in states if state.infeasibility[0] == 0) < 1 + 1e-9


def test_goes_where_nothing_fails():
    problem = Problem(lambda x: math.nan if x[0] > 0 else float(x @ x), Box(-1, 1, dim=2))
    states, best = generations(DifferentialEvolution(evaluations=1500), problem)
    assert best < 1e-6
    assert (states[-1].u[:, 0] <= 0.5).all()


def test_serves_mixed_columns():
    space = {
        "x": Float(1e-3, 10, log=True),
        "n": Int(1, 50),
        "kind": Categorical([*"abcde"]),
        "s": Float(0, 1, step=0.1),
    }
    problem = Problem(lambda p: abs(np.log(p["x"])) + abs(p["n"] - 17) + (p["kind"] != "d") + abs(p["s"] - 0.3), space)
    assert generations(DifferentialEvolution(evaluations=3000), problem)[1] < 1e-3


def test_foreign_points_take_the_places_of_the_worst_once():
    problem = Problem(lambda x: float(x @ x), Box(-1, 1, dim=2))
    optimizer = DifferentialEvolution(evaluations=1000, size=6)
    state = generations(optimizer, problem, most=3)[0][-1]
    before = state.value
    foreign = evaluate(problem, Candidates.at(problem.columns, np.array([[1.0, 1.0], [0.01, 0.0]])))
    once = optimizer.tell(state, foreign)
    np.testing.assert_allclose(np.sort(once.value), np.sort([1e-4, *before[:-1]]))
    assert to_bytes(optimizer.tell(once, foreign)) == to_bytes(once)


def test_a_good_point_at_the_beginning_is_not_lost():
    function = rosenbrock(dim=5)
    problem = Problem(function, function.space, vectorized=True)
    optimizer = DifferentialEvolution(evaluations=1000)
    state = optimizer.init(problem, 0)
    near = evaluate(problem, Candidates.at(problem.columns, np.full((1, 5), 1.001)))
    state = optimizer.tell(state, near)
    candidates, state = optimizer.ask(state, 100, Candidates.none(problem.columns))
    state = optimizer.tell(state, evaluate(problem, candidates))
    assert state.value[0] == near.value[0, 0]


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"evaluations": 0}, "evaluations=0, expected at least 1"),
        ({"size": 3}, "size=3, expected at least 4"),
        ({"p": 0.0}, "p=0.0, expected a share"),
        ({"archive": -1.0}, "archive=-1.0"),
        ({"history": 0}, "history=0, expected at least 1"),
    ],
)
def test_refuses_settings_out_of_range(setting, text):
    with pytest.raises(InvalidSettings, match=text):
        DifferentialEvolution(**setting)
