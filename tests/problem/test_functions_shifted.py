"""Moving the optimum of a test function."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import InvalidSettings
from thalweg.problem import functions
from thalweg.problem.functions import shifted

offsets = st.lists(st.floats(-4.0, 4.0), min_size=3, max_size=3)


@given(offset=offsets, point=offsets)
def test_values_and_gradients_move_with_the_offset(offset: list[float], point: list[float]) -> None:
    f = functions.rastrigin(3)
    g = shifted(f, offset)
    x = np.array(point)
    assert f.gradient is not None and g.gradient is not None
    assert g(x) == f(x - offset)
    np.testing.assert_array_equal(g.gradient(x), f.gradient(x - offset))
    np.testing.assert_array_equal(g.minimizers, [offset])
    assert g(offset) == g.optimum == 0.0


@given(offset=offsets)
def test_box_lies_in_the_old_one_and_the_old_function_is_asked_only_there(offset: list[float]) -> None:
    f = functions.rastrigin(3)
    g = shifted(f, offset)
    x = g.space.columns.random(np.random.default_rng(0), 20)
    assert f.space.columns.valid(x).all()
    slack = 1e-12
    assert np.all(np.abs(x - offset) <= 5.12 + slack)
    assert g.space.columns.valid(g.minimizers).all()


def test_only_minimizers_that_stay_inside_are_kept() -> None:
    f = functions.branin()
    g = shifted(f, [1.0, 0.0])
    assert g.optimum is not None
    np.testing.assert_allclose(g.minimizers, [[-np.pi + 1, 12.275], [np.pi + 1, 2.275]])
    np.testing.assert_allclose(g(g.minimizers), g.optimum, rtol=1e-12)


def test_one_number_moves_every_component_and_shifts_add_up() -> None:
    twice = shifted(shifted(functions.sphere(4), 1.0), 0.5)
    np.testing.assert_array_equal(twice.minimizers, np.full((1, 4), 1.5))
    assert twice.name == "shifted-shifted-sphere-4"
    assert twice(np.full(4, 1.5)) == 0.0
    assert pickle.loads(pickle.dumps(twice))(np.zeros(4)) == 9.0


def test_later_changes_of_the_offset_array_change_nothing() -> None:
    offset = np.ones(2)
    g = shifted(functions.sphere(2), offset)
    offset[:] = 5.0
    assert g([1.0, 1.0]) == 0.0


@pytest.mark.parametrize(
    ("make", "offset", "words"),
    [
        (functions.model_selection, 1.0, "function of a Box with one objective; got model-selection"),
        (functions.zdt1, 0.1, "function of a Box with one objective; got zdt1-30"),
        (functions.sphere, [1.0, 2.0], r"one number or 10; got shape \(2,\)"),
        (functions.schwefel, 100.0, "moves every minimizer of schwefel-10 out of its box"),
        (functions.sphere, 50.0, "moves every minimizer of sphere-10 out of its box"),
        (functions.sphere, float("nan"), "moves every minimizer of sphere-10 out of its box"),
    ],
)
def test_impossible_shift_is_refused_in_words(make: object, offset: object, words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        shifted(make(), offset)  # type: ignore[operator, arg-type]
