"""NSGA-II: the laws, its generations, its constraints, its discrete genes, and how much of known fronts it covers."""

import numpy as np
import pytest

import thalweg as tw
from thalweg.errors import InvalidSettings
from thalweg.optimizers.evolution.dominance import non_dominated_sort
from thalweg.optimizers.evolution.nsga2 import NSGA2
from thalweg.problem import Candidates, Problem, evaluate
from thalweg.problem.functions import dtlz2, zdt1, zdt2, zdt3
from thalweg.problem.pareto import hypervolume
from thalweg.serial import from_bytes, to_bytes
from thalweg.space import Box, Categorical, Float, Int
from thalweg.testing.optimizers import OptimizerLaws

BOTH = ["minimize", "minimize"]


class TestNSGA2(OptimizerLaws):
    optimizer = NSGA2(size=10)


class TestOddSize(OptimizerLaws):
    optimizer = NSGA2(size=7)


def problem_of(function, goals=2):
    return Problem(function, function.space, goal=["minimize"] * goals, vectorized=True)


def generations(optimizer, problem, count, seed=0):
    """Run whole generations; give the states in between, and everything evaluated."""
    state, nothing = optimizer.init(problem, seed), Candidates.none(problem.columns)
    states, told = [state], []
    for _ in range(count):
        candidates, state = optimizer.ask(state, optimizer.size, nothing)
        told.append(evaluate(problem, candidates))
        state = optimizer.tell(state, told[-1])
        states.append(state)
    return states, told


def rows(*arrays):
    return {tuple(row) for row in np.concatenate(arrays).tolist()}


def test_the_best_fronts_of_parents_and_children_survive():
    states, told = generations(NSGA2(size=12), problem_of(zdt1(4)), 8)
    for before, after, part in zip(states, states[1:], told, strict=False):
        value = np.concatenate([before.parent_value, part.value])
        rank = non_dominated_sort(value, np.zeros(len(value)))
        last = np.sort(rank)[11]
        kept = rows(after.parent_value)
        assert len(after.parents) == 12
        assert rows(value[rank < last]) <= kept <= rows(value[rank <= last])


def test_a_generation_that_is_told_in_any_order_and_stored_in_its_middle_has_the_same_children():
    problem, optimizer = problem_of(zdt2(3)), NSGA2(size=6)
    candidates, state = optimizer.ask(optimizer.init(problem, 0), 4, Candidates.none(problem.columns))
    rest, state = optimizer.ask(state, 4, candidates)
    assert rest.slot.tolist() == [4, 5]
    pending = Candidates.join(candidates, rest)
    assert len(optimizer.ask(state, 4, pending)[0]) == 0
    in_order = optimizer.tell(state, evaluate(problem, pending))
    for i in (3, 0, 5, 1, 2, 4):
        state = optimizer.tell(from_bytes(to_bytes(state)), evaluate(problem, pending.take([i])))
    assert to_bytes(state) == to_bytes(in_order)


def test_foreign_points_become_parents_where_nothing_dominates_them():
    problem, optimizer = problem_of(zdt1(3)), NSGA2(size=8)
    states, _ = generations(optimizer, problem, 2)
    foreign = evaluate(problem, Candidates.at(problem.columns, np.array([[0.25, 0.0, 0.0], [0.9, 1.0, 1.0]])))
    state = optimizer.tell(states[-1], foreign)
    assert len(state.parents) == 8
    assert tuple(foreign.value[0]) in rows(state.parent_value)
    assert tuple(foreign.value[1]) not in rows(state.parent_value)
    warm = optimizer.tell(optimizer.init(problem, 0), foreign)
    assert len(warm.parents) == 2 and warm.generation.number == 0


def test_failed_points_never_survive_where_there_are_others():
    problem = Problem(
        lambda x: (x[0], np.nan if x[1] > 0.5 else 1 - x[0] + x[1]), Box(0, 1, dim=2), goal=["minimize"] * 2
    )
    states, told = generations(NSGA2(size=20), problem, 4)
    assert not told[0].complete.all()
    assert np.isfinite(states[-1].parent_infeasibility).all() and np.isfinite(states[-1].parent_value).all()


def test_finds_a_front_that_a_constraint_moves():
    # Without the constraints the front is at x₁ = 0; with them it is where x₀ + x₁ = 1.
    problem = Problem(
        lambda x: np.stack([x[:, 0], x[:, 1]], axis=1),
        Box(0, 1, dim=2),
        goal=BOTH,
        constraints=[lambda x: 1 - x.sum(axis=1), lambda x: x[:, 0] - 0.75],
        vectorized=True,
    )
    states, _ = generations(NSGA2(size=40), problem, 40)
    assert (states[-1].parent_infeasibility == 0).all()
    total = states[-1].parent_value.sum(axis=1)
    assert total.min() >= 1 and np.median(total) < 1.01
    assert states[-1].parent_value[:, 0].min() < 0.04 and 0.71 < states[-1].parent_value[:, 0].max() <= 0.75


def test_finds_the_whole_front_of_mixed_columns():
    space = {"n": Int(0, 20), "kind": Categorical(["bad", "good", "worse"]), "x": Float(1e-3, 1, log=True)}

    def objective(p):
        loss = {"good": 0.0, "bad": 1.0, "worse": 2.0}[p["kind"]] + p["x"]
        return p["n"] + loss, 20 - p["n"] + loss

    result = tw.minimize(objective, space, goal=BOTH, optimizer=NSGA2(size=40), evaluations=3000, seed=0)
    assert {trial.params["n"] for trial in result.front} == set(range(21))
    assert {trial.params["kind"] for trial in result.front} == {"good"}


@pytest.mark.parametrize(
    ("function", "share"), [(zdt1(10), 0.985), (zdt2(10), 0.975), (zdt3(10), 0.99)], ids=["zdt1", "zdt2", "zdt3"]
)
def test_covers_the_known_front_of_two_objectives(function, share):
    whole = hypervolume(function.front(5000), [1.1, 1.1])
    last = [generations(NSGA2(size=60), problem_of(function), 120, seed)[0][-1] for seed in range(5)]
    covered = np.median([hypervolume(state.parent_value, [1.1, 1.1]) for state in last])
    assert share * whole < covered < whole


def test_covers_the_known_front_of_three_objectives():
    states, _ = generations(NSGA2(size=100), problem_of(dtlz2(), 3), 100)
    covered = hypervolume(states[-1].parent_value, [1.1] * 3)
    assert 0.85 * (1.1**3 - np.pi / 6) < covered < 1.1**3 - np.pi / 6


def test_children_are_no_copies():
    _, told = generations(NSGA2(size=30), problem_of(zdt1(3)), 30)
    x = np.concatenate([part.candidates.x for part in told])
    assert len(np.unique(x, axis=0)) > 0.98 * len(x)


def test_with_one_objective_the_best_values_survive():
    problem = Problem(lambda x: (x**2).sum(axis=1), Box(-1, 1, dim=3), vectorized=True)
    states, told = generations(NSGA2(size=10), problem, 30)
    value = np.sort(np.concatenate([part.value[:, 0] for part in told]))
    assert np.array_equal(np.sort(states[-1].parent_value[:, 0]), value[:10])
    assert value[0] < 1e-2


def test_refuses_a_population_of_one():
    with pytest.raises(InvalidSettings, match="size=1, expected at least 2"):
        NSGA2(size=1)
