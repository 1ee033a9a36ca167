"""Spaces: configurations to rows and back, conditions, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thalweg.errors import InvalidSpace
from thalweg.rng import generator
from thalweg.space import Box, Categorical, Float, Int, Space

NESTED = Space(
    {
        "rate": Float(1e-3, 1, log=True, when={"solver": ["sgd"]}),
        "model": Categorical(["linear", "net"]),
        "solver": Categorical(["sgd", "adam"], when={"model": ["net"]}),
        "layers": Int(1, 3, when={"model": ["net"]}),
        "units": Box(0, 64, dim=2, when={"layers": [2, 3]}),
        "c": Float(0, 1, step=0.25),
    }
)


@st.composite
def spaces(draw):
    """Up to six dimensions, of which later ones may depend on earlier ones; in any order."""
    dimensions = {}
    for i in range(draw(st.integers(1, 6))):
        parents = [name for name, one in dimensions.items() if isinstance(one, Categorical | Int)]
        when = None
        if parents and draw(st.booleans()):
            when = {}
            for parent in draw(st.lists(st.sampled_from(parents), min_size=1, max_size=2, unique=True)):
                one = dimensions[parent]
                values = list(one.choices) if isinstance(one, Categorical) else list(range(one.low, one.high + 1))
                when[parent] = draw(st.lists(st.sampled_from(values), min_size=1, unique=True))
        kind = draw(st.sampled_from(["float", "log", "grid", "int", "choice", "box"]))
        dimensions[f"v{i}"] = {
            "float": Float(-1.5, 2, when=when),
            "log": Float(1e-3, 10, log=True, when=when),
            "grid": Float(0, 1, step=0.1, when=when),
            "int": Int(1, 3, when=when),
            "choice": Categorical(["a", None, 3], when=when),
            "box": Box(-1, 1, dim=2, when=when),
        }[kind]
    names = draw(st.permutations(list(dimensions)))
    return Space({name: dimensions[name] for name in names})


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@settings(deadline=None)
@given(spaces(), st.integers(0, 1000))
def test_configurations_and_rows_are_the_same_thing(space, seed):
    x = space.columns.random(generator(seed), 20)
    active = space.columns.activity(x)
    configurations = space.decode(x, active)
    again, mask = space.encode(configurations)
    assert np.array_equal(again, x) and np.array_equal(mask, active)
    assert all(map(same, configurations, space.decode(again)))


@settings(deadline=None)
@given(spaces(), st.integers(0, 1000))
def test_a_parameter_is_there_exactly_when_its_conditions_hold(space, seed):
    for one in space.decode(space.columns.random(generator(seed), 20)):
        for name, dimension in space.dimensions.items():
            holds = all(parent in one and one[parent] in values for parent, values in (dimension.when or {}).items())
            assert (name in one) == holds


@settings(deadline=None)
@given(spaces(), st.integers(0, 1000))
def test_columns_of_values_say_the_same_as_dicts(space, seed):
    x = space.columns.random(generator(seed), 10)
    columns = space.decode_columns(x)
    for i, one in enumerate(space.decode(x)):
        for name, dimension in space.dimensions.items():
            value = columns[name][i]
            if name in one:
                assert np.array_equal(value, one[name])
            elif isinstance(dimension, Categorical):
                assert value is None
            else:
                assert np.isnan(value).all()


def test_children_may_stand_before_their_parents():
    full = {"model": "net", "solver": "sgd", "rate": 0.1, "layers": 2, "units": [3.0, 4.0], "c": 0.25}
    x, active = NESTED.encode([full, {"model": "linear", "c": 1}, {**full, "solver": "adam", "layers": 1, "rate": 5}])
    assert active.sum(axis=1).tolist() == [7, 2, 4]
    decoded = NESTED.decode(x, active)
    assert same(decoded[0], full)
    assert decoded[1] == {"model": "linear", "c": 1.0}
    assert decoded[2] == {"model": "net", "solver": "adam", "layers": 1, "c": 0.25}
    assert NESTED.column_names == ["rate", "model", "solver", "layers", "units[0]", "units[1]", "c"]


def test_a_bare_box_gives_arrays():
    space = Space(Box([0, 0], [1, 2]))
    x, active = space.encode([[0.5, 1.5], np.zeros(2)])
    assert space.bare and active.all()
    assert [point.tolist() for point in space.decode(x)] == [[0.5, 1.5], [0, 0]]
    assert space.encode([])[0].shape == (0, 2)
    assert space.decode_columns(x)["x"].shape == (2, 2)


def test_integers_become_floats_only_where_one_is_missing():
    space = Space({"a": Categorical([0, 1]), "n": Int(1, 5, when={"a": [1]})})
    both = space.decode_columns(np.array([[1.0, 4.0], [0.0, 3.0]]))["n"]
    assert both[0] == 4 and math.isnan(both[1])
    assert space.decode_columns(np.array([[1.0, 4.0]]))["n"].dtype == np.int64


def test_a_space_of_a_space_is_the_same_space():
    assert Space(NESTED).columns is NESTED.columns
    assert Space(NESTED).describe() == NESTED.describe()


def test_descriptions_tell_spaces_apart():
    one = Space({"x": Float(0, 1)}).describe()
    assert one == Space({"x": Float(0, 1)}).describe()
    for other in (Float(0, 2), Float(0, 1, step=0.5), Int(0, 1), Float(0, 1, when={})):
        assert Space({"x": other}).describe() != one


def test_values_next_to_a_grid_point_are_that_point():
    x, _ = Space({"x": Float(0, 1, step=0.1)}).encode([{"x": 0.1 + 0.2}])
    assert x[0, 0] == 0.3


@pytest.mark.parametrize(
    ("dimensions", "text"),
    [
        ({}, "needs at least one dimension"),
        (3, "a space is a dict of names to dimensions, or a Box; got int"),
        ({"x": 3}, "'x': expected a name and a Float, Int, Categorical or Box, got 3"),
        ({1: Float(0, 1)}, "1: expected a name"),
        (Box(0, 1, dim=1, when={"a": [1]}), "cannot have conditions"),
        ({"x": Float(0, 1, when={"a": [1]})}, "'x' depends on 'a', which the space does not have"),
        ({"a": Float(0, 1), "x": Float(0, 1, when={"a": [1]})}, "must be Categorical or Int to be a parent"),
        ({"a": Box(0, 1, dim=1), "x": Float(0, 1, when={"a": [1]})}, "must be Categorical or Int"),
        ({"a": Int(0, 1), "x": Float(0, 1, when={"a": 1})}, "needs a list of values, got 1"),
        (
            {"a": Categorical(["yes"]), "x": Float(0, 1, when={"a": "yes"})},
            "needs a list of values, got 'yes'",
        ),
        ({"a": Int(0, 1), "x": Float(0, 1, when={"a": []})}, "needs a list of values, got []"),
        ({"a": Int(0, 1), "x": Float(0, 1, when={"a": [2]})}, "a=2 lies outside Int"),
        (
            {"a": Categorical(["b"]), "x": Float(0, 1, when={"a": ["c"]})},
            "a='c' is none of the choices ['b']",
        ),
        (
            {"a": Int(0, 1), "x": Float(0, 1, when=["a"])},
            "'x': when= needs a dict of parents and values, got ['a']",
        ),
        ({"a": Int(0, 1, when={"a": [1]})}, "the conditions of 'a' form a cycle"),
        (
            {"a": Int(0, 1, when={"b": [1]}), "b": Int(0, 1, when={"a": [1]}), "c": Int(0, 1)},
            "the conditions of 'a', 'b' form a cycle",
        ),
    ],
)
def test_contradictions_are_refused_in_words(dimensions, text):
    with pytest.raises(InvalidSpace) as caught:
        Space(dimensions)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("configuration", "text"),
    [
        ("net", "expected a dict of parameters, got 'net'"),
        ({"model": "linear", "c": 0, "d": 1}, "unknown parameter d; the space has rate, model"),
        (
            {"model": "net", "solver": "sgd", "layers": 1, "c": 0},
            "the parameter 'rate' is active and missing in",
        ),
        ({"c": 0}, "the parameter 'model' is active and missing"),
        ({"model": "tree", "c": 0}, "model='tree' is none of the choices"),
        ({"model": "linear", "c": 0.3}, "c=0.3 lies outside"),
        ({"model": "linear", "c": "0.5"}, "c='0.5' is no number"),
    ],
)
def test_wrong_configurations_are_refused_by_name(configuration, text):
    with pytest.raises(InvalidSpace) as caught:
        NESTED.encode([{"model": "linear", "c": 0.5}, configuration])
    assert text in str(caught.value)
