"""Checking gradients: right ones pass, wrong ones are named, however badly scaled."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thalweg.errors import InvalidProblem
from thalweg.problem import Minibatches, Problem
from thalweg.problem.check_gradient import check_gradient
from thalweg.problem.functions import ALL
from thalweg.space import Box, Float

SMOOTH = [name for name, make in ALL.items() if make().derivative is not None]


@pytest.mark.parametrize("name", SMOOTH)
def test_right_gradients_pass_anywhere(name):
    f, random = ALL[name](), np.random.default_rng(0)
    for x in f.space.columns.random(random, 15):
        result = check_gradient(f, f.gradient, x)
        certain = result.uncertainty < 1e-6 * np.abs(result.given).max()
        np.testing.assert_allclose(result.measured[certain], result.given[certain], rtol=1e-4, atol=1e-6)
        assert certain.mean() > 0.5


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("error", [1e-3, -2.0])
def test_one_wrong_coordinate_is_named(name, error):
    f, random = ALL[name](), np.random.default_rng(1)
    for x in f.space.columns.random(random, 5):
        right = f.gradient(x)
        i = int(np.argmax(np.abs(right)))

        def wrong(x, i=i, f=f):
            gradient = f.gradient(x)
            gradient[i] *= 1 + error
            return gradient

        with pytest.raises(InvalidProblem, match=rf"^the gradient is wrong in x\[{i}\]: it says"):
            check_gradient(f, wrong, x)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-8, 8), min_size=2, max_size=5), st.floats(-12, 12), st.integers(0, 10**6))
def test_no_false_alarm_on_badly_scaled_functions(exponents, offset, seed):
    """f = 10^offset + Σ of waves and powers, in columns whose units differ by up to 10¹⁶."""
    scale = 10.0 ** np.array(exponents)
    x = np.random.default_rng(seed).normal(size=len(scale)) / scale
    constant = 10.0**offset

    def f(x):
        u = scale * x
        return constant + float((np.sin(u) + u**2 + np.exp(-u)).sum())

    result = check_gradient(f, lambda x: scale * (np.cos(scale * x) + 2 * scale * x - np.exp(-scale * x)), x)
    assert not result.wrong.any()


@pytest.mark.parametrize("x", [[0.0, 0.0], [1e-9, 3.0], [1e6, -1e-3]])
def test_no_false_alarm_in_single_precision(x):
    def f(x):
        return float((np.float32(1.5) * x.astype(np.float32) ** 2 + np.sin(x.astype(np.float32))).sum())

    assert not check_gradient(f, lambda x: 3 * x + np.cos(x), x).wrong.any()


def test_a_coordinate_that_drowns_in_rounding_is_unsure():
    result = check_gradient(lambda x: 1e20 * x[0] ** 2 + 1e-6 * x[1], lambda x: [2e20 * x[0], 1e-6], [1.0, 1.0])
    assert result.unsure == ("x[1]",)
    assert math.isclose(result.measured[0], 2e20, rel_tol=1e-9)


def test_named_parameters_are_named():
    def f(p):
        return p["rate"] ** 3 + p["w"] @ [1.0, 2.0, 3.0]

    right = {"rate": 12.0, "w": np.array([1.0, 2.0, 3.0])}
    x = {"rate": 2.0, "w": np.ones(3)}
    result = check_gradient(f, lambda p: right, x)
    assert result.names == ("rate", "w[0]", "w[1]", "w[2]")
    with pytest.raises(InvalidProblem, match=r"wrong in w\[2\]: it says -3, and differences of the objective say 3$"):
        check_gradient(f, lambda p: right | {"w": np.array([1.0, 2.0, -3.0])}, x)
    with pytest.raises(InvalidProblem, match=r"wrong in rate: it says 6, .* say 12, and in 2 more of 4 coordinates"):
        check_gradient(f, lambda p: {"rate": 6.0, "w": np.array([1.1, 2.2, 3.0])}, x)


def test_takes_a_problem_in_the_sign_of_its_user():
    data = np.arange(12.0)
    problem = Problem(
        lambda p, y: -float(((y - p["a"]) ** 2).mean()),
        {"a": Float(0, 4)},
        gradient=lambda p, y: {"a": 2 * (y - p["a"]).mean()},
        goal="maximize",
        minibatches=Minibatches(data, size=4),
    )
    result = check_gradient(problem)
    np.testing.assert_allclose(result.measured, result.given, rtol=1e-8)
    assert result.given[0] == 2 * (problem.minibatches.at(0)[0] - 2.0).mean()
    with pytest.raises(InvalidProblem, match="wrong in a: it says"):
        check_gradient(Problem(lambda p: p["a"] ** 2, {"a": Float(0, 4)}, gradient=lambda p: {"a": p["a"]}))


def test_takes_vectorized_problems_and_torch():
    f = ALL["rosenbrock"](dim=3)
    x = [0.5, -1.0, 2.0]
    problem = Problem(f, f.space, gradient=f.gradient, vectorized=True)
    np.testing.assert_allclose(check_gradient(problem, x=x).measured, f.gradient(x), rtol=1e-8)
    pytest.importorskip("torch")
    assert not check_gradient(lambda x: (x**3).sum(), "torch", x).wrong.any()


def test_steps_out_of_the_domain_are_left_out():
    result = check_gradient(lambda x: math.log(x[0]), lambda x: 1 / x, [1e-4])
    np.testing.assert_allclose(result.measured, 1e4, rtol=1e-6)
    alone = check_gradient(lambda x: 1.0 if x[0] == 1 else math.nan, lambda x: [5.0], [1.0])
    assert alone.unsure == ("x[0]",) and np.isnan(alone.measured[0])


def test_what_cannot_be_checked_is_refused():
    with pytest.raises(InvalidProblem, match="needs the point x"):
        check_gradient(lambda x: 0.0, lambda x: x)
    with pytest.raises(InvalidProblem, match="a function and its gradient, or a Problem that has one"):
        check_gradient(lambda x: 0.0, None, [1.0])
    with pytest.raises(InvalidProblem, match="a function and its gradient, or a Problem that has one"):
        check_gradient(Problem(lambda x: 0.0, Box(dim=1), gradient=lambda x: x), lambda x: x)
    with pytest.raises(InvalidProblem, match=r"cannot be checked at \[1\.\]: the objective is not finite"):
        check_gradient(lambda x: math.nan, lambda x: x, [1.0])
    with pytest.raises(InvalidProblem, match=r"the gradient has shape \(2,\), expected \(1,\)"):
        check_gradient(lambda x: 0.0, lambda x: [1.0, 2.0], [1.0])
