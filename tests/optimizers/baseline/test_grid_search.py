"""Grid search: every configuration once, against a plain enumeration."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import InvalidSettings
from thalweg.optimizers import GridSearch
from thalweg.problem import Candidates, Problem, evaluate
from thalweg.space import Box, Categorical, Float, Int, Space

NESTED = {
    "leaf": Float(0, 1, when={"b": ["y"]}),  # stands before its parents
    "b": Categorical(["x", "y"], when={"a": ["q", "r"]}),
    "a": Categorical(["p", "q", "r"]),
    "n": Int(1, 3, when={"a": ["r"], "b": ["x"]}),
    "deep": Categorical([True, False], when={"n": [2]}),
    "z": Float(1, 100, log=True),
}
FLAT = {"x": Float(-1, 1), "n": Int(0, 2), "share": Float(0, 1, step=0.25), "kind": Categorical([None, "a"])}


def walk(optimizer, problem, batch):
    """Give all configurations and the stop reason."""
    nothing = Candidates.none(problem.columns)
    state, found = optimizer.init(problem, 0), []
    while not optimizer.stop(state):
        candidates, state = optimizer.ask(state, batch, nothing)
        assert 0 < len(candidates) <= batch
        found += problem.space.decode(candidates.x, candidates.active)
        state = optimizer.tell(state, evaluate(problem, candidates))
    return found, optimizer.stop(state)


def enumerated(space, resolution):
    """Every distinct configuration of the grid, from the full product."""
    columns = Space(space).columns
    values = []
    for j, dimension in enumerate(space.values()):
        if columns.levels[j]:
            step = getattr(dimension, "step", None) or 1
            values.append([columns.low[j] + k * step for k in range(columns.levels[j])])
        elif columns.log[j]:
            values.append(np.geomspace(columns.low[j], columns.high[j], resolution))
        else:
            values.append(np.linspace(columns.low[j], columns.high[j], resolution))
    x = np.array(list(itertools.product(*values)))
    return {str(one) for one in rounded(Space(space).decode(x))}


def rounded(configurations):
    return [
        {name: round(value, 9) if isinstance(value, float) else value for name, value in one.items()}
        for one in configurations
    ]


@pytest.mark.parametrize("space", [NESTED, FLAT])
@pytest.mark.parametrize("batch", [1, 4, 1000])
def test_visits_every_configuration_once(space, batch):
    found, reason = walk(GridSearch(resolution=3), Problem(lambda p: 0.0, space), batch)
    expected = enumerated(space, 3)
    assert len(found) == len(expected)
    assert {str(one) for one in rounded(found)} == expected
    assert reason == f"the grid of {len(expected)} points is exhausted"


@given(
    levels=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    parents=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=5, max_size=5),
)
def test_visits_every_configuration_once_whatever_the_conditions(levels, parents):
    space = {}
    for j, level in enumerate(levels):
        parent, value = parents[j]
        when = {f"c{parent}": [value]} if parent < j and value < levels[parent] else None
        space[f"c{j}"] = Categorical(range(level), when=when)
    space = dict(reversed(space.items()))
    found, _ = walk(GridSearch(), Problem(lambda p: 0.0, space), 7)
    assert len(found) == len({str(one) for one in found})
    assert {str(one) for one in found} == enumerated(space, 1)


def test_begins_at_once_in_a_grid_that_no_memory_could_hold():
    problem = Problem(lambda x: 0.0, Box(0, 1, dim=200))
    optimizer = GridSearch(resolution=10)
    candidates, state = optimizer.ask(optimizer.init(problem, 0), 1000, Candidates.none(problem.columns))
    digits = np.rint(candidates.x * 9).astype(int)
    assert (digits[:, :-3] == 0).all()
    assert (digits[:, -3:] @ [100, 10, 1] == np.arange(1000)).all()
    assert optimizer.stop(state) == ""


def test_proposes_lost_points_again_and_waits_for_pending_ones():
    problem = Problem(lambda x: 0.0, Box(0, 1, dim=1))
    optimizer = GridSearch(resolution=4)
    proposed, state = optimizer.ask(optimizer.init(problem, 0), 4, Candidates.none(problem.columns))
    state = optimizer.tell(state, evaluate(problem, proposed.take([2])))
    assert optimizer.stop(state) == ""
    assert len(optimizer.ask(state, 4, proposed)[0]) == 0
    again, state = optimizer.ask(state, 2, proposed.take([0]))
    assert again.slot.tolist() == [1, 3]
    assert np.array_equal(again.x, proposed.x[[1, 3]])
    state = optimizer.tell(state, evaluate(problem, proposed))
    assert optimizer.stop(state) == "the grid of 4 points is exhausted"


@pytest.mark.parametrize(("resolution", "values"), [(1, [10.0]), (2, [1.0, 100.0]), (3, [1.0, 10.0, 100.0])])
def test_spaces_values_evenly_on_the_searched_scale(resolution, values):
    problem = Problem(lambda p: 0.0, {"rate": Float(1, 100, log=True), "fixed": Float(3, 3)})
    found, _ = walk(GridSearch(resolution), problem, 10)
    assert [one["fixed"] for one in found] == [3.0] * resolution
    assert all(math.isclose(one["rate"], value) for one, value in zip(found, values, strict=True))


def test_refuses_a_resolution_below_one():
    with pytest.raises(InvalidSettings, match="resolution=0, expected at least 1"):
        GridSearch(resolution=0)
