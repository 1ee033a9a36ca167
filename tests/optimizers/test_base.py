"""The contract's helpers: what is refused, and Deb's order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import IncompatibleProblem
from thalweg.optimizers.base import Capabilities, order, require
from thalweg.problem import Need, Problem
from thalweg.space import Box, Categorical, Float, Int


class Picky:
    """Stands in for an optimizer that serves as little as possible."""

    capabilities = Capabilities(
        needs=Need.VALUE | Need.GRADIENT, integers=False, categories=False, conditions=False, unbounded=False
    )


class Simple:
    """Serves one plain box, without gradients."""

    capabilities = Capabilities(integers=False, categories=False, conditions=False)


def zero(x):
    return 0.0


@pytest.mark.parametrize(
    ("optimizer", "problem", "text"),
    [
        (Picky(), Problem(zero, Box(0, 1, dim=1)), "Picky needs gradients: give gradient="),
        (Simple(), Problem(zero, {"n": Int(0, 3)}), "real-valued columns, without integers or steps"),
        (
            Simple(),
            Problem(zero, {"x": Float(0, 1, step=0.5)}),
            "real-valued columns, without integers or steps",
        ),
        (Simple(), Problem(zero, {"k": Categorical([1, 2])}), "without choices"),
        (Simple(), Problem(zero, Box(dim=2)), "finite bounds of every column"),
        (Simple(), Problem(zero, Box(0, 1, dim=2), goal=["minimize"] * 3), "a single objective, got 3"),
        (Simple(), Problem(zero, Box(0, 1, dim=2), constraints=zero), "a problem without constraints"),
    ],
)
def test_says_what_does_not_fit(optimizer, problem, text):
    with pytest.raises(IncompatibleProblem, match=text) as caught:
        require(optimizer, problem)
    assert str(caught.value).endswith("change the problem, or choose another optimizer")


def test_conditions_are_refused_by_name():
    class NoConditions:
        capabilities = Capabilities(conditions=False)

    space = {"a": Categorical([1, 2]), "x": Float(0, 1, when={"a": [1]})}
    with pytest.raises(IncompatibleProblem, match=r"a space without conditions \(when=\)"):
        require(NoConditions(), Problem(zero, space))


def test_what_fits_passes():
    require(Simple(), Problem(zero, Box(0, 1, dim=2)))
    require(Picky(), Problem(zero, Box(0, 1, dim=2), gradient=zero))


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, 2.0, np.nan]), st.sampled_from([0.0, 0.5, 3.0])), max_size=12))
def test_order_is_by_debs_rules(points):
    value = np.array([v for v, _ in points])
    infeasibility = np.array([np.inf if np.isnan(v) else i for v, i in points])
    expected = sorted(
        range(len(points)), key=lambda k: (infeasibility[k], np.inf if np.isnan(value[k]) else value[k], k)
    )
    assert order(value, infeasibility).tolist() == expected
