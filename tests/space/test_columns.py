"""Columns: the unit cube and back, without favouring an edge; activity, canonical rows and validity."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from thalweg.problem import Candidates
from thalweg.rng import generator
from thalweg.space import Box, Categorical, Float, Int, Space

ALL_KINDS = Space(
    {
        "x": Float(-2, 7),
        "rate": Float(1e-6, 10, log=True),
        "share": Float(0.5, 2.9, step=0.4),
        "n": Int(-3, 4),
        "width": Int(1, 5000, log=True),
        "one": Int(5, 5),
        "kind": Categorical(["a", "b", "c"]),
        "fixed": Float(3, 3),
        "w": Box([-1, 0], [1, 100]),
    }
).columns
cubes = hn.arrays(np.float64, st.tuples(st.integers(1, 4), st.just(ALL_KINDS.dim)), elements=st.floats(0, 1))


def midpoints(n):
    """The middles of n equal parts of the unit interval."""
    return (np.arange(n)[:, None] + 0.5) / n


@given(cubes)
def test_every_point_of_the_cube_is_a_valid_row(u):
    x = ALL_KINDS.from_unit(u)
    assert ALL_KINDS.valid(x).all()
    assert (ALL_KINDS.from_unit(u * 3 - 1)[:, 0] >= -2).all(), "values outside the cube are clipped"


@given(cubes)
def test_rows_come_back_from_the_cube(u):
    x = ALL_KINDS.from_unit(u)
    again = ALL_KINDS.from_unit(ALL_KINDS.to_unit(x))
    discrete = ALL_KINDS.discrete
    assert np.array_equal(again[:, discrete], x[:, discrete])
    np.testing.assert_allclose(again, x, rtol=1e-13, atol=1e-13)


@given(cubes)
def test_points_come_back_from_rows_of_real_columns(u):
    back = ALL_KINDS.to_unit(ALL_KINDS.from_unit(u))
    real = ~ALL_KINDS.discrete & (ALL_KINDS.high > ALL_KINDS.low)
    np.testing.assert_allclose(back[:, real], u[:, real], atol=1e-13)
    assert (back[:, ~ALL_KINDS.discrete & ~real] == 0.5).all()


@pytest.mark.parametrize(
    ("dimension", "levels"),
    [
        (Int(-3, 4), 8),
        (Int(0, 1), 2),
        (Int(7, 7), 1),
        (Categorical([*"abcde"]), 5),
        (Float(0.5, 2.9, step=0.4), 7),
        (Float(0, 1, step=0.3), 4),
        (Float(-1, 1, step=5), 1),
    ],
)
def test_every_discrete_value_owns_an_equal_share_of_the_interval(dimension, levels):
    columns = Space({"x": dimension}).columns
    assert columns.levels.tolist() == [levels]
    values, counts = np.unique(columns.from_unit(midpoints(60 * levels)), return_counts=True)
    assert counts.tolist() == [60] * levels
    if isinstance(dimension, Float):
        np.testing.assert_allclose(values, dimension.low + dimension.step * np.arange(levels))
    else:
        assert values.tolist() == (columns.low[0] + np.arange(levels)).tolist()


@pytest.mark.parametrize(("low", "high"), [(1, 8), (3, 100)])
def test_an_integer_on_a_logarithmic_scale_owns_the_logarithm_of_its_bin(low, high):
    n = 100_000
    values, counts = np.unique(
        Space({"n": Int(low, high, log=True)}).columns.from_unit(midpoints(n)), return_counts=True
    )
    assert values.tolist() == list(range(low, high + 1))
    share = np.log((values + 0.5) / (values - 0.5)) / np.log((high + 0.5) / (low - 0.5))
    assert np.abs(counts - n * share).max() <= 1


def test_a_real_column_on_a_logarithmic_scale_is_uniform_in_its_logarithm():
    x = Space({"rate": Float(1e-4, 1e4, log=True)}).columns.from_unit(midpoints(800))
    np.testing.assert_allclose(np.log10(x), midpoints(800) * 8 - 4, atol=1e-12)


def test_the_ends_of_the_interval_are_the_bounds_exactly():
    bounds = ALL_KINDS.from_unit(np.array([[0.0], [1.0]]) * np.ones(ALL_KINDS.dim))
    assert np.array_equal(bounds, [ALL_KINDS.low, ALL_KINDS.high])


def test_discrete_values_map_to_the_middle_of_their_share():
    columns = Space({"n": Int(0, 4), "kind": Categorical(["x", "y"])}).columns
    np.testing.assert_allclose(columns.to_unit(np.array([[0.0, 0.0], [4.0, 1.0]])), [[0.1, 0.25], [0.9, 0.75]])


def test_to_unit_and_from_unit_do_not_write_to_their_argument():
    u = np.full((1, ALL_KINDS.dim), 0.3)
    u.flags.writeable = False
    x = ALL_KINDS.from_unit(u)
    x.flags.writeable = False
    ALL_KINDS.to_unit(x)


NESTED = Space(
    {
        "leaf": Float(0, 1, when={"b": [2, 3], "a": ["q"]}),
        "b": Int(1, 3, when={"a": ["q", "r"]}),
        "a": Categorical(["p", "q", "r"]),
        "box": Box(-1, 1, dim=2, when={"leaf_kind": [True]}),
        "leaf_kind": Categorical([False, True], when={"b": [1]}),
    }
)


def expected_activity(row):
    """Written out by hand: columns leaf, b, a, box[0], box[1], leaf_kind."""
    _, b, a, _, _, kind = row
    b_on = a in (1, 2)
    kind_on = b_on and b == 1
    box_on = kind_on and kind == 1
    return [b_on and b in (2, 3) and a == 1, b_on, True, box_on, box_on, kind_on]


@given(st.integers(1, 3), st.integers(0, 2), st.integers(0, 1))
def test_activity_follows_nested_conditions(b, a, kind):
    row = [0.5, b, a, 0.1, 0.2, kind]
    assert NESTED.columns.activity(np.array([row])).tolist() == [expected_activity(row)]


def test_inactive_columns_become_neutral_and_equal_configurations_equal_rows():
    columns = NESTED.columns
    x = np.array([[0.9, 3, 0, 0.3, 0.4, 1], [0.1, 2, 0, 0.7, -0.4, 0]])
    canonical = columns.canonical(x, columns.activity(x))
    assert np.array_equal(canonical[0], canonical[1])
    assert canonical[0].tolist() == [0.5, 2, 0, 0, 0, 0]
    assert x[0, 0] == 0.9


def test_neutral_values_are_the_middle_of_the_scale_and_lie_within_bounds():
    neutral = ALL_KINDS.neutral
    assert ALL_KINDS.valid(neutral[None]).all()
    assert neutral[0] == 2.5 and math.isclose(neutral[1], math.sqrt(1e-5)) and neutral[6] == 0
    unbounded = Space(Box([-math.inf, 2, -math.inf, -math.inf], [math.inf, math.inf, -3, 4])).columns
    assert unbounded.neutral.tolist() == [0, 2, -3, 0]
    assert not unbounded.bounded and ALL_KINDS.bounded


@pytest.mark.parametrize(
    ("column", "value"), [(0, 7.001), (0, math.nan), (2, 0.6), (3, 0.5), (3, 5), (6, 3), (6, -1), (4, 0)]
)
def test_invalid_rows_are_found(column, value):
    x = np.tile(ALL_KINDS.neutral, (2, 1))
    x[1, column] = value
    assert ALL_KINDS.valid(x).tolist() == [True, False]


def test_snap_goes_to_the_nearest_point_of_the_grid():
    assert ALL_KINDS.snap(2, np.array([0.0, 0.69, 0.71, 2.8, 99.0])).tolist() == [0.5, 0.5, 0.9, 2.9, 2.9]


def test_random_rows_are_valid_canonical_and_repeatable():
    for columns in (ALL_KINDS, NESTED.columns):
        x = columns.random(generator(3), 200)
        assert columns.valid(x).all()
        assert np.array_equal(x, columns.canonical(x, columns.activity(x)))
        assert np.array_equal(x, columns.random(generator(3), 200))


def test_candidates_at_rows_are_canonical():
    x = np.array([[0.9, 3, 0, 0.3, 0.4, 1]])
    assert Candidates.at(NESTED.columns, x).x.tolist() == [[0.5, 2, 0, 0, 0, 0]]
