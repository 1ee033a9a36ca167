"""Candidates and evaluations as columns."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.problem import Candidates, Evaluations, Status
from thalweg.serial import from_bytes, to_bytes
from thalweg.space import Box, Categorical, Float, Space

COLUMNS = Space({"a": Categorical([0, 1]), "x": Float(0, 1, when={"a": [1]})}).columns


def candidates(n):
    return Candidates.at(COLUMNS, np.tile([1.0, 0.25], (n, 1)), np.arange(n))


def evaluations(value, violation=(), status=None, gradient=None, errors=()):
    value = np.array(value, float).reshape(len(value), -1)
    n = len(value)
    c = np.array(violation, float).reshape(n, -1) if len(violation) else np.empty((n, 0))
    state = np.full(n, Status.COMPLETE) if status is None else np.array(status)
    return Evaluations(candidates(n), value, gradient, c, np.zeros(n), state, dict(errors))


def test_a_parent_gives_its_minibatch():
    made = Candidates.at(COLUMNS, np.zeros((4, 2)), np.array([7, 8, -1, 9]), np.array([-1, 3, -1, 0]))
    assert made.minibatch.tolist() == [7, 3, 0, 0]
    assert made.take(np.s_[1:2]).parent.tolist() == [3]


def test_rows_become_full_candidates():
    made = Candidates.at(COLUMNS, np.array([[0.0, 0.9], [1.0, 0.9]]))
    assert made.x.tolist() == [[0, 0.5], [1, 0.9]] and made.active.tolist() == [[True, False], [True, True]]
    assert made.slot.tolist() == [-1, -1] and made.fidelity.tolist() == [1, 1] and made.parent.tolist() == [-1, -1]
    assert len(Candidates.none(COLUMNS)) == 0 and Candidates.none(COLUMNS).x.shape == (0, 2)


@given(st.lists(st.integers(0, 4), max_size=6))
def test_taking_and_joining_undo_each_other(cuts):
    whole = candidates(5)
    edges = [0, *sorted(cuts), 5]
    parts = [whole.take(slice(a, b)) for a, b in pairwise(edges)]
    assert to_bytes(Candidates.join(*parts)) == to_bytes(whole)


@pytest.mark.parametrize("rows", [slice(1, 3), [2, 1], np.array([False, True, True, False])])
def test_rows_are_taken_by_slice_index_or_mask(rows):
    taken = candidates(4).take(rows)
    assert taken.slot.tolist() == np.arange(4)[rows].tolist()
    told = evaluations([1, 2, 3, 4], status=[1, 2, 1, 3], errors={1: "one", 3: "three"}).take(rows)
    assert told.value[:, 0].tolist() == (np.arange(4)[rows] + 1).tolist()
    assert {told.candidates.slot[row]: text for row, text in told.errors.items()} == {1: "one"}


def test_candidates_can_be_stored():
    back = from_bytes(to_bytes(candidates(3)))
    assert to_bytes(back) == to_bytes(candidates(3))


def test_infeasibility_is_what_is_violated_in_sum():
    told = evaluations([1, 1, 1, np.nan], [[-1, 0], [0.5, -3], [2, 1], [np.nan, np.nan]], status=[1, 1, 1, 2])
    assert told.infeasibility.tolist() == [0, 0.5, 3, np.inf]
    assert told.complete.tolist() == [True, True, True, False]
    assert evaluations([1, np.nan], status=[1, 3]).infeasibility.tolist() == [0, np.inf]


def test_failures_are_made_for_one_reason():
    failed = Evaluations.failed(candidates(2), 3, 1, "no memory", Status.TIMED_OUT, seconds=4.0)
    assert failed.value.shape == (2, 3) and failed.violation.shape == (2, 1) and np.isnan(failed.value).all()
    assert failed.status.tolist() == [3, 3] and failed.cost.tolist() == [2, 2]
    assert failed.errors == {0: "no memory", 1: "no memory"}
    assert len(Evaluations.failed(Candidates.none(COLUMNS), 1, 0, "nothing")) == 0


def test_a_box_shows_one_row_of_activity():
    made = Candidates.at(Space(Box(0, 1, dim=3)).columns, np.zeros((1000, 3)))
    assert made.active.all() and made.active.strides == (0, 0)
