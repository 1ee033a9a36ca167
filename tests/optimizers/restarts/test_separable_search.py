"""SeparableSearch: many minima of each column, what is no sum, and failures."""

import numpy as np
import pytest

from thalweg.errors import InvalidSettings
from thalweg.optimizers.restarts import SeparableSearch
from thalweg.problem import Candidates, Problem, evaluate
from thalweg.space import Box

BOX = Box(-5, 4, dim=4)
OPTIMUM = np.array([1.3, -4.2, 0.1, 3.9])
WEIGHT = np.array([1.0, 30.0, 5.0, 1000.0])


def bumpy(x):
    return float(WEIGHT @ ((x - OPTIMUM) ** 2 + 10 - 10 * np.cos(2 * np.pi * (x - OPTIMUM))))


def run(function, most=1000, seed=0):
    optimizer, problem = SeparableSearch(), Problem(function, BOX)
    state, best, spent = optimizer.init(problem, seed), np.inf, 0
    while spent < most:
        candidates, state = optimizer.ask(state, 10, Candidates.none(problem.columns))
        if not len(candidates):
            break
        told = evaluate(problem, candidates)
        state, spent = optimizer.tell(state, told), spent + len(candidates)
        best = min(best, np.nanmin(told.value, initial=np.inf))
    return optimizer.stop(state), best, spent


@pytest.mark.parametrize("seed", range(3))
def test_the_best_of_nine_minima_is_found_in_every_column(seed):
    reason, best, spent = run(bumpy, seed=seed)
    assert reason == "every column is at its minimum" and best < 1e-8 and spent < 1000


def test_a_point_of_the_best_of_all_columns_is_tried_early():
    _, best, _ = run(lambda x: float(WEIGHT @ (x - OPTIMUM) ** 2), most=100)
    assert best < 10


@pytest.mark.parametrize(
    "function", [lambda x: x[0] * x[1], lambda x: np.linalg.norm(x - 1), lambda x: np.exp(x.sum())],
    ids=["product", "norm", "exponential"],
)  # fmt: skip
def test_what_is_no_sum_is_seen_in_eight_evaluations(function):
    reason, _, spent = run(lambda x: float(function(x)))
    assert reason == "the objective is no sum of functions of one column each" and spent == 8


def test_where_everything_fails_it_ends():
    reason, _, spent = run(lambda x: np.nan)
    assert "failed" in reason and spent == 8


def test_intervals_beside_failures_are_left():
    def walled(x):
        return np.nan if abs(x - OPTIMUM).max() > 8 else bumpy(x)

    reason, best, _ = run(walled, seed=1)
    assert reason == "every column is at its minimum" and best < 1e-8


@pytest.mark.parametrize("settings", [{"points": 4}, {"tolerance": 0.0}], ids=str)
def test_settings_are_checked(settings):
    with pytest.raises(InvalidSettings, match=next(iter(settings))):
        SeparableSearch(**settings)
