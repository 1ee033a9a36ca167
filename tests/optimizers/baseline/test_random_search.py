"""Random search: the distribution of its points."""

import numpy as np
from scipy import stats

from thalweg.optimizers import RandomSearch
from thalweg.problem import Candidates, Problem
from thalweg.space import Categorical, Float, Int


def test_draws_uniformly_on_the_searched_scale():
    space = {
        "x": Float(-3, 5),
        "rate": Float(1e-3, 1e3, log=True),
        "n": Int(1, 4),
        "kind": Categorical([*"abc"]),
    }
    problem = Problem(lambda p: 0.0, space)
    optimizer = RandomSearch()
    x = optimizer.ask(optimizer.init(problem, 3), 4000, Candidates.none(problem.columns))[0].x
    assert stats.kstest(x[:, 0], stats.uniform(-3, 8).cdf).pvalue > 0.01
    assert stats.kstest(np.log10(x[:, 1]), stats.uniform(-3, 6).cdf).pvalue > 0.01
    assert stats.chisquare(np.bincount(x[:, 2].astype(int))[1:]).pvalue > 0.01
    assert stats.chisquare(np.bincount(x[:, 3].astype(int))).pvalue > 0.01


def test_seeds_and_calls_are_independent():
    problem = Problem(lambda p: 0.0, {"x": Float(0, 1)})
    optimizer, nothing = RandomSearch(), Candidates.none(problem.columns)
    first, state = optimizer.ask(optimizer.init(problem, 0), 50, nothing)
    second, _ = optimizer.ask(state, 50, nothing)
    other, _ = optimizer.ask(optimizer.init(problem, 1), 50, nothing)
    assert len(np.unique(np.concatenate([first.x, second.x, other.x]))) == 150
    assert second.slot.tolist() == list(range(50, 100))
