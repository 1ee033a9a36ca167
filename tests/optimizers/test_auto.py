"""Auto: what it chooses, why, and that it is only a shell around it."""

import numpy as np
import pytest

from thalweg.errors import IncompatibleProblem, InvalidSettings
from thalweg.optimizers import Auto, GradientDescent, ParticleSwarm
from thalweg.problem import Candidates, Minibatches, Need, Problem, evaluate
from thalweg.serial import from_bytes, to_bytes
from thalweg.space import Box, Categorical, Float, Int

BATCHES = Minibatches(np.arange(8.0), size=2)
WIDE = Box(-1, 1, dim=30)
MIXED = {"x": Float(0, 1), "n": Int(1, 9), "kind": Categorical(["a", "b"])}


def zero(*_):
    return 0.0


@pytest.mark.parametrize(
    ("problem", "evaluations", "name", "reason"),
    [
        (Problem(zero, MIXED, goal=["minimize", "maximize"]), 10**6, "NSGA2", "several objectives"),
        (Problem(zero, MIXED, goal=["minimize", "maximize"]), 999, "SobolSearch", "several objectives"),
        (Problem(zero, MIXED, constraints=zero), 20, "GeneticAlgorithm", "constraints"),
        (Problem(zero, WIDE, constraints=zero, gradient=zero), None, "GeneticAlgorithm", "constraints"),
        (Problem(zero, Box(dim=3), gradient=zero), None, "LBFGS", "gradient"),
        (Problem(zero, Box(dim=3), gradient=zero, minibatches=BATCHES), None, "GradientDescent", "minibatches"),
        (Problem(zero, MIXED), 500, "BayesianOptimization", "500 evaluations of 3 columns"),
        (Problem(zero, MIXED), None, "BayesianOptimization", "an unknown number of evaluations"),
        (
            Problem(zero, MIXED),
            501,
            "GeneticAlgorithm",
            "501 evaluations of 3 columns, not all of them real-valued",
        ),
        (Problem(zero, MIXED, vectorized=True), None, "GeneticAlgorithm", "an unknown number"),
        (
            Problem(zero, Box(0, 1, dim=1)),
            1000,
            "ParticleSwarm",
            "1,000 evaluations of 1 real-valued column are",
        ),
        (Problem(zero, WIDE, vectorized=True), None, "ParticleSwarm", "enough for a swarm"),
        (Problem(zero, WIDE), 200, "ParticleSwarm", "200 evaluations of 30 real-valued columns"),
    ],
)
def test_chooses_by_the_table(problem, evaluations, name, reason):
    auto = Auto(evaluations)
    optimizer, why = auto.choose(problem)
    assert type(optimizer).__name__ == name
    assert reason in why
    state = auto.init(problem, 0)
    assert state.optimizer == optimizer and state.reason == why


@pytest.mark.parametrize(("evaluations", "size"), [(None, 50), (100, 10), (600, 30), (10**6, 50)])
def test_gives_a_genetic_algorithm_some_generations(evaluations, size):
    assert Auto(evaluations).choose(Problem(zero, MIXED, constraints=zero))[0].size == size


def test_is_bit_for_bit_what_it_chose():
    problem = Problem(lambda x: float(x @ x), Box(-1, 1, dim=3))
    auto, swarm, nothing = Auto(10_000), ParticleSwarm(), Candidates.none(problem.columns)
    outer, inner = auto.init(problem, 5), swarm.init(problem, 5)
    for _ in range(30):
        mine, outer = auto.ask(outer, 16, nothing)
        its, inner = swarm.ask(inner, 16, nothing)
        assert np.array_equal(mine.x, its.x)
        outer = from_bytes(to_bytes(auto.tell(outer, evaluate(problem, mine))))
        inner = swarm.tell(inner, evaluate(problem, its))
        assert auto.stop(outer) == swarm.stop(inner)
    assert auto.recommend(outer) is None


def test_passes_on_the_recommendation():
    data = Minibatches(np.arange(8.0), size=2)
    problem = Problem(lambda x, y: float((x - y).sum()), Box(dim=1), gradient=lambda x, y: np.ones(1), minibatches=data)
    auto = Auto()
    candidates, state = auto.ask(auto.init(problem, 0), 1, Candidates.none(problem.columns))
    state = auto.tell(state, evaluate(problem, candidates, Need.VALUE | Need.GRADIENT))
    assert isinstance(state.optimizer, GradientDescent)
    assert auto.recommend(state) is not None


def test_says_what_is_missing_where_nothing_serves():
    with pytest.raises(IncompatibleProblem, match="finite bounds can only be searched along a gradient"):
        Auto().init(Problem(zero, Box(dim=2)), 0)


def test_refuses_a_budget_below_one():
    with pytest.raises(InvalidSettings, match="evaluations=0, expected at least 1"):
        Auto(evaluations=0)
