"""Restarts: when and how a run begins, what is told to it, what is recommended, and when it ends; and its policies."""

from dataclasses import replace

import numpy as np
import pytest

from thalweg.errors import InvalidSettings
from thalweg.optimizers.baseline import NelderMead
from thalweg.optimizers.evolution import CMAES
from thalweg.optimizers.gradient import LBFGS
from thalweg.optimizers.restarts import BIPOP, IPOP, Plan, Restarts, SameSettings, SeparableSearch
from thalweg.optimizers.restarts.blank import Blank
from thalweg.problem import Candidates, Need, Problem, evaluate
from thalweg.rng import generator
from thalweg.serial import to_bytes
from thalweg.space import Box, Categorical, Float, Int


def rastrigin(x):
    return float(10 * len(x) + (x**2 - 10 * np.cos(2 * np.pi * x)).sum())


def slope(x):
    return 2 * x + 20 * np.pi * np.sin(2 * np.pi * x)


BUMPY = Problem(rastrigin, Box(-5, 4, dim=2), gradient=slope)
NOTHING = Candidates.none(BUMPY.columns)
NEED = Need.VALUE | Need.GRADIENT


def runs(optimizer, problem, count, seed=0, batch=10**6, most=20_000):
    """Ask and tell until so many runs have begun or it stops; give the state at the beginning of each, and the last."""
    state, begun = optimizer.init(problem, seed), []
    spent, told = 0, []
    while len(begun) < count and spent < most:
        if not begun or state.run > begun[-1].run:
            begun.append(state)
        candidates, state = optimizer.ask(state, batch, Candidates.none(problem.columns))
        if not len(candidates):
            break
        told.append(evaluate(problem, candidates, NEED))
        state = optimizer.tell(state, told[-1])
        spent += len(candidates)
    return begun, state, told


def test_the_first_run_is_that_of_the_optimizer_alone():
    restarts, alone = Restarts(CMAES()), CMAES()
    state, other = restarts.init(BUMPY, 3), alone.init(BUMPY, 3)
    while not alone.stop(other):
        (mine, state), (theirs, other) = restarts.ask(state, 5, NOTHING), alone.ask(other, 5, NOTHING)
        assert to_bytes(mine) == to_bytes(theirs)
        state, other = restarts.tell(state, evaluate(BUMPY, mine)), alone.tell(other, evaluate(BUMPY, theirs))
    assert state.run == 1


def test_ipop_doubles_the_population():
    begun, _, _ = runs(Restarts(CMAES(size=5), IPOP()), BUMPY, 4)
    sizes = [len(state.inner.generation.told) for state in begun]
    assert sizes == [5, 10, 20, 40]


def test_every_run_has_its_own_randomness_and_the_same_again():
    optimizer = Restarts(CMAES(), SameSettings())
    begun, _, _ = runs(optimizer, BUMPY, 4)
    again, _, _ = runs(optimizer, BUMPY, 4)
    starts = [optimizer.ask(state, 1, NOTHING)[0].x[0].tolist() for state in begun]
    assert len(np.unique(starts, axis=0)) == 4
    assert to_bytes(begun) == to_bytes(again)


def test_the_regimes_of_bipop_share_the_evaluations():
    plan, random, spent = Plan(), generator(0), {True: 0, False: 0}
    sizes = []
    for run in range(60):
        evaluations = round(100 * plan.size) if plan.most is None else plan.most
        if run:
            spent[plan.ledger.is_large] += evaluations
        plan = BIPOP().following(plan, evaluations, random)
        if plan.ledger.is_large:
            assert plan.sigma == 1 and plan.most is None
            sizes.append(plan.size)
        else:
            assert 0.01 <= plan.sigma <= 1 and 1 <= plan.size <= max(1.0, sizes[-1] / 2)
            assert plan.most == plan.ledger.last // 2
    assert sizes == [2.0 ** (k + 1) for k in range(len(sizes))] and len(sizes) > 3
    assert abs(spent[True] - spent[False]) <= 100 * sizes[-1]


@pytest.mark.parametrize("optimizer", [LBFGS(), NelderMead(tolerance=0.01)], ids=["LBFGS", "NelderMead"])
def test_an_optimizer_without_chance_begins_at_random_points(optimizer):
    begun, _, told = runs(Restarts(optimizer), BUMPY, 12)
    assert begun[0].start is None
    starts = np.array([each.start for each in begun[1:]])
    assert len(starts) == 11 and np.ptp(starts, axis=0).min() > 4
    best = min(each.value.min() for each in told)
    assert best < runs(Restarts(optimizer), BUMPY, 1)[2][-1].value.min() - 0.5
    slots = np.concatenate([each.candidates.slot for each in told])
    assert len(np.unique(slots)) == len(slots)


def test_a_start_that_fails_is_drawn_anew():
    (_, second), _, _ = runs(Restarts(LBFGS()), BUMPY, 2)
    optimizer = Restarts(LBFGS())
    candidates, state = optimizer.ask(second, 1, NOTHING)
    assert not len(optimizer.ask(state, 1, candidates)[0])
    failing = Problem(lambda x: np.nan, BUMPY.space, gradient=slope)
    state = optimizer.tell(state, evaluate(failing, candidates, NEED))
    other, _ = optimizer.ask(state, 1, NOTHING)
    assert len(other) and (other.x != candidates.x).all() and other.slot[0] != candidates.slot[0]


def test_what_arrives_late_is_foreign_and_counts_once():
    """A run is broken off after 6 points, while two of its second generation are still being evaluated."""
    optimizer = Restarts(CMAES(size=4))
    state = optimizer.init(BUMPY, 0)
    state = replace(state, plan=replace(state.plan, most=6))
    candidates, state = optimizer.ask(state, 4, NOTHING)
    candidates, state = optimizer.ask(optimizer.tell(state, evaluate(BUMPY, candidates)), 4, NOTHING)
    state = optimizer.tell(state, evaluate(BUMPY, candidates.take(np.s_[:2])))
    first = candidates.take(np.s_[2:])
    assert state.run == 1 and state.open.tolist() == first.slot.tolist() and first.slot.max() < state.first
    late = evaluate(BUMPY, first)
    unmoved = optimizer.tell(state, late)
    assert to_bytes(unmoved.inner) == to_bytes(state.inner), "a later run begins where chance has put it"
    assert optimizer.tell(unmoved, late) is unmoved
    own, going = optimizer.ask(state, 1, first)
    going = optimizer.tell(going, evaluate(BUMPY, own))
    welcomed = optimizer.tell(going, late)
    assert welcomed.inner.guest is not None and welcomed.spent == going.spent == 1
    assert optimizer.tell(welcomed, late) is welcomed


def test_the_guess_of_the_best_run_is_recommended():
    optimizer, state = Restarts(CMAES(), SameSettings(), restarts=5), None
    state, best, guess = optimizer.init(BUMPY, 1), np.inf, None
    while not optimizer.stop(state):
        candidates, before = optimizer.ask(state, 100, NOTHING)
        told = evaluate(BUMPY, candidates)
        state = optimizer.tell(before, told)
        if told.value.min() < best:
            best, leader = told.value.min(), before.run
        if before.run == leader and before.run == state.run:
            guess = CMAES().recommend(state.inner)
        elif before.run == leader:
            guess = state.leader.guess  # of the last update, which the next run has replaced
        np.testing.assert_array_equal(optimizer.recommend(state), guess)
    assert leader == state.leader.run and rastrigin(guess) < best + 0.1


def test_it_ends_when_the_restarts_are_used_up():
    _, state, _ = runs(Restarts(LBFGS(), restarts=2), BUMPY, 99)
    assert state.run == 2
    assert (
        Restarts(LBFGS(), restarts=2).stop(state).startswith("all 2 restarts are used up; the last run ended because")
    )


@pytest.mark.parametrize("optimizer", [CMAES(), LBFGS()], ids=["CMAES", "LBFGS"])
def test_it_ends_where_all_values_are_equal(optimizer):
    flat = Problem(lambda x: 3.0, Box(-1, 1, dim=2), gradient=np.zeros_like)
    _, state, _ = runs(Restarts(optimizer), flat, 99)
    assert "values are equal" in state.ended


def test_a_run_that_settles_in_a_worse_minimum_is_given_up():
    optimizer = Restarts(CMAES(), SameSettings())
    state, spent = optimizer.init(BUMPY, 0), []
    known = evaluate(BUMPY, Candidates.at(BUMPY.columns, np.zeros((1, 2))))
    while state.run < 6:
        candidates, before = optimizer.ask(state, 100, NOTHING)
        state = optimizer.tell(before, evaluate(BUMPY, candidates))
        if not before.run and state.run:  # only now, so that the first run is not one that begins there
            state = optimizer.tell(state, evaluate(BUMPY, optimizer.ask(state, 1, NOTHING)[0]))
            state = optimizer.tell(state, known)
        if state.run > before.run:
            spent.append((before.spent + len(candidates), float(before.prospect.recent.min())))
    alone = spent[0][0]
    worse = [evaluations for evaluations, value in spent[1:] if value > 0.5]
    assert len(worse) > 2 and np.mean(worse) < 0.7 * alone


def test_points_told_during_the_opening_are_known_to_the_first_run():
    optimizer = Restarts(CMAES(), opening=SeparableSearch())
    state = optimizer.init(BUMPY, 0)
    state = optimizer.tell(state, evaluate(BUMPY, Candidates.at(BUMPY.columns, np.array([[1.5, -3.0]]))))
    while state.main is not None:
        candidates, state = optimizer.ask(state, 50, NOTHING)
        state = optimizer.tell(state, evaluate(BUMPY, candidates))
    np.testing.assert_allclose(BUMPY.columns.from_unit(state.inner.distribution.m[None])[0], [1.5, -3.0])
    assert state.leader.value < 1e-8 and optimizer.recommend(state) is None


def test_an_opening_that_cannot_serve_is_left_out():
    integers = Problem(lambda p: p["n"], {"n": Int(0, 9)})
    assert Restarts(CMAES(), opening=SeparableSearch()).init(integers, 0).main is None


def test_a_problem_is_rebuilt_from_its_columns():
    space = {
        "rate": Float(0.1, 10, log=True, when={"solver": ["sgd"], "layers": [2, 3]}),
        "solver": Categorical(["sgd", "adam"]),
        "layers": Int(1, 3),
        "share": Float(0, 1, step=0.1),
        "weights": Box(-1, [np.inf, 2.0]),
    }
    columns = Problem(sum, space).columns
    rebuilt = Blank.of(Problem(sum, space)).problem.columns
    for name in ("kind", "low", "high", "log", "step"):
        np.testing.assert_array_equal(getattr(rebuilt, name), getattr(columns, name))
    assert rebuilt.conditions == columns.conditions


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Restarts(LBFGS(), BIPOP()), "has none; take SameSettings"),
        (lambda: Restarts(NelderMead(), IPOP()), "has none; take SameSettings"),
        (lambda: Restarts(CMAES(), restarts=0), "restarts=0"),
        (lambda: Restarts("cma"), "expected an optimizer"),
        (lambda: Restarts(CMAES(), "bipop"), "policy='bipop'"),
        (lambda: Restarts(CMAES(), opening=3), "opening=3"),
        (lambda: IPOP(1.0), "above 1"),
        (lambda: BIPOP(np.inf), "above 1"),
    ],
    ids=["no population", "a simplex", "no restarts", "no optimizer", "no policy", "no opening", "IPOP", "BIPOP"],
)
def test_settings_are_checked(make, says):
    with pytest.raises(InvalidSettings, match=says):
        make()
