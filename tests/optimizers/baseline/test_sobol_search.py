"""Sobol search: the sequence, however it is asked for."""

import numpy as np
import pytest
from scipy.stats import qmc

from thalweg.errors import IncompatibleProblem
from thalweg.optimizers import SobolSearch
from thalweg.optimizers.baseline import sobol_search
from thalweg.optimizers.baseline.sobol_search import SobolState
from thalweg.problem import Candidates, Problem
from thalweg.rng import generator
from thalweg.space import Box, Categorical, Float, Int

OPTIMIZER = SobolSearch()


def points(problem, sizes, seed=0, asked=0):
    state, parts = SobolState(problem.columns, seed, asked), []
    for n in sizes:
        candidates, state = OPTIMIZER.ask(state, n, Candidates.none(problem.columns))
        parts.append(candidates)
    return Candidates.join(*parts)


@pytest.mark.parametrize("dim", [1, 3, 40])
def test_is_the_sequence_of_scipy(dim):
    problem = Problem(lambda x: 0.0, Box(0, 1, dim=dim))
    expected = qmc.Sobol(dim, bits=32, rng=generator(5)).random(16)
    assert np.array_equal(points(problem, [16], seed=5).x, expected)


@pytest.mark.parametrize("sizes", [[1] * 600, [599, 1], [7, 505, 88]])
def test_does_not_depend_on_how_many_are_asked_at_once(sizes):
    problem = Problem(lambda x: 0.0, Box(0, 1, dim=300))  # a block has 512 points then
    at_once = points(problem, [600])
    assert np.array_equal(points(problem, sizes).x, at_once.x)
    assert at_once.slot.tolist() == list(range(600))


def test_skips_ahead_to_any_point():
    problem = Problem(lambda x: 0.0, Box(0, 1, dim=2))
    engine = qmc.Sobol(2, bits=32, rng=generator(0))
    engine.fast_forward(1_000_000)
    assert np.array_equal(points(problem, [5], asked=1_000_000).x, engine.random(5))


def test_fills_every_slice_of_every_column_once():
    problem = Problem(lambda x: 0.0, Box(-2, 6, dim=9))
    x = points(problem, [128]).x
    slices = np.floor((x + 2) / 8 * 128).astype(int)
    assert all(len(set(column)) == 128 for column in slices.T.tolist())


def test_shares_out_integers_and_choices_evenly():
    problem = Problem(lambda p: 0.0, {"n": Int(1, 8), "kind": Categorical([*"abcd"]), "x": Float(0, 1)})
    x = points(problem, [64]).x
    assert np.bincount(x[:, 0].astype(int))[1:].tolist() == [8] * 8
    assert np.bincount(x[:, 1].astype(int)).tolist() == [16] * 4


def test_seeds_give_other_scramblings():
    problem = Problem(lambda x: 0.0, Box(0, 1, dim=2))
    assert len(np.unique(np.concatenate([points(problem, [8], seed).x for seed in range(3)]), axis=0)) == 24


def test_refuses_more_columns_than_there_are_direction_numbers():
    problem = Problem(lambda x: 0.0, Box(0, 1, dim=21_202))
    with pytest.raises(IncompatibleProblem, match="at most 21,201 columns, got 21,202"):
        OPTIMIZER.init(problem, 0)


def test_stops_at_the_end_of_the_sequence(monkeypatch):
    monkeypatch.setattr(sobol_search, "BITS", 20)  # a shorter sequence, or skipping to its end would take seconds
    problem = Problem(lambda x: 0.0, Box(0, 1, dim=1))
    state = SobolState(problem.columns, 987, 2**20 - 3)
    candidates, state = OPTIMIZER.ask(state, 10, Candidates.none(problem.columns))
    assert len(candidates) == 3
    assert OPTIMIZER.stop(state) == "the sequence of 2**20 points is exhausted"
    assert len(OPTIMIZER.ask(state, 1, candidates)[0]) == 0
