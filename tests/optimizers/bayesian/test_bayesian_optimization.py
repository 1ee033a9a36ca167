"""Bayesian optimization: known minima, failures, pending points, noise, batches, numbers of any size."""

import numpy as np
import pytest

from thalweg.errors import IncompatibleProblem, InvalidSettings
from thalweg.optimizers import BayesianOptimization
from thalweg.problem import Candidates, Evaluations, Problem, evaluate
from thalweg.problem.functions import branin, hartmann6
from thalweg.rng import generator
from thalweg.space import Box, Categorical, Float, Int


def drive(problem, trials, seed=0, optimizer=None, batch=1):
    """Ask and tell; give the rows, the values and the last state."""
    optimizer = optimizer or BayesianOptimization()
    state, nothing, x, value = optimizer.init(problem, seed), Candidates.none(problem.columns), [], []
    while len(x) < trials:
        candidates, state = optimizer.ask(state, batch, nothing)
        told = evaluate(problem, candidates)
        state = optimizer.tell(state, told)
        x.extend(candidates.x)
        value.extend(told.value[:, 0])
    return np.array(x), np.array(value), state


@pytest.mark.parametrize(("benchmark", "trials", "regret"), [(branin(), 30, 0.05), (hartmann6(), 50, 0.2)])
def test_comes_near_published_minima(benchmark, trials, regret):
    found = [drive(Problem(benchmark, benchmark.space), trials, seed)[1].min() - benchmark.optimum for seed in range(3)]
    assert np.median(found) < regret


def test_keeps_away_from_where_evaluations_fail():
    def f(x):
        if x[0] > 0.5:
            raise RuntimeError("diverged")
        return float((x[0] - 0.6) ** 2 + (x[1] - 0.3) ** 2)  # lower and lower up to where it fails

    _, value, _ = drive(Problem(f, Box(0, 1, dim=2)), 40)
    assert np.nanmin(value) < 0.02
    assert np.isnan(value[20:]).mean() < 0.5


def test_pending_points_are_not_proposed_again():
    problem = Problem(lambda x: float(np.sin(9 * x).sum()), Box(0, 1, dim=2))
    _, _, state = drive(problem, 8)
    optimizer, pending = BayesianOptimization(), Candidates.none(problem.columns)
    for _ in range(3):
        candidates, _ = optimizer.ask(state, 1, pending)
        assert (np.abs(candidates.x - pending.x).max(axis=1) > 0.01).all()
        pending = Candidates.join(pending, candidates)


def test_the_points_of_a_batch_differ():
    problem = Problem(lambda x: float(((x - 0.3) ** 2).sum()), Box(0, 1, dim=2))
    x, _, _ = drive(problem, 32, batch=8)
    assert len(x) >= 25 and len(np.unique(x.round(6), axis=0)) == len(x)


def test_before_anything_is_told_no_more_than_the_design_is_proposed():
    problem = Problem(lambda x: float(x.sum()), Box(0, 1, dim=2))
    optimizer, nothing = BayesianOptimization(initial=6), Candidates.none(problem.columns)
    first, state = optimizer.ask(optimizer.init(problem, 0), 100, nothing)
    assert len(first) == 6
    assert len(optimizer.ask(state, 100, first)[0]) == 1


def test_a_finite_space_is_visited_point_by_point():
    problem = Problem(lambda p: float(p["n"] + (p["c"] == "a")), {"n": Int(0, 5), "c": Categorical(["a", "b", "c"])})
    x, _, _ = drive(problem, 18)
    assert len(np.unique(x, axis=0)) >= 15  # its Sobol points may coincide, and are at most 5
    x, _, _ = drive(problem, 25, batch=5)
    assert len(x) == 25, "it goes on when nothing is left"


def test_the_design_counts_foreign_and_pending_points():
    problem = Problem(lambda x: float(x.sum()), Box(0, 1, dim=2))
    optimizer, columns = BayesianOptimization(initial=6), problem.columns
    start = optimizer.init(problem, 3)
    foreign = evaluate(problem, Candidates.at(columns, columns.random(generator(0), 4)))
    told = optimizer.tell(start, foreign)
    design = optimizer.ask(start, 6, Candidates.none(columns))[0].x
    candidates, _ = optimizer.ask(told, 4, Candidates.none(columns))
    np.testing.assert_array_equal(candidates.x[:2], design[:2])
    assert not np.isin(candidates.x[2:], design).any()
    assert len(optimizer.tell(told, foreign).x) == 8, "a foreign point may be told again: it is another evaluation"


def test_hyperparameters_stay_in_the_state():
    problem = Problem(lambda x: float(np.sin(9 * x[0]) + 0.01 * x[1]), Box(0, 1, dim=2))
    _, _, state = drive(problem, 25)
    assert state.theta[0] < state.theta[1], "the first column varies more"


@pytest.mark.parametrize(
    "f", [lambda u: 0.0, lambda u: 1e12 * u, lambda u: 1e-12 * u, lambda u: np.sign(u - 0.5) * 1e300]
)
def test_values_of_any_size_are_served(f):
    x, _, state = drive(Problem(lambda p: f(p["x"]), {"x": Float(0, 1)}), 12)
    assert np.isfinite(x).all() and np.isfinite(state.theta).all()


def test_scale_and_shift_of_the_objective_do_not_matter():
    runs = [
        drive(Problem(lambda x, a=a, b=b: a * float(((x - 0.7) ** 2).sum()) + b, Box(0, 1, dim=2)), 15)[0]
        for a, b in ((1.0, 0.0), (2.0**20, 0.0))
    ]
    np.testing.assert_allclose(runs[0], runs[1], atol=1e-6)


def test_serves_many_columns_of_one_value():
    space = {"fixed": Float(2, 2), "only": Categorical([None]), "one": Int(3, 3), "x": Float(-1, 1)}
    x, value, _ = drive(Problem(lambda p: p["x"] ** 2, space), 15)
    assert value.min() < 1e-2
    assert (x[:, :3] == [2, 0, 3]).all()


def test_refuses_what_it_cannot_serve():
    for problem in (
        Problem(lambda x: 0.0, Box(dim=2)),
        Problem(lambda x: (0.0, 1.0), Box(0, 1, dim=2), goal=["minimize", "minimize"]),
        Problem(lambda x: 0.0, Box(0, 1, dim=2), constraints=[lambda x: 0.0]),
    ):
        with pytest.raises(IncompatibleProblem, match="BayesianOptimization"):
            BayesianOptimization().init(problem, 0)
    with pytest.raises(InvalidSettings, match="initial=0"):
        BayesianOptimization(initial=0)


def test_told_values_are_kept_once_a_slot():
    problem = Problem(lambda x: float(x.sum()), Box(0, 1, dim=2))
    optimizer = BayesianOptimization()
    candidates, state = optimizer.ask(optimizer.init(problem, 0), 3, Candidates.none(problem.columns))
    lost = Evaluations.failed(candidates.take([1]), 1, 0, "lost")
    state = optimizer.tell(optimizer.tell(state, lost), evaluate(problem, candidates))
    assert state.slot.tolist() == [1, 0, 2]
    assert np.isnan(state.value).tolist() == [True, False, False]
