"""The kinds of variables: values to blocks and back, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import InvalidSpace
from thalweg.space import Box, Categorical, Float, Int, Space

finite = st.floats(-1e9, 1e9).map(lambda value: value + 0.0)  # no bound of −0.0, which no float lies below


@given(bounds=st.tuples(finite, finite).map(sorted), data=st.data())
def test_floats_come_back_exactly(bounds, data):
    values = data.draw(st.lists(st.floats(*bounds), min_size=1, max_size=5))
    dimension = Float(*bounds)
    assert dimension.decode(dimension.encode(values, "x")) == values


@given(bounds=st.tuples(st.integers(-(2**53), 2**53), st.integers(-(2**53), 2**53)).map(sorted), data=st.data())
def test_integers_come_back_exactly(bounds, data):
    values = data.draw(st.lists(st.integers(*bounds), min_size=1, max_size=5))
    dimension = Int(*bounds)
    back = dimension.decode(dimension.encode(values, "n"))
    assert back == values and {type(value) for value in back} == {int}


choices = st.lists(
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers(), max_size=2),
    min_size=1,
    unique_by=repr,
)


@given(choices, st.randoms())
def test_choices_come_back_as_themselves(given_choices, random):
    dimension = Categorical(given_choices)
    values = [random.choice(given_choices) for _ in range(4)]
    back = dimension.decode(dimension.encode(values, "k"))
    assert all(type(one) is type(other) and one == other for one, other in zip(back, values, strict=True))


@given(low=finite, step=st.floats(1e-3, 1e3), levels=st.integers(1, 50), k=st.integers(0, 49))
def test_grid_values_come_back_as_they_print(low, step, levels, k):
    low, step = round(low, 3), round(step, 3)
    space = Space({"x": Float(low, low + (levels - 0.5) * step, step=step)})
    x, _ = space.encode([{"x": low + (k % levels) * step}])
    assert space.columns.valid(x).all()
    assert space.decode(x)[0]["x"] == pytest.approx(low + (k % levels) * step, rel=1e-12, abs=1e-12)


def test_grid_values_are_round_numbers():
    space = Space({"x": Float(0, 1, step=0.1)})
    x = space.columns.from_unit(np.linspace(0, 1, 200)[:, None])
    assert sorted({one["x"] for one in space.decode(x)}) == [
        0.0,
        0.1,
        0.2,
        0.3,
        0.4,
        0.5,
        0.6,
        0.7,
        0.8,
        0.9,
        1.0,
    ]


def test_a_box_spreads_scalars_and_gives_copies():
    box = Box(0, [1, 2, 3])
    assert (box.low, box.high, box.dim) == ((0.0, 0.0, 0.0), (1.0, 2.0, 3.0), 3)
    block = box.encode([[0, 1, 2], np.ones(3)], "w")
    first, _ = box.decode(block)
    first[:] = 9
    assert block.tolist() == [[0, 1, 2], [1, 1, 1]]


def test_a_box_may_be_unbounded_on_any_side():
    box = Box([-math.inf, 0], [5, math.inf])
    assert box.encode([[-1e300, 1e300]], "w").tolist() == [[-1e300, 1e300]]


def test_true_is_not_one_but_one_point_zero_is():
    dimension = Categorical([1, True, "1"])
    assert dimension.encode([True, 1, 1.0, "1", np.int64(1), np.bool_(True)], "k")[:, 0].tolist() == [
        1,
        0,
        0,
        2,
        0,
        1,
    ]


def test_choices_may_be_lists_and_dicts():
    dimension = Categorical([[64, 64], {"a": 1, "b": 2}, None])
    assert dimension.encode([{"b": 2, "a": 1}, None, [64, 64]], "k")[:, 0].tolist() == [1, 2, 0]
    assert dimension.decode(np.array([[0.0]])) == [[64, 64]]


def test_choices_of_a_set_have_the_same_order_in_every_run():
    assert Categorical({"b", "a", "c"}).choices == ("a", "b", "c")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Float(1, 0), "low=1 exceeds high=0; swap them"),
        (lambda: Float(0, math.inf), "bounds must be finite, got inf; only a Box may be unbounded"),
        (lambda: Float(math.nan, 1), "bounds must be finite, got nan"),
        (lambda: Float("0", 1), "bounds must be numbers, got '0'"),
        (lambda: Float(True, 2), "bounds must be numbers, got True"),
        (lambda: Float(0, 1, log=True), "a logarithmic scale needs low > 0"),
        (lambda: Float(0, 1, step=0), "step must be a positive number"),
        (lambda: Float(0, 1, step="big"), "step must be a positive number"),
        (lambda: Float(0, 1, step=math.inf), "step must be a positive number"),
        (lambda: Float(1, 2, log=True, step=0.1), "step and log=True contradict each other"),
        (lambda: Int(0, 2.5), "must be integers; use Float for real numbers"),
        (lambda: Int(3, 1), "swap them"),
        (lambda: Int(0, 9, log=True), "a logarithmic scale needs low ≥ 1"),
        (lambda: Int(0, 2**53 + 2), "not exact; search an exponent instead"),
        (lambda: Categorical([]), "at least one choice, got none"),
        (lambda: Categorical("abc"), "needs a list of choices, got 'abc'"),
        (lambda: Categorical(7), "needs a list of choices, got 7"),
        (lambda: Categorical(["a", "b", "a"]), "has the choice 'a' twice"),
        (lambda: Categorical([1, 1.0]), "twice"),
        (lambda: Categorical([object]), None),
        (lambda: Categorical([{object()}]), "neither hashable nor a JSON value"),
        (lambda: Box(0, 1), "must follow from dim="),
        (lambda: Box([0, 1], [1, 2, 3]), "the same everywhere"),
        (lambda: Box(0, 1, dim=0), "at least 1"),
        (lambda: Box(0, 1, dim=2.5), "dim must be a whole number of components, got 2.5"),
        (lambda: Box("a", 1, dim=2), "the bounds of a Box must be numbers"),
        (lambda: Box(math.inf, math.inf, dim=1), "contradict each other"),
        (lambda: Box([0, 2], [1, 1]), "low=2.0 and high=1.0 contradict each other"),
        (lambda: Box(math.nan, 1, dim=1), "contradict each other"),
        (lambda: Box([[0]], [[1]]), "must follow from"),
    ],
)
def test_contradictions_are_refused_in_words(make, text):
    if text is None:
        make()
        return
    with pytest.raises(InvalidSpace) as caught:
        make()
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("dimension", "value", "text"),
    [
        (Float(0, 1), 1.5, "x=1.5 lies outside Float(low=0, high=1"),
        (Float(0, 1), math.nan, "x=nan lies outside"),
        (Float(0, 1), "0.5", "x='0.5' is no number"),
        (Float(0, 1), None, "x=None is no number"),
        (Float(0, 1), [0.5], "expected one number a configuration"),
        (Float(0, 1, step=0.25), 0.3, "x=0.3 lies outside"),
        (Int(0, 5), 2.5, "x=2.5 lies outside Int"),
        (Int(0, 5), 6, "x=6 lies outside"),
        (Int(0, 5), "two", "x='two' is no number"),
        (Categorical(["a", "b"]), "c", "x='c' is none of the choices ['a', 'b']"),
        (Categorical([1, 2]), True, "x=True is none of the choices"),
        (Box(0, 1, dim=2), [0.5, 2.0], "x=[0.5, 2.0] lies outside Box"),
        (Box(0, 1, dim=2), [0.5], "expected vectors of 2 numbers, got [0.5]"),
        (Box(0, 1, dim=2), "no", "expected vectors of 2 numbers"),
    ],
)
def test_values_outside_are_refused_by_name(dimension, value, text):
    with pytest.raises(InvalidSpace) as caught:
        dimension.encode([value], "x")
    assert text in str(caught.value)


def test_the_first_wrong_value_is_named():
    with pytest.raises(InvalidSpace, match="x='b' is no number"):
        Float(0, 1).encode([0.5, "b", "c"], "x")
    with pytest.raises(InvalidSpace, match="x=7 lies outside"):
        Float(0, 1).encode([0.5, 7, 8], "x")
