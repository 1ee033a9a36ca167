"""The search for the highest acquisition: neighbours, climbs, and a comparison with every point of a small space."""

import itertools

import numpy as np
import pytest

from thalweg.optimizers.bayesian.acquisition import LogExpectedImprovement
from thalweg.optimizers.bayesian.acquisition_search import maximize, neighbours, sobol
from thalweg.optimizers.bayesian.embedding import Embedding
from thalweg.optimizers.bayesian.gaussian_process import GaussianProcess
from thalweg.rng import generator
from thalweg.space import Box, Categorical, Float, Int, Space


def acquisition(columns, value, n=20):
    """Log expected improvement after n random observations, with length scales of 0.4."""
    embedding, x = Embedding(columns), columns.random(generator(0), n)
    y = value(x)
    y = (y - y.mean()) / y.std()
    theta = np.append(np.full(columns.dim, np.log(0.4)), [0.0, np.log(1e-6)])
    process = GaussianProcess.condition(embedding(x), embedding.column, y, theta)
    return LogExpectedImprovement(process, embedding, float(y.min())), x[np.argsort(y)[:5]]


def test_neighbours_change_one_active_discrete_column():
    columns = Space(
        {
            "kind": Categorical(["a", "b", "c"]),
            "x": Float(0, 1),
            "few": Int(1, 4),
            "many": Int(1, 1000, log=True),
            "grid": Float(0, 1, step=0.25),
            "deep": Int(1, 3, when={"kind": ["c"]}),
        }
    ).columns
    row = np.array([0, 0.3, 2, 5, 0.5, columns.neutral[5]])
    found = neighbours(columns, row)
    assert columns.valid(found).all()
    np.testing.assert_array_equal(found, columns.canonical(found, columns.activity(found)))
    assert ((found != row).sum(axis=1) == 1).all()
    changed = [sorted(found[found[:, j] != row[j], j]) for j in range(6)]
    assert changed == [
        [1, 2],
        [],
        [1, 3, 4],
        [1, 3, 4, 6, 7, 9, 13, 21, 37, 69, 133, 261, 517],
        [0, 0.25, 0.75, 1],
        [],
    ]


def test_a_real_space_has_no_neighbours():
    assert neighbours(Space({"x": Float(0, 1)}).columns, np.array([0.5])).shape == (0, 1)


def test_sobol_points_do_not_depend_on_how_many_are_drawn():
    together = sobol(3, 0, 50, generator(1))
    apart = np.concatenate([sobol(3, first, 7, generator(1)) for first in range(0, 49, 7)])
    np.testing.assert_array_equal(together[:49], apart)


def test_finds_the_best_point_of_a_discrete_space():
    columns = Space({"a": Int(0, 9), "b": Categorical(range(6)), "c": Int(0, 9), "d": Categorical(range(5))}).columns
    function, incumbents = acquisition(columns, lambda x: np.sin(x[:, 0]) + (x[:, 1] - x[:, 3]) ** 2 + x[:, 2] / 5)
    everything = np.array(list(itertools.product(range(10), range(6), range(10), range(5))), dtype=float)
    found = maximize(function, columns, incumbents, generator(5))
    assert function(found[:1])[0] == pytest.approx(function(everything).max())


def test_no_single_change_improves_on_what_it_finds():
    columns = Space({f"c{j}": Categorical(range(8)) if j % 2 else Int(0, 7) for j in range(8)}).columns
    function, incumbents = acquisition(columns, lambda x: np.sin(x).sum(axis=1) + np.cos(x[:, 0] * x[:, 1]), n=40)
    found = maximize(function, columns, incumbents, generator(5))
    assert function(neighbours(columns, found[0])).max() <= function(found[:1])[0]


def test_finds_as_high_a_point_as_a_dense_sample():
    columns = Space(Box(0, 1, dim=3)).columns
    function, incumbents = acquisition(columns, lambda x: np.sin(7 * x).sum(axis=1))
    found = maximize(function, columns, incumbents, generator(5))
    heights = function(found)
    assert heights[0] >= function(columns.random(generator(9), 20_000)).max()
    assert (np.diff(heights) <= 1e-9 * np.abs(heights[1:])).all(), "best first"


def test_serves_conditional_spaces():
    columns = Space(
        {
            "kind": Categorical(["a", "b"]),
            "x": Float(0, 1, when={"kind": ["a"]}),
            "n": Int(0, 9, when={"kind": ["b"]}),
        }
    ).columns
    function, incumbents = acquisition(columns, lambda x: np.where(x[:, 0] == 0, (x[:, 1] - 0.3) ** 2, x[:, 2] / 9))
    found = maximize(function, columns, incumbents, generator(5))
    assert columns.valid(found).all()
    np.testing.assert_array_equal(found, columns.canonical(found, columns.activity(found)))
    assert function(found[:1])[0] >= function(columns.random(generator(9), 5000)).max() - 1e-9
