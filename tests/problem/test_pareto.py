"""Dominance and hypervolume, beside their definitions."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thalweg.errors import InvalidSettings
from thalweg.problem.functions import dtlz1, dtlz2, zdt1
from thalweg.problem.pareto import hypervolume, non_dominated


def by_definition(points):
    no_worse = np.all(points[None] <= points[:, None], axis=-1)
    better = np.any(points[None] < points[:, None], axis=-1)
    return ~np.any(no_worse & better, axis=1)


def by_inclusion_and_exclusion(points, reference):
    total = 0.0
    for k in range(1, len(points) + 1):
        for chosen in itertools.combinations(points, k):
            edges = np.maximum(reference - np.max(chosen, axis=0), 0)
            total -= (-1) ** k * edges.prod()
    return total


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(0, 40), m=st.integers(1, 4), levels=st.sampled_from([3, 10, 10**6]), seed=st.integers(0, 2**32 - 1)
)
def test_non_dominated_points_are_those_of_the_definition(n, m, levels, seed):
    points = np.random.default_rng(seed).integers(levels, size=(n, m)).astype(float)
    assert np.array_equal(non_dominated(points), by_definition(points))


@pytest.mark.parametrize("m", [2, 3, 4])
def test_non_dominated_points_of_more_than_one_block(m):
    points = np.random.default_rng(0).normal(size=(1500, m))
    points[:900] /= np.linalg.norm(points[:900], axis=1, keepdims=True)
    points = np.concatenate([points, points[::7]])
    assert np.array_equal(non_dominated(points), by_definition(points))


def test_infinite_and_very_large_values_are_compared():
    points = np.array([[0.0, np.inf], [1e308, -1e308], [np.inf, np.inf]])
    assert non_dominated(points).tolist() == [True, True, False]


@settings(max_examples=60, deadline=None)
@given(n=st.integers(0, 7), m=st.integers(1, 5), levels=st.sampled_from([4, 10**6]), seed=st.integers(0, 2**32 - 1))
def test_hypervolume_is_that_of_the_union(n, m, levels, seed):
    points = np.random.default_rng(seed).integers(levels, size=(n, m)) / levels
    reference = np.full(m, 0.8)
    assert hypervolume(points, reference) == pytest.approx(by_inclusion_and_exclusion(points, reference), abs=1e-12)


def test_hypervolume_of_two_objectives_is_the_sum_of_rectangles():
    points = zdt1().front(1000)
    first, second = points.T
    rectangles = (np.append(first[1:], 1.1) - first) @ (1.1 - second)
    assert hypervolume(points[np.random.default_rng(0).permutation(1000)], [1.1, 1.1]) == pytest.approx(rectangles)
    assert rectangles == pytest.approx(1.1**2 - 1 / 3, abs=1e-3)


@pytest.mark.parametrize(
    ("function", "reference", "whole"),
    [(dtlz1(), 0.6, 0.6**3 - 0.5**3 / 6), (dtlz2(), 1.1, 1.1**3 - np.pi / 6)],
    ids=lambda value: getattr(value, "name", None),
)
def test_hypervolume_approaches_what_the_true_front_covers(function, reference, whole):
    covered = [hypervolume(function.front(n), [reference] * 3) for n in (50, 200, 800)]
    assert covered[0] < covered[1] < covered[2] < whole
    assert covered[2] == pytest.approx(whole, rel=0.04)


def test_every_order_of_points_and_objectives_gives_the_same_hypervolume():
    points = np.random.default_rng(0).dirichlet([1.0] * 4, size=20)
    volumes = [
        hypervolume(points[np.random.default_rng(i).permutation(20)][:, list(columns)], [1.0] * 4)
        for i, columns in enumerate(itertools.permutations(range(4)))
    ]
    np.testing.assert_allclose(volumes, volumes[0], rtol=1e-12)


def test_points_beyond_the_reference_and_dominated_ones_add_nothing():
    alone = hypervolume([[0.0, 1.0, 0.0]], [2.0, 2.0, 2.0])
    more = [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0], [-9.0, 2.0, -9.0], [3.0, 0.0, 0.0]]
    assert hypervolume(more, [2.0, 2.0, 2.0]) == alone == 4.0
    assert hypervolume(np.empty((0, 3)), [2.0, 2.0, 2.0]) == 0.0


@pytest.mark.parametrize(
    ("points", "reference", "said"),
    [
        ([1.0, 2.0], [3.0, 3.0], r"got the shapes \(2,\) and \(2,\)"),
        ([[1.0, 2.0]], [3.0], r"got the shapes \(1, 2\) and \(1,\)"),
        ([[1.0, np.nan]], [3.0, 3.0], "without NaN"),
        ([[1.0, 2.0]], [3.0, np.inf], "a finite reference"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(points, reference, said):
    with pytest.raises(InvalidSettings, match=said):
        hypervolume(points, reference)
